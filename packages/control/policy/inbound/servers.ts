/** Servers: which ports of which workloads they stand for. */
import type { KubeObject } from '#api/kube';
import { type DefaultPolicyName, parseDefaultPolicy } from '#model/policy';
import { objectOf, Refusal } from '../admission/refusal.ts';
import { readSelector, type Selector } from './selector.ts';
import type { SubjectRecord } from './subjects.ts';
import { type Named, nameOf } from './table.ts';

const PROTOCOLS = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'] as const;
export type ServerProtocol = (typeof PROTOCOLS)[number];

export interface ServerRecord extends Named {
  labels: Readonly<Record<string, string>>;
  /** Undefined: selects no pods. */
  pods: Selector | undefined;
  /** Undefined: selects no external workloads. */
  workloads: Selector | undefined;
  /** A number, or the name of a port. */
  port: number | string;
  protocol: ServerProtocol;
  /** Undefined: adds nothing. */
  accessPolicy: DefaultPolicyName | undefined;
}

/** Reads a Server. Throws Refusal. */
export function readServer(object: KubeObject): ServerRecord {
  const spec = objectOf(object as unknown as Readonly<Record<string, unknown>>, 'spec') ?? {};
  const { port, proxyProtocol = 'unknown', accessPolicy } = spec;
  if (typeof port !== 'number' && typeof port !== 'string')
    throw new Refusal(`port: expected a number or a name, got ${JSON.stringify(port)}`);
  const protocol = PROTOCOLS.find((each) => each === proxyProtocol);
  if (!protocol)
    throw new Refusal(`proxyProtocol: expected one of ${PROTOCOLS.join(', ')}, got ${JSON.stringify(proxyProtocol)}`);
  const selector = (field: string): Selector | undefined => {
    const fields = objectOf(spec, field);
    return fields && readSelector(fields);
  };
  return {
    ...nameOf(object),
    labels: object.metadata.labels ?? {},
    pods: selector('podSelector'),
    workloads: selector('externalWorkloadSelector'),
    port,
    protocol,
    accessPolicy: parseDefaultPolicy(accessPolicy as string | undefined),
  };
}

/** Whether the Server stands for the port of the workload, if no older one does. Both are of one namespace. */
export function selects(server: ServerRecord, subject: SubjectRecord, port: number): boolean {
  const isPort =
    typeof server.port === 'number'
      ? server.port === port
      : subject.portsByName.get(server.port)?.includes(port) === true;
  return isPort && selectsLabels(server, subject);
}

/** Whether it stands for a port of the workload, by labels alone. */
export function selectsLabels(server: ServerRecord, { kind, labels }: SubjectRecord): boolean {
  const selector = kind === 'pod' ? server.pods : server.workloads;
  return selector?.(labels) === true;
}
