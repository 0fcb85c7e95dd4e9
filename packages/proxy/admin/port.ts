import { type AdminHandler, AdminServer } from '#runtime/admin';
import { setSocketOptions, unmapIp } from '#runtime/net';
import { terminate } from '#runtime/tls';
import { HELLO_BYTES_MAX } from '#wire/tls-hello';
import { decideTls, peek } from '../accept/index.ts';
import type { Deps } from '../deps.ts';
import { parseIp } from '../discover/index.ts';
import type { Credentials } from '../identity/index.ts';
import { type ClientTls, InboundMetrics, type PortPolicies } from '../inbound/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn } from '../tcp/index.ts';
import type { TlsLabels } from '../telemetry/index.ts';
import { AdminGuard } from './guard.ts';

export interface AdminPortDeps extends Pick<Deps, 'clock' | 'log' | 'metrics'> {
  readonly policies: PortPolicies;
  readonly credentials: Credentials;
}

const NO_BYTES = Buffer.alloc(0);
const PLAIN: ClientTls = { terminated: false, identity: undefined };
const PLAIN_LABELS: TlsLabels = { tls: 'no_identity', no_tls_reason: 'no_tls_from_remote' };
const labels = (identity: string | undefined): TlsLabels => ({ tls: 'true', client_id: identity ?? '' });

/** Accepts admin connections: TLS for our name is terminated, and the port's policy decides who may ask. */
export class AdminPort {
  readonly #server: AdminServer;
  readonly #deps: AdminPortDeps;
  readonly #metrics: InboundMetrics;

  constructor(routes: Readonly<Record<string, AdminHandler>>, deps: AdminPortDeps) {
    this.#server = new AdminServer(routes);
    this.#deps = deps;
    this.#metrics = new InboundMetrics(deps.metrics);
  }

  /** Asks for the port's policy before anyone connects: the first request shall meet it already. */
  watch(port: number): void {
    this.#deps.policies.get(port);
  }

  accept(socket: Conn, port: number): void {
    socket.on('error', () => socket.destroy());
    setSocketOptions(socket, {});
    const options = {
      clock: this.#deps.clock,
      timeoutMs: LIMITS.adminDetectMs,
      bytesMax: HELLO_BYTES_MAX,
      first: NO_BYTES,
    };
    peek(socket, options, decideTls, (result) => {
      if (result.kind === 'broken') return;
      const { credentials } = this.#deps;
      const tls = result.kind === 'decided' && result.value.kind === 'tls' ? result.value.hello : undefined;
      if (!tls) this.#serve(socket, result.bytes, port, PLAIN, PLAIN_LABELS);
      else if (tls.sni !== credentials.serverName || !credentials.certified) socket.destroy();
      else this.#terminate(socket, result.bytes, port);
    });
  }

  #terminate(socket: Conn, bytes: Buffer, port: number): void {
    socket.unshift(bytes);
    const timer = this.#deps.clock.after(LIMITS.handshakeMs, () => socket.destroy());
    terminate(
      socket,
      { context: this.#deps.credentials.context() },
      {
        secured: (secured, identity) => {
          timer.cancel();
          secured.on('error', () => secured.destroy());
          this.#serve(secured, NO_BYTES, port, { terminated: true, identity }, labels(identity));
        },
        failed: (error) => {
          timer.cancel();
          this.#deps.log.info('Connection closed', { error: error.message });
          socket.destroy();
        },
      },
    );
  }

  #serve(socket: Conn, first: Buffer, port: number, tls: ClientTls, tlsLabels: TlsLabels): void {
    const ip = parseIp(unmapIp(socket.remoteAddress ?? ''));
    if (!ip) {
      socket.destroy();
      return;
    }
    const dst = { ip: unmapIp(socket.localAddress ?? ''), port };
    const policy = this.#deps.policies.get(port);
    const guard = new AdminGuard(policy, { ip, tls, tlsLabels, dst }, this.#metrics, this.#deps.clock);
    const source = this.#metrics.source({ dst, tls: tlsLabels, server: policy.current.meta });
    source.scope.opened();
    socket.once('close', () => {
      source.scope.read(socket.bytesRead);
      source.scope.wrote(socket.bytesWritten);
      source.scope.closed('');
      source.release();
      guard.release();
    });
    this.#server.serve(socket, {
      first,
      guard: (request) => guard.check(request),
      answered: (_request, status) => guard.answered(status),
    });
    socket.resume();
  }
}
