/**
 * Annotations by which endpoints get more or less of the traffic. Linkerd has none of these; its proxies ignore what they say.
 */

import { parseGoDuration } from './go-values.ts';

/** One annotation: on what it stands, and how it is read. */
export interface EndpointAnnotation<T> {
  key: string;
  on: 'Pod' | 'Service';
  /** The value, or undefined when the text is none. */
  parse(text: string): T | undefined;
  /** What a value looks like, to complete "expected …". */
  expects: string;
  doc: string;
}

/** The largest factor of a weight; 10000 on the wire is 1. */
const FACTOR_MAX = 100;
/** Zones named on one Service at most. */
const ZONES_MAX = 64;
/** The last level of priority. */
const PRIORITY_MAX = 15;
/** Longest wait before traffic returns to a cluster. */
const RETURN_AFTER_MS_MAX = 3_600_000;

/** What becomes of the endpoints of a linked cluster that does not answer any more. */
const STALE_CLUSTERS = ['keep', 'demote', 'drop'] as const;
export type StaleClusters = (typeof STALE_CLUSTERS)[number];

export const ENDPOINT_ANNOTATIONS = {
  weight: {
    key: 'balancer.weft.dev/weight',
    on: 'Pod',
    parse: parseFactor,
    expects: `a number from 0 to ${FACTOR_MAX}`,
    doc: 'Share of the traffic compared with other endpoints of the same service; 1 unless said.',
  } satisfies EndpointAnnotation<number>,
  priority: {
    key: 'balancer.weft.dev/priority',
    on: 'Pod',
    parse: (text) => (/^\d{1,2}$/.test(text) && Number(text) <= PRIORITY_MAX ? Number(text) : undefined),
    expects: `a whole number from 0 to ${PRIORITY_MAX}`,
    doc: 'Endpoints of a higher number get traffic only while those of lower ones cannot carry it; 0 unless said.',
  } satisfies EndpointAnnotation<number>,
  zoneWeights: {
    key: 'balancer.weft.dev/zone-weights',
    on: 'Service',
    parse: parseFactors,
    expects: 'zones with numbers, such as a=1,b=0.5',
    doc: 'Factors of the weights of endpoints, by their zone; zones that are not named have 1.',
  } satisfies EndpointAnnotation<ReadonlyMap<string, number>>,
  clusterOrder: {
    key: 'balancer.weft.dev/cluster-order',
    on: 'Service',
    parse: parseOrder,
    expects: 'clusters in their order, such as local,east+west,north',
    doc: 'Of a federated service: which clusters get its traffic first. Those joined by + are equal, `local` is the own cluster, and those that are not named come last.',
  } satisfies EndpointAnnotation<readonly (readonly string[])[]>,
  clusterWeights: {
    key: 'balancer.weft.dev/cluster-weights',
    on: 'Service',
    parse: parseFactors,
    expects: 'clusters with numbers, such as local=3,east=1',
    doc: 'Of a federated service: shares of the traffic among clusters that are equal in order, however many endpoints each has; clusters that are not named have 1.',
  } satisfies EndpointAnnotation<ReadonlyMap<string, number>>,
  clusterMinHealthy: {
    key: 'balancer.weft.dev/cluster-min-healthy',
    on: 'Service',
    parse: parseShare,
    expects: 'a percentage from 0 to 100, such as 70%',
    doc: 'Of a federated service with an order: while fewer of the endpoints of a level are ready, the next level shares its traffic; 70% unless said.',
  } satisfies EndpointAnnotation<number>,
  clusterReturnAfter: {
    key: 'balancer.weft.dev/cluster-return-after',
    on: 'Service',
    parse: (text) => {
      const ms = parseGoDuration(text);
      return ms !== undefined && ms >= 0 && ms <= RETURN_AFTER_MS_MAX ? ms : undefined;
    },
    expects: 'a duration from 0s to 1h',
    doc: 'Of a federated service with an order: how long enough endpoints of a level must be ready before it has its traffic for itself again; 30s unless said.',
  } satisfies EndpointAnnotation<number>,
  staleClusters: {
    key: 'balancer.weft.dev/stale-clusters',
    on: 'Service',
    parse: (text) => STALE_CLUSTERS.find((each) => each === text),
    expects: STALE_CLUSTERS.join(', '),
    doc: 'Of a federated service: what becomes of the endpoints of a cluster whose API has not answered for a minute: they stay (keep), come after all others (demote, unless said), or go (drop).',
  } satisfies EndpointAnnotation<StaleClusters>,
} as const;

/** Those that say which clusters of a federated service get its traffic. */
export const CLUSTER_ANNOTATIONS: readonly string[] = [
  ENDPOINT_ANNOTATIONS.clusterOrder,
  ENDPOINT_ANNOTATIONS.clusterWeights,
  ENDPOINT_ANNOTATIONS.clusterMinHealthy,
  ENDPOINT_ANNOTATIONS.clusterReturnAfter,
  ENDPOINT_ANNOTATIONS.staleClusters,
].map(({ key }) => key);

/** `local,east+west`; undefined when a name is bad or stands twice, or there are more levels than priorities. */
function parseOrder(text: string): readonly (readonly string[])[] | undefined {
  const levels = text.split(',').map((level) => level.split('+').map((name) => name.trim()));
  const names = levels.flat();
  const good = names.every((name) => /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/.test(name));
  return good && new Set(names).size === names.length && levels.length < PRIORITY_MAX ? levels : undefined;
}

/** `70%` or `70`, as a share of 1. */
function parseShare(text: string): number | undefined {
  const percent = /^(\d{1,3})\s*%?$/.exec(text.trim())?.[1];
  return percent !== undefined && Number(percent) <= 100 ? Number(percent) / 100 : undefined;
}

function parseFactor(text: string): number | undefined {
  return /^(\d{1,3}(\.\d{1,6})?|\.\d{1,6})$/.test(text.trim()) && Number(text) <= FACTOR_MAX ? Number(text) : undefined;
}

/** `a=1,b=0.5`; undefined when any part is bad or a name stands twice. */
function parseFactors(text: string): ReadonlyMap<string, number> | undefined {
  const factors = new Map<string, number>();
  const parts = text.split(',');
  for (const part of parts) {
    const [name = '', value = '', more] = part.split('=').map((each) => each.trim());
    const factor = parseFactor(value);
    if (name === '' || factor === undefined || more !== undefined || factors.has(name)) return undefined;
    factors.set(name, factor);
  }
  return parts.length <= ZONES_MAX ? factors : undefined;
}
