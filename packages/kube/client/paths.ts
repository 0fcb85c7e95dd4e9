import type { Gvr } from '#api/kube';

/**
 * REST path of a resource, e.g. `/apis/apps/v1/namespaces/a/deployments/web/status`. Without namespace: cluster scope or
 * all namespaces; without name: the collection.
 */
export function resourcePath(
  gvr: Gvr,
  at: { namespace?: string | undefined; name?: string; subresource?: string } = {},
) {
  const parts = [gvr.group === '' ? '/api' : `/apis/${gvr.group}`, gvr.version];
  if (at.namespace) parts.push('namespaces', encodeURIComponent(at.namespace));
  parts.push(gvr.resource);
  if (at.name !== undefined) parts.push(encodeURIComponent(at.name));
  if (at.subresource) parts.push(at.subresource);
  return parts.join('/');
}

/** `?a=1&b=2` of the set values, or the empty string. */
export function query(values: Record<string, string | number | boolean | undefined>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return '';
  return `?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
}
