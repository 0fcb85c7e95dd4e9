/** Everything that discovery knows of one cluster: a fold of its watches, and who is told of changes. */
import type { KubeObject, LabelSelector, OwnerReference } from '#api/kube';
import { type KubeClient, matchesLabelSelector } from '#kube/client';
import {
  Collection,
  type Following,
  follow,
  keyOf,
  type Listener,
  Topics,
  type WatchObserver,
} from '../../fold/index.ts';
import type { PodRecord, ServiceRecord, SliceRecord, WorkloadRecord } from './records.ts';
import { RESOURCES, type Records } from './resources.ts';

/** What a pod's owner is called in labels: the kind in lower case. */
export interface Owner {
  kind: string;
  name: string;
}

export class ClusterIndex {
  readonly #topics = new Topics();
  readonly #slicesOfService = new Map<string, Map<string, SliceRecord>>();
  /** Pod or workload -> Services whose slices point to it. */
  readonly #servicesOfTarget = new Map<string, Set<string>>();
  readonly #servicesOfIp = new Map<string, Set<string>>();
  readonly #podsOfIp = new Map<string, Set<string>>();
  readonly #workloadsOfIp = new Map<string, Set<string>>();
  readonly #collections: { readonly [N in keyof Records]: Collection<Records[N]> } = {
    services: new Collection(RESOURCES.services.read, (_, now, old) => this.#serviceChanged(now, old)),
    slices: new Collection(RESOURCES.slices.read, (_, now, old) => this.#sliceChanged(now, old)),
    pods: new Collection(RESOURCES.pods.read, (_, now, old) => this.#podChanged(now, old)),
    servers: new Collection(RESOURCES.servers.read, (_, now, old) => this.#namespaceChanged((now ?? old)?.namespace)),
    replicaSets: new Collection(RESOURCES.replicaSets.read, (key, now, old) => this.#ownerChanged(key, now, old)),
    jobs: new Collection(RESOURCES.jobs.read, (key, now, old) => this.#ownerChanged(key, now, old)),
    nodes: new Collection(RESOURCES.nodes.read, (key, now, old) => {
      if (now?.zone !== old?.zone) this.#topics.touch(`node:${key}`);
    }),
    profiles: new Collection(RESOURCES.profiles.read, (key) => this.#topics.touch(`profile:${key}`)),
    workloads: new Collection(RESOURCES.workloads.read, (_, now, old) => this.#workloadChanged(now, old)),
  };

  /**
   * Watches the cluster: at home everything, elsewhere what linked clusters allow. `synced` settles when every resource was
   * listed once; it never rejects, and for a cluster that does not answer it stays open.
   */
  start(kube: Pick<KubeClient, 'watch'>, home: boolean, observer: WatchObserver): Following {
    const rows = (Object.keys(RESOURCES) as (keyof Records)[]).filter((name) => home || RESOURCES[name].remote);
    return follow(
      kube,
      rows.map((name) => ({ ...RESOURCES[name], collection: this.#collections[name] })),
      observer,
    );
  }

  /** Folds one object, as a watch would. */
  apply(resource: keyof Records, object: KubeObject): void {
    this.#collections[resource].apply(object);
  }

  /** How many objects are known, by resource. */
  sizes(): [resource: string, count: number][] {
    return (Object.keys(RESOURCES) as (keyof Records)[]).map((name) => [
      RESOURCES[name].gvr.resource,
      this.#collections[name].records.size,
    ]);
  }

  onService(key: string, listener: Listener): () => void {
    return this.#topics.subscribe(`service:${key}`, key.split('/')[0], listener);
  }
  onIp(ip: string, listener: Listener): () => void {
    return this.#topics.subscribe(`ip:${ip}`, undefined, listener);
  }
  onProfile(key: string, listener: Listener): () => void {
    return this.#topics.subscribe(`profile:${key}`, undefined, listener);
  }
  onNode(name: string, listener: Listener): () => void {
    return this.#topics.subscribe(`node:${name}`, undefined, listener);
  }

  service(key: string): ServiceRecord | undefined {
    return this.#collections.services.records.get(key);
  }
  slices(serviceKey: string): SliceRecord[] {
    return [...(this.#slicesOfService.get(serviceKey)?.values() ?? [])];
  }
  pod(key: string): PodRecord | undefined {
    return this.#collections.pods.records.get(key);
  }
  workload(key: string): WorkloadRecord | undefined {
    return this.#collections.workloads.records.get(key);
  }
  profile(key: string): Records['profiles'] | undefined {
    return this.#collections.profiles.records.get(key);
  }
  /** Empty when the node or its zone is unknown. */
  zoneOf(nodeName: string): string {
    return this.#collections.nodes.records.get(nodeName)?.zone ?? '';
  }
  /** Services that claim this cluster IP. */
  servicesByIp(ip: string): ServiceRecord[] {
    return lookUp(this.#servicesOfIp, ip, (key) => this.service(key));
  }
  /** Pods that have this IP of their own or through their node. */
  podsByIp(ip: string): PodRecord[] {
    return lookUp(this.#podsOfIp, ip, (key) => this.pod(key));
  }
  workloadsByIp(ip: string): WorkloadRecord[] {
    return lookUp(this.#workloadsOfIp, ip, (key) => this.workload(key));
  }

  /** Whether a Server makes this port of the pod opaque. */
  isOpaqueByServer(pod: PodRecord, port: number): boolean {
    return this.#isOpaque(pod, port, (server) => server.podSelector);
  }
  /** The same for an external workload. */
  isWorkloadOpaqueByServer(workload: WorkloadRecord, port: number): boolean {
    return this.#isOpaque(workload, port, (server) => server.workloadSelector);
  }

  /**
   * Who made a pod, up to the workload that users name: a Deployment rather than its ReplicaSet, a CronJob rather than its Job.
   * Without exactly one owner it is the pod itself.
   */
  ownerOf(subject: { namespace: string; name: string; owner: OwnerReference | undefined }, self: string): Owner {
    const { owner, namespace } = subject;
    if (!owner) return { kind: self, name: subject.name };
    const direct = { kind: owner.kind.toLowerCase(), name: owner.name };
    const above = this.#collectionOf(owner.kind)?.records.get(keyOf(namespace, owner.name))?.owner;
    if (!above) return direct;
    if (owner.kind === 'ReplicaSet' && !REPLICA_SET_OWNERS.has(above.kind)) return direct;
    return { kind: above.kind.toLowerCase(), name: above.name };
  }

  #collectionOf(kind: string): Collection<Records['jobs']> | undefined {
    if (kind === 'ReplicaSet') return this.#collections.replicaSets;
    return kind === 'Job' ? this.#collections.jobs : undefined;
  }

  #isOpaque(
    subject: PodRecord | WorkloadRecord,
    port: number,
    selectorOf: (server: Records['servers']) => LabelSelector | undefined,
  ): boolean {
    for (const server of this.#collections.servers.records.values()) {
      const selector = selectorOf(server);
      if (server.namespace !== subject.namespace || !selector) continue;
      const selected =
        typeof server.port === 'number'
          ? server.port === port
          : subject.ports.some((each) => each.name === server.port && each.port === port);
      if (selected && matchesLabelSelector(selector, subject.labels)) return true;
    }
    return false;
  }

  #serviceChanged(now: ServiceRecord | undefined, old: ServiceRecord | undefined): void {
    for (const ip of old?.clusterIps ?? []) unlink(this.#servicesOfIp, ip, old!.key);
    for (const ip of now?.clusterIps ?? []) link(this.#servicesOfIp, ip, now!.key);
    for (const ip of new Set([...(old?.clusterIps ?? []), ...(now?.clusterIps ?? [])])) this.#topics.touch(`ip:${ip}`);
    this.#topics.touch(`service:${(now ?? old)!.key}`);
  }

  #sliceChanged(now: SliceRecord | undefined, old: SliceRecord | undefined): void {
    if (old) {
      const slices = this.#slicesOfService.get(old.serviceKey);
      slices?.delete(old.key);
      if (slices?.size === 0) this.#slicesOfService.delete(old.serviceKey);
      this.#relinkTargets(old.serviceKey, old);
      this.#topics.touch(`service:${old.serviceKey}`);
    }
    if (now) {
      let slices = this.#slicesOfService.get(now.serviceKey);
      if (!slices) {
        slices = new Map();
        this.#slicesOfService.set(now.serviceKey, slices);
      }
      slices.set(now.key, now);
      for (const { target } of now.endpoints) if (target) link(this.#servicesOfTarget, target.key, now.serviceKey);
      this.#topics.touch(`service:${now.serviceKey}`);
    }
  }

  /** After a slice went: its targets stay linked to the Service only where another slice names them. */
  #relinkTargets(serviceKey: string, gone: SliceRecord): void {
    const kept = new Set<string>();
    for (const slice of this.slices(serviceKey))
      for (const { target } of slice.endpoints) if (target) kept.add(target.key);
    for (const { target } of gone.endpoints)
      if (target && !kept.has(target.key)) unlink(this.#servicesOfTarget, target.key, serviceKey);
  }

  #podChanged(now: PodRecord | undefined, old: PodRecord | undefined): void {
    const key = (now ?? old)!.key;
    const ipsOf = (pod: PodRecord | undefined) => new Set([...(pod?.ips ?? []), ...(pod?.hostIps ?? [])]);
    this.#relinkIps(this.#podsOfIp, key, ipsOf(now), ipsOf(old));
    for (const service of this.#servicesOfTarget.get(key) ?? []) this.#topics.touch(`service:${service}`);
  }

  #workloadChanged(now: WorkloadRecord | undefined, old: WorkloadRecord | undefined): void {
    const key = (now ?? old)!.key;
    this.#relinkIps(this.#workloadsOfIp, key, new Set(now?.ips), new Set(old?.ips));
    for (const service of this.#servicesOfTarget.get(key) ?? []) this.#topics.touch(`service:${service}`);
  }

  #relinkIps(table: Map<string, Set<string>>, key: string, now: Set<string>, old: Set<string>): void {
    for (const ip of old) if (!now.has(ip)) unlink(table, ip, key);
    for (const ip of now) link(table, ip, key);
    for (const ip of new Set([...now, ...old])) this.#topics.touch(`ip:${ip}`);
  }

  /** A Server came, changed or went: whose ports it selects is found out by whoever listens. */
  #namespaceChanged(namespace: string | undefined): void {
    this.#topics.touchAll('service:', namespace);
    this.#topics.touchAll('ip:');
  }

  #ownerChanged(key: string, now: Records['jobs'] | undefined, old: Records['jobs'] | undefined): void {
    if (now?.owner?.uid === old?.owner?.uid && now?.owner?.name === old?.owner?.name) return;
    this.#namespaceChanged(key.split('/')[0]);
  }
}

/** Owners of ReplicaSets that users know; others are not followed. */
const REPLICA_SET_OWNERS = new Set(['Job', 'StatefulSet', 'DaemonSet', 'Deployment']);

function link(table: Map<string, Set<string>>, from: string, to: string): void {
  const set = table.get(from);
  if (set) set.add(to);
  else table.set(from, new Set([to]));
}

function unlink(table: Map<string, Set<string>>, from: string, to: string): void {
  const set = table.get(from);
  set?.delete(to);
  if (set?.size === 0) table.delete(from);
}

function lookUp<R>(table: Map<string, Set<string>>, from: string, read: (key: string) => R | undefined): R[] {
  return [...(table.get(from) ?? [])].flatMap((key) => read(key) ?? []);
}
