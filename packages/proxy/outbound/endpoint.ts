import { Fault } from '#model/faults';
import type { ProxyConfig } from '#model/proxy-config';
import type { Deps } from '../deps.ts';
import { type DialTarget, dial } from '../dial/index.ts';
import type { EndpointInfo } from '../discover/index.ts';
import {
  Connections,
  type Exchange,
  goesAsHttp2,
  Http2Connections,
  http2ClientSettings,
  NAMES,
  stripFields,
} from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { EndpointScope, endpointLabels, TcpCounters, transferCost } from '../telemetry/index.ts';
import { type DialTargetConfig, dialTarget, endpointTls, serverIdentity } from './dial-target.ts';

export interface EndpointConfig extends DialTargetConfig {
  readonly idleConnectionsMax: number;
  readonly poolIdleMs: number;
  /** Where discovery says nothing else of an endpoint. */
  readonly http2: Pick<ProxyConfig, 'http2StreamWindow' | 'http2ConnectionWindow'>;
}

/** A connection for an exchange could not be opened, or its endpoint is closing or full. */
export type Failed = (exchange: Exchange, fault: Fault) => void;

/** What the connections of one version of HTTP to one server have in common. */
interface Carrier {
  acquire(exchange: Exchange): void;
  cancel(exchange: Exchange): void;
  close(): void;
}

/** Lost by requests that a gateway gets under another authority. */
const CANONICAL = new Uint8Array(NAMES.size);
CANONICAL[NAMES.idOf('l5d-dst-canonical')] = 1;

/**
 * One address that requests are sent to: its connections and its metrics. Requests of HTTP/2 share few connections, and those of
 * HTTP/1 join them where the server is known to take them so; the others have pooled connections, and some one to themselves.
 */
export class HttpEndpoint {
  readonly info: EndpointInfo;
  readonly scope: EndpointScope;
  readonly #config: EndpointConfig;
  readonly #deps: Deps;
  readonly #failed: Failed;
  readonly #tcp: TcpCounters;
  readonly #identity: string | undefined;
  readonly #upgrades: boolean;
  #http1: Connections | undefined;
  #single: Connections | undefined;
  #http2: Http2Connections | undefined;
  #closed = false;

  constructor(info: EndpointInfo, authority: string | undefined, config: EndpointConfig, deps: Deps, failed: Failed) {
    const labels = endpointLabels(info, authority, endpointTls(info, config.localIps));
    this.info = info;
    this.#config = config;
    this.#deps = deps;
    this.#failed = failed;
    this.#identity = serverIdentity(info, config.localIps);
    this.#upgrades = info.h2 && !config.localIps.includes(info.ip);
    this.scope = new EndpointScope(deps.metrics, labels);
    this.#tcp = new TcpCounters(deps.metrics, { ...labels, peer: 'dst' }, transferCost(deps.metrics, info.locality));
  }

  /** Whether the request would share connections with others. */
  multiplexes(exchange: Exchange): boolean {
    return goesAsHttp2(exchange.request, this.#upgrades);
  }

  /** Why the endpoint is not the one that the client demands. */
  refuses({ requireId }: Exchange): Fault | undefined {
    if (requireId === undefined || requireId === this.#identity) return undefined;
    return new Fault('identity-required', `${requireId}; found ${this.#identity ?? 'no identity'}`);
  }

  acquire(exchange: Exchange): void {
    if (this.#closed) this.#failed(exchange, new Fault('stream-goaway', 'the endpoint is gone'));
    else this.#carrierOf(exchange).acquire(exchange);
  }

  cancel(exchange: Exchange): void {
    this.#carrierOf(exchange).cancel(exchange);
  }

  /** The exchange got a connection: its request takes the form that this endpoint wants. */
  attached(exchange: Exchange): void {
    exchange.scopes.push(this.scope);
    const override = this.info.authorityOverride;
    if (!override) return;
    exchange.request.authority = override.authority;
    stripFields(exchange.request.fields, CANONICAL);
  }

  /** Opens a connection and keeps it for the next request. */
  probe(done: (ok: boolean) => void): void {
    if (this.#closed) done(false);
    else if (this.#http2 || this.#upgrades) this.#shared().probe(done);
    else
      dial(this.#target('http/1'), this.#deps, {
        connected: (socket) => {
          const pool = this.#pooled();
          pool.idle(pool.adopt(socket));
          done(true);
        },
        failed: () => done(false),
      });
  }

  close(): void {
    this.#closed = true;
    this.#http1?.close();
    this.#single?.close();
    this.#http2?.close();
    this.scope.release();
    this.#tcp.release();
  }

  #carrierOf(exchange: Exchange): Carrier {
    if (this.multiplexes(exchange)) return this.#shared();
    const { version, authority } = exchange.request;
    return version === 10 || authority === '' ? this.#alone() : this.#pooled();
  }

  #pooled(): Connections {
    this.#http1 ??= this.#connections(this.#config.idleConnectionsMax);
    return this.#http1;
  }

  /** For requests of HTTP/1.0, or without a host: their servers may rely on the end of the connection. */
  #alone(): Connections {
    this.#single ??= this.#connections(0);
    return this.#single;
  }

  #shared(): Http2Connections {
    if (this.#http2) return this.#http2;
    const target = this.#target('http/2');
    this.#http2 = new Http2Connections({
      dial: (sink) => dial(target, this.#deps, sink),
      scope: this.#tcp,
      clock: this.#deps.clock,
      shared: this.#deps.http,
      settings: http2ClientSettings(this.#config.http2, this.info.http2),
      failed: this.#failed,
    });
    return this.#http2;
  }

  #connections(countMax: number): Connections {
    const target = this.#target('http/1');
    return new Connections({
      dial: (sink) => dial(target, this.#deps, sink),
      scope: this.#tcp,
      clock: this.#deps.clock,
      shared: this.#deps.http,
      countMax,
      idleMs: this.#config.poolIdleMs,
      failed: this.#failed,
    });
  }

  #target(protocol: 'http/1' | 'http/2'): DialTarget {
    return dialTarget(this.info, protocol, this.#config);
  }
}

/** One address that connections are passed through to. */
export class TcpEndpoint {
  readonly scope: TcpCounters;
  readonly #target: DialTarget;
  readonly #deps: Deps;

  constructor(info: EndpointInfo, authority: string | undefined, config: DialTargetConfig, deps: Deps) {
    this.#deps = deps;
    this.#target = dialTarget(info, 'tcp', config);
    const labels = endpointLabels(info, authority, endpointTls(info, config.localIps));
    this.scope = new TcpCounters(deps.metrics, { ...labels, peer: 'dst' }, transferCost(deps.metrics, info.locality));
  }

  /** `client`: for whom, where that is another; told to servers that take a transport header. */
  dial(client: string | undefined, sink: { connected(socket: Conn): void; failed(fault: Fault): void }): () => void {
    const { header } = this.#target;
    const target = header && client !== undefined ? { ...this.#target, header: { ...header, client } } : this.#target;
    return dial(target, this.#deps, sink);
  }

  /** Opens a connection and closes it again. */
  probe(done: (ok: boolean) => void): void {
    dial(this.#target, this.#deps, {
      connected: (socket) => {
        socket.on('error', () => socket.destroy());
        socket.destroy();
        done(true);
      },
      failed: () => done(false),
    });
  }

  close(): void {
    this.scope.release();
  }
}
