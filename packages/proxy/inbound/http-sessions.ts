import type { SessionProtocol } from '#wire/transport-header';
import { ignoreLateError } from '../accept/index.ts';
import type { ServerPolicy } from '../discover/index.ts';
import { GatewayRouter, type Passage, type ReadyRouter } from '../gateway/index.ts';
import { Http1Server, Http2Server, type HttpSide, STRIP } from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { Errors, type TlsLabels } from '../telemetry/index.ts';
import { Apps } from './apps.ts';
import type { ClientTls } from './authorize.ts';
import { type ClientRouter, ClientsBehindGateway, WithoutForged } from './behind-gateway.ts';
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
    const labels = (current: ServerPolicy, ofClient: TlsLabels) => ({
      dst,
      tls: ofClient,
      server: current.meta,
      kind: current.protocol === 'grpc' ? ('grpc' as const) : ('http' as const),
    });
    const source = metrics.source(labels(policy.current, tlsLabels));
    const held: (() => void)[] = [source.release, client.closed];
    const app = passage ? undefined : this.#apps.hold(dst);
    if (app) held.push(app.release);
    const routerFor = (ofClient: ClientTls, itsLabels: TlsLabels): ClientRouter => {
      let counting: { release: () => void } | undefined;
      const router = new InboundRouter({
        policy: () => policy.current,
        ip: client.ip,
        addr,
        tls: ofClient,
        app: app?.app,
        counts: (current) => {
          counting?.release();
          const made = metrics.requests(labels(current, itsLabels));
          counting = made;
          return made;
        },
        log: this.#context.log,
      });
      return { router, release: () => counting?.release() };
    };
    const info = { ip: addr, port, dst, identity: client.gateway ?? tls.identity, tls: tlsLabels };
    const own =
      client.gateway === undefined
        ? routerFor(tls, tlsLabels)
        : new ClientsBehindGateway(client.gateway, info, routerFor);
    held.push(() => own.release());
    const router = this.#lead(own.router, passage);
    deps.sockets.track(socket);
    source.scope.opened();
    source.scope.read(first.length);
    const options = {
      side: passage ? this.#gatewaySide : this.#side,
      router,
      client: info,
      scope: source.scope,
      // Peers in the mesh learn why; strangers do not.
      explain: info.identity !== undefined,
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

  /** Through the gateway, or to the application, which no forged word of a trusted gateway reaches. */
  #lead(own: ReadyRouter, passage: Passage | undefined): ReadyRouter {
    const { trustedGateways } = this.#context.config;
    if (passage) return new GatewayRouter(own, passage.router);
    return own instanceof InboundRouter && trustedGateways.size > 0 ? new WithoutForged(own, trustedGateways) : own;
  }
}

/** Requests through the gateway pass both halves of the proxy. */
function bothTables(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((strip, id) => strip | b[id]!);
}
