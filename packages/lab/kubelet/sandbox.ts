import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamespacePaths } from '#net/netns';
import { run } from '#net/programs';

/** A node as pods see it. */
export interface NodeSite {
  name: string;
  ip: string;
  podCidr: string;
  /** Name of its network namespace under /run/netns. */
  netns: string;
  zone: string;
  region: string;
}

export const nodeNetPath = (node: NodeSite): string => `/run/netns/${node.netns}`;

/** The namespaces that a pod's containers share, held by files; no process is needed to keep them. */
export interface Sandbox {
  namespaces: Required<NamespacePaths>;
  /** The node's for a pod in its network; empty where others connect it. */
  ip: string;
  destroy(): Promise<void>;
}

export interface SandboxSpec {
  uid: string;
  /** Folder for the namespace files. */
  folder: string;
  hostname: string;
  node: NodeSite;
  /** The node's network, or one of its own: connected under an address, or left to others. */
  network: 'node' | 'unconnected' | { readonly ip: string };
  /** Extra kernel parameters, e.g. `net.ipv4.ip_local_port_range`. */
  sysctls: Readonly<Record<string, string>>;
}

/** Parameters that container engines set in every pod network: any user may bind low ports and send pings. */
const POD_SYSCTLS = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
  'net.ipv6.conf.default.accept_dad': '0',
};

/**
 * Arguments: host name, file of kernel parameters, for a network of its own the batch inside and, to connect it, the node's
 * namespace and the batch there.
 */
const SETUP_SCRIPT = `
set -e
printf %s "$1" > /proc/sys/kernel/hostname
while read -r name value; do printf %s "$value" > "/proc/sys/$name"; done < "$2"
if [ -n "$3" ]; then ip -batch "$3"; fi
if [ -n "$4" ]; then ip -n "$4" -batch "$5"; fi
`;

/** The node's end of a pod's cable; interface names have 15 letters at most. */
export const vethName = (uid: string): string => `v${createHash('sha256').update(uid).digest('hex').slice(0, 12)}`;

/** Makes the pod's namespaces and connects its network to the node: a /32 address, the node as gateway, a route back. */
export async function createSandbox(spec: SandboxSpec): Promise<Sandbox> {
  const { folder, node, network } = spec;
  const ip = typeof network === 'object' ? network.ip : undefined;
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  const isOwn = network !== 'node';
  const kinds = isOwn ? (['net', 'ipc', 'uts'] as const) : (['ipc', 'uts'] as const);
  for (const kind of kinds) writeFileSync(file(kind), '');
  writeFileSync(file('sysctls'), sysctlLines(isOwn ? { ...POD_SYSCTLS, ...spec.sysctls } : spec.sysctls));
  const veth = vethName(spec.uid);
  const batches = isOwn ? [file('inside'), ...(ip === undefined ? [] : [node.netns, file('outside')])] : [];
  if (isOwn && ip === undefined) writeFileSync(file('inside'), 'link set lo up\n');
  if (ip !== undefined) {
    writeFileSync(file('inside'), insideLines({ ip, gateway: node.ip, veth, netns: node.netns }));
    writeFileSync(file('outside'), `link set ${veth} up\nroute replace ${ip}/32 dev ${veth} src ${node.ip}\n`);
  }
  const unshare = kinds.map((kind) => `--${kind}=${file(kind)}`);
  const destroy = async (): Promise<void> => {
    // Namespaces go with their last holder; deleting the veth at once frees the address before the processes are gone.
    await run('umount', ['--lazy', ...kinds.map(file)], { okCodes: [0, 1, 32] });
  };
  try {
    await run('unshare', [...unshare, 'sh', '-c', SETUP_SCRIPT, 'sandbox', spec.hostname, file('sysctls'), ...batches]);
  } catch (error) {
    await destroy();
    throw error;
  }
  const net = isOwn ? file('net') : nodeNetPath(node);
  return { namespaces: { net, ipc: file('ipc'), uts: file('uts') }, ip: ip ?? (isOwn ? '' : node.ip), destroy };
}

const sysctlLines = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name.replaceAll('.', '/')} ${value}\n`)
    .join('');

function insideLines(link: { ip: string; gateway: string; veth: string; netns: string }): string {
  return [
    'link set lo up',
    `link add eth0 type veth peer name ${link.veth} netns ${link.netns}`,
    `addr add ${link.ip}/32 dev eth0`,
    'link set eth0 up',
    `route add ${link.gateway} dev eth0 scope link`,
    `route add default via ${link.gateway}`,
    '',
  ].join('\n');
}
