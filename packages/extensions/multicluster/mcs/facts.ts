import { LOCAL_CLUSTER } from '#model/federation';
import { cleanPort, isPort, sayablePorts } from '../mirror/ports.ts';
import type { ObservedService, ServicePort, Traffic } from '../mirror/service.ts';
import type { ServiceExport } from './kinds.ts';

/** As much of a ServiceExport as matters to other clusters. */
export interface ObservedExport {
  namespace: string;
  name: string;
  uid: string;
  /** RFC 3339. */
  created: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export const observeExport = ({ metadata, spec }: ServiceExport): ObservedExport => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  created: metadata.creationTimestamp ?? '',
  labels: spec?.exportedLabels ?? {},
  annotations: spec?.exportedAnnotations ?? {},
});

/** What one cluster says of the Service that it exports. */
export interface ExportFacts {
  cluster: string;
  uid: string;
  /** Of the ServiceExport, RFC 3339. */
  created: string;
  headless: boolean;
  ports: ServicePort[];
  traffic: Traffic;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** Annotations of a federated service, one a cluster that exports it: {@link ExportFacts} as JSON. */
const PREFIX = 'export.multicluster.weft.dev/';
export const exportKey = (cluster: string): string => PREFIX + (cluster || LOCAL_CLUSTER);
export const isExportKey = (key: string): boolean => key.startsWith(PREFIX);

/** What stands there about all exports. */
export const saidExports = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => isExportKey(key)));

/** The most that one cluster's export may take of the annotations of a Service, of which the API server allows 256 KiB for all. */
const SAID_CHARS_MAX = 16_384;

/** What a cluster says of its export. Labels and annotations that take too much room are left out: others' exports must fit, too. */
export function sayExport(found: ObservedExport, { headless, ports, traffic = {} }: ObservedService): string {
  const { uid, created, labels, annotations } = found;
  const facts = { created, uid, headless, ports: sayablePorts(ports), traffic };
  const text = JSON.stringify({ ...facts, labels, annotations });
  return text.length <= SAID_CHARS_MAX ? text : JSON.stringify(facts);
}

/** What all clusters say of their exports, the oldest first: it decides where they differ (KEP-1645, conflict resolution). */
export function readExports(annotations: Record<string, string>): ExportFacts[] {
  return Object.entries(annotations)
    .flatMap(([key, text]) => (isExportKey(key) ? (readFacts(key.slice(PREFIX.length), text) ?? []) : []))
    .sort((a, b) => compare(a.created, b.created) || compare(a.uid, b.uid));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Undefined, where somebody else has written there: the cluster's controller writes it anew. */
function readFacts(cluster: string, text: string): ExportFacts | undefined {
  const said = parse(text);
  if (!said || typeof said['created'] !== 'string' || typeof said['uid'] !== 'string') return undefined;
  const { created, uid, headless, ports } = said;
  return {
    cluster,
    created,
    uid,
    headless: headless === true,
    ports: Array.isArray(ports) ? ports.filter(isPort).map(cleanPort) : [],
    traffic: readTraffic(said['traffic']),
    labels: texts(said['labels']),
    annotations: texts(said['annotations']),
  };
}

function readTraffic(said: unknown): Traffic {
  if (!isRecord(said)) return {};
  const { sessionAffinityConfig: config } = said;
  const fields = ['sessionAffinity', 'internalTrafficPolicy', 'trafficDistribution'] as const;
  return {
    ...Object.fromEntries(fields.flatMap((field) => (typeof said[field] === 'string' ? [[field, said[field]]] : []))),
    ...(isRecord(config) && { sessionAffinityConfig: config }),
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(text);
    return isRecord(said) ? said : undefined;
  } catch {
    return undefined; // as above
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const texts = (value: unknown): Record<string, string> =>
  isRecord(value)
    ? (Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string')) as Record<
        string,
        string
      >)
    : {};
