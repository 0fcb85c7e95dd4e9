/** What is to be told of a route, parent by parent. */
import { readFault, readRetry, readSplit, readTimeouts } from '../outbound/index.ts';
import {
  type BackendParent,
  backendProblem,
  filterName,
  type IgnoredField,
  PARENT_KINDS,
  type ParentKind,
  type ParentRef,
  parentKind,
  type RouteFilter,
  type RouteRecord,
  type Routes,
  type StoredParentStatus,
} from '../routes/index.ts';
import { type Condition, type Finding, good, type Stamp, stampConditions } from './conditions.ts';

/** Whose entries of `status.parents` are ours; Linkerd's name, as tools look for it. */
export const CONTROLLER_NAME = 'linkerd.io/policy-controller';

/** What a route's status depends on. */
export interface RouteView {
  routes: Pick<Routes, 'objection'>;
  hasService(key: string): boolean;
}

/** An entry of `status.parents`. */
export interface ParentStatus {
  parentRef: Readonly<Record<string, unknown>>;
  controllerName: string;
  conditions: Condition[];
}

/**
 * Our entries of `status.parents`: one for each parent of ours, in the order of the spec. Parents of other controllers get none.
 */
export function routeParents(route: RouteRecord, view: RouteView, now: string): ParentStatus[] {
  const entries = new Map<string, ParentStatus>();
  for (const ref of route.parents) {
    const kind = parentKind(ref);
    if (!kind) continue;
    const parentRef = normalised(ref, kind);
    const key = keyOf(parentRef, route.namespace);
    const stamp: Stamp = { generation: route.generation, now };
    const stored = route.status.find((entry) => isOwn(entry) && keyOf(entry.parentRef, route.namespace) === key);
    const conditions = stampConditions(findingsOf(route, ref, kind, view), stored?.conditions ?? [], stamp);
    entries.set(key, { parentRef, controllerName: CONTROLLER_NAME, conditions });
  }
  return [...entries.values()];
}

/** Whether an entry is ours to write. */
export const isOwn = ({ controllerName }: StoredParentStatus): boolean => controllerName === CONTROLLER_NAME;

/** With everything written that may be left out in a spec; core's group is spelled out, as Linkerd does. */
function normalised(ref: ParentRef, parent: ParentKind): Readonly<Record<string, unknown>> {
  const { group, kind } = PARENT_KINDS[parent];
  return {
    group: group || 'core',
    kind,
    namespace: ref.namespace,
    name: ref.name,
    ...(ref.sectionName !== undefined && { sectionName: ref.sectionName }),
    ...(ref.port !== undefined && { port: ref.port }),
  };
}

function keyOf(ref: Readonly<Record<string, unknown>>, routeNamespace: string): string {
  const { group, kind, namespace = routeNamespace, name, sectionName = '', port = '' } = ref;
  return JSON.stringify([group || 'core', String(kind).toLowerCase(), namespace, name, sectionName, port]);
}

function findingsOf(route: RouteRecord, ref: ParentRef, kind: ParentKind, view: RouteView): Finding[] {
  const accepted = acceptance(route, ref, kind, view);
  if (kind === 'server') return [accepted];
  const parent: BackendParent = { kind, namespace: ref.namespace, name: ref.name };
  return [accepted, resolution(route, parent, view), ...partialInvalidity(route), ...portability(route)];
}

function acceptance(route: RouteRecord, ref: ParentRef, kind: ParentKind, view: RouteView): Finding {
  const objection = view.routes.objection({ route, ref }, kind);
  if (objection) return { type: 'Accepted', status: 'False', ...objection };
  if (!route.problem) return good('Accepted');
  const message = `${route.problem.message}; the last version that could be read stays in use`;
  return { type: 'Accepted', status: 'False', reason: 'UnsupportedValue', message };
}

/** The first reference that leads nowhere. */
function resolution(route: RouteRecord, parent: BackendParent, view: RouteView): Finding {
  for (const rule of route.rules) {
    const backends = rule.backends ?? [];
    const mirrors = [...rule.filters, ...backends.flatMap(({ filters }) => filters)].flatMap((filter) =>
      filter.type === 'mirror' ? [filter.backend] : [],
    );
    for (const ref of [...backends, ...mirrors]) {
      const problem = backendProblem(ref, parent, (key) => view.hasService(key));
      if (problem) return { type: 'ResolvedRefs', status: 'False', ...problem };
    }
  }
  return good('ResolvedRefs');
}

/** What says the same in this mesh. */
const INSTEAD: Readonly<Record<IgnoredField, string>> = {
  retry: ', the annotation retry.linkerd.io/http is',
  sessionPersistence: '',
};

/** What of an accepted route does not count: admission refuses it, but may not have been asked. Source: Gateway API, PartiallyInvalid. */
function partialInvalidity(route: RouteRecord): Finding[] {
  const problems: string[] = [];
  const note = (problem: string) => {
    problems.push(`${problem}: it counts as not set`);
  };
  readTimeouts(route.annotations, note);
  readRetry(route.annotations, note);
  readFault(route.annotations, note);
  readSplit(route.annotations, note);
  for (const field of route.rules.flatMap(({ ignored = [] }) => ignored))
    note(`${field} of a rule is not supported${INSTEAD[field]}`);
  for (const { name, filters } of route.rules.flatMap((rule) => rule.backends ?? []))
    for (const filter of filters)
      if (filter.type === 'unknown')
        problems.push(`filter ${filter.name} of backend ${name} is not supported: requests to it fail`);
  if (problems.length === 0) return [];
  const message = unique(problems).join('; ');
  return [{ type: 'PartiallyInvalid', status: 'True', reason: 'UnsupportedValue', message }];
}

/** Filters that only Weft's proxies know, and what becomes of requests in others. */
const OWN_FILTERS: Partial<Record<RouteFilter['type'], { ofRule: string; ofBackend: string }>> = {
  rewrite: { ofRule: 'others do without the route', ofBackend: 'in others, requests to the backend fail' },
  mirror: { ofRule: 'others copy no requests', ofBackend: 'others copy no requests' },
};

/** What proxies that are not Weft's cannot do of a route. */
function portability(route: RouteRecord): Finding[] {
  const lacks: string[] = [];
  const note = (filters: readonly RouteFilter[], place: 'ofRule' | 'ofBackend') => {
    for (const filter of filters) {
      const own = OWN_FILTERS[filter.type];
      if (own) lacks.push(`${filterName(filter)} (${own[place]})`);
    }
  };
  for (const rule of route.rules) {
    note(rule.filters, 'ofRule');
    for (const { filters } of rule.backends ?? []) note(filters, 'ofBackend');
  }
  const ignore = () => {
    // Said by partialInvalidity.
  };
  const delays = (route.type === 'http' || route.type === 'grpc') && readFault(route.annotations, ignore)?.delay;
  if (delays) lacks.push('fault.weft.dev/delay (others delay no requests)');
  if (lacks.length === 0) return [];
  const message = `only Weft's proxies know ${unique(lacks).join(', ')}`;
  return [{ type: 'weft.dev/Portable', status: 'False', reason: 'NeedsProxyFeatures', message }];
}

const unique = (list: readonly string[]): string[] => [...new Set(list)];
