import { formatAddr, setSocketOptions, unmapIp } from '#runtime/net';
import { ignoreLateError } from '../accept/index.ts';
import { parseIp } from '../discover/index.ts';
import type { Gateway } from '../gateway/index.ts';
import type { Conn } from '../tcp/index.ts';
import { type Accepted, type InboundConfig, InboundContext, type InboundDeps, NO_BYTES } from './context.ts';
import { Direct } from './direct.ts';
import { HttpSessions } from './http-sessions.ts';
import { Protocols } from './protocols.ts';
import { readProxyHeader } from './proxy-header.ts';
import { Redirected } from './redirected.ts';
import { TcpSessions } from './tcp-sessions.ts';

/** The inbound half of the proxy: give it accepted sockets. */
export class Inbound {
  readonly #context: InboundContext;
  readonly #direct: Direct;
  readonly #redirected: Redirected;

  /** `gateway`: takes connections for other names; undefined: there is none. */
  constructor(config: InboundConfig, deps: InboundDeps, gateway?: Gateway) {
    this.#context = new InboundContext(config, deps);
    const tcp = new TcpSessions(this.#context);
    const http = new HttpSessions(this.#context);
    this.#redirected = new Redirected(this.#context, new Protocols(this.#context, http, tcp), tcp);
    this.#direct = new Direct(this.#context, http, tcp, gateway);
  }

  accept(socket: Conn): void {
    const { config, deps } = this.#context;
    socket.on('error', ignoreLateError);
    const dst = deps.originalDst(socket);
    const addr = unmapIp(socket.remoteAddress ?? '');
    const ip = parseIp(addr);
    if (!dst || !ip) {
      this.#context.refuse(socket, addr, 'no-original-destination');
      return;
    }
    setSocketOptions(socket, config.accept);
    const isForeign = config.ips.length > 0 && !config.ips.includes(dst.ip);
    if (isForeign) this.#context.refuse(socket, addr, 'loop', `${formatAddr(dst.ip, dst.port)} is not this pod`);
    else this.#known(socket, { dst, addr, ip, port: socket.remotePort ?? 0 });
  }

  stop(): void {
    this.#context.profiles.stop();
  }

  #known(socket: Conn, from: Accepted): void {
    const { dst, addr } = from;
    const { config } = this.#context;
    if (dst.port === config.directPort) this.#direct.accept(socket, from);
    else if (config.ownPorts.has(dst.port)) this.#context.refuse(socket, addr, 'loop', formatAddr(dst.ip, dst.port));
    else if (config.proxyProtocolPorts.has(dst.port))
      readProxyHeader(socket, this.#context, from, (client, first) => this.#redirected.accept(socket, first, client));
    else this.#redirected.accept(socket, NO_BYTES, from);
  }
}
