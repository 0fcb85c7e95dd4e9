import { type AdminHandler, AdminServer } from '#runtime/admin';
import { setSocketOptions, unmapIp } from '#runtime/net';
import { terminate } from '#runtime/tls';
import { HELLO_BYTES_MAX } from '#wire/tls-hello';
import { decideTls, peek } from '../accept/index.ts';
import type { Deps } from '../deps.ts';
import { parseIp } from '../discover/index.ts';
import type { Credentials } from '../identity/index.ts';
import { authorize, type ClientTls, type PortPolicies } from '../inbound/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn } from '../tcp/index.ts';

export interface AdminPortDeps extends Pick<Deps, 'clock' | 'log'> {
  readonly policies: PortPolicies;
  readonly credentials: Credentials;
}

/** Accepts admin connections: TLS for our name is terminated, and the port's policy decides who may ask. */
export class AdminPort {
  readonly #server: AdminServer;
  readonly #deps: AdminPortDeps;

  constructor(routes: Readonly<Record<string, AdminHandler>>, deps: AdminPortDeps) {
    this.#server = new AdminServer(routes);
    this.#deps = deps;
  }

  accept(socket: Conn, port: number): void {
    socket.on('error', () => socket.destroy());
    setSocketOptions(socket, {});
    const options = {
      clock: this.#deps.clock,
      timeoutMs: LIMITS.adminDetectMs,
      bytesMax: HELLO_BYTES_MAX,
      first: Buffer.alloc(0),
    };
    peek(socket, options, decideTls, (result) => {
      if (result.kind === 'broken') return;
      const { credentials } = this.#deps;
      const tls = result.kind === 'decided' && result.value.kind === 'tls' ? result.value.hello : undefined;
      if (!tls) this.#serve(socket, result.bytes, port, { terminated: false, identity: undefined });
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
          this.#serve(secured, Buffer.alloc(0), port, { terminated: true, identity });
        },
        failed: (error) => {
          timer.cancel();
          this.#deps.log.info('Connection closed', { error: error.message });
          socket.destroy();
        },
      },
    );
  }

  #serve(socket: Conn, first: Buffer, port: number, tls: ClientTls): void {
    const policy = this.#deps.policies.get(port);
    socket.once('close', () => policy.release());
    const ip = parseIp(unmapIp(socket.remoteAddress ?? ''));
    const { invalid, authorizations } = policy.current;
    if (!ip || invalid !== undefined || !authorize(authorizations, ip, tls)) {
      this.#deps.log.info('Admin connection refused: unauthorized', { 'client.ip': socket.remoteAddress });
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      socket.resume();
      return;
    }
    this.#server.serve(socket, first);
    socket.resume();
  }
}
