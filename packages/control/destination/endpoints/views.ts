/**
 * What streams that ask for the same see, worked out and encoded once for all of them: the endpoints of one or several services
 * as a client in some zone, or on some node, may use them, and the differences between two such moments.
 */
import { create } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress } from '#api/mesh';
import { type EncodedMessage, encodeMessage } from '#runtime/grpc';
import type { Locality } from './endpoint.ts';
import { type Client, selectEndpoints } from './select.ts';
import type { Endpoint, EndpointSet } from './service-endpoints.ts';
import { type EndpointsSubscription, type EndpointWatches, labelsKey } from './watches.ts';

/** A service whose endpoints a stream carries. */
export interface Member {
  /** Tells members of a stream apart, e.g. `shop/bb@east`. */
  id: string;
  watches: EndpointWatches;
  serviceKey: string;
  /** Topology and internalTrafficPolicy count at home only. */
  filtered: boolean;
  /** Level of all its endpoints; added to their own. 0 unless said. */
  priority?: number;
  /** Factor of the weights of all its endpoints. 1 unless said. */
  weight?: number;
}

/** Whether two lists name the same endpoints in the same places. */
export function isSameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  const isSame = (one: Member, other: Member | undefined) =>
    one.id === other?.id &&
    one.watches === other.watches &&
    one.filtered === other.filtered &&
    one.priority === other.priority &&
    one.weight === other.weight;
  return a.length === b.length && a.every((member, at) => isSame(member, b[at]));
}

/** What is asked for. */
export interface Wanted {
  /** Where two have one address, the one that comes first counts. */
  members: readonly Member[];
  port: number;
  /** One instance of a headless Service. */
  hostname: string | undefined;
  /** Only endpoints with these IPs; undefined: all. */
  ips?: readonly string[] | undefined;
}

type Update = EncodedMessage<typeof destination.UpdateSchema>;

/** Endpoints in one message at most: about 2 MB, half of what gRPC libraries take by default. */
const MESSAGE_ADDRS_MAX = 5_000;

interface Seen {
  endpoint: Endpoint;
  locality: Locality;
  weight: number;
  priority: number;
  /** Key of the labels of its set. */
  labels: string;
}

/** The endpoints that a kind of client has at one moment. */
export class Snapshot {
  /** Before anything was sent. */
  static readonly EMPTY = new Snapshot(new Map(), new Map());
  readonly seen: ReadonlyMap<string, Seen>;
  readonly labels: ReadonlyMap<string, EndpointSet['labels']>;
  /** Messages that lead here, by where they begin. Weak, so that no chain of old snapshots stays alive. */
  readonly #since = new WeakMap<Snapshot, readonly Update[]>();

  constructor(seen: ReadonlyMap<string, Seen>, labels: ReadonlyMap<string, EndpointSet['labels']>) {
    this.seen = seen;
    this.labels = labels;
  }

  /** The messages for a proxy that has `before`: endpoints that are new or changed, then those that are gone. */
  since(before: Snapshot): readonly Update[] {
    let updates = this.#since.get(before);
    if (!updates) {
      updates = [...this.#added(before), ...this.#removed(before)];
      this.#since.set(before, updates);
    }
    return updates;
  }

  equals(other: Snapshot): boolean {
    if (this.seen.size !== other.seen.size) return false;
    for (const [key, now] of this.seen) if (!isSameSeen(other.seen.get(key), now)) return false;
    return true;
  }

  /** For each set of labels one message, or as many as its addresses need. */
  #added(before: Snapshot): Update[] {
    const sets = new Map<string, destination.WeightedAddr[]>();
    for (const [key, now] of this.seen) {
      if (isSameSeen(before.seen.get(key), now)) continue;
      const addrs = sets.get(now.labels);
      const message = now.endpoint.message(now);
      if (addrs) addrs.push(message);
      else sets.set(now.labels, [message]);
    }
    return [...sets].flatMap(([key, addrs]) => {
      const updates: Update[] = [];
      for (let from = 0; from < addrs.length; from += MESSAGE_ADDRS_MAX) {
        const part = addrs.slice(from, from + MESSAGE_ADDRS_MAX);
        const value = create(destination.WeightedAddrSetSchema, {
          addrs: part,
          metricLabels: { ...this.labels.get(key) },
        });
        updates.push(encodeMessage(destination.UpdateSchema, { update: { case: 'add', value } }));
      }
      return updates;
    });
  }

  #removed(before: Snapshot): Update[] {
    const gone = [...before.seen.values()].filter(({ endpoint }) => !this.seen.has(endpoint.key));
    if (gone.length === 0) return [];
    const addrs = gone.flatMap(({ endpoint }) => encodeTcpAddress(endpoint.ip, endpoint.port) ?? []);
    const value = create(destination.AddrSetSchema, { addrs });
    return [encodeMessage(destination.UpdateSchema, { update: { case: 'remove', value } })];
  }
}

function isSameSeen(a: Seen | undefined, b: Seen): boolean {
  return (
    a?.endpoint === b.endpoint &&
    a.locality === b.locality &&
    a.weight === b.weight &&
    a.priority === b.priority &&
    a.labels === b.labels
  );
}

/** A stream's hold on what it asked for. */
export interface View {
  snapshot(client: Client): Snapshot;
  stop(): void;
}

/** Told of an address that two members have, once for each two of them: `first` counts. */
export type AddressClash = (first: Member, second: Member, address: string) => void;

/** The views under way; streams that ask for the same share one. */
export class EndpointViews {
  readonly #shared = new Map<string, SharedView>();
  readonly #clash: AddressClash;

  constructor(clash: AddressClash) {
    this.#clash = clash;
  }

  /** `changed` is called after each change of any endpoint in it. */
  open(wanted: Wanted, changed: () => void): View {
    const key = JSON.stringify([
      wanted.port,
      wanted.hostname,
      wanted.ips,
      ...wanted.members.map(({ id, filtered, priority, weight }) => [id, filtered, priority, weight]),
    ]);
    let shared = this.#shared.get(key);
    // A cluster that was linked anew has the old name, but not the old endpoints.
    if (!shared?.serves(wanted)) {
      shared = new SharedView(wanted, this.#clash);
      this.#shared.set(key, shared);
    }
    const view = shared;
    view.listeners.add(changed);
    view.count(1);
    return {
      snapshot: (client) => view.snapshot(client),
      stop: () => {
        if (!view.listeners.delete(changed)) return;
        view.count(-1);
        if (view.listeners.size > 0) return;
        view.stop();
        if (this.#shared.get(key) === view) this.#shared.delete(key);
      },
    };
  }
}

interface Cached {
  snapshot: Snapshot;
  /** The change that it was worked out after. */
  version: number;
}

class SharedView {
  readonly listeners = new Set<() => void>();
  readonly #wanted: Wanted;
  readonly #subscriptions: readonly EndpointsSubscription[];
  /** By kind of client. */
  readonly #snapshots = new Map<string, Cached>();
  #version = 0;
  readonly #clash: AddressClash;
  /** Pairs of members that were found to share an address. */
  readonly #clashes = new Set<string>();

  constructor(wanted: Wanted, clash: AddressClash) {
    this.#wanted = wanted;
    this.#clash = clash;
    const changed = () => this.#changed();
    this.#subscriptions = wanted.members.map(({ watches, serviceKey }) =>
      watches.subscribe(serviceKey, wanted.port, changed),
    );
  }

  serves({ members }: Wanted): boolean {
    return members.every(({ watches }, at) => this.#wanted.members[at]?.watches === watches);
  }

  /** What such a client has now: the same object as long as nothing of it changes. */
  snapshot(client: Client): Snapshot {
    const sets = this.#subscriptions.map((subscription) => subscription.current());
    const kind = this.#kindOf(client, sets);
    const cached = this.#snapshots.get(kind);
    if (cached?.version === this.#version) return cached.snapshot;
    const made = this.#make(client, sets);
    const snapshot = cached?.snapshot.equals(made) ? cached.snapshot : made;
    this.#snapshots.set(kind, { snapshot, version: this.#version });
    return snapshot;
  }

  /** Counts a stream that came (1) or went (-1). */
  count(change: 1 | -1): void {
    for (const subscription of this.#subscriptions) subscription.count(change);
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  #changed(): void {
    this.#version += 1;
    // Kinds of clients that nobody asked for since the change before are gone.
    for (const [kind, { version }] of this.#snapshots) if (version < this.#version - 1) this.#snapshots.delete(kind);
    for (const listener of [...this.listeners]) listener();
  }

  /** Equal for clients that get the same. */
  #kindOf(client: Client, sets: readonly EndpointSet[]): string {
    const byNode = this.#wanted.members.some(({ filtered }, at) => filtered && sets[at]?.localTraffic);
    const byPriority = client.features.has('endpoint-priority');
    return `${byPriority ? 'p' : ''}\n${client.zone}\n${byNode ? client.nodeName : ''}`;
  }

  #make(client: Client, sets: readonly EndpointSet[]): Snapshot {
    const levels = client.features.has('endpoint-priority');
    const seen = new Map<string, Seen>();
    const labels = new Map<string, EndpointSet['labels']>();
    this.#wanted.members.forEach((member, at) => {
      const set = sets[at];
      if (!set) return;
      const key = labelsKey(set.labels);
      labels.set(key, set.labels);
      for (const endpoint of selectEndpoints(set, this.#wanted.hostname, member.filtered ? client : undefined)) {
        if (this.#wanted.ips?.includes(endpoint.ip) === false) continue;
        if (seen.has(endpoint.key)) {
          this.#note(member, endpoint, sets);
          continue;
        }
        const weight = endpoint.weight * (member.weight ?? 1);
        const priority = levels ? endpoint.priority + (member.priority ?? 0) : 0;
        seen.set(endpoint.key, { endpoint, locality: localityOf(endpoint, client), weight, priority, labels: key });
      }
    });
    return new Snapshot(seen, labels);
  }

  /** An endpoint of this member has an address that one before it has, too. */
  #note(second: Member, { key }: Endpoint, sets: readonly EndpointSet[]): void {
    const { members } = this.#wanted;
    const first = members.find((_, at) => sets[at]?.endpoints.some((each) => each.key === key));
    const pair = `${first?.id} ${second.id}`;
    if (!first || first === second || this.#clashes.has(pair)) return;
    this.#clashes.add(pair);
    this.#clash(first, second, key);
  }
}

function localityOf(endpoint: Endpoint, client: Client): Locality {
  if (client.zone === '' || endpoint.zone === undefined) return 'unknown';
  return endpoint.zone === client.zone ? 'local' : 'remote';
}
