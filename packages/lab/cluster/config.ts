import { readFileSync } from 'node:fs';
import type { ImageRecord } from '../images/index.ts';

/** One node as its cluster's process needs it. */
export interface ClusterNode {
  name: string;
  ip: string;
  podCidr: string;
  netns: string;
  /** The other end of its uplink, in the lab's root. */
  cable: string;
  zone: string;
  region: string;
}

/** All that one cluster's process is told, as JSON in a file. */
export interface ClusterConfig {
  name: string;
  nodes: readonly ClusterNode[];
  serviceCidr: string;
  loadBalancerCidr: string;
  /** Network namespace of the lab's root, and the address it speaks from. */
  rootNet: string;
  rootAddress: string;
  dnsIp: string;
  clusterDomain: string;
  apiAddress: string;
  apiPort: number;
  /** Folder for the store, container layers and logs. */
  folder: string;
  /** Where the administrator's kubeconfigs go: for the host, with `hostServer`, and for the inside. */
  kubeconfigs: readonly { path: string; server: string }[];
  images: readonly ImageRecord[];
  /** Crash back-off of containers, milliseconds. */
  backoff: { firstMs: number; capMs: number; resetMs: number };
}

export function readClusterConfig(path: string): ClusterConfig {
  return JSON.parse(readFileSync(path, 'utf8')) as ClusterConfig;
}

/** What a cluster's process tells its supervisor, one JSON object a line on standard output. */
export type ClusterMessage = { stage: string } | { ready: true } | { failed: string };
