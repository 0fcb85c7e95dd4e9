import { RetryPolicy } from '#model/retry';
import type {
  Backend,
  BreakerPolicy,
  Distribution,
  HttpPolicy,
  Meta,
  OutboundHttpRoute,
  OutboundPolicy,
  OutboundRule,
} from '../discover/index.ts';
import { matchesEverything } from '../routes/index.ts';
import {
  backendLabels,
  type Metrics,
  OutboundBackendScope,
  OutboundRouteScope,
  parentLabels,
} from '../telemetry/index.ts';
import type { Backends, Held, HttpBackend } from './backends.ts';
import { type Choice, OutboundPlan } from './plan.ts';
import type { TcpBackend } from './tcp-backend.ts';

/** A policy with its backends opened; `release` when another takes its place. */
export interface Compiled {
  readonly policy: OutboundPolicy;
  /** Set when every request of that version takes it. */
  readonly onlyHttp1: OutboundPlan | undefined;
  readonly onlyHttp2: OutboundPlan | undefined;
  readonly rules: ReadonlyMap<OutboundRule, OutboundPlan>;
  readonly tcp: { readonly kind: Distribution['kind']; readonly choices: readonly Choice<TcpBackend>[] } | undefined;
  release(): void;
}

/** Opens the backends of a policy and binds its metrics. */
export function compile(policy: OutboundPolicy, backends: Backends, metrics: Metrics): Compiled {
  const held: (() => void)[] = [];
  const hold = <T>(one: Held<T> | undefined): Held<T> | undefined => {
    if (one) held.push(one.release);
    return one;
  };
  const rules = new Map<OutboundRule, OutboundPlan>();
  const compileRule = (meta: Meta, rule: OutboundHttpRoute['rules'][number], breaker: BreakerPolicy | undefined) => {
    const labels = outRouteLabels(policy.parent, meta);
    const mirrors = new Map<Backend, HttpBackend>();
    for (const filter of [...rule.filters, ...rule.distribution.backends.flatMap(({ filters }) => filters)])
      if (filter.kind === 'mirror') {
        const one = hold(backends.http(filter.backend, policy.parent));
        if (one) mirrors.set(filter.backend, one.backend);
      }
    return new OutboundPlan({
      kind: rule.distribution.kind,
      match: rule.matches[0],
      filters: rule.filters,
      scope: new OutboundRouteScope(metrics, { ...labels, hostname: '' }),
      choices: rule.distribution.backends.map(({ backend, weight, filters }) => ({
        held: hold(backends.http(backend, policy.parent, breaker)),
        weight,
        filters,
        scope: new OutboundBackendScope(metrics, { ...labels, ...backendLabels(backend.meta) }),
      })),
      timeouts: rule.timeouts,
      retry: rule.retry && new RetryPolicy(rule.retry),
      allowsRequestHeaders: rule.allowsRequestHeaders ?? false,
      mirrors,
    });
  };
  for (const { routes, breaker } of new Set([policy.http1, policy.http2]))
    for (const route of routes) for (const rule of route.rules) rules.set(rule, compileRule(route.meta, rule, breaker));
  const only = ({ routes }: HttpPolicy): OutboundPlan | undefined => {
    const first = matchesEverything(routes) ? routes[0]?.rules[0] : undefined;
    return first && rules.get(first);
  };
  const opaque = opaqueDistribution(policy);
  return {
    policy,
    rules,
    onlyHttp1: only(policy.http1),
    onlyHttp2: only(policy.http2),
    tcp: opaque && {
      kind: opaque.kind,
      choices: opaque.backends.map(({ backend, weight }) => ({
        held: hold(backends.tcp(backend, policy.parent)),
        weight,
      })),
    },
    release: () => {
      for (const release of held) release();
    },
  };
}

/** Where bytes go that are no HTTP/1: the opaque route, or where the last HTTP route, which is the most general, leads. */
function opaqueDistribution(policy: OutboundPolicy): Distribution | undefined {
  if (policy.opaqueRoute) return policy.opaqueRoute.distribution;
  return policy.http1.routes.at(-1)?.rules.at(-1)?.distribution;
}

function outRouteLabels(parent: Meta, route: OutboundHttpRoute['meta']) {
  return {
    ...parentLabels(parent),
    route_group: route.group,
    route_kind: route.kind,
    route_namespace: route.namespace,
    route_name: route.name,
  };
}
