import { hostnameOf } from './env.ts';
import type { BoundPod } from './types.ts';

/** What /etc/resolv.conf of a pod is made from. */
export interface DnsSettings {
  /** The cluster's DNS address. */
  nameserver: string;
  clusterDomain: string;
}

/** /etc/resolv.conf by the pod's dnsPolicy and dnsConfig. */
export function resolvConf(pod: BoundPod, dns: DnsSettings): string {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const namespace = pod.metadata.namespace ?? 'default';
  const usesCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork);
  const config = pod.spec.dnsConfig ?? {};
  const domain = dns.clusterDomain;
  const searches = usesCluster ? [`${namespace}.svc.${domain}`, `svc.${domain}`, domain] : [];
  const options = new Map<string, string | undefined>(usesCluster ? [['ndots', '5']] : []);
  for (const option of config.options ?? []) if (option.name) options.set(option.name, option.value);
  const servers = [
    ...(usesCluster || policy === 'Default' || policy === 'ClusterFirst' ? [dns.nameserver] : []),
    ...(config.nameservers ?? []),
  ];
  const lines = servers.slice(0, 3).map((server) => `nameserver ${server}`);
  const allSearches = [...new Set([...searches, ...(config.searches ?? [])])].slice(0, 32);
  if (allSearches.length > 0) lines.unshift(`search ${allSearches.join(' ')}`);
  if (options.size > 0)
    lines.push(`options ${[...options].map(([name, value]) => (value ? `${name}:${value}` : name)).join(' ')}`);
  return `${lines.join('\n')}\n`;
}

/** /etc/hosts with the pod's own name and its aliases. */
export function hostsFile(pod: BoundPod, podIp: string, clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const namespace = pod.metadata.namespace ?? '';
  const full = pod.spec.subdomain ? `${hostname}.${pod.spec.subdomain}.${namespace}.svc.${clusterDomain}\t` : '';
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    `${podIp}\t${full}${hostname}`,
    ...(aliases.length > 0 ? ['', '# Entries added by HostAliases.', ...aliases] : []),
    '',
  ].join('\n');
}

/** Names for the uids and gids that programs look up: root, nobody and the container's own. */
export function passwdFiles(user: { uid: number; gid: number }): { passwd: string; group: string } {
  const passwd = ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin'];
  const group = ['root:x:0:', 'tty:x:5:', 'nogroup:x:65534:'];
  if (user.uid !== 0 && user.uid !== 65534) passwd.push(`app:x:${user.uid}:${user.gid}:app:/:/bin/sh`);
  if (![0, 5, 65534].includes(user.gid)) group.push(`app:x:${user.gid}:`);
  return { passwd: `${passwd.join('\n')}\n`, group: `${group.join('\n')}\n` };
}
