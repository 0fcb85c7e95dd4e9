/** Federated services: their members of this moment and where each stands in the order, worked out once for all who ask. */
import { ClusterLevels, LOCAL_CLUSTER, type MemberHealth } from '#model/federation';
import type { Clock, Timer } from '#runtime/clock';
import { keyOf } from '../fold/index.ts';
import type { ClusterIndex, ServiceRecord } from './cluster/index.ts';
import type { ClusterStore } from './cluster-store.ts';
import { knownKindOf } from './discovery-kind.ts';
import { type EndpointWatches, isSameMembers, type Member } from './endpoints/index.ts';

export interface FederationDeps {
  /** Of the own cluster. */
  index: ClusterIndex;
  watches: EndpointWatches;
  clusters: ClusterStore;
  clock: Clock;
}

/** A stream's hold on a federated service. */
export interface FederationView {
  members(): readonly Member[];
  stop(): void;
}

/** The federated services that anybody asks for. */
export class Federations {
  readonly #deps: FederationDeps;
  readonly #shared = new Map<string, Federation>();

  constructor(deps: FederationDeps) {
    this.#deps = deps;
  }

  /** Follows the members of a Service; `changed` is called whenever they, or their places, are others. */
  open(serviceKey: string, changed: () => void): FederationView {
    let federation = this.#shared.get(serviceKey);
    if (!federation) {
      federation = new Federation(this.#deps, serviceKey);
      this.#shared.set(serviceKey, federation);
    }
    const shared = federation;
    shared.listeners.add(changed);
    return {
      members: () => shared.members,
      stop: () => {
        shared.listeners.delete(changed);
        if (shared.listeners.size > 0) return;
        shared.stop();
        if (this.#shared.get(serviceKey) === shared) this.#shared.delete(serviceKey);
      },
    };
  }
}

/** A member, and the cluster that knows it. */
interface Part {
  cluster: string;
  index: ClusterIndex;
  stale: boolean;
  member: Member;
}

class Federation {
  readonly listeners = new Set<() => void>();
  members: readonly Member[] = [];
  readonly #deps: FederationDeps;
  readonly #serviceKey: string;
  readonly #levels = new ClusterLevels();
  readonly #stops: (() => void)[];
  /** By member: who tells of its endpoints. */
  readonly #followed = new Map<string, { index: ClusterIndex; stop: () => void }>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(deps: FederationDeps, serviceKey: string) {
    this.#deps = deps;
    this.#serviceKey = serviceKey;
    const update = () => this.#update();
    this.#stops = [deps.index.onService(serviceKey, update), deps.clusters.onChange(update)];
    this.#update();
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stops) stop();
    this.#follow([]);
    this.#timer?.cancel();
  }

  #update(): void {
    // One change has many listeners, and an earlier one may have stopped us.
    if (this.#stopped) return;
    const service = this.#deps.index.service(this.#serviceKey);
    if (!service) return;
    const { preference } = service;
    const parts = this.#partsOf(service);
    const counts = preference.order.length > 0 || preference.weights !== undefined;
    this.#follow(counts ? parts : []);
    const health = parts.map((part) => (counts ? healthOf(part) : { ...part, ready: 1, total: 1 }));
    const { clock } = this.#deps;
    const nowMs = clock.nowMs();
    const { byCluster, dueMs } = this.#levels.place(preference, health, nowMs);
    this.#timer?.cancel();
    this.#timer = dueMs === undefined ? undefined : clock.after(dueMs - nowMs, () => this.#update());
    const members = parts.flatMap(({ cluster, member }) => {
      const place = byCluster.get(cluster);
      return place ? [{ ...member, ...place }] : [];
    });
    if (isSameMembers(members, this.members)) return;
    this.members = members;
    for (const listener of [...this.listeners]) listener();
  }

  /** The members whose clusters are known by now; others join when they are. */
  #partsOf(service: ServiceRecord): Part[] {
    const { index, watches, clusters } = this.#deps;
    const kind = knownKindOf(service);
    if (kind?.kind !== 'federated') return [];
    const parts: Part[] = [];
    if (kind.local) {
      const serviceKey = keyOf(service.namespace, kind.local);
      const member = { id: serviceKey, watches, serviceKey, filtered: true };
      parts.push({ cluster: LOCAL_CLUSTER, index, stale: false, member });
    }
    for (const { cluster, service: name } of kind.remotes) {
      const remote = clusters.get(cluster);
      if (!remote) continue;
      const serviceKey = keyOf(service.namespace, name);
      const member = { id: `${serviceKey}@${cluster}`, watches: remote.watches, serviceKey, filtered: false };
      parts.push({ cluster, index: remote.index, stale: clusters.isStale(cluster), member });
    }
    return parts;
  }

  /** Follows the endpoints of these members and no others. */
  #follow(parts: readonly Part[]): void {
    for (const [id, { index, stop }] of [...this.#followed]) {
      if (parts.some((part) => part.member.id === id && part.index === index)) continue;
      stop();
      this.#followed.delete(id);
    }
    for (const { index, member } of parts) {
      if (this.#followed.has(member.id)) continue;
      this.#followed.set(member.id, { index, stop: index.onEndpoints(member.serviceKey, () => this.#update()) });
    }
  }
}

function healthOf({ cluster, stale, index, member }: Part): MemberHealth {
  let ready = 0;
  let unready = 0;
  for (const slice of index.slices(member.serviceKey)) {
    ready += slice.endpoints.length;
    unready += slice.unready;
  }
  return { cluster, stale, ready, total: ready + unready };
}
