import { detectTls, terminateMesh } from '../accept/index.ts';
import type { Conn } from '../tcp/index.ts';
import { type Accepted, type InboundContext, NO_BYTES, NOT_TLS } from './context.ts';
import type { Protocols } from './protocols.ts';
import type { TcpSessions } from './tcp-sessions.ts';

/** Connections to the application's own ports, which iptables redirected. */
export class Redirected {
  readonly #context: InboundContext;
  readonly #protocols: Protocols;
  readonly #tcp: TcpSessions;

  constructor(context: InboundContext, protocols: Protocols, tcp: TcpSessions) {
    this.#context = context;
    this.#protocols = protocols;
    this.#tcp = tcp;
  }

  /** `first`: bytes that were read already. */
  accept(socket: Conn, first: Buffer, from: Accepted): void {
    const { config, deps } = this.#context;
    const policy = deps.policies.get(from.dst.port);
    const client = { ...from, policy, closed: () => policy.release() };
    if (policy.current.protocol === 'opaque') {
      // Not even TLS is looked for: who speaks first is unknown.
      const tlsLabels = { tls: 'no_identity', no_tls_reason: 'port_skipped' } as const;
      this.#tcp.forward(socket, first, false, { ...client, tls: NOT_TLS, tlsLabels });
      return;
    }
    detectTls(socket, { clock: deps.clock, timeoutMs: config.detectTimeoutMs, first }, (seen) => {
      switch (seen.kind) {
        case 'hello':
          if (seen.hello.sni === deps.credentials.serverName) {
            this.#terminate(socket, seen.bytes, client);
            break;
          }
          // TLS that is not for us: the application's own, passed on unread.
          this.#tcp.forward(socket, seen.bytes, false, {
            ...client,
            tls: NOT_TLS,
            tlsLabels: { tls: 'opaque', sni: seen.hello.sni ?? '' },
          });
          break;
        case 'plain': {
          const tlsLabels = { tls: 'no_identity', no_tls_reason: 'no_tls_from_remote' } as const;
          this.#protocols.decide(socket, seen.bytes, seen.ended, { ...client, tls: NOT_TLS, tlsLabels });
          break;
        }
        case 'timeout':
          this.#context.refuse(socket, from.addr, 'tls-detect-timeout');
          client.closed();
          break;
        case 'gone':
          socket.destroy();
          client.closed();
          break;
      }
    });
  }

  #terminate(socket: Conn, bytes: Buffer, client: Omit<Parameters<Protocols['decide']>[3], 'tls' | 'tlsLabels'>): void {
    const { clock, credentials } = this.#context.deps;
    const { trustedGateways } = this.#context.config;
    terminateMesh(
      socket,
      { clock, context: credentials.context(), bytes },
      {
        secured: (secured, identity) =>
          this.#protocols.decide(secured, NO_BYTES, false, {
            ...client,
            // Without a transport header nobody can tell what a gateway wrote and what its client.
            tls: {
              terminated: true,
              identity: identity !== undefined && trustedGateways.has(identity) ? undefined : identity,
            },
            tlsLabels: { tls: 'true', client_id: identity ?? '' },
          }),
        failed: (code, detail) => {
          this.#context.refuse(socket, client.addr, code, detail);
          client.closed();
        },
      },
    );
  }
}
