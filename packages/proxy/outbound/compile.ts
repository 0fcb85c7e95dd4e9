import { pickWeighted } from '#model/balance';
import type { Random } from '#runtime/random';
import type {
  Distribution,
  HttpFilter,
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
import type { TcpBackend } from './backend.ts';
import type { Backends, Held, HttpBackend } from './backends.ts';

/** One backend of a rule; without `held` it leads nowhere. */
interface Choice<T> {
  readonly held: Held<T> | undefined;
  readonly weight: number;
}

export interface HttpChoice extends Choice<HttpBackend> {
  readonly scope: OutboundBackendScope;
  readonly filters: readonly HttpFilter[];
}

export interface CompiledRule {
  readonly kind: Distribution['kind'];
  readonly choices: readonly HttpChoice[];
  readonly scope: OutboundRouteScope;
  readonly filters: readonly HttpFilter[];
}

/** A policy with its backends opened; `release` when another takes its place. */
export interface Compiled {
  readonly policy: OutboundPolicy;
  /** Set when every request takes it. */
  readonly only: CompiledRule | undefined;
  readonly rules: ReadonlyMap<OutboundRule, CompiledRule>;
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
  const rules = new Map<OutboundRule, CompiledRule>();
  for (const route of policy.http1.routes)
    for (const rule of route.rules) {
      const labels = outRouteLabels(policy.parent, route.meta);
      rules.set(rule, {
        kind: rule.distribution.kind,
        filters: rule.filters,
        scope: new OutboundRouteScope(metrics, { ...labels, hostname: '' }),
        choices: rule.distribution.backends.map(({ backend, weight, filters }) => ({
          held: hold(backends.http(backend, policy.parent)),
          weight,
          filters,
          scope: new OutboundBackendScope(metrics, { ...labels, ...backendLabels(backend.meta) }),
        })),
      });
    }
  const opaque = opaqueDistribution(policy);
  const first = matchesEverything(policy.http1.routes) ? policy.http1.routes[0]?.rules[0] : undefined;
  return {
    policy,
    rules,
    only: first && rules.get(first),
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

/** The backend for one request or connection; undefined: none is available. */
export function choose<C extends Choice<{ readonly available: boolean }>>(
  rule: { readonly kind: Distribution['kind']; readonly choices: readonly C[] },
  random: Random,
): C | undefined {
  const { choices } = rule;
  if (rule.kind === 'empty') return undefined;
  if (choices.length === 1) return choices[0];
  const available = choices.filter((choice) => choice.held?.backend.available ?? true);
  if (rule.kind === 'first') return available[0];
  return available[
    pickWeighted(
      available.map((choice) => choice.weight),
      random,
    )
  ];
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
