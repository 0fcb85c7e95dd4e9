import { unitePorts } from '../mirror/ports.ts';
import type { ServicePort, Traffic } from '../mirror/service.ts';
import type { ExportFacts } from './facts.ts';
import type { ImportType } from './kinds.ts';

/** What clients of all clusters see of a service, and in what its exports differ. */
export interface Resolved {
  type: ImportType;
  ports: ServicePort[];
  traffic: Traffic;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Clusters that export it, by name. */
  clusters: string[];
  /** Undefined when all exports say the same. */
  conflict: { reason: string; message: string } | undefined;
}

/** Exports as one service: ports are united, in all else the oldest decides. Undefined without any; `exports` are sorted by age. */
export function resolveExports(exports: readonly ExportFacts[]): Resolved | undefined {
  const [oldest, ...rest] = exports;
  if (!oldest) return undefined;
  return {
    type: typeOf(oldest),
    ports: exportedPorts(exports),
    traffic: oldest.traffic,
    labels: oldest.labels,
    annotations: oldest.annotations,
    clusters: exports.map(({ cluster }) => cluster).sort(),
    conflict: conflictOf(oldest, rest),
  };
}

export const exportedPorts = (exports: readonly ExportFacts[]): ServicePort[] =>
  unitePorts(
    [],
    exports.map(({ ports }) => JSON.stringify(ports)),
  );

const typeOf = ({ headless }: ExportFacts): ImportType => (headless ? 'Headless' : 'ClusterSetIP');

/** In what exports may differ: reasons of KEP-1645, and what each export has there. */
const COMPARED: readonly [reason: string, what: string, read: (facts: ExportFacts) => string][] = [
  ['PortConflict', 'ports', ({ ports }) => ports.map(portText).sort().join(', ')],
  ['TypeConflict', 'type', typeOf],
  ['SessionAffinityConflict', 'session affinity', ({ traffic }) => traffic.sessionAffinity ?? 'None'],
  ['SessionAffinityConfigConflict', 'session affinity config', ({ traffic }) => text(traffic.sessionAffinityConfig)],
  ['InternalTrafficPolicyConflict', 'internal traffic policy', ({ traffic }) => policyOf(traffic)],
  ['TrafficDistributionConflict', 'traffic distribution', ({ traffic }) => traffic.trafficDistribution ?? 'none'],
  ['LabelsConflict', 'exported labels', ({ labels }) => mapText(labels)],
  ['AnnotationsConflict', 'exported annotations', ({ annotations }) => mapText(annotations)],
];

const policyOf = ({ internalTrafficPolicy = 'Cluster' }: Traffic): string => internalTrafficPolicy;
const portText = ({ name = '', protocol = 'TCP', port, appProtocol = '' }: ServicePort): string =>
  [`${port}/${protocol}`, name, appProtocol].filter(Boolean).join(' ');
const text = (value: object | undefined): string => (value ? JSON.stringify(value) : 'none');
const mapText = (map: Record<string, string>): string => JSON.stringify(Object.fromEntries(Object.entries(map).sort()));

function conflictOf(oldest: ExportFacts, rest: readonly ExportFacts[]): Resolved['conflict'] {
  const found = COMPARED.flatMap(([reason, what, read]) => {
    const differing = rest.filter((facts) => read(facts) !== read(oldest));
    if (differing.length === 0) return [];
    const others = differing.map((facts) => `${facts.cluster} has ${read(facts)}`).join(', ');
    return [{ reason, message: `${what}: ${oldest.cluster}, the oldest export, has ${read(oldest)}; ${others}` }];
  });
  if (found.length === 0) return undefined;
  const message = found.map((each) => each.message).join('; ');
  return { reason: found.map(({ reason }) => reason).join(), message: clipped(message) };
}

/** As much as a condition should carry; its definition allows 32768. */
const MESSAGE_CHARS_MAX = 4_096;
const clipped = (message: string): string =>
  message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX - 1)}…` : message;
