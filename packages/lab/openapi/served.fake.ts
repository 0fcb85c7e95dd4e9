import type { Served } from './served.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** A served resource for tests: `served('apps', 'v1', 'deployments', 'Deployment', {…})`. */
export function served(
  group: string,
  version: string,
  resource: string,
  kind: string,
  more: Partial<Served> = {},
): Served {
  return {
    gvr: { group, version, resource },
    kind,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: VERBS,
    subresources: [],
    custom: false,
    ...more,
  };
}

export const PODS = served('', 'v1', 'pods', 'Pod', {
  shortNames: ['po'],
  subresources: ['log', 'eviction', 'status'],
});
export const DEPLOYMENTS = served('apps', 'v1', 'deployments', 'Deployment', { subresources: ['scale', 'status'] });
export const LINKS = served('multicluster.linkerd.io', 'v1alpha3', 'links', 'Link', {
  custom: true,
  openApiSchema: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } },
      },
    },
  },
});
