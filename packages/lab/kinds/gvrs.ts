import type { Gvr } from '#api/kube';

/** One string per resource, e.g. `apps/v1/deployments`. */
export const gvrKey = (of: Gvr): string => `${of.group}/${of.version}/${of.resource}`;

/** The `apiVersion` of objects of a group's version: `v1`, `apps/v1`. */
export const apiVersionOf = ({ group, version }: Pick<Gvr, 'group' | 'version'>): string =>
  group ? `${group}/${version}` : version;
