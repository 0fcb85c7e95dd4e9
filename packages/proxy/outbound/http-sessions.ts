import { ignoreLateError } from '../accept/index.ts';
import { Http1Server, Http2Server, type HttpSide, type Router, STRIP } from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Errors } from '../telemetry/index.ts';
import type { OutboundContext, Source } from './context.ts';

/** Connections on which the application sends requests. */
export class HttpSessions {
  readonly #context: OutboundContext;
  readonly #side: HttpSide;

  constructor(context: OutboundContext) {
    const { config, deps } = context;
    const errors = new Errors(deps.metrics, 'outbound_http_errors_total');
    this.#context = context;
    this.#side = {
      shared: deps.http,
      clock: deps.clock,
      random: deps.random,
      strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
      observers: deps.observers,
      obeyPeerClose: true,
      inFlightMax: config.inFlightMax,
      inFlight: 0,
      failed: (code) => errors.count(code),
    };
  }

  /** `first`: bytes that were read already. */
  serve(protocol: 'http/1' | 'http/2', socket: Conn, first: Buffer, source: Source, router: Router): void {
    const { config, deps } = this.#context;
    const { dst, ip, port } = source;
    const counted = this.#context.source(dst);
    deps.sockets.track(socket);
    counted.scope.opened();
    counted.scope.read(first.length);
    const options = {
      side: this.#side,
      router,
      client: { ip, port, dst, identity: undefined, tls: { tls: 'no_identity', no_tls_reason: 'loopback' } as const },
      scope: counted.scope,
      explain: config.informationalHeaders,
      closed: () => {
        deps.drain.remove(server);
        counted.release();
        source.closed();
      },
    };
    const server =
      protocol === 'http/1'
        ? new Http1Server(socket, first, options)
        : new Http2Server(socket, first, {
            ...options,
            settings: config.http2,
            downgrades: false,
            refused: (fault) => this.#context.report(fault, source),
          });
    socket.off('error', ignoreLateError);
    deps.drain.add(server);
  }
}
