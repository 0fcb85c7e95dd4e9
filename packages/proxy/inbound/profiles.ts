import { ResponseClasses } from '#model/classify';
import type { Timer } from '#runtime/clock';
import type { Deps } from '../deps.ts';
import {
  type Cancel,
  keepWatching,
  type MeshClients,
  type Profile,
  type ProfileRoute,
  profileHolds,
  type WatchConfig,
} from '../discover/index.ts';
import { type Exchange, fieldValue, NAMES, Outcome, type RequestScope } from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import { HeadView, hostOf } from '../routes/index.ts';
import { ProfileRouteScope, profileRouteLabels } from '../telemetry/index.ts';

export interface InboundProfilesConfig {
  /** Names that do not end so have no profile; '' is any. */
  readonly suffixes: readonly string[];
  readonly watch: WatchConfig;
  /** How long a profile that no request names is kept. */
  readonly idleMs: number;
  /** How long requests that ended wait to be counted until their profile comes. */
  readonly waitMs: number;
}

const CANONICAL = NAMES.idOf('l5d-dst-canonical');

/**
 * Counts requests that reach the application by the routes of the profile of the service that they are for. Which one that is, the
 * request says; where it goes does not depend on it, and it waits for nothing.
 */
export class InboundProfiles {
  readonly #config: InboundProfilesConfig;
  readonly #deps: Deps & { readonly clients: Pick<MeshClients, 'watchProfile'> };
  readonly #entries = new Map<string, Entry>();
  /** What requests say of themselves, as it came, to what is known of that; most say the same as the last ones. */
  readonly #said = new Map<string, Entry | undefined>();

  constructor(config: InboundProfilesConfig, deps: Deps & { readonly clients: Pick<MeshClients, 'watchProfile'> }) {
    this.#config = config;
    this.#deps = deps;
  }

  /** The request got a connection to the application. */
  attached(exchange: Exchange): void {
    const { fields, authority } = exchange.request;
    const said = fieldValue(fields, CANONICAL) ?? authority;
    let entry = this.#said.get(said);
    if (!entry && !this.#said.has(said)) {
      entry = this.#entryOf(said);
      if (this.#said.size >= LIMITS.inboundProfilesMax) this.#said.clear();
      this.#said.set(said, entry);
    }
    entry?.count(exchange);
  }

  stop(): void {
    for (const entry of this.#entries.values()) entry.stop();
    this.#entries.clear();
    this.#said.clear();
  }

  #entryOf(said: string): Entry | undefined {
    const name = this.#nameOf(said);
    if (name === undefined) return undefined;
    let entry = this.#entries.get(name);
    if (!entry && this.#entries.size < LIMITS.inboundProfilesMax) {
      entry = new Entry(name, this.#config, this.#deps, () => {
        this.#entries.delete(name);
        this.#said.clear();
      });
      this.#entries.set(name, entry);
    }
    return entry;
  }

  /** `web.a.svc.cluster.local:80`; undefined: it names no service. */
  #nameOf(authority: string): string | undefined {
    const host = hostOf(authority);
    const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(host) && !/^[\d.]+$/.test(host);
    if (!isName || !this.#config.suffixes.some((suffix) => suffix === '' || host.endsWith(`.${suffix}`)))
      return undefined;
    return `${host}:${/:(\d{1,5})$/.exec(authority)?.[1] ?? 80}`;
  }
}

/** A request that ended before its profile came. */
interface Waiting {
  readonly method: string;
  readonly path: string;
  readonly outcome: Outcome;
}

interface CountedRoute {
  readonly route: ProfileRoute | undefined;
  readonly classes: ResponseClasses;
  readonly scope: ProfileRouteScope;
}

/** The profile of one name, watched while requests name it and a little longer. */
class Entry {
  readonly #name: string;
  readonly #config: InboundProfilesConfig;
  readonly #deps: Deps;
  readonly #forget: () => void;
  readonly #cancel: Cancel;
  #routes: CountedRoute[] | undefined;
  /** For requests that no route takes; undefined while there are no routes at all. */
  #others: CountedRoute | undefined;
  #waiting: Waiting[] | undefined = [];
  #usedMs: number;
  #idle: Timer;
  readonly #patience: Timer;

  constructor(
    name: string,
    config: InboundProfilesConfig,
    deps: Deps & { readonly clients: Pick<MeshClients, 'watchProfile'> },
    forget: () => void,
  ) {
    this.#name = name;
    this.#config = config;
    this.#deps = deps;
    this.#forget = forget;
    this.#usedMs = deps.clock.nowMs();
    this.#idle = deps.clock.after(config.idleMs, () => this.#lookIdle());
    this.#patience = deps.clock.after(config.waitMs, () => {
      this.#waiting = undefined;
    });
    this.#cancel = keepWatching<Profile>(
      (sink) => deps.clients.watchProfile(name, sink),
      config.watch,
      {
        value: (profile) => this.#take(profile),
        refused: () => {
          this.#waiting = undefined;
        },
      },
      deps,
    );
  }

  count(exchange: Exchange): void {
    this.#usedMs = this.#deps.clock.nowMs();
    if (!this.#others && !this.#waiting) return;
    const { method, path } = new HeadView(exchange.request);
    const found = this.#routeOf(method, path);
    if (found) {
      exchange.outcome.classes = found.classes;
      exchange.scopes.push(found.scope);
    } else if (this.#waiting) exchange.scopes.push(new LateScope((outcome) => this.#late({ method, path, outcome })));
  }

  stop(): void {
    this.#idle.cancel();
    this.#patience.cancel();
    this.#cancel();
    this.#release();
  }

  #late(one: Waiting): void {
    const found = this.#routeOf(one.method, one.path);
    if (found) {
      found.scope.started();
      found.scope.ended(one.outcome);
    } else if (this.#waiting && this.#waiting.length < LIMITS.inboundProfileWaitingMax)
      // Outcomes are used again for the next request.
      this.#waiting.push({ ...one, outcome: Object.assign(new Outcome(), one.outcome) });
  }

  #take(profile: Profile): void {
    this.#release();
    const hasRoutes = profile.fqn !== '' && profile.routes.length > 0;
    this.#routes = hasRoutes ? profile.routes.map((route) => this.#counted(route)) : undefined;
    this.#others = hasRoutes ? this.#counted(undefined) : undefined;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    if (hasRoutes) for (const one of waiting) this.#late(one);
  }

  #counted(route: ProfileRoute | undefined): CountedRoute {
    const classes = new ResponseClasses(route?.classes ?? []);
    const labels = profileRouteLabels('inbound', this.#name, route?.labels ?? {});
    return { route, classes, scope: new ProfileRouteScope(this.#deps.metrics, labels, classes) };
  }

  #routeOf(method: string, path: string): CountedRoute | undefined {
    return this.#routes?.find(({ route }) => route && profileHolds(route.condition, method, path)) ?? this.#others;
  }

  #release(): void {
    for (const { scope } of this.#routes ?? []) scope.release();
    this.#others?.scope.release();
  }

  #lookIdle(): void {
    const leftMs = this.#usedMs + this.#config.idleMs - this.#deps.clock.nowMs();
    if (leftMs > 0) this.#idle = this.#deps.clock.after(leftMs, () => this.#lookIdle());
    else {
      this.#forget();
      this.stop();
    }
  }
}

/** Keeps how a request ended until it is known which route it took. */
class LateScope implements RequestScope {
  readonly #ended: (outcome: Outcome) => void;

  constructor(ended: (outcome: Outcome) => void) {
    this.#ended = ended;
  }

  started(): void {
    // Counted when the route is known.
  }
  requestFrame(): void {
    // Routes of profiles do not count frames.
  }
  responseFrame(): void {
    // As above.
  }
  ended(outcome: Outcome): void {
    this.#ended(outcome);
  }
}
