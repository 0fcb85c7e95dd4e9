/** Everything that discovery knows of one cluster: a fold of its watches, and who is told of changes. */
import type { Gvr, KubeObject, LabelSelector, OwnerReference } from '#api/kube';
import { type KubeClient, matchesLabelSelector } from '#kube/client';
import { systemClock } from '#runtime/clock';
import {
  Collection,
  type Following,
  follow,
  keyOf,
  type Listener,
  Topics,
  type WatchObserver,
} from '../../fold/index.ts';
import type { PodRecord, Problem, ServerRecord, ServiceRecord, SliceRecord, WorkloadRecord } from './records.ts';
import { RESOURCES, type Records } from './resources.ts';

/** What a pod's owner is called in labels: the kind in lower case. */
export interface Owner {
  kind: string;
  name: string;
}

/** Told of annotations and objects that cannot be read, once each. */
export type IndexWarning = (resource: string, object: string, problem: string) => void;

type ReadRecord<R> = (object: KubeObject, old: R | undefined, problem: Problem) => R | undefined;

export class ClusterIndex {
  readonly #topics = new Topics(systemClock);
  readonly #podsOfNamespace = new Map<string, Set<string>>();
  /** `namespace/Kind/name` of the sole owner -> pods. */
  readonly #podsOfOwner = new Map<string, Set<string>>();
  readonly #workloadsOfNamespace = new Map<string, Set<string>>();
  readonly #serversOfNamespace = new Map<string, Set<ServerRecord>>();
  readonly #slicesOfService = new Map<string, Map<string, SliceRecord>>();
  /** Pod or workload -> Services whose slices point to it. */
  readonly #servicesOfTarget = new Map<string, Set<string>>();
  readonly #servicesOfIp = new Map<string, Set<string>>();
  readonly #podsOfIp = new Map<string, Set<string>>();
  readonly #workloadsOfIp = new Map<string, Set<string>>();
  /** Address -> slices of pods of other clusters that have it. */
  readonly #importsOfIp = new Map<string, Set<string>>();
  /** What is wrong with objects, as last said. */
  readonly #problems = new Map<string, string>();
  readonly #warn: IndexWarning;
  readonly #collections: { readonly [N in keyof Records]: Collection<Records[N]> };

  constructor(warn: IndexWarning) {
    this.#warn = warn;
    this.#collections = {
      services: this.#fold('services', (_, now, old) => this.#serviceChanged(now, old)),
      slices: this.#fold('slices', (_, now, old) => this.#sliceChanged(now, old)),
      pods: this.#fold('pods', (_, now, old) => this.#podChanged(now, old)),
      servers: this.#fold('servers', (_, now, old) => this.#serverChanged(now, old)),
      replicaSets: this.#fold('replicaSets', (key, now, old) => this.#ownerChanged('ReplicaSet', key, now, old)),
      jobs: this.#fold('jobs', (key, now, old) => this.#ownerChanged('Job', key, now, old)),
      nodes: this.#fold('nodes', (key, now, old) => {
        if (now?.zone !== old?.zone) this.#topics.touch(`node:${key}`);
      }),
      profiles: this.#fold('profiles', (key) => this.#topics.touch(`profile:${key}`)),
      workloads: this.#fold('workloads', (_, now, old) => this.#workloadChanged(now, old)),
    };
  }

  #fold<N extends keyof Records>(
    name: N,
    changed: (key: string, now: Records[N] | undefined, old: Records[N] | undefined) => void,
  ): Collection<Records[N]> {
    const row: { gvr: Gvr; read: ReadRecord<Records[N]> } = RESOURCES[name] as never;
    return new Collection<Records[N]>(
      (object, old) => {
        const problems: string[] = [];
        const record = row.read(object, old, (text) => problems.push(text));
        this.#report(row.gvr.resource, keyOf(object.metadata.namespace, object.metadata.name), problems.join('; '));
        return record;
      },
      (key, now, old) => {
        if (!now) this.#report(row.gvr.resource, key, '');
        changed(key, now, old);
      },
    );
  }

  /** Says what is wrong with an object once, however often the object comes. */
  #report(resource: string, object: string, text: string): void {
    const key = `${resource} ${object}`;
    if (text === '') {
      this.#problems.delete(key);
      return;
    }
    if (this.#problems.get(key) === text) return;
    this.#problems.set(key, text);
    this.#warn(resource, object, text);
  }

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
  sizes(): [resource: keyof Records, count: number][] {
    return (Object.keys(RESOURCES) as (keyof Records)[]).map((name) => [name, this.#collections[name].records.size]);
  }

  /** The Service itself changed, came or went. */
  onService(key: string, listener: Listener): () => void {
    return this.#topics.subscribe(`service:${key}`, undefined, listener);
  }
  /** Anything changed that a Service's endpoints are made of: itself, its slices, what they point to. */
  onEndpoints(key: string, listener: Listener): () => void {
    return this.#topics.subscribe(`endpoints:${key}`, undefined, listener);
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
  /** Clusters that have a pod at this address, as the slices say that mirror controllers keep here. */
  clustersByIp(ip: string): string[] {
    const slices = lookUp(this.#importsOfIp, ip, (key) => this.#collections.slices.records.get(key));
    return [...new Set(slices.flatMap(({ imported }) => imported?.cluster ?? []))];
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
    for (const server of this.#serversOfNamespace.get(subject.namespace) ?? []) {
      const selector = selectorOf(server);
      if (!selector) continue;
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
    const { key } = (now ?? old)!;
    this.#topics.touch(`service:${key}`);
    this.#topics.touch(`endpoints:${key}`);
  }

  #sliceChanged(now: SliceRecord | undefined, old: SliceRecord | undefined): void {
    if (now?.imported || old?.imported) {
      const { key } = (now ?? old)!;
      this.#relinkIps(this.#importsOfIp, key, new Set(now?.imported?.ips), new Set(old?.imported?.ips));
    }
    if (old) {
      const slices = this.#slicesOfService.get(old.serviceKey);
      slices?.delete(old.key);
      if (slices?.size === 0) this.#slicesOfService.delete(old.serviceKey);
    }
    if (now) {
      let slices = this.#slicesOfService.get(now.serviceKey);
      if (!slices) {
        slices = new Map();
        this.#slicesOfService.set(now.serviceKey, slices);
      }
      slices.set(now.key, now);
      for (const { target } of now.endpoints) if (target) link(this.#servicesOfTarget, target.key, now.serviceKey);
      this.#topics.touch(`endpoints:${now.serviceKey}`);
    }
    if (old) {
      this.#unlinkTargets(old);
      this.#topics.touch(`endpoints:${old.serviceKey}`);
    }
  }

  /** After a slice went: its targets stay linked to the Service only where another slice names them. */
  #unlinkTargets({ serviceKey, endpoints }: SliceRecord): void {
    const kept = new Set<string>();
    for (const slice of this.#slicesOfService.get(serviceKey)?.values() ?? [])
      for (const { target } of slice.endpoints) if (target) kept.add(target.key);
    for (const { target } of endpoints)
      if (target && !kept.has(target.key)) unlink(this.#servicesOfTarget, target.key, serviceKey);
  }

  #podChanged(now: PodRecord | undefined, old: PodRecord | undefined): void {
    const { key } = (now ?? old)!;
    if (old?.owner) unlink(this.#podsOfOwner, ownerKey(old.namespace, old.owner), key);
    if (now?.owner) link(this.#podsOfOwner, ownerKey(now.namespace, now.owner), key);
    this.#relinkSubject(this.#podsOfNamespace, now, old);
    const ipsOf = (pod: PodRecord | undefined) => new Set([...(pod?.ips ?? []), ...hostIpsOf(pod)]);
    this.#relinkIps(this.#podsOfIp, key, ipsOf(now), ipsOf(old));
    this.#touchServicesOf(key);
  }

  #workloadChanged(now: WorkloadRecord | undefined, old: WorkloadRecord | undefined): void {
    const { key } = (now ?? old)!;
    this.#relinkSubject(this.#workloadsOfNamespace, now, old);
    this.#relinkIps(this.#workloadsOfIp, key, new Set(now?.ips), new Set(old?.ips));
    this.#touchServicesOf(key);
  }

  #relinkSubject(table: Map<string, Set<string>>, now: Subject | undefined, old: Subject | undefined): void {
    if (old && !now) unlink(table, old.namespace, old.key);
    if (now && !old) link(table, now.namespace, now.key);
  }

  #relinkIps(table: Map<string, Set<string>>, key: string, now: Set<string>, old: Set<string>): void {
    for (const ip of old) if (!now.has(ip)) unlink(table, ip, key);
    for (const ip of now) link(table, ip, key);
    for (const ip of now) this.#topics.touch(`ip:${ip}`);
    for (const ip of old) this.#topics.touch(`ip:${ip}`);
  }

  #touchServicesOf(target: string): void {
    for (const service of this.#servicesOfTarget.get(target) ?? []) this.#topics.touch(`endpoints:${service}`);
  }

  #touchPod(key: string): void {
    const pod = this.pod(key);
    if (!pod) return;
    this.#touchServicesOf(key);
    for (const ip of [...pod.ips, ...hostIpsOf(pod)]) this.#topics.touch(`ip:${ip}`);
  }

  /** A Server came, changed or went: those hear of it whose pods it selects or selected. */
  #serverChanged(now: ServerRecord | undefined, old: ServerRecord | undefined): void {
    if (old) unlink(this.#serversOfNamespace, old.namespace, old);
    if (now) link(this.#serversOfNamespace, now.namespace, now);
    const { namespace } = (now ?? old)!;
    const selectors = (of: (server: ServerRecord) => LabelSelector | undefined) =>
      [now && of(now), old && of(old)].filter((selector) => selector !== undefined);
    const ofPods = selectors((server) => server.podSelector);
    const ofWorkloads = selectors((server) => server.workloadSelector);
    const selects = (list: readonly LabelSelector[], subject: Subject | undefined) =>
      subject !== undefined && list.some((selector) => matchesLabelSelector(selector, subject.labels));
    if (ofPods.length > 0)
      for (const key of this.#podsOfNamespace.get(namespace) ?? [])
        if (selects(ofPods, this.pod(key))) this.#touchPod(key);
    if (ofWorkloads.length === 0) return;
    for (const key of this.#workloadsOfNamespace.get(namespace) ?? []) {
      const workload = this.workload(key);
      if (!workload || !selects(ofWorkloads, workload)) continue;
      this.#touchServicesOf(key);
      for (const ip of workload.ips) this.#topics.touch(`ip:${ip}`);
    }
  }

  #ownerChanged(kind: string, key: string, now: Records['jobs'] | undefined, old: Records['jobs'] | undefined): void {
    if (now?.owner?.kind === old?.owner?.kind && now?.owner?.name === old?.owner?.name) return;
    const [namespace = '', name = ''] = key.split('/');
    for (const pod of this.#podsOfOwner.get(ownerKey(namespace, { kind, name })) ?? []) this.#touchPod(pod);
  }
}

/** What Servers select. */
type Subject = PodRecord | WorkloadRecord;

const ownerKey = (namespace: string, owner: { kind: string; name: string }) =>
  `${namespace}/${owner.kind}/${owner.name}`;

/** The addresses of its node at which a pod can be reached: none without a port there. */
const hostIpsOf = (pod: PodRecord | undefined): readonly string[] =>
  pod?.ports.some((port) => port.hostPort > 0) ? pod.hostIps : [];

/** Owners of ReplicaSets that users know; others are not followed. */
const REPLICA_SET_OWNERS = new Set(['Job', 'StatefulSet', 'DaemonSet', 'Deployment']);

function link<T>(table: Map<string, Set<T>>, from: string, to: T): void {
  const set = table.get(from);
  if (set) set.add(to);
  else table.set(from, new Set([to]));
}

function unlink<T>(table: Map<string, Set<T>>, from: string, to: T): void {
  const set = table.get(from);
  set?.delete(to);
  if (set?.size === 0) table.delete(from);
}

function lookUp<R>(table: Map<string, Set<string>>, from: string, read: (key: string) => R | undefined): R[] {
  return [...(table.get(from) ?? [])].flatMap((key) => read(key) ?? []);
}
