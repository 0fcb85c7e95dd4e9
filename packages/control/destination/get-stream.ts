/** One Destination.Get stream: the endpoints of one or several members, sent as differences as fast as the proxy reads them. */
import type { destination } from '#api/mesh';
import type { ResponseStream } from '#runtime/grpc';
import { type Client, type EndpointViews, isSameMembers, type Member, Snapshot, type View } from './endpoints/index.ts';

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
  readonly #hostname: string | undefined;
  #members: readonly Member[] = [];
  #view: View | undefined;
  /** What the proxy has. */
  #has = Snapshot.EMPTY;
  #waits = false;
  #closed = false;

  constructor(deps: GetStreamDeps, target: { port: number; hostname: string | undefined }) {
    this.#deps = deps;
    this.#port = target.port;
    this.#hostname = target.hostname;
    deps.stream.onWritable(() => {
      if (this.#waits) this.changed();
    });
  }

  /** Replaces the members; endpoints of those that went are removed, those of new ones added. */
  setMembers(members: readonly Member[]): void {
    if (this.#closed || (this.#view && isSameMembers(members, this.#members))) return;
    const before = this.#view;
    this.#members = members;
    this.#view = this.#deps.views.open({ members, port: this.#port, hostname: this.#hostname }, () => this.changed());
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
