import { Fault, type FaultCode } from '#model/faults';
import type { Log } from '#runtime/log';
import { formatAddr, type KeepaliveOptions, type SocketAddr } from '#runtime/net';
import type { Deps } from '../deps.ts';
import type { MeshClients, Meta } from '../discover/index.ts';
import type { ExchangeObserver, Http2Settings } from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Errors, parentLabels, ScopeCache, TcpCounters, targetLabels } from '../telemetry/index.ts';
import type { BackendsConfig } from './backends.ts';
import type { TargetsConfig } from './targets.ts';

export interface OutboundConfig {
  readonly detectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly accept: KeepaliveOptions;
  /** Tell the application why a request failed. */
  readonly informationalHeaders: boolean;
  /** Requests name their target in `l5d-dst-override`. */
  readonly ingressMode: boolean;
  /** Route metrics tell requests apart by host. */
  readonly hostnameLabels: boolean;
  /** HTTP/2 with the application. */
  readonly http2: Http2Settings;
  readonly backends: BackendsConfig;
  readonly targets: TargetsConfig;
}

export interface OutboundDeps extends Deps {
  readonly clients: MeshClients;
  /** Watch the requests; the list may change. */
  readonly observers: readonly ExchangeObserver[];
}

/** A connection from the application. */
export interface Source {
  readonly dst: SocketAddr;
  readonly ip: string;
  readonly port: number;
  /** Frees what the connection held; called when it is over. */
  readonly closed: () => void;
}

export const NO_BYTES = Buffer.alloc(0);

/** What all parts of the outbound half use. */
export class OutboundContext {
  readonly config: OutboundConfig;
  readonly deps: OutboundDeps;
  readonly log: Log;
  readonly #tcpErrors: Errors;
  readonly #sources = new ScopeCache<TcpCounters>();

  constructor(config: OutboundConfig, deps: OutboundDeps) {
    this.config = config;
    this.deps = deps;
    this.log = deps.log.target('linkerd_app_outbound');
    this.#tcpErrors = new Errors(deps.metrics, 'outbound_tcp_errors_total');
  }

  /** Counts connections to one original destination. */
  source(dst: SocketAddr): { scope: TcpCounters; release: () => void } {
    const key = formatAddr(dst.ip, dst.port);
    const labels = {
      direction: 'outbound',
      peer: 'src',
      ...targetLabels(dst.ip, dst.port),
      tls: 'no_identity',
      no_tls_reason: 'loopback',
    };
    const scope = this.#sources.hold(key, () => new TcpCounters(this.deps.metrics, labels));
    return { scope, release: () => this.#sources.release(key) };
  }

  /** `http/1`, `http/2`, `opaq`, `tls`, or `detect` where the policy leaves it open. */
  countProtocol(protocol: string, parent: Meta): void {
    const labels = { protocol, ...parentLabels(parent) };
    this.deps.metrics.count('outbound_tcp_protocol_connections_total', labels);
  }

  /** Ends a connection that cannot be served, and says why. */
  refuse(socket: Conn, source: Source, code: FaultCode, detail = ''): void {
    this.report(new Fault(code, detail), source);
    socket.destroy();
    source.closed();
  }

  /** Counts a connection that someone ends because of a fault, and says why. */
  report(fault: Fault, source: Pick<Source, 'ip' | 'port'>): void {
    this.#tcpErrors.count(fault.code);
    this.log.info('Connection closed', { error: fault.message, 'client.addr': formatAddr(source.ip, source.port) });
  }
}
