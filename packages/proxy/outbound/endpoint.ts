import type { Fault } from '#model/faults';
import type { Deps } from '../deps.ts';
import { type DialTarget, dial } from '../dial/index.ts';
import type { EndpointInfo } from '../discover/index.ts';
import { Connections, type Exchange } from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { EndpointScope, endpointLabels, TcpCounters } from '../telemetry/index.ts';
import { type DialTargetConfig, dialTarget, endpointTls } from './dial-target.ts';

export interface EndpointConfig extends DialTargetConfig {
  readonly idleConnectionsMax: number;
  readonly poolIdleMs: number;
}

/** One address that HTTP/1 requests are sent to: its connections and its metrics. */
export class HttpEndpoint {
  readonly connections: Connections;
  readonly scope: EndpointScope;
  readonly #tcp: TcpCounters;
  readonly #target: DialTarget;
  readonly #deps: Deps;

  constructor(
    info: EndpointInfo,
    authority: string | undefined,
    config: EndpointConfig,
    deps: Deps,
    failed: (exchange: Exchange, fault: Fault) => void,
  ) {
    const labels = endpointLabels(info, authority, endpointTls(info, config.localIps));
    this.#deps = deps;
    this.#target = dialTarget(info, 'http', config);
    this.scope = new EndpointScope(deps.metrics, labels);
    this.#tcp = new TcpCounters(deps.metrics, { ...labels, peer: 'dst' });
    this.connections = new Connections({
      dial: (sink) => dial(this.#target, deps, sink),
      scope: this.#tcp,
      clock: deps.clock,
      shared: deps.http,
      countMax: config.idleConnectionsMax,
      idleMs: config.poolIdleMs,
      failed,
    });
  }

  /** Opens a connection and keeps it for the next request. */
  probe(done: (ok: boolean) => void): void {
    dial(this.#target, this.#deps, {
      connected: (socket) => {
        this.connections.idle(this.connections.adopt(socket));
        done(true);
      },
      failed: () => done(false),
    });
  }

  close(): void {
    this.connections.close();
    this.scope.release();
    this.#tcp.release();
  }
}

/** One address that connections are passed through to. */
export class TcpEndpoint {
  readonly scope: TcpCounters;
  readonly #target: DialTarget;
  readonly #deps: Deps;

  constructor(info: EndpointInfo, authority: string | undefined, config: EndpointConfig, deps: Deps) {
    this.#deps = deps;
    this.#target = dialTarget(info, 'tcp', config);
    const labels = endpointLabels(info, authority, endpointTls(info, config.localIps));
    this.scope = new TcpCounters(deps.metrics, { ...labels, peer: 'dst' });
  }

  dial(sink: { connected(socket: Conn): void; failed(fault: Fault): void }): () => void {
    return dial(this.#target, this.#deps, sink);
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
