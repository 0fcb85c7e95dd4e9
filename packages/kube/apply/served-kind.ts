import type { Gvr } from '#api/kube';
import type { KubeClient } from '../client/index.ts';

/** How a kind is served, e.g. Deployment of apps/v1: `{gvr: {group: 'apps', …, resource: 'deployments'}, namespaced: true}`. */
export interface ServedKind {
  gvr: Gvr;
  namespaced: boolean;
}

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

/** Looks a kind up in the cluster's discovery; undefined where it is not served (yet). */
export async function resourceOf(
  client: KubeClient,
  apiVersion: string,
  kind: string,
): Promise<ServedKind | undefined> {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const answer = await client.raw(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200)
    throw new Error(`discovery of ${apiVersion} answered ${answer.status}: ${answer.body.slice(0, 200)}`);
  const list = JSON.parse(answer.body) as ApiResourceList;
  const found = list.resources?.find((resource) => resource.kind === kind && !resource.name.includes('/'));
  return found && { gvr: { group, version, resource: found.name }, namespaced: found.namespaced };
}
