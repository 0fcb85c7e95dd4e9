/** Every status that is not as it should be, from what is known of the cluster at one moment. */
import { isDeepStrictEqual } from 'node:util';
import type { Gvr } from '#api/kube';
import { judgeRateLimit, type RateLimitRecord, type RateLimitVerdict } from '../inbound/index.ts';
import { EGRESS_NETWORKS, type EgressNetworkRecord, type EgressNetworks } from '../outbound/index.ts';
import { ROUTE_SOURCES, type RouteRecord, type Routes } from '../routes/index.ts';
import { type Finding, good, type StoredCondition, stampConditions } from './conditions.ts';
import { isOwn, type RouteView, routeParents } from './routes.ts';

/** What statuses depend on. */
export interface StatusView extends RouteView {
  routes: Pick<Routes, 'all' | 'objection'>;
  egress: Pick<EgressNetworks, 'all' | 'accepts'>;
  hasServer(key: string): boolean;
  rateLimits(): Iterable<RateLimitRecord>;
}

/** A status to be written. */
export interface WantedStatus {
  gvr: Gvr;
  namespace: string;
  name: string;
  /** Of the version that it was made from; nothing newer may be overwritten. */
  resourceVersion: string | undefined;
  status: Readonly<Record<string, unknown>>;
}

const RATE_LIMITS: Gvr = { group: 'policy.linkerd.io', version: 'v1alpha1', resource: 'httplocalratelimitpolicies' };

/** Resources whose changes may change a status. */
export const STATUS_RESOURCES: ReadonlySet<string> = new Set([
  'services',
  'servers',
  EGRESS_NETWORKS.resource,
  RATE_LIMITS.resource,
  ...ROUTE_SOURCES.map(({ gvr }) => gvr.resource),
]);

/** The statuses that differ from the stored ones. `now` is RFC 3339. */
export function* wantedStatuses(view: StatusView, now: string): Iterable<WantedStatus> {
  for (const network of view.egress.all()) {
    const status = egressStatus(network, view.egress.accepts(network), now);
    if (status) yield wanted(EGRESS_NETWORKS, network, status);
  }
  for (const [limit, verdict] of judged(view)) {
    const status = rateLimitStatus(limit, verdict, now);
    if (status) yield wanted(RATE_LIMITS, limit, status);
  }
  for (const route of view.routes.all()) {
    const status = routeStatus(route, view, now);
    if (status) yield wanted(route.gvr, route, status);
  }
}

type Identity = Pick<WantedStatus, 'namespace' | 'name' | 'resourceVersion'>;

const wanted = (
  gvr: Gvr,
  { namespace, name, resourceVersion }: Identity,
  status: WantedStatus['status'],
): WantedStatus => ({ gvr, namespace, name, resourceVersion, status });

/** Our entries are replaced by what holds now; those of other controllers stay as they are, behind them. */
function routeStatus(route: RouteRecord, view: RouteView, now: string): WantedStatus['status'] | undefined {
  const own = routeParents(route, view, now);
  if (isDeepStrictEqual(own, route.status.filter(isOwn))) return undefined;
  return { parents: [...own, ...route.status.filter((entry) => !isOwn(entry))] };
}

function egressStatus(
  network: EgressNetworkRecord,
  accepted: boolean,
  now: string,
): WantedStatus['status'] | undefined {
  const { problem } = network;
  const finding = problem
    ? refused('Invalid', `${problem.message}${problem.lastGood ? LAST_GOOD : ''}`)
    : accepted
      ? good('Accepted')
      : refused('EgressReasonNetworkOverlap', 'networks overlap with clusterNetworks');
  return withConditions([finding, ...partly(network)], network.conditions, network.generation, now);
}

const refused = (reason: string, message: string): Finding => ({ type: 'Accepted', status: 'False', reason, message });
const LAST_GOOD = '; the last version that could be read stays in use';

/** What can be read, but admission refuses: it was stored when nobody asked. */
function partly({ problem, objection }: Pick<RateLimitRecord, 'problem' | 'objection'>): Finding[] {
  if (problem || objection === undefined) return [];
  const message = `${objection}; it counts as it is written`;
  return [{ type: 'PartiallyInvalid', status: 'True', reason: 'UnsupportedValue', message }];
}

function* judged(view: StatusView): Iterable<[RateLimitRecord, RateLimitVerdict]> {
  const byNamespace = Map.groupBy(view.rateLimits(), ({ namespace }) => namespace);
  for (const [namespace, limits] of byNamespace)
    for (const limit of limits)
      yield [limit, judgeRateLimit(limit, limits, (server) => view.hasServer(`${namespace}/${server}`))];
}

const REFUSED: Record<Exclude<RateLimitVerdict, 'accepted'>, (limit: RateLimitRecord) => Finding> = {
  'already-exists': () => refused('RateLimitReasonAlreadyExists', 'an older policy has the same Server'),
  'no-matching-target': ({ server, objection = '' }) =>
    refused('NoMatchingTarget', server === undefined ? objection : `there is no Server ${server} in the namespace`),
};

function rateLimitFindings(limit: RateLimitRecord, verdict: RateLimitVerdict): Finding[] {
  const { problem, server } = limit;
  if (problem && !problem.lastGood) return [refused('Invalid', `${problem.message}; it limits nothing`)];
  if (verdict !== 'accepted') return [REFUSED[verdict](limit), ...(server === undefined ? [] : partly(limit))];
  return problem ? [refused('Invalid', `${problem.message}${LAST_GOOD}`)] : [good('Accepted'), ...partly(limit)];
}

function rateLimitStatus(
  limit: RateLimitRecord,
  verdict: RateLimitVerdict,
  now: string,
): WantedStatus['status'] | undefined {
  const stored = limit.status ?? {};
  const conditions = (stored['conditions'] ?? []) as readonly StoredCondition[];
  const status = withConditions(rateLimitFindings(limit, verdict), conditions, limit.generation, now);
  if (limit.server === undefined) return status;
  const targetRef = { group: 'policy.linkerd.io', kind: 'Server', name: limit.server };
  if (!status && isDeepStrictEqual(stored['targetRef'], targetRef)) return undefined;
  return { ...(status ?? { conditions }), targetRef };
}

/** Those of other types are others'. */
const OWN_TYPES: readonly unknown[] = ['Accepted', 'PartiallyInvalid'];

/** The stored conditions with ours in their place; undefined when they are there already. */
function withConditions(
  findings: readonly Finding[],
  stored: readonly StoredCondition[],
  generation: number | undefined,
  now: string,
): { conditions: unknown[] } | undefined {
  const own = stampConditions(findings, stored, { generation, now });
  const isOurs = ({ type }: StoredCondition) => OWN_TYPES.includes(type);
  if (isDeepStrictEqual(own, stored.filter(isOurs))) return undefined;
  return { conditions: [...own, ...stored.filter((each) => !isOurs(each))] };
}
