import type { Territory } from '../faults/index.ts';
import { LIMITS } from './limits.ts';

/** One node of a cluster: a router namespace on the lab's backbone. */
export interface NodePlan {
  name: string;
  ip: string;
  podCidr: string;
  /** Its network namespace under the lab's /run/netns. */
  netns: string;
  /** The lab's end of its cable. Interface names have 15 letters at most. */
  cable: string;
  zone: string;
  region: string;
}

/** Addresses and names of one cluster; all of them follow from its index. */
export interface ClusterPlan {
  name: string;
  index: number;
  nodes: NodePlan[];
  nodeCidr: string;
  podCidr: string;
  serviceCidr: string;
  loadBalancerCidr: string;
  /** Address of Service kube-system/kube-dns. */
  dnsIp: string;
  clusterDomain: string;
  /** Where its API server listens: the first node's address. */
  apiAddress: string;
  apiPort: number;
  /** Loopback port of the host that leads to the API server. */
  hostPort: number;
}

/** A whole lab. Stored as `lab.json` in its state folder. */
export interface LabPlan {
  name: string;
  clusters: ClusterPlan[];
  /** Crash back-off of containers, in milliseconds. */
  backoff: { firstMs: number; capMs: number; resetMs: number };
  /** The lab's state does not outlive it. */
  isEphemeral: boolean;
  /** Pods do not reach pods of other clusters, only nodes and load balancers do. */
  isIsolated: boolean;
}

export interface PlanOptions {
  name: string;
  clusters: readonly string[];
  nodesPerCluster: number;
  isEphemeral: boolean;
  isIsolated: boolean;
  /** First loopback port for API servers; 0 lets the system choose each. */
  firstHostPort: number;
  /** Crash back-off of containers; Kubernetes' own when absent. */
  backoff?: LabPlan['backoff'];
}

const KUBELET_BACKOFF = { firstMs: 10_000, capMs: 300_000, resetMs: 600_000 };

const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const ZONES = 'abcdefghijklmnop';

/** Lays out a lab; throws with a sentence for the operator when the options make none. */
export function planLab(options: PlanOptions): LabPlan {
  checkName('lab name', options.name);
  const names = [...options.clusters];
  if (names.length === 0) throw new Error('a lab needs at least one cluster');
  if (names.length > LIMITS.clustersMax) throw new Error(`a lab has at most ${LIMITS.clustersMax} clusters`);
  for (const name of names) checkName('cluster name', name);
  if (new Set(names).size < names.length) throw new Error(`cluster names must differ: ${names.join(', ')}`);
  const { nodesPerCluster } = options;
  if (!Number.isInteger(nodesPerCluster) || nodesPerCluster < 1 || nodesPerCluster > LIMITS.nodesMax)
    throw new Error(`a cluster has 1 to ${LIMITS.nodesMax} nodes, not ${nodesPerCluster}`);
  const clusters = names.map((name, index) => planCluster(name, index, options));
  const { name, isEphemeral, isIsolated, backoff = KUBELET_BACKOFF } = options;
  return { name, clusters, isEphemeral, isIsolated, backoff };
}

function checkName(what: string, name: string): void {
  if (!NAME.test(name))
    throw new Error(`${what} "${name}" must be 1 to 32 of a-z, 0-9 and -, beginning and ending with a letter or digit`);
}

function planCluster(name: string, index: number, options: PlanOptions): ClusterPlan {
  const nodes = Array.from(
    { length: options.nodesPerCluster },
    (_, n): NodePlan => ({
      name: `${name}-${n + 1}`,
      ip: `172.30.${index}.${n + 1}`,
      podCidr: `10.${42 + index}.${n}.0/24`,
      netns: `${name}-${n + 1}`,
      cable: `n${index}-${n + 1}`,
      zone: `${name}-${ZONES[n]}`,
      region: name,
    }),
  );
  return {
    name,
    index,
    nodes,
    nodeCidr: `172.30.${index}.0/24`,
    podCidr: `10.${42 + index}.0.0/16`,
    serviceCidr: `10.${96 + index}.0.0/16`,
    loadBalancerCidr: `172.31.${index}.0/24`,
    dnsIp: `10.${96 + index}.0.10`,
    clusterDomain: 'cluster.local',
    apiAddress: `172.30.${index}.1`,
    apiPort: 6443,
    hostPort: options.firstHostPort === 0 ? 0 : options.firstHostPort + index,
  };
}

/** Every address that belongs to a cluster. */
export const territoryOf = ({ name, podCidr, serviceCidr, nodeCidr, loadBalancerCidr }: ClusterPlan): Territory => ({
  name,
  cidrs: [podCidr, serviceCidr, nodeCidr, loadBalancerCidr],
});

/** The lab's own address, which its root namespace speaks from. */
export const ROOT_ADDRESS = '172.30.255.1';
