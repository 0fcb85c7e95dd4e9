/** Who is behind an address that no Service claims. */
import { GrpcError } from '#runtime/grpc';
import type { ClusterIndex, PodRecord, WorkloadRecord } from '../cluster/index.ts';

export type WorkloadAt = { pod: PodRecord } | { workload: WorkloadRecord } | undefined;

/**
 * A pod with this IP, a pod reached at this port of its node, or an external workload that declares the port. Pods that are about
 * to end count only where no other has the address. Throws FAILED_PRECONDITION when several claim it.
 */
export function workloadAt(index: ClusterIndex, ip: string, port: number): WorkloadAt {
  const candidates = index.podsByIp(ip).filter((pod) => !pod.finished);
  const pods = candidates.filter((pod) => !pod.hostNetwork && pod.ips.includes(ip));
  const pod = one(pods, 'pods with a conflicting pod network IP', ip);
  if (pod) return { pod };
  const onHost = candidates.filter(
    (each) => each.hostIps.includes(ip) && each.ports.some((each) => each.hostPort === port),
  );
  const hosted = one(onHost, 'pods with a conflicting host network endpoint', `${ip}:${port}`);
  if (hosted) return { pod: hosted };
  const declared = index.workloadsByIp(ip).filter((each) => each.ports.some((each) => each.port === port));
  const workload = one(declared, 'externalworkloads with a conflicting ip', `${ip}:${port}`);
  return workload && { workload };
}

function one<W extends object>(found: readonly W[], what: string, where: string): W | undefined {
  const staying = found.filter((each) => !(each as { terminating?: boolean }).terminating);
  const list = staying.length > 0 ? staying : found;
  if (list.length > 1) throw new GrpcError('FAILED_PRECONDITION', `found ${list.length} ${what} ${where}`);
  return list[0];
}
