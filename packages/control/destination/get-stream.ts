/** One Destination.Get stream: the endpoints of one or several members, sent as differences as fast as the proxy reads them. */
import { create } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress } from '#api/mesh';
import type { ResponseStream } from '#runtime/grpc';
import {
  type Client,
  type Endpoint,
  type EndpointSet,
  type EndpointsSubscription,
  type EndpointWatches,
  type Locality,
  labelsKey,
  selectEndpoints,
} from './endpoints/index.ts';

/** A service whose endpoints a stream carries. */
export interface Member {
  /** Tells members of a stream apart, e.g. `bb@east`. */
  id: string;
  watches: EndpointWatches;
  serviceKey: string;
  /** Topology and internalTrafficPolicy count at home only. */
  filtered: boolean;
}

export interface GetStreamDeps {
  stream: Pick<ResponseStream<typeof destination.UpdateSchema>, 'write' | 'writable' | 'onWritable'>;
  /** The client's node and its zone, read anew at each change. */
  client(): Client;
  /** A change had to wait for the proxy, and was merged with what came before. */
  coalesced(): void;
}

interface Open {
  member: Member;
  subscription: EndpointsSubscription;
}

interface Sent {
  endpoint: Endpoint;
  locality: Locality;
  labels: string;
}

export class GetStream {
  readonly #deps: GetStreamDeps;
  readonly #port: number;
  readonly #hostname: string | undefined;
  #members = new Map<string, Open>();
  /** What the proxy has, by address. */
  #sent = new Map<string, Sent>();
  #dirty = false;
  #closed = false;

  constructor(deps: GetStreamDeps, target: { port: number; hostname: string | undefined }) {
    this.#deps = deps;
    this.#port = target.port;
    this.#hostname = target.hostname;
    deps.stream.onWritable(() => {
      if (this.#dirty) this.#flush();
    });
  }

  /** Replaces the members; endpoints of those that went are removed, those of new ones added. */
  setMembers(members: readonly Member[]): void {
    if (this.#closed) return;
    const before = this.#members;
    this.#members = new Map();
    for (const member of members) {
      const old = before.get(member.id);
      if (old && isSame(old.member, member)) {
        before.delete(member.id);
        this.#members.set(member.id, old);
      } else this.#members.set(member.id, { member, subscription: this.#subscribe(member) });
    }
    for (const { subscription } of before.values()) subscription.stop();
    this.changed();
  }

  /** Something that decides about endpoints changed. */
  changed(): void {
    if (this.#closed) return;
    if (this.#deps.stream.writable) {
      this.#flush();
      return;
    }
    if (this.#dirty) this.#deps.coalesced();
    this.#dirty = true;
  }

  close(): void {
    this.#closed = true;
    for (const { subscription } of this.#members.values()) subscription.stop();
    this.#members.clear();
    this.#sent.clear();
  }

  #subscribe(member: Member): EndpointsSubscription {
    return member.watches.subscribe(member.serviceKey, this.#port, () => this.changed());
  }

  #flush(): void {
    this.#dirty = false;
    const { wanted, labels } = this.#wanted();
    const adds = new Map<string, destination.WeightedAddr[]>();
    for (const [key, now] of wanted) {
      const old = this.#sent.get(key);
      if (old?.endpoint === now.endpoint && old.locality === now.locality && old.labels === now.labels) continue;
      const list = adds.get(now.labels) ?? [];
      list.push(now.endpoint.message(now.locality));
      adds.set(now.labels, list);
    }
    const gone = [...this.#sent.values()].filter(({ endpoint }) => !wanted.has(endpoint.key));
    this.#sent = wanted;
    for (const [key, addrs] of adds) this.#add(addrs, labels.get(key) ?? {});
    if (gone.length > 0) this.#remove(gone.map(({ endpoint }) => endpoint));
  }

  /** The union of the members. Where two claim one address, the member that comes first has it. */
  #wanted(): { wanted: Map<string, Sent>; labels: Map<string, EndpointSet['labels']> } {
    const client = this.#deps.client();
    const wanted = new Map<string, Sent>();
    const labels = new Map<string, EndpointSet['labels']>();
    for (const { member, subscription } of this.#members.values()) {
      const set = subscription.current();
      const key = labelsKey(set.labels);
      labels.set(key, set.labels);
      for (const endpoint of selectEndpoints(set, this.#hostname, member.filtered ? client : undefined))
        if (!wanted.has(endpoint.key))
          wanted.set(endpoint.key, { endpoint, locality: localityOf(endpoint, client), labels: key });
    }
    return { wanted, labels };
  }

  #add(addrs: destination.WeightedAddr[], metricLabels: Readonly<Record<string, string>>): void {
    this.#deps.stream.write({
      update: {
        case: 'add',
        value: create(destination.WeightedAddrSetSchema, { addrs, metricLabels: { ...metricLabels } }),
      },
    });
  }

  #remove(endpoints: readonly Endpoint[]): void {
    const addrs = endpoints.flatMap((endpoint) => encodeTcpAddress(endpoint.ip, endpoint.port) ?? []);
    this.#deps.stream.write({ update: { case: 'remove', value: create(destination.AddrSetSchema, { addrs }) } });
  }
}

function isSame(a: Member, b: Member): boolean {
  return a.watches === b.watches && a.serviceKey === b.serviceKey && a.filtered === b.filtered;
}

function localityOf(endpoint: Endpoint, client: Client): Locality {
  if (client.zone === '' || endpoint.zone === undefined) return 'unknown';
  return endpoint.zone === client.zone ? 'local' : 'remote';
}
