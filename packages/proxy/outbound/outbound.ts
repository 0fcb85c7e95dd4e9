import { formatAddr, setSocketOptions, unmapIp } from '#runtime/net';
import { ignoreLateError } from '../accept/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Backends } from './backends.ts';
import { BytesSessions } from './bytes-sessions.ts';
import { type OutboundConfig, OutboundContext, type OutboundDeps, type Source } from './context.ts';
import { HttpSessions } from './http-sessions.ts';
import { Ingress } from './ingress.ts';
import { isLoopback } from './loopback.ts';
import { Protocols } from './protocols.ts';
import { Targets } from './targets.ts';

/** The outbound half of the proxy: give it accepted sockets. */
export class Outbound {
  /** Discovery, for those who know names and not addresses. */
  readonly targets: Targets;
  readonly #context: OutboundContext;
  readonly #backends: Backends;
  readonly #protocols: Protocols;
  readonly #ingress: Ingress | undefined;

  constructor(config: OutboundConfig, deps: OutboundDeps) {
    const { clients, clock, metrics } = deps;
    this.#context = new OutboundContext(config, deps);
    this.#backends = new Backends(config.backends, deps, clients);
    const compiling = { backends: this.#backends, metrics, clock, hostnames: config.hostnameLabels };
    this.targets = new Targets(config.targets, deps, clients, compiling);
    const http = new HttpSessions(this.#context);
    this.#protocols = new Protocols(this.#context, http, new BytesSessions(this.#context));
    if (config.ingressMode) this.#ingress = new Ingress(this.#context, this.targets, http, this.#protocols);
  }

  accept(socket: Conn): void {
    socket.on('error', ignoreLateError);
    const dst = this.#context.deps.originalDst(socket);
    const ip = unmapIp(socket.remoteAddress ?? '');
    const source: Source = { dst: dst ?? NOWHERE, ip, port: socket.remotePort ?? 0, closed: () => undefined };
    if (!dst) this.#context.refuse(socket, source, 'no-original-destination');
    else if (isLoopback(dst.ip)) this.#context.refuse(socket, source, 'loop', formatAddr(dst.ip, dst.port));
    else {
      setSocketOptions(socket, this.#context.config.accept);
      if (this.#ingress) this.#ingress.accept(socket, source);
      else this.#discover(socket, source);
    }
  }

  stop(): void {
    this.targets.stop();
    this.#backends.stop();
  }

  #discover(socket: Conn, source: Source): void {
    const { dst } = source;
    this.targets.get({ kind: 'address', ...dst }, (target) => {
      if (!target) {
        this.#context.refuse(socket, source, 'connect-timeout', `no discovery for ${formatAddr(dst.ip, dst.port)}`);
        return;
      }
      const held = { ...source, closed: () => target.release() };
      if (socket.destroyed) target.release();
      else if (!target.current) this.#context.refuse(socket, held, 'invalid-policy', target.refused?.detail);
      else this.#protocols.decide(socket, held, target);
    });
  }
}

const NOWHERE = { ip: '', port: 0 };
