import type { outbound } from '#api/mesh';
import type { EwmaConfig, ZoneBand } from '#model/balance';
import type { Backend, Distribution, HttpFilter } from '../types.ts';
import { decodeEndpoint } from './endpoint.ts';
import type { WireFilter } from './filters.ts';
import { decodeMeta, durationMs, Invalid, need } from './values.ts';

/** The four route types have equal distributions under different names; this is what they share. */
interface WireDistribution {
  readonly kind:
    | { case: 'empty' }
    | { case: 'firstAvailable'; value: { backends: WireRouteBackend[] } }
    | { case: 'randomAvailable'; value: { backends: { backend?: WireRouteBackend | undefined; weight: number }[] } }
    | { case: undefined };
}
interface WireRouteBackend {
  backend?: outbound.Backend | undefined;
  filters: WireFilter[];
}

/** Filters of backends of bytes say what filters of their rule say. */
export const noFilters = (): undefined => undefined;

/** Where a rule leads. Backends without weight get nothing, unless there is but one. */
export function decodeDistribution(
  wire: WireDistribution | undefined,
  filter: (filter: WireFilter) => HttpFilter | undefined,
): Distribution {
  const { kind } = need(wire, 'the backends of a rule');
  const one = (route: WireRouteBackend | undefined, weight: number) => ({
    backend: decodeBackend(need(route?.backend, 'a backend')),
    weight,
    filters: (route?.filters ?? []).flatMap((wireFilter) => filter(wireFilter) ?? []),
  });
  switch (kind.case) {
    case 'empty':
      return { kind: 'empty', backends: [] };
    case 'firstAvailable':
      if (kind.value.backends.length === 0) throw new Invalid('a rule with an empty list of backends');
      return { kind: 'first', backends: kind.value.backends.map((backend) => one(backend, 1)) };
    case 'randomAvailable': {
      if (kind.value.backends.length === 0) throw new Invalid('a rule with an empty list of backends');
      const all = kind.value.backends.map(({ backend, weight }) => one(backend, weight));
      const backends = all.length === 1 ? all : all.filter(({ weight }) => weight > 0);
      return backends.length === 0 ? { kind: 'empty', backends } : { kind: 'random', backends };
    }
    default:
      throw new Invalid('a distribution without a kind');
  }
}

export function decodeBackend(backend: outbound.Backend): Backend {
  const meta = decodeMeta(backend.metadata, 'a backend');
  need(need(backend.queue, 'the queue of a backend').failfastTimeout, 'the fail-fast timeout of a backend');
  const { kind } = backend;
  if (kind.case === 'forward') {
    const endpoint = need(decodeEndpoint(kind.value), 'the address of a backend');
    return { meta, target: { kind: 'forward', endpoint } };
  }
  if (kind.case !== 'balancer') return { meta, target: { kind: 'none' } };
  const dst = need(kind.value.discovery, 'the discovery of a backend').kind.value;
  const path = need(dst, 'the discovery of a backend').path;
  const zones = decodeZones(kind.value.zonePreference);
  return { meta, target: { kind: 'balancer', path, ewma: decodeLoad(kind.value.load), ...(zones && { zones }) } };
}

function decodeZones(preference: outbound.Backend_BalanceP2c_ZonePreference | undefined): ZoneBand | undefined {
  if (!preference) return undefined;
  const { low, high } = preference;
  if (!(low > 0 && high > low))
    throw new Invalid(`the load band of a zone preference must rise, got ${low} to ${high}`);
  return { low, high };
}

function decodeLoad(load: outbound.Backend_BalanceP2c['load']): EwmaConfig {
  if (load.case === 'peakEwma') {
    const defaultRttMs = durationMs(need(load.value.defaultRtt, 'the default RTT of a balancer'));
    return { defaultRttMs, decayMs: durationMs(need(load.value.decay, 'the decay of a balancer')) };
  }
  if (load.case !== 'penaltyPeakEwma') throw new Invalid('the load of a balancer is missing');
  const { defaultRtt, decay, penalty, maxRetryAfter } = load.value;
  return {
    defaultRttMs: defaultRtt ? durationMs(defaultRtt) : 30,
    decayMs: decay ? durationMs(decay) : 10_000,
    penaltyMs: penalty ? durationMs(penalty) : 5_000,
    retryAfterMaxMs: maxRetryAfter ? durationMs(maxRetryAfter) : 300_000,
  };
}
