/** Services as outbound policy sees them. */
import type { Gvr, KubeObject, Service } from '#api/kube';
import { PortSet } from '#model/annotations';
import { ANNOTATION_KEYS } from '#model/names';
import { Collection, keyOf, type Listener, Topics, type Watched } from '../../fold/index.ts';

const SERVICES: Gvr = { group: '', version: 'v1', resource: 'services' };

export interface ServicePort {
  port: number;
  appProtocol: string | undefined;
}

export interface ServiceRecord {
  key: string;
  namespace: string;
  name: string;
  /** Cluster IPs and those of load balancers. */
  ips: readonly string[];
  /** Headless Services and mere names for others have none, and no routes. */
  hasClusterIp: boolean;
  ports: readonly ServicePort[];
  /** Undefined: the default list applies. */
  opaquePorts: PortSet | undefined;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

/** Reads a Service. */
export function readService(object: KubeObject): ServiceRecord {
  const { metadata, spec, status } = object as Service;
  const clusterIps = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  const own = clusterIps.filter((ip) => ip !== 'None' && ip !== '');
  const balancerIps = (status?.loadBalancer?.ingress ?? []).flatMap((ingress) => ingress.ip ?? []);
  const opaque = metadata.annotations?.[ANNOTATION_KEYS.opaquePorts];
  const named = (name: string) => (spec?.ports ?? []).filter((port) => port.name === name).map((port) => port.port);
  return {
    key: keyOf(metadata.namespace, metadata.name),
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    ips: [...own, ...balancerIps],
    hasClusterIp: own.length > 0,
    ports: (spec?.ports ?? []).map(({ port, appProtocol }) => ({ port, appProtocol })),
    opaquePorts: opaque === undefined ? undefined : PortSet.parse(opaque, named),
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  };
}

/** A fold of the Services of the cluster, found by name and by IP. */
export class Services {
  readonly #topics = new Topics();
  readonly #byIp = new Map<string, Set<string>>();
  readonly #collection = new Collection<ServiceRecord>(readService, (key, now, old) => this.#changed(key, now, old));
  readonly #cameOrWent: (key: string) => void;

  /** What has to be watched for it. */
  readonly watched: readonly Watched[] = [{ gvr: SERVICES, collection: this.#collection }];

  /** `cameOrWent` is called with the key of each Service that is new, gone, or no longer of the nature it had. */
  constructor(cameOrWent: (key: string) => void = () => undefined) {
    this.#cameOrWent = cameOrWent;
  }

  get(key: string): ServiceRecord | undefined {
    return this.#collection.records.get(key);
  }

  /** The Service that has the IP; of several, the first by name. */
  byIp(ip: string): ServiceRecord | undefined {
    const [first] = [...(this.#byIp.get(ip) ?? [])].sort();
    return first === undefined ? undefined : this.get(first);
  }

  onService(key: string, listener: Listener): () => void {
    return this.#topics.subscribe(`service:${key}`, undefined, listener);
  }
  onIp(ip: string, listener: Listener): () => void {
    return this.#topics.subscribe(`ip:${ip}`, undefined, listener);
  }

  #changed(key: string, now: ServiceRecord | undefined, old: ServiceRecord | undefined): void {
    for (const ip of old?.ips ?? []) {
      const keys = this.#byIp.get(ip);
      keys?.delete(key);
      if (keys?.size === 0) this.#byIp.delete(ip);
    }
    for (const ip of now?.ips ?? []) this.#byIp.set(ip, (this.#byIp.get(ip) ?? new Set()).add(key));
    for (const ip of new Set([...(old?.ips ?? []), ...(now?.ips ?? [])])) this.#topics.touch(`ip:${ip}`);
    this.#topics.touch(`service:${key}`);
    if (now === undefined || old === undefined || now.hasClusterIp !== old.hasClusterIp) this.#cameOrWent(key);
  }
}
