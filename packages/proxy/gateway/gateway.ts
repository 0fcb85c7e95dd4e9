import { Fault } from '#model/faults';
import type { Log } from '#runtime/log';
import type { Random } from '#runtime/random';
import type { Exchange, Plan } from '../http/index.ts';
import {
  connectBytes,
  isWithin,
  OutboundRouter,
  type Target,
  type Targets,
  type TcpAttempt,
} from '../outbound/index.ts';
import { forwardedBy, isForwardedBy } from './forwarded.ts';
import type { Gateway, Passage, ReadyRouter } from './passage.ts';

export interface GatewayConfig {
  /** Names that end so may be asked for; '' is any. */
  readonly suffixes: readonly string[];
  /** Our own identity. */
  readonly identity: string;
}

export interface GatewayDeps {
  readonly targets: Targets;
  readonly random: Random;
  readonly log: Log;
}

/** Passages to names under some suffixes, by the profiles that this cluster has for them. */
export class ProfileGateway implements Gateway {
  readonly #config: GatewayConfig;
  readonly #deps: GatewayDeps;

  constructor(config: GatewayConfig, deps: GatewayDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  open(target: { name: string; port: number }, clientId: string, ready: (passage: Passage) => void): void {
    const host = target.name.toLowerCase().replace(/\.$/, '');
    const { port } = target;
    const { suffixes, identity } = this.#config;
    if (!suffixes.some((suffix) => isWithin(host, suffix))) {
      ready(new Refusal(() => new Fault('bad-gateway-domain', host)));
      return;
    }
    if (clientId === identity) {
      ready(new Refusal(() => new Fault('gateway-loop', `${host} was asked for by this gateway`)));
      return;
    }
    this.#deps.targets.get({ kind: 'gateway', host, port }, (found) => {
      if (found)
        ready(new TargetPassage(found, port === 80 ? host : `${host}:${port}`, clientId, identity, this.#deps));
      else ready(new Refusal(() => new Fault('connect-timeout', `no discovery for ${host}:${port}`)));
    });
  }
}

/** A passage that there is not. */
class Refusal implements Passage, ReadyRouter {
  readonly #fault: () => Fault;

  constructor(fault: () => Fault) {
    this.#fault = fault;
  }

  get router(): ReadyRouter {
    return this;
  }
  route(): Fault {
    return this.#fault();
  }

  connect = (attempt: TcpAttempt): (() => void) => {
    attempt.failed(this.#fault());
    return () => undefined;
  };

  release(): void {
    // Nothing was held.
  }
}

/** The way to one name. */
class TargetPassage implements Passage, ReadyRouter {
  readonly #target: Target;
  readonly #onward: OutboundRouter;
  readonly #authority: string;
  readonly #clientId: string;
  readonly #identity: string;
  readonly #random: Random;

  constructor(target: Target, authority: string, clientId: string, identity: string, deps: GatewayDeps) {
    this.#target = target;
    this.#onward = new OutboundRouter(target);
    this.#authority = authority;
    this.#clientId = clientId;
    this.#identity = identity;
    this.#random = deps.random;
  }

  get router(): ReadyRouter {
    return this;
  }

  route(exchange: Exchange): Plan | Fault {
    const { request } = exchange;
    if (isForwardedBy(request.fields, this.#identity)) return new Fault('gateway-loop', this.#authority);
    request.fields.push(forwardedBy({ by: this.#identity, client: this.#clientId, host: request.authority }));
    request.authority = this.#authority;
    return this.#onward.route(exchange);
  }

  connect = (attempt: TcpAttempt): (() => void) => {
    const { current, refused } = this.#target;
    if (current) return connectBytes(current, this.#random, { ...attempt, client: this.#clientId });
    attempt.failed(refused ?? new Fault('bad-gateway-domain', this.#authority));
    return () => undefined;
  };

  release(): void {
    this.#target.release();
  }
}
