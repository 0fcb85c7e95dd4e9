import type { SessionProtocol } from '#wire/transport-header';
import { ignoreLateError } from '../accept/index.ts';
import type { ServerPolicy } from '../discover/index.ts';
import { GatewayRouter, type Passage } from '../gateway/index.ts';
import { Http1Server, Http2Server, type HttpSide, type Router, STRIP } from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Errors } from '../telemetry/index.ts';
import { Apps } from './apps.ts';
import type { Client, InboundContext } from './context.ts';
import { InboundRouter } from './router.ts';

/** Connections that carry requests for the application, or for names behind the gateway. */
export class HttpSessions {
  readonly #context: InboundContext;
  readonly #side: HttpSide;
  readonly #gatewaySide: HttpSide;
  readonly #apps: Apps;

  constructor(context: InboundContext) {
    const { config, deps } = context;
    const errors = new Errors(deps.metrics, 'inbound_http_errors_total');
    this.#context = context;
    this.#apps = new Apps(context);
    this.#side = {
      shared: deps.http,
      clock: deps.clock,
      random: deps.random,
      strip: { request: STRIP['inbound-request'], response: STRIP['inbound-response'] },
      observers: deps.observers,
      obeyPeerClose: false,
      inFlightMax: config.inFlightMax,
      inFlight: 0,
      failed: (code) => errors.count(code),
    };
    this.#gatewaySide = {
      ...this.#side,
      strip: {
        request: bothTables(STRIP['inbound-request'], STRIP['outbound-request']),
        response: bothTables(STRIP['inbound-response'], STRIP['outbound-response']),
      },
    };
  }

  /** `first`: bytes that were read already. `passage`: requests go through the gateway, not to the application. */
  serve(protocol: SessionProtocol, socket: Conn, first: Buffer, client: Client, passage?: Passage): void {
    const { config, deps, metrics } = this.#context;
    const { addr, dst, policy, port, tls, tlsLabels } = client;
    const labels = (current: ServerPolicy) => ({
      dst,
      tls: tlsLabels,
      server: current.meta,
      kind: current.protocol === 'grpc' ? ('grpc' as const) : ('http' as const),
    });
    const source = metrics.source(labels(policy.current));
    const held: (() => void)[] = [source.release, client.closed];
    let counting: { release: () => void } | undefined;
    const counts = (current: ServerPolicy) => {
      counting?.release();
      const made = metrics.requests(labels(current));
      counting = made;
      return made;
    };
    held.push(() => counting?.release());
    const app = passage ? undefined : this.#apps.hold(dst);
    if (app) held.push(app.release);
    const ownRouter = new InboundRouter({
      policy: () => policy.current,
      ip: client.ip,
      addr,
      tls,
      app: app?.app,
      counts,
      log: this.#context.log,
    });
    const router: Router = passage ? new GatewayRouter(ownRouter, passage.router) : ownRouter;
    deps.sockets.track(socket);
    source.scope.opened();
    source.scope.read(first.length);
    const options = {
      side: passage ? this.#gatewaySide : this.#side,
      router,
      client: { ip: addr, port, dst, identity: tls.identity, tls: tlsLabels },
      scope: source.scope,
      // Peers in the mesh learn why; strangers do not.
      explain: tls.identity !== undefined,
      closed: () => {
        deps.drain.remove(server);
        for (const release of held) release();
      },
    };
    const server =
      protocol === 'http/1'
        ? new Http1Server(socket, first, options)
        : new Http2Server(socket, first, {
            ...options,
            settings: config.http2,
            downgrades: true,
            refused: (fault) => this.#context.report(fault, addr),
          });
    socket.off('error', ignoreLateError);
    deps.drain.add(server);
  }
}

/** Requests through the gateway pass both halves of the proxy. */
function bothTables(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((strip, id) => strip | b[id]!);
}
