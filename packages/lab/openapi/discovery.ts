/**
 * Discovery: which groups, versions and resources are served. The legacy lists that every client knows, and the aggregated
 * list of newer ones. Versions served by others (APIServices) join by their legacy lists.
 */
import { groupVersionOf, type Json, type Served, subresourcesOf } from './served.ts';

/** A group version that another server answers for: the `resources` of its APIResourceList, or undefined while it fails to answer. */
export interface ForeignVersion {
  readonly group: string;
  readonly version: string;
  readonly resources?: readonly Json[];
}

/** Groups in the order in which kube lists its own; others follow by name. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
];

interface Version {
  readonly version: string;
  readonly resources: readonly Served[];
  readonly foreign?: ForeignVersion;
}
interface Group {
  readonly name: string;
  readonly versions: readonly Version[];
}

/** The documents of one set of served resources. Build anew when the set changes. */
export class Discovery {
  readonly #groups: readonly Group[];
  readonly #serverAddress: string;

  /** @param serverAddress host and port that `/api` names, e.g. `172.30.0.1:6443` */
  constructor(resources: Iterable<Served>, foreign: Iterable<ForeignVersion>, serverAddress: string) {
    this.#groups = grouped(resources, foreign);
    this.#serverAddress = serverAddress;
  }

  /** GET /api */
  apiVersions(): Json {
    const core = this.#groups.find(({ name }) => name === '');
    return {
      kind: 'APIVersions',
      versions: core?.versions.map(({ version }) => version) ?? [],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#serverAddress }],
    };
  }

  /** GET /apis */
  groupList(): Json {
    const groups = this.#groups.filter(({ name }) => name !== '').map(groupSummary);
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }

  /** GET /apis/{group}; undefined where the group is not served. */
  group(name: string): Json | undefined {
    const group = name === '' ? undefined : this.#groups.find((each) => each.name === name);
    return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupSummary(group) };
  }

  /** GET /api/v1 and /apis/{group}/{version}; undefined where the version is not served by us. */
  resourceList(group: string, version: string): Json | undefined {
    const found = this.#groups.find(({ name }) => name === group)?.versions.find((each) => each.version === version);
    if (!found || found.foreign) return undefined;
    return {
      kind: 'APIResourceList',
      ...(group !== '' && { apiVersion: 'v1' }),
      groupVersion: groupVersionOf({ group, version }),
      resources: found.resources.flatMap(legacyEntries),
    };
  }

  /** GET /api or /apis as APIGroupDiscoveryList. */
  aggregated(root: 'api' | 'apis', version: 'v2' | 'v2beta1'): Json {
    const groups = this.#groups.filter(({ name }) => (name === '') === (root === 'api'));
    return {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: groups.map(({ name, versions }) => ({
        metadata: name === '' ? {} : { name },
        versions: versions.map((each) => aggregatedVersion(name, each)),
      })),
    };
  }
}

function grouped(resources: Iterable<Served>, foreign: Iterable<ForeignVersion>): Group[] {
  const groups = new Map<string, Map<string, { resources: Served[]; foreign?: ForeignVersion }>>();
  const versionAt = (group: string, version: string) => {
    const versions = groups.get(group) ?? new Map<string, { resources: Served[]; foreign?: ForeignVersion }>();
    groups.set(group, versions);
    const entry = versions.get(version) ?? { resources: [] };
    versions.set(version, entry);
    return entry;
  };
  for (const resource of resources) versionAt(resource.gvr.group, resource.gvr.version).resources.push(resource);
  for (const each of foreign) versionAt(each.group, each.version).foreign = each;
  return [...groups.keys()]
    .sort((a, b) => order(a, b, GROUP_ORDER))
    .map((name) => ({
      name,
      versions: [...(groups.get(name) ?? [])]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, entry]) => ({ version, ...entry })),
    }));
}

function groupSummary({ name, versions }: Group): Json {
  const list = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: list, preferredVersion: list[0] };
}

function legacyEntries(resource: Served): Json[] {
  const { kind, namespaced, shortNames, categories, verbs, gvr } = resource;
  const own = {
    name: gvr.resource,
    singularName: resource.singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  };
  const below = subresourcesOf(resource).map((sub) => ({
    name: `${gvr.resource}/${sub.name}`,
    singularName: '',
    namespaced,
    ...(sub.foreign && { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  }));
  return [own, ...below];
}

function aggregatedVersion(group: string, { version, resources, foreign }: Version): Json {
  if (!foreign) return { version, resources: resources.map(aggregatedEntry), freshness: 'Current' };
  const freshness = foreign.resources ? 'Current' : 'Stale';
  return { version, resources: fromLegacy(group, version, foreign.resources ?? []), freshness };
}

function aggregatedEntry(resource: Served): Json {
  const { gvr, kind, shortNames, categories } = resource;
  const subresources = subresourcesOf(resource).map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
    verbs: sub.verbs,
  }));
  return {
    resource: gvr.resource,
    responseKind: { group: gvr.group, version: gvr.version, kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}

/** Turns the entries of an APIResourceList (`pods`, `pods/log`) into aggregated ones with subresources inside. */
function fromLegacy(group: string, version: string, entries: readonly Json[]): Json[] {
  const kindOf = (entry: Json) => ({
    group: entry['group'] || group,
    version: entry['version'] || version,
    kind: entry['kind'] ?? '',
  });
  const out = new Map<string, Json>();
  const listed = (name: string, entry: Json): Json => {
    const known = out.get(name);
    if (known) return known;
    const fresh: Json = { resource: name, scope: entry['namespaced'] ? 'Namespaced' : 'Cluster' };
    out.set(name, fresh);
    return fresh;
  };
  for (const entry of entries) {
    const [name = '', subresource] = String(entry['name'] ?? '').split('/');
    const parent = listed(name, entry);
    if (subresource !== undefined) {
      const row = { subresource, responseKind: kindOf(entry), verbs: entry['verbs'] ?? [] };
      parent['subresources'] = [...((parent['subresources'] as Json[] | undefined) ?? []), row];
      continue;
    }
    parent['responseKind'] = kindOf(entry);
    parent['singularResource'] = entry['singularName'] ?? '';
    parent['verbs'] = entry['verbs'] ?? [];
    for (const field of ['shortNames', 'categories']) if (entry[field]) parent[field] = entry[field];
  }
  return [...out.values()];
}

/** Members of `first` in their order, then the rest by name. */
function order(a: string, b: string, first: readonly string[]): number {
  const [left, right] = [first.indexOf(a), first.indexOf(b)];
  if (left >= 0 && right >= 0) return left - right;
  if (left >= 0 || right >= 0) return left >= 0 ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const STABILITY = { alpha: 0, beta: 1, ga: 2 } as const;

/** The preferred version first: stable before beta before alpha, higher numbers first; other names last by alphabet. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  const stability = (match: RegExpExecArray) => STABILITY[(match[2] ?? 'ga') as keyof typeof STABILITY];
  return (
    stability(right) - stability(left) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
