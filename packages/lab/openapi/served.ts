/** What discovery and OpenAPI documents are made from; the API server's resources fit as they are. */
import type { Gvr } from '#api/kube';

export type Json = Record<string, unknown>;

/** One served resource in one version. */
export interface Served {
  readonly gvr: Gvr;
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: Iterable<string>;
  /** True for resources that a CRD defines. */
  readonly custom: boolean;
  /** Of a custom resource: the `openAPIV3Schema` of its version; absent where the CRD gives none. */
  readonly openApiSchema?: Json;
}

/** `apps/v1` or `v1`. */
export const groupVersionOf = ({ group, version }: Pick<Gvr, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/** Key and path of a group version: `api/v1` or `apis/apps/v1`. */
export const pathOf = ({ group, version }: Pick<Gvr, 'group' | 'version'>): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** Resources by the path of their group version, in the order of registration. */
export function byGroupVersion<T extends Pick<Served, 'gvr'>>(resources: Iterable<T>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const resource of resources) {
    const path = pathOf(resource.gvr);
    const list = groups.get(path);
    if (list) list.push(resource);
    else groups.set(path, [resource]);
  }
  return groups;
}

const GET_UPDATE = ['get', 'patch', 'update'] as const;
const PROXY = ['create', 'delete', 'get', 'patch', 'update'] as const;

interface Subresource {
  readonly verbs: readonly string[];
  /** Kind of its body where that is not the resource's own, `%` standing for the resource's kind. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
}

/** Every subresource that is served anywhere. */
const SUBRESOURCES: Readonly<Record<string, Subresource>> = {
  approval: { verbs: GET_UPDATE },
  attach: { verbs: ['create', 'get'], kind: 'PodAttachOptions' },
  binding: { verbs: ['create'], kind: 'Binding' },
  ephemeralcontainers: { verbs: GET_UPDATE },
  eviction: { verbs: ['create'], kind: 'Eviction', group: 'policy', version: 'v1' },
  exec: { verbs: ['create', 'get'], kind: 'PodExecOptions' },
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  portforward: { verbs: ['create', 'get'], kind: 'PodPortForwardOptions' },
  proxy: { verbs: PROXY, kind: '%ProxyOptions' },
  resize: { verbs: GET_UPDATE },
  scale: { verbs: GET_UPDATE, kind: 'Scale', group: 'autoscaling', version: 'v1' },
  status: { verbs: GET_UPDATE },
  token: { verbs: ['create'], kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1' },
};

/** One subresource of a resource, with the kind of its body; `foreign` if that kind is of another group version. */
export interface ServedSubresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly foreign: boolean;
}

/** The subresources of a resource in alphabetical order. */
export function subresourcesOf(resource: Pick<Served, 'gvr' | 'kind' | 'subresources'>): ServedSubresource[] {
  return [...resource.subresources].sort().map((name) => {
    const row = SUBRESOURCES[name] ?? { verbs: GET_UPDATE };
    return {
      name,
      verbs: row.verbs,
      kind: row.kind?.replace('%', resource.kind) ?? resource.kind,
      group: row.group ?? resource.gvr.group,
      version: row.version ?? resource.gvr.version,
      foreign: row.group !== undefined,
    };
  });
}
