/** Workloads that have inbound policy: pods and external workloads. */
import type { Container, KubeObject, Pod, Probe } from '#api/kube';
import { PortSet } from '#model/annotations';
import { ANNOTATION_KEYS } from '#model/names';
import { type DefaultPolicyName, parseDefaultPolicy } from '#model/policy';
import { listOf, objectOf } from '../admission/refusal.ts';
import { type Named, nameOf } from './table.ts';

export interface SubjectRecord extends Named {
  kind: 'pod' | 'external-workload';
  labels: Readonly<Record<string, string>>;
  /** Ports by name; containers may use one name for several. */
  portsByName: ReadonlyMap<string, readonly number[]>;
  /** Undefined: the control plane's default. */
  defaultPolicy: DefaultPolicyName | undefined;
  opaquePorts: PortSet;
  requireIdentityPorts: PortSet;
  /** Paths that the kubelet probes, by port. */
  probes: ReadonlyMap<number, readonly string[]>;
}

/** Reads a pod. */
export function readPod(object: KubeObject): SubjectRecord {
  const { spec } = object as Pod;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const portsByName = groupPorts(
    containers
      .flatMap((each) => each.ports ?? [])
      .filter((port) => (port.protocol ?? 'TCP') === 'TCP')
      .map(({ name, containerPort }) => ({ name, port: containerPort })),
  );
  return { kind: 'pod', ...subject(object, portsByName), probes: readProbes(containers) };
}

/** Reads an ExternalWorkload. Throws Refusal. */
export function readWorkload(object: KubeObject): SubjectRecord {
  const spec = objectOf(object as unknown as Readonly<Record<string, unknown>>, 'spec') ?? {};
  const portsByName = groupPorts(listOf(spec, 'ports') as readonly { name?: string; port: number }[]);
  return { kind: 'external-workload', ...subject(object, portsByName), probes: NO_PROBES };
}
const NO_PROBES: ReadonlyMap<number, readonly string[]> = new Map();

function subject(object: KubeObject, portsByName: ReadonlyMap<string, number[]>) {
  const { labels = {}, annotations = {} } = object.metadata;
  const ports = (key: string) =>
    PortSet.parse(annotations[key] ?? '', (name) => portsByName.get(name) ?? []) ?? PortSet.EMPTY;
  return {
    ...nameOf(object),
    labels,
    portsByName,
    defaultPolicy: parseDefaultPolicy(annotations[ANNOTATION_KEYS.defaultInboundPolicy]),
    opaquePorts: ports(ANNOTATION_KEYS.opaquePorts),
    requireIdentityPorts: ports(ANNOTATION_KEYS.requireIdentityInboundPorts),
  };
}

function groupPorts(ports: readonly { name?: string | undefined; port: number }[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (const { name, port } of ports) {
    if (!name) continue;
    const list = byName.get(name);
    if (list) list.push(port);
    else byName.set(name, [port]);
  }
  return byName;
}

/** HTTP probes of all containers; a named port is looked up in its own container. The query is not part of a path. */
function readProbes(containers: readonly Container[]): ReadonlyMap<number, readonly string[]> {
  const byPort = new Map<number, string[]>();
  for (const container of containers)
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const port = probePort(container, probe);
      if (port === undefined) continue;
      const path = (probe?.httpGet?.path || '/').split('?')[0] || '/';
      const paths = byPort.get(port) ?? [];
      if (!paths.includes(path)) byPort.set(port, [...paths, path]);
    }
  return byPort;
}

function probePort(container: Container, probe: Probe | undefined): number | undefined {
  const port = probe?.httpGet?.port;
  if (typeof port !== 'string') return port;
  return container.ports?.find((each) => each.name === port)?.containerPort;
}
