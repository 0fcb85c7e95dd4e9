import type { Field, RequestHead } from '#wire/fields';
import { LIMITS } from '../limits.ts';
import type { ClientInfo, Downstream } from './contract.ts';
import { Exchange, type HttpSide, type Plan, type Upstream } from './exchange.ts';
import type { KeptBody } from './kept-body.ts';

/**
 * A copy of a request on its way to a server whose response nobody reads. It never touches the request that it copies: bodies are
 * shared by reference, and a copy that cannot keep up is broken off.
 */
export class Mirror {
  readonly #exchange: Exchange;
  readonly #plan: Plan;
  /** Reasons not to send more of the body. */
  #pauses = 0;

  constructor(side: HttpSide, client: ClientInfo, target: Upstream) {
    this.#exchange = new Exchange(shadowOf(side), this.#nobody(client), false);
    this.#plan = {
      timeouts: { requestMs: LIMITS.mirrorMs },
      retry: undefined,
      allowsRequestHeaders: false,
      dispatch(exchange) {
        exchange.upstream = target;
        return undefined;
      },
    };
  }

  /** `sofar`: what came of the body before; `end`: that is all of it. */
  begin(head: RequestHead, sofar: KeptBody, end: boolean): void {
    const { bytes, trailers } = sofar;
    const isWhole = end && bytes === 0 && trailers === undefined;
    this.#exchange.begin(head, isWhole, { route: () => this.#plan });
    sofar.sendTo(this);
    if (end && !isWhole) this.end(trailers);
  }

  /** Octets of its own that wait to be sent again. */
  get keptBytes(): number {
    return this.#exchange.keptBytes;
  }

  /** True: a copy never holds its request back. */
  data(buf: Uint8Array, start: number, end: number): boolean {
    if (this.#pauses === 0) this.#exchange.data(buf, start, end);
    else this.cut();
    return true;
  }

  end(trailers: readonly Field[] | undefined): void {
    this.#exchange.end(trailers?.slice());
  }

  cut(): void {
    this.#exchange.abort('client-gone');
  }

  /** Takes the response and lets it fall. */
  #nobody(client: ClientInfo): Downstream {
    return {
      version: 11,
      client,
      informational: nothing,
      respond: nothing,
      data: () => true,
      end: nothing,
      reset: nothing,
      pause: (reason) => {
        this.#pauses |= reason;
      },
      resume: (reason) => {
        this.#pauses &= ~reason;
      },
      closeConnection: nothing,
      done: nothing,
    };
  }
}

function nothing(): void {
  // What becomes of a copy concerns nobody.
}

const SHADOWS = new WeakMap<HttpSide, HttpSide>();

/** Copies are not counted, logged or traced as requests, and have a bound of their own. */
function shadowOf(side: HttpSide): HttpSide {
  let shadow = SHADOWS.get(side);
  if (!shadow) {
    shadow = { ...side, observers: [], inFlightMax: LIMITS.mirrorsMax, inFlight: 0, failed: nothing };
    SHADOWS.set(side, shadow);
  }
  return shadow;
}
