import { detectHttp } from '../accept/index.ts';
import type { Conn } from '../tcp/index.ts';
import type { Client, InboundContext } from './context.ts';
import type { HttpSessions } from './http-sessions.ts';
import type { TcpSessions } from './tcp-sessions.ts';

/** Decides what the bytes of a connection are: by the port's policy and, where it leaves that open, by looking. */
export class Protocols {
  readonly #context: InboundContext;
  readonly #http: HttpSessions;
  readonly #tcp: TcpSessions;

  constructor(context: InboundContext, http: HttpSessions, tcp: TcpSessions) {
    this.#context = context;
    this.#http = http;
    this.#tcp = tcp;
  }

  /** `first`: bytes that were read already; `ended`: no others come. */
  decide(socket: Conn, first: Buffer, ended: boolean, client: Client): void {
    switch (client.policy.current.protocol) {
      case 'tls':
      case 'opaque':
        this.#tcp.forward(socket, first, ended, client);
        break;
      case 'http1':
        // Within mesh TLS, HTTP/1 may come as HTTP/2.
        if (client.tls.terminated || ended) this.#detect(socket, first, ended, client);
        else this.#http.serve('http/1', socket, first, client);
        break;
      case 'http2':
      case 'grpc':
        this.#http.serve('http/2', socket, first, client);
        break;
      case 'detect':
        this.#detect(socket, first, ended, client);
        break;
    }
  }

  #detect(socket: Conn, first: Buffer, ended: boolean, client: Client): void {
    const { deps, metrics } = this.#context;
    const { detectTimeoutMs, meta } = client.policy.current;
    const options = { clock: deps.clock, timeoutMs: detectTimeoutMs, first, ended };
    detectHttp(socket, options, (seen, result, seconds) => {
      metrics.detected(meta, client.dst.port, result, seconds);
      if (!seen) {
        socket.destroy();
        client.closed();
      } else if (seen.protocol === 'http/1' || seen.protocol === 'http/2')
        this.#http.serve(seen.protocol, socket, seen.bytes, client);
      // What is malformed here deserves an answer; an empty line before the first request is not even that (RFC 9112 section 2.2).
      else if (client.policy.current.protocol === 'http1' && !seen.ended && !ended)
        this.#http.serve('http/1', socket, seen.bytes, client);
      else this.#tcp.forward(socket, seen.bytes, seen.ended || ended, client);
    });
  }
}
