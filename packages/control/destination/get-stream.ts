/** One Destination.Get stream: the endpoints of one or several members, sent as differences as fast as the proxy reads them. */
import type { destination } from '#api/mesh';
import type { ResponseStream } from '#runtime/grpc';
import { type Client, type EndpointViews, isSameMembers, Snapshot, type View, type Wanted } from './endpoints/index.ts';

export interface GetStreamDeps {
  stream: Pick<ResponseStream<typeof destination.UpdateSchema>, 'writeEncoded' | 'writable' | 'onWritable'>;
  views: EndpointViews;
  /** The client's node and its zone, read anew at each change. */
  client(): Client;
  /** A change had to wait for the proxy, and was merged with what came before. */
  coalesced(): void;
}

/** Holds what the proxy has; what it lacks is worked out when it can take it, so nothing queues. */
export class GetStream {
  readonly #deps: GetStreamDeps;
  readonly #port: number;
  #wanted: Omit<Wanted, 'port'> = { members: [], hostname: undefined };
  #view: View | undefined;
  /** What the proxy has. */
  #has = Snapshot.EMPTY;
  #waits = false;
  #closed = false;

  constructor(deps: GetStreamDeps, port: number) {
    this.#deps = deps;
    this.#port = port;
    deps.stream.onWritable(() => {
      if (this.#waits) this.changed();
    });
  }

  /** Replaces what the stream carries; endpoints that are no part of it any more are removed, new ones added. */
  want(wanted: Omit<Wanted, 'port'>): void {
    if (this.#closed || (this.#view && isSame(wanted, this.#wanted))) return;
    const before = this.#view;
    this.#wanted = wanted;
    this.#view = this.#deps.views.open({ ...wanted, port: this.#port }, () => this.changed());
    before?.stop();
    this.changed();
  }

  /** Something that decides about endpoints changed. */
  changed(): void {
    const { stream, client, coalesced } = this.#deps;
    if (this.#closed || !this.#view) return;
    if (!stream.writable) {
      if (this.#waits) coalesced();
      this.#waits = true;
      return;
    }
    this.#waits = false;
    const now = this.#view.snapshot(client());
    if (now === this.#has) return;
    for (const update of now.since(this.#has)) stream.writeEncoded(update);
    this.#has = now;
  }

  close(): void {
    this.#closed = true;
    this.#view?.stop();
    this.#view = undefined;
    this.#has = Snapshot.EMPTY;
  }
}

const isSame = (a: Omit<Wanted, 'port'>, b: Omit<Wanted, 'port'>): boolean =>
  a.hostname === b.hostname && a.ips?.join() === b.ips?.join() && isSameMembers(a.members, b.members);
