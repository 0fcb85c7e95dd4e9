import { join } from 'node:path';

/** Where labs keep their state unless told otherwise. */
export const DEFAULT_ROOT = '/var/lib/weft/lab';

/** Paths of one lab's state folder. */
export interface LabFolders {
  root: string;
  /** The plan. */
  lab: string;
  /** Which process runs the lab; its existence is the lock. */
  running: string;
  /** What the lab's parts report. */
  status: string;
  /** Network faults in force. */
  faults: string;
  /** Held while they are changed. */
  faultsLock: string;
  images: string;
  kubeconfig: string;
  /** The kubeconfig for use inside the lab, with node addresses. */
  insideKubeconfig: string;
  /** The lab's /etc/resolv.conf. */
  resolvConf: string;
  /** Commands for PATH. */
  bin: string;
  hostLog: string;
  clusterLog(cluster: string): string;
  cluster(cluster: string): string;
}

export function labFolders(name: string, root = DEFAULT_ROOT): LabFolders {
  const folder = join(root, name);
  const file = (path: string): string => join(folder, path);
  return {
    root: folder,
    lab: file('lab.json'),
    running: file('running.json'),
    status: file('status.json'),
    faults: file('faults.json'),
    faultsLock: file('faults.lock'),
    images: file('images.json'),
    kubeconfig: file('kubeconfig'),
    insideKubeconfig: file('inside.kubeconfig'),
    resolvConf: file('resolv.conf'),
    bin: file('bin'),
    hostLog: file('log/host.log'),
    clusterLog: (cluster) => file(`log/${cluster}.log`),
    cluster: (cluster) => file(`clusters/${cluster}`),
  };
}

/** Files that mean nothing once the lab is down, besides its lock. */
export const ofThisRun = ({ kubeconfig, insideKubeconfig, status, faults, faultsLock }: LabFolders): string[] => [
  kubeconfig,
  insideKubeconfig,
  status,
  faults,
  faultsLock,
];
