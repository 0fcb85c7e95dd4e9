import { Fault, type FaultCode } from '#model/faults';
import type { Log } from '#runtime/log';
import type { KeepaliveOptions, SocketAddr } from '#runtime/net';
import type { Deps } from '../deps.ts';
import type { MeshClients } from '../discover/index.ts';
import type { ExchangeObserver, Http2Settings } from '../http/index.ts';
import type { Credentials } from '../identity/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Errors, type TlsLabels } from '../telemetry/index.ts';
import type { LocalAppConfig } from './app.ts';
import type { ClientTls } from './authorize.ts';
import { InboundMetrics } from './metrics.ts';
import type { PortPolicies, PortPolicy } from './port-policies.ts';
import { InboundProfiles, type InboundProfilesConfig } from './profiles.ts';

export interface InboundConfig {
  /** Own addresses; empty: any original destination is accepted. */
  readonly ips: readonly string[];
  /** Ports of the proxy itself: connections must not be sent there. */
  readonly ownPorts: ReadonlySet<number>;
  /** Connections meant for this port come from proxies, with a transport header. */
  readonly directPort: number;
  /**
   * Identities of gateways of this cluster that are believed for whom they pass things on. They never speak for themselves: where it cannot
   * be told for whom, the client has no identity.
   */
  readonly trustedGateways: ReadonlySet<string>;
  /** Connections meant for these begin with a PROXY protocol header. */
  readonly proxyProtocolPorts: ReadonlySet<number>;
  readonly detectTimeoutMs: number;
  readonly inFlightMax: number;
  /** Endpoint metrics carry the label `authority`, which clients choose. */
  readonly authorityLabels: boolean;
  readonly accept: KeepaliveOptions;
  readonly http2: Http2Settings;
  readonly app: LocalAppConfig;
  readonly profiles: InboundProfilesConfig;
}

export interface InboundDeps extends Deps {
  readonly policies: PortPolicies;
  readonly credentials: Credentials;
  readonly clients: Pick<MeshClients, 'watchProfile'>;
  /** Watch the requests; the list may change. */
  readonly observers: readonly ExchangeObserver[];
}

/** A connection that was accepted, before anything was read of it. */
export interface Accepted {
  readonly dst: SocketAddr;
  /** Where it comes from: as text, as 16 bytes, and the port. */
  readonly addr: string;
  readonly ip: Uint8Array;
  readonly port: number;
}

/** A connection from a client, as far as it is known. */
export interface Client extends Accepted {
  readonly policy: PortPolicy;
  readonly tls: ClientTls;
  readonly tlsLabels: TlsLabels;
  /** The trusted gateway whose HTTP this connection carries: each request is of whom it names. */
  readonly gateway?: string;
  /** Frees what the connection held; called when it is over. */
  readonly closed: () => void;
}

export const NOT_TLS: ClientTls = { terminated: false, identity: undefined };
export const NO_BYTES = Buffer.alloc(0);

/** What all parts of the inbound half use. */
export class InboundContext {
  readonly config: InboundConfig;
  readonly deps: InboundDeps;
  readonly log: Log;
  readonly metrics: InboundMetrics;
  readonly profiles: InboundProfiles;
  readonly #tcpErrors: Errors;

  constructor(config: InboundConfig, deps: InboundDeps) {
    this.config = config;
    this.deps = deps;
    this.log = deps.log.target('linkerd_app_inbound');
    this.metrics = new InboundMetrics(deps.metrics, config.authorityLabels);
    this.profiles = new InboundProfiles(config.profiles, deps);
    this.#tcpErrors = new Errors(deps.metrics, 'inbound_tcp_errors_total');
  }

  /** Ends a connection that cannot be served, and says why. */
  refuse(socket: Conn, addr: string, code: FaultCode, detail = ''): void {
    this.report(new Fault(code, detail), addr);
    socket.destroy();
  }

  /** Counts a connection that someone ends because of a fault, and says why. */
  report(fault: Fault, addr: string): void {
    this.#tcpErrors.count(fault.code);
    this.log.info('Connection closed', { error: fault.message, 'client.addr': addr });
  }
}
