import type { Fault } from '#model/faults';
import { clientOf, dropForged, type ReadyRouter } from '../gateway/index.ts';
import type { ClientInfo, Exchange, Plan } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import type { TlsLabels } from '../telemetry/index.ts';
import type { ClientTls } from './authorize.ts';

/** Decides about the requests of one client. */
export interface ClientRouter {
  readonly router: ReadyRouter;
  /** Frees what counts them. */
  release(): void;
}

interface KnownClient extends ClientRouter {
  readonly info: ClientInfo;
}

/**
 * Requests on the connection of a trusted gateway: each is decided about by who the gateway says asks, which is also what the
 * application, metrics, logs and rate limits see. Where the gateway does not say it, nobody is known to ask.
 */
export class ClientsBehindGateway implements ReadyRouter, ClientRouter {
  readonly #gateway: string;
  readonly #connection: ClientInfo;
  readonly #routerFor: (tls: ClientTls, labels: TlsLabels) => ClientRouter;
  /** Those seen last, the latest at the end; '' is nobody. */
  readonly #clients = new Map<string, KnownClient>();
  #last: { readonly identity: string | undefined; readonly client: KnownClient } | undefined;

  constructor(gateway: string, connection: ClientInfo, routerFor: (tls: ClientTls, labels: TlsLabels) => ClientRouter) {
    this.#gateway = gateway;
    this.#connection = connection;
    this.#routerFor = routerFor;
  }

  get router(): ReadyRouter {
    return this;
  }

  route(exchange: Exchange): Plan | Fault {
    const identity = clientOf(exchange.request.fields, this.#gateway);
    if (this.#last?.identity !== identity || !this.#last)
      this.#last = { identity, client: this.#clientCalled(identity) };
    const { info, router } = this.#last.client;
    exchange.client = info;
    return router.route(exchange);
  }

  release(): void {
    for (const client of this.#clients.values()) client.release();
    this.#clients.clear();
  }

  #clientCalled(identity: string | undefined): KnownClient {
    const key = identity ?? '';
    const known = this.#clients.get(key);
    this.#clients.delete(key);
    const client = known ?? this.#meet(identity);
    this.#clients.set(key, client);
    return client;
  }

  #meet(identity: string | undefined): KnownClient {
    if (this.#clients.size >= LIMITS.gatewayClientsMax) this.#forgetFirst();
    const tls: TlsLabels = { tls: 'true', client_id: identity ?? '' };
    return {
      ...this.#routerFor({ terminated: true, identity }, tls),
      info: { ...this.#connection, identity, tls },
    };
  }

  #forgetFirst(): void {
    for (const [key, client] of this.#clients) {
      this.#clients.delete(key);
      client.release();
      return;
    }
  }
}

/** Requests of all other clients: what they write as if it came from a trusted gateway does not reach the application. */
export class WithoutForged implements ReadyRouter {
  readonly #inner: ReadyRouter;
  readonly #gateways: ReadonlySet<string>;

  constructor(inner: ReadyRouter, gateways: ReadonlySet<string>) {
    this.#inner = inner;
    this.#gateways = gateways;
  }

  route(exchange: Exchange): Plan | Fault {
    dropForged(exchange.request.fields, this.#gateways);
    return this.#inner.route(exchange);
  }
}
