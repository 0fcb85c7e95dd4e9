/** Who is behind an address that no Service claims. */
import { GrpcError } from '#runtime/grpc';
import type { ClusterIndex, PodRecord, WorkloadRecord } from '../cluster/index.ts';

/** Who it is, and the address that it has itself. */
export type WorkloadAt = ({ pod: PodRecord } | { workload: WorkloadRecord }) & { ip: string; port: number };

/**
 * A pod with this IP, a pod reached at this port of its node, or an external workload that declares the port. Pods that are about
 * to end count only where no other has the address. A pod reached through its node is told by its own IP and container port:
 * its proxy listens there, and not on the node. Throws FAILED_PRECONDITION when several claim the address.
 */
export function workloadAt(index: ClusterIndex, ip: string, port: number): WorkloadAt | undefined {
  const pod = podAt(index, ip);
  if (pod) return { pod, ip, port };
  const hosted = one(
    index.podsByIp(ip).filter((each) => !each.finished && each.hostIps.includes(ip) && hostPort(each, port)),
    'pods with a conflicting host network endpoint',
    `${ip}:${port}`,
  );
  if (hosted) return { pod: hosted, ip: ownIp(hosted, ip), port: hostPort(hosted, port)?.port ?? port };
  const declared = index.workloadsByIp(ip).filter((each) => each.ports.some((each) => each.port === port));
  const workload = one(declared, 'externalworkloads with a conflicting ip', `${ip}:${port}`);
  return workload && { workload, ip, port };
}

/** The pod whose own IP it is. Throws FAILED_PRECONDITION when several have it. */
export function podAt(index: ClusterIndex, ip: string): PodRecord | undefined {
  const pods = index.podsByIp(ip).filter((pod) => !pod.finished && !pod.hostNetwork && pod.ips.includes(ip));
  return one(pods, 'pods with a conflicting pod network IP', ip);
}

const hostPort = (pod: PodRecord, port: number) => pod.ports.find((each) => each.hostPort === port);

/** The pod's address of the same family as its node's; the node's where it has none of its own yet. */
function ownIp(pod: PodRecord, ip: string): string {
  const isV6 = (address: string) => address.includes(':');
  return pod.ips.find((each) => isV6(each) === isV6(ip)) ?? ip;
}

function one<W extends object>(found: readonly W[], what: string, where: string): W | undefined {
  const staying = found.filter((each) => !(each as { terminating?: boolean }).terminating);
  const list = staying.length > 0 ? staying : found;
  if (list.length > 1) throw new GrpcError('FAILED_PRECONDITION', `found ${list.length} ${what} ${where}`);
  return list[0];
}
