import type { KubeObject, ObjectMeta } from '#api/kube';
import { MIRROR } from './names.ts';
import { ownKeys } from './ownership.ts';

export interface ServicePort {
  name?: string;
  protocol?: string;
  port: number;
  targetPort?: number | string;
  appProtocol?: string;
}

/** As much of a Service as mirroring looks at; watches of whole clusters keep only this. */
export interface ObservedService {
  name: string;
  namespace: string;
  resourceVersion: string;
  /** Labels and annotations: of what we made, those that are ours. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  ports: ServicePort[];
  headless: boolean;
  external: boolean;
  /** Absent without one: headless, or not given out yet. */
  clusterIP?: string;
  /** All of its addresses, and their families; absent without. */
  clusterIPs?: string[];
  ipFamilies?: string[];
  /** Absent where it says nothing but defaults. */
  traffic?: Traffic;
  /** Of the API server's own Service alone: two clusters that have the same are one. */
  uid?: string;
}

/** How a Service spreads what comes to it; defaults are left out. */
export interface Traffic {
  sessionAffinity?: string;
  sessionAffinityConfig?: Record<string, unknown>;
  internalTrafficPolicy?: string;
  trafficDistribution?: string;
}

export interface ServiceObject extends KubeObject {
  spec?: Traffic & {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    ipFamilies?: string[];
    selector?: Record<string, string>;
    ports?: (ServicePort & Record<string, unknown>)[];
  };
}

/** What should happen to one local Service. An update replaces labels, annotations and ports of the version named. */
export type Change =
  | { do: 'create'; service: ServiceObject }
  | { do: 'update'; service: ServiceObject }
  | { do: 'delete'; name: string; namespace: string; resourceVersion: string };

/** Every cluster has it, as `namespace/name`. */
export const API_SERVER = 'default/kubernetes';

export const serviceKey = (namespace: string, name: string): string => `${namespace}/${name}`;
export const changeName = (change: Change): string =>
  change.do === 'delete'
    ? serviceKey(change.namespace, change.name)
    : serviceKey(change.service.metadata.namespace ?? '', change.service.metadata.name ?? '');

/** Reduces an object of the API. */
export function observe(object: ServiceObject): ObservedService {
  const { name = '', namespace = '', resourceVersion = '', uid } = object.metadata;
  const isMade = object.metadata.labels?.[MIRROR.mirroredService] !== undefined;
  const { labels = {}, annotations = {} } = isMade ? ownKeys(object.metadata) : object.metadata;
  const { clusterIP, clusterIPs, ipFamilies, type, ports = [] } = object.spec ?? {};
  const traffic = trafficOf(object.spec ?? {});
  return {
    name,
    namespace,
    resourceVersion,
    labels,
    annotations,
    ports: ports.map(portOf),
    headless: clusterIP === 'None',
    external: type === 'ExternalName',
    ...(clusterIP && clusterIP !== 'None' && { clusterIP, clusterIPs: clusterIPs ?? [clusterIP] }),
    ...(ipFamilies && { ipFamilies }),
    ...(Object.keys(traffic).length > 0 && { traffic }),
    ...(uid !== undefined && serviceKey(namespace, name) === API_SERVER && { uid }),
  };
}

function trafficOf(spec: Traffic): Traffic {
  const { sessionAffinity, sessionAffinityConfig, internalTrafficPolicy, trafficDistribution } = spec;
  return {
    ...(sessionAffinity && sessionAffinity !== 'None' && { sessionAffinity }),
    ...(sessionAffinityConfig && { sessionAffinityConfig }),
    ...(internalTrafficPolicy && internalTrafficPolicy !== 'Cluster' && { internalTrafficPolicy }),
    ...(trafficDistribution && { trafficDistribution }),
  };
}

/** The spec with other traffic fields than it had. */
export function withTraffic<S extends Traffic>(spec: S, traffic: Traffic): S {
  const {
    sessionAffinity: _affinity,
    sessionAffinityConfig: _config,
    internalTrafficPolicy: _policy,
    trafficDistribution: _distribution,
    ...rest
  } = spec;
  return { ...(rest as S), ...traffic };
}

/** The parts of a port that mean the same in another cluster. */
const portOf = (port: ServicePort): ServicePort => ({
  ...(port.name && { name: port.name }),
  ...(port.protocol && { protocol: port.protocol }),
  port: port.port,
  ...(port.targetPort !== undefined && { targetPort: port.targetPort }),
  ...(port.appProtocol !== undefined && { appProtocol: port.appProtocol }),
});

/** A Service without selector, as mirrors and federated services are. */
export function serviceObject(
  metadata: ObjectMeta,
  ports: readonly ServicePort[],
  headless = false,
  traffic: Traffic = {},
): ServiceObject {
  const spec = { ...(headless && { clusterIP: 'None' }), ...traffic, ports: ports.map(portOf) as never };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec };
}

/** Whether an observed Service has exactly these labels, annotations and ports (with the API's defaults filled in). */
export function agrees(
  observed: ObservedService,
  wanted: { labels: Record<string, string>; annotations: Record<string, string>; ports: readonly ServicePort[] },
): boolean {
  return (
    sameMap(observed.labels, wanted.labels) &&
    sameMap(observed.annotations, wanted.annotations) &&
    observed.ports.map(portText).join() === wanted.ports.map(portText).join()
  );
}

const portText = ({ name = '', protocol = 'TCP', port, targetPort, appProtocol = '' }: ServicePort): string =>
  `${name}|${protocol}|${port}|${targetPort || port}|${appProtocol}`;

export const sameTraffic = (a: Traffic = {}, b: Traffic = {}): boolean =>
  TRAFFIC_FIELDS.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]));

const TRAFFIC_FIELDS = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'internalTrafficPolicy',
  'trafficDistribution',
] as const;

export function sameMap(a: Record<string, string>, b: Record<string, string>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
