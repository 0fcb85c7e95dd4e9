/** Everything that an endpoint's message is made of. Equal facts make equal endpoints. */
import type { ClusterIndex, ServiceRecord, SliceEndpoint, SliceRecord } from '../cluster/index.ts';
import {
  type Description,
  describeAddress,
  describePod,
  describeWorkload,
  type EndpointConfig,
  type GatewayFacts,
  type Located,
  type PodFacts,
  podFacts,
  type WorkloadFacts,
  workloadFacts,
} from './endpoint.ts';

export interface Facts extends Located {
  hostname: string | undefined;
  nodeName: string | undefined;
  hintZones: readonly string[] | undefined;
  /** Factor of its weight, of the pod and of its zone. */
  weight: number;
  /** Level; 0 is used first. */
  priority: number;
  subject: Subject;
}

/** What stands behind the address. */
type Subject =
  | ({ kind: 'pod' } & PodFacts)
  | ({ kind: 'workload' } & WorkloadFacts)
  | ({ kind: 'address' } & GatewayFacts);

/** Where an endpoint comes from. */
export interface Source {
  service: ServiceRecord;
  slice: SliceRecord;
  endpoint: SliceEndpoint;
  /** The Service's port. */
  servicePort: number;
  /** The endpoint's. */
  port: number;
}

/** Undefined when the endpoint points to something that is not there, or that discovery does not know. */
export function factsOf(index: ClusterIndex, source: Source, config: EndpointConfig): Facts | undefined {
  const { service, endpoint, port } = source;
  const { address: ip, zone, hostname, nodeName, hintZones } = endpoint;
  const subject = subjectOf(index, source, config);
  if (!subject) return undefined;
  const own = subject.kind === 'pod' ? subject.pod : subject.kind === 'workload' ? subject.workload : USUAL;
  const zoneWeight = service.zoneWeights?.get(zone ?? '') ?? 1;
  const { priority } = own;
  const behind = subject.kind === 'address' ? subject.behind : undefined;
  return {
    ip,
    port: behind?.port ?? port,
    zone,
    hostname,
    nodeName,
    hintZones,
    weight: own.weight * zoneWeight,
    priority,
    subject,
  };
}

const USUAL = { weight: 1, priority: 0 };

function subjectOf(index: ClusterIndex, source: Source, config: EndpointConfig): Subject | undefined {
  const { endpoint, slice, port, servicePort } = source;
  const { target } = endpoint;
  if (!target) {
    const authority = slice.remoteFqName && `${slice.remoteFqName}:${servicePort}`;
    const behind = slice.behindPort === undefined ? undefined : { port: slice.behindPort, inboundPort: port };
    return { kind: 'address', identity: slice.gatewayIdentity, authority, behind };
  }
  if (target.kind === 'Pod') {
    const pod = index.pod(target.key);
    return pod && { kind: 'pod', ...podFacts(index, pod, port, config) };
  }
  const workload = target.kind === 'ExternalWorkload' ? index.workload(target.key) : undefined;
  return workload && { kind: 'workload', ...workloadFacts(index, workload, port, config) };
}

/** Labels, identity and hints. */
export function describe(facts: Facts, config: EndpointConfig): Description {
  const { subject } = facts;
  if (subject.kind === 'pod') return describePod(subject, facts, config);
  return subject.kind === 'workload' ? describeWorkload(subject, facts, config) : describeAddress(subject, config);
}

/** Whether the one makes the same endpoint as the other. */
export function isSameFacts(a: Facts, b: Facts): boolean {
  return (
    a.ip === b.ip &&
    a.port === b.port &&
    a.zone === b.zone &&
    a.hostname === b.hostname &&
    a.nodeName === b.nodeName &&
    a.weight === b.weight &&
    a.priority === b.priority &&
    isSameList(a.hintZones, b.hintZones) &&
    isSameSubject(a.subject, b.subject)
  );
}

function isSameSubject(a: Subject, b: Subject): boolean {
  if (a.kind === 'address')
    return (
      b.kind === 'address' &&
      a.identity === b.identity &&
      a.authority === b.authority &&
      a.behind?.port === b.behind?.port &&
      a.behind?.inboundPort === b.behind?.inboundPort
    );
  if (b.kind === 'address' || a.opaque !== b.opaque) return false;
  if (a.owner.kind !== b.owner.kind || a.owner.name !== b.owner.name) return false;
  // Records are replaced when their object changes.
  return a.kind === 'pod' ? b.kind === 'pod' && a.pod === b.pod : b.kind === 'workload' && a.workload === b.workload;
}

function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.length === b.length && a.every((each, at) => each === b[at]);
}
