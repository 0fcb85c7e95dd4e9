/** Authorities and the DNS names of services. */

export interface Authority {
  /** A DNS name or an IP address; IPv6 without brackets. */
  host: string;
  port: number;
}

/** Port of an authority that names none. */
export const DEFAULT_PORT = 80;

/** Splits `host`, `host:port` or `[v6]:port`. Undefined when the host is empty or the port is not 1…65535. */
export function parseAuthority(text: string): Authority | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (!found) return undefined;
  const host = found[1] ?? found[2] ?? '';
  const port = found[3] === undefined ? DEFAULT_PORT : Number(found[3]);
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}

export interface ServiceName {
  name: string;
  namespace: string;
  /** The first label of a pod's DNS name under a headless Service, e.g. `db-0`. */
  instance?: string;
}

/**
 * Reads `<service>.<namespace>.svc.<clusterDomain>` or `<instance>.<service>.<namespace>.svc.<clusterDomain>`; one trailing dot
 * on the host is not accepted, as the API's callers remove it. Undefined for any other name.
 */
export function parseServiceName(host: string, clusterDomain: string): ServiceName | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!host.endsWith(suffix)) return undefined;
  const labels = host.slice(0, -suffix.length).split('.');
  if (labels.some((label) => label === '')) return undefined;
  const [first = '', second = '', third] = labels;
  if (labels.length === 2) return { name: first, namespace: second };
  if (labels.length === 3) return { instance: first, name: second, namespace: third ?? '' };
  return undefined;
}

/** `web.shop.svc.cluster.local`. */
export function serviceFqdn(service: { name: string; namespace: string }, clusterDomain: string): string {
  return `${service.name}.${service.namespace}.svc.${clusterDomain}`;
}

/** Whether `text` is a DNS label of Kubernetes (RFC 1123): lower-case letters, digits and inner dashes, at most 63. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** Whether `text` is a DNS subdomain of Kubernetes: labels joined by dots, at most 253 characters. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label));
}
