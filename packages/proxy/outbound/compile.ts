import type { EwmaConfig } from '#model/balance';
import { ResponseClasses } from '#model/classify';
import { ProfileRetry, type RetryBudget, RetryPolicy } from '#model/retry';
import type { Clock } from '#runtime/clock';
import {
  type Backend,
  type BreakerPolicy,
  type Distribution,
  defaultMeta,
  type HostMatch,
  type HttpFilter,
  type HttpPolicy,
  type Meta,
  type OutboundOpaqueRoute,
  type OutboundPolicy,
  type OutboundRule,
  type Profile,
  type ProfileRoute,
} from '../discover/index.ts';
import {
  type BalancerFamily,
  ByName,
  backendLabels,
  type Metrics,
  OutboundBackendScope,
  OutboundRouteScope,
  ProfileRouteScope,
  parentLabels,
  profileRouteLabels,
  type RouteKind,
} from '../telemetry/index.ts';
import type { Backends, Held, HttpBackend } from './backends.ts';
import { type Choice, OutboundPlan } from './plan.ts';
import { PolicyRouting, ProfileRouting, RefusingRouting, type Routing } from './routing.ts';
import type { TcpBackend } from './tcp-backend.ts';

/** A profile that takes the place of a policy's routes. */
export interface OverridingProfile {
  readonly profile: Profile;
  /** `name:port`, what the profile is about. */
  readonly authority: string;
  readonly budget: RetryBudget | undefined;
}

export interface CompileDeps {
  readonly backends: Backends;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Route metrics tell requests apart by host. */
  readonly hostnames: boolean;
}

/** Where connections of bytes go. */
export interface BytesRoute {
  readonly meta: Meta;
  readonly refuse: OutboundOpaqueRoute['refuse'];
  readonly kind: Distribution['kind'];
  readonly choices: readonly Choice<TcpBackend>[];
}

/** For the TLS connections of some server names. */
export interface TlsBytesRoute extends BytesRoute {
  readonly snis: readonly HostMatch[];
}

/** A policy with its backends opened and its metrics bound; `release` when another takes its place. */
export interface Compiled {
  readonly policy: OutboundPolicy;
  readonly http1: Routing;
  readonly http2: Routing;
  /** Undefined: the policy says nothing about bytes. */
  readonly bytes: BytesRoute | undefined;
  readonly tls: readonly TlsBytesRoute[];
  release(): void;
}

/** Opens the backends of a policy, or of the profile that overrides it, and binds its metrics. */
export function compile(policy: OutboundPolicy, override: OverridingProfile | undefined, deps: CompileDeps): Compiled {
  const compiler = new Compiler(policy, deps);
  const routings = override ? compiler.profile(override) : compiler.policy();
  const tcp = override && override.profile.overrides.length > 0 ? splitOf(override) : opaqueRouteOf(policy);
  return {
    policy,
    ...(policy.invalid === undefined ? routings : refusing(policy.invalid)),
    bytes: tcp && compiler.bytes(tcp, 'outbound_tcp'),
    tls: policy.tlsRoutes.map((route) => ({ ...compiler.bytes(route, 'outbound_tls'), snis: route.snis })),
    release: () => compiler.release(),
  };
}

/** Where bytes go that a policy of HTTP did not expect: where its last route, which is the most general, leads. */
function opaqueRouteOf({ opaqueRoute, http1, http2 }: OutboundPolicy): OutboundOpaqueRoute | undefined {
  const route = http1.routes.at(-1) ?? http2.routes.at(-1);
  const rule = route?.rules.at(-1);
  return opaqueRoute ?? (route && rule && { meta: route.meta, distribution: rule.distribution, refuse: undefined });
}

function refusing(reason: string): Pick<Compiled, 'http1' | 'http2'> {
  const routing = new RefusingRouting(reason);
  return { http1: routing, http2: routing };
}

/** What profiles say nothing about. Source: Linkerd's control plane. */
const PROFILE_EWMA: EwmaConfig = { defaultRttMs: 30, decayMs: 10_000 };

/** A profile's split, or the service itself; as an opaque route it refuses nobody. */
function splitOf({ profile, authority }: OverridingProfile): OutboundOpaqueRoute {
  const { endpoint, fqn, overrides } = profile;
  const target = (path: string): Backend => ({
    meta: metaOf(path),
    target: fqn === '' && endpoint ? { kind: 'forward', endpoint } : { kind: 'balancer', path, ewma: PROFILE_EWMA },
  });
  const split = overrides.length > 0 ? overrides : [{ authority, weight: 1 }];
  const backends = split.map(({ authority: path, weight }) => ({ backend: target(path), weight, filters: [] }));
  return { meta: defaultMeta('profile'), distribution: { kind: 'random', backends }, refuse: undefined };
}

/** `web.a.svc.cluster.local:80` is the Service web of namespace a. */
function metaOf(authority: string): Meta {
  const [, name = '', namespace = '', port = ''] = /^([^.:]+)\.([^.:]+)\.svc\.[^:]+:(\d+)$/.exec(authority) ?? [];
  if (name === '') return defaultMeta('profile');
  return { group: 'core', kind: 'Service', name, namespace, section: '', port: Number(port) };
}

/** Opens things that are released together. */
class Compiler {
  readonly #policy: OutboundPolicy;
  readonly #deps: CompileDeps;
  readonly #held: (() => void)[] = [];

  constructor(policy: OutboundPolicy, deps: CompileDeps) {
    this.#policy = policy;
    this.#deps = deps;
  }

  release(): void {
    for (const release of this.#held.splice(0)) release();
  }

  policy(): Pick<Compiled, 'http1' | 'http2'> {
    const { http1, http2, protocol } = this.#policy;
    const first = this.#http(http1, 'http');
    return { http1: first, http2: http2 === http1 ? first : this.#http(http2, protocol === 'grpc' ? 'grpc' : 'http') };
  }

  /** Both versions of HTTP take the same routes. */
  profile(override: OverridingProfile): Pick<Compiled, 'http1' | 'http2'> {
    const { distribution } = splitOf(override);
    const routes = override.profile.routes.map((route) => ({
      condition: route.condition,
      plan: this.#profilePlan(override, route, distribution),
    }));
    const routing = new ProfileRouting(routes, this.#profilePlan(override, undefined, distribution));
    return { http1: routing, http2: routing };
  }

  bytes(
    { meta, refuse, distribution }: OutboundOpaqueRoute,
    family: Exclude<BalancerFamily, 'outbound_http'>,
  ): BytesRoute {
    const choices = distribution.backends.map(({ backend, weight }) => ({
      held: this.#hold(this.#deps.backends.tcp(backend, this.#policy.parent, family)),
      weight,
    }));
    return { meta, refuse, kind: distribution.kind, choices };
  }

  #http({ routes, breaker }: HttpPolicy, kind: RouteKind): Routing {
    const plans = new Map<OutboundRule, OutboundPlan>();
    for (const route of routes)
      for (const rule of route.rules) plans.set(rule, this.#policyPlan(route.meta, rule, breaker, kind));
    return new PolicyRouting(routes, plans);
  }

  #policyPlan(
    meta: Meta,
    rule: OutboundRule & { readonly filters: readonly HttpFilter[] },
    breaker: BreakerPolicy | undefined,
    kind: RouteKind,
  ): OutboundPlan {
    const { metrics, hostnames } = this.#deps;
    const labels = routeLabels(this.#policy.parent, meta);
    const scopes = new ByName((hostname) => new OutboundRouteScope(metrics, { ...labels, hostname }, kind));
    const { distribution } = rule;
    this.#held.push(() => scopes.release());
    return new OutboundPlan({
      kind: distribution.kind,
      filters: rule.filters,
      scope: (host) => scopes.get(host),
      byHost: hostnames,
      choices: distribution.backends.map(({ backend, weight, filters }) => ({
        held: this.#backend(backend, breaker),
        weight,
        filters,
        scope: this.#owned(new OutboundBackendScope(metrics, { ...labels, ...backendLabels(backend.meta) }, kind)),
      })),
      timeouts: rule.timeouts,
      retry: rule.retry && new RetryPolicy(rule.retry),
      allowsRequestHeaders: rule.allowsRequestHeaders ?? false,
      mirrors: this.#mirrors([...rule.filters, ...distribution.backends.flatMap(({ filters }) => filters)]),
      retried: (what) => scopes.get('').retried(what),
    });
  }

  #profilePlan(override: OverridingProfile, route: ProfileRoute | undefined, { kind, backends }: Distribution) {
    const { authority, budget } = override;
    const classes = new ResponseClasses(route?.classes ?? []);
    const labels = profileRouteLabels('outbound', authority, route?.labels ?? {});
    const scope = this.#owned(new ProfileRouteScope(this.#deps.metrics, labels, classes));
    const { clock } = this.#deps;
    const retries = route?.isRetryable && budget;
    return new OutboundPlan({
      kind,
      filters: [canonical(authority)],
      scope: () => scope,
      byHost: false,
      classes,
      choices: backends.map(({ backend, weight }) => ({
        held: this.#backend(backend, undefined),
        weight,
        filters: [],
        scope: scope.attempts,
      })),
      timeouts: route?.timeoutMs === undefined ? undefined : { headMs: route.timeoutMs },
      retry: retries ? new ProfileRetry(classes, retries, () => clock.nowMs()) : undefined,
      allowsRequestHeaders: false,
      mirrors: NO_MIRRORS,
      retried: (what) => {
        if (what === 'retry' || what === 'overflow') scope.retryable(what === 'overflow');
      },
    });
  }

  /** Where the copies of mirror filters go. */
  #mirrors(filters: readonly HttpFilter[]): ReadonlyMap<Backend, HttpBackend> {
    const mirrors = new Map<Backend, HttpBackend>();
    for (const filter of filters) {
      const held = filter.kind === 'mirror' ? this.#backend(filter.backend, undefined) : undefined;
      if (held && filter.kind === 'mirror') mirrors.set(filter.backend, held.backend);
    }
    return mirrors;
  }

  #backend(backend: Backend, breaker: BreakerPolicy | undefined): Held<HttpBackend> | undefined {
    return this.#hold(this.#deps.backends.http(backend, this.#policy.parent, breaker));
  }

  #hold<T>(held: Held<T> | undefined): Held<T> | undefined {
    if (held) this.#held.push(held.release);
    return held;
  }

  #owned<T extends { release(): void }>(scope: T): T {
    this.#held.push(() => scope.release());
    return scope;
  }
}

const NO_MIRRORS: ReadonlyMap<Backend, HttpBackend> = new Map();

/** Tells the server's proxy which profile the request was routed by. */
function canonical(authority: string): HttpFilter {
  return { kind: 'request-headers', edit: { add: [], set: [['l5d-dst-canonical', authority]], remove: [] } };
}

function routeLabels(parent: Meta, route: Meta) {
  return {
    ...parentLabels(parent),
    route_group: route.group,
    route_kind: route.kind,
    route_namespace: route.namespace,
    route_name: route.name,
  };
}
