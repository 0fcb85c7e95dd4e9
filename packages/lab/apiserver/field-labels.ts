import type { AnyObject } from '#api/kube';
import { valueAt } from './paths.ts';

type Reader = (object: AnyObject) => string | undefined;

/** Field labels by stored resource (kubernetes.md 1.6); every resource also has metadata.name and metadata.namespace. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/nodes': ['spec.unschedulable'],
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/secrets': ['type'],
  '/namespaces': ['status.phase'],
  '/services': ['spec.clusterIP', 'spec.type'],
  '/replicationcontrollers': ['status.replicas'],
  'batch/jobs': ['status.successful'],
  'apps/replicasets': ['status.replicas'],
  'certificates.k8s.io/certificatesigningrequests': ['spec.signerName'],
};

/** Labels that are not simply a path. */
const SPECIAL: Readonly<Record<string, Reader>> = {
  'status.podIPs': (pod) => listAt(pod, 'status.podIPs').map((entry) => text(valueAt(entry, 'ip')))[0],
  'status.successful': (job) => text(valueAt(job, 'status.succeeded') ?? 0),
  'status.replicas': (set) => text(valueAt(set, 'status.replicas') ?? 0),
  'spec.hostNetwork': (pod) => text(valueAt(pod, 'spec.hostNetwork') ?? false),
  'spec.unschedulable': (node) => text(valueAt(node, 'spec.unschedulable') ?? false),
  source: (event) => text(valueAt(event, 'source.component') ?? valueAt(event, 'reportingComponent')),
};

/** The field labels of a stored resource with their readers. */
export function fieldLabels(storage: string, extra: readonly string[] = []): ReadonlyMap<string, Reader> {
  const readers = new Map<string, Reader>([
    ['metadata.name', (object) => object.metadata.name],
    ['metadata.namespace', (object) => object.metadata.namespace],
  ]);
  for (const label of [...(LABELS[storage] ?? []), ...extra])
    readers.set(label, SPECIAL[label] ?? ((object) => text(valueAt(object, label))));
  return readers;
}

const text = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : String(value);

function listAt(object: AnyObject, path: string): readonly unknown[] {
  const value = valueAt(object, path);
  return Array.isArray(value) ? value : [];
}
