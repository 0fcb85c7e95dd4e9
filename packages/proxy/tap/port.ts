import { tap } from '#api/mesh';
import { createGrpcServer, GrpcError, type GrpcServer } from '#runtime/grpc';
import { setSocketOptions } from '#runtime/net';
import { terminate } from '#runtime/tls';
import { HELLO_BYTES_MAX } from '#wire/tls-hello';
import { decideTls, peek } from '../accept/index.ts';
import type { Deps } from '../deps.ts';
import type { Credentials } from '../identity/index.ts';
import { LIMITS } from '../limits.ts';
import type { Conn } from '../tcp/index.ts';
import type { Taps } from './taps.ts';

export interface TapPortDeps extends Pick<Deps, 'clock' | 'log'> {
  readonly credentials: Credentials;
  readonly taps: Taps;
}

const NO_BYTES = Buffer.alloc(0);

/** Accepts those who tap: mesh TLS with one certain identity; everybody else is told that gRPC way. */
export class TapPort {
  readonly #identity: string;
  readonly #deps: TapPortDeps;
  readonly #granted = createGrpcServer();
  readonly #refused = createGrpcServer();
  #connections = 0;

  constructor(identity: string, deps: TapPortDeps) {
    this.#identity = identity;
    this.#deps = deps;
    const { observe } = tap.Tap.method;
    this.#granted.serverStream(observe, (request, stream) => deps.taps.observe(request, stream));
    this.#refused.serverStream(observe, () => {
      throw new GrpcError('UNAUTHENTICATED', `only ${identity} may tap`);
    });
  }

  accept(socket: Conn): void {
    const { clock, credentials } = this.#deps;
    socket.on('error', () => socket.destroy());
    if (this.#connections >= LIMITS.tapConnectionsMax) {
      socket.destroy();
      return;
    }
    this.#connections++;
    socket.once('close', () => this.#connections--);
    setSocketOptions(socket, {});
    const options = { clock, timeoutMs: LIMITS.tapDetectMs, bytesMax: HELLO_BYTES_MAX, first: NO_BYTES };
    peek(socket, options, decideTls, (result) => {
      if (result.kind === 'broken') return;
      const hello = result.kind === 'decided' && result.value.kind === 'tls' ? result.value.hello : undefined;
      socket.unshift(result.bytes);
      if (!hello) this.#serve(socket, undefined);
      else if (hello.sni !== credentials.serverName || !credentials.certified) socket.destroy();
      else this.#terminate(socket);
    });
  }

  /** Ends all calls. */
  async close(): Promise<void> {
    await Promise.all([this.#granted.close(), this.#refused.close()]);
  }

  #terminate(socket: Conn): void {
    const timer = this.#deps.clock.after(LIMITS.handshakeMs, () => socket.destroy());
    terminate(
      socket,
      { context: this.#deps.credentials.context() },
      {
        secured: (secured, identity) => {
          timer.cancel();
          this.#serve(secured, identity);
        },
        failed: (error) => {
          timer.cancel();
          this.#deps.log.info('Tap connection closed', { error: error.message });
          socket.destroy();
        },
      },
    );
  }

  #serve(socket: Conn, identity: string | undefined): void {
    const server: GrpcServer = identity === this.#identity ? this.#granted : this.#refused;
    if (server === this.#refused)
      this.#deps.log.info('Tap refused', { 'client.ip': socket.remoteAddress, 'client.id': identity });
    server.accept(socket);
    socket.resume();
  }
}
