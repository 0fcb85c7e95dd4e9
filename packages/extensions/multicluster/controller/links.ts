import type { ObjectMeta } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { LINKS, type Link } from '../link/index.ts';
import { settingsOf } from '../mirror/index.ts';
import type { NamedNetworks } from '../networks/index.ts';
import { LIMITS } from './limits.ts';

export interface LinksDeps {
  client: Pick<KubeClient, 'get' | 'watch'>;
  clock: Clock;
  log: Log;
  /** Something about Links is known or other than before. */
  changed(): void;
}

/** A Link that somebody else serves. */
interface Other {
  metadata: ObjectMeta;
  /** The cluster that it names; undefined until it was read. */
  cluster: string | undefined;
  networks: readonly string[];
  /** Until it is read again. */
  timer?: Timer | undefined;
}

/**
 * The Links of this cluster: the own one whole and at once, of others only what concerns everybody. Their statuses are long and change all
 * the time, and every controller would hear of each: of others only metadata are watched, and they are read when their settings
 * changed, else no more often than {@link LIMITS.otherLinkMs}.
 */
export class Links {
  readonly #deps: LinksDeps;
  readonly #namespace: string;
  readonly #own: string | undefined;
  readonly #others = new Map<string, Other>();
  /** Others to be read, and those that are being read. */
  readonly #due = new Set<string>();
  readonly #reading = new Set<string>();
  readonly #stops: (() => void)[];
  #link: Link | undefined;
  #ownKnown: boolean;
  #othersKnown = false;

  /** Watches until stopped. `own`: name of the Link that we serve; undefined: none. */
  constructor(deps: LinksDeps, { namespace, own }: { namespace: string; own?: string }) {
    this.#deps = deps;
    this.#namespace = namespace;
    this.#own = own;
    this.#ownKnown = own === undefined;
    const { client, log, changed } = deps;
    const failed = ({ error, attempt }: { error: Error; attempt: number }): void =>
      log.warn('cannot watch links', { error: error.message, attempt });
    const setOwn = (link: Link | undefined): void => {
      this.#link = link;
      this.#ownKnown = true;
      changed();
    };
    const ownSink = {
      reset: ([link]: Link[]) => setOwn(link),
      applied: (link: Link) => setOwn(link),
      deleted: () => setOwn(undefined),
      failed,
    };
    const othersSink = {
      reset: (links: Link[]) => {
        const names = new Set(links.map(({ metadata }) => metadata.name));
        for (const name of [...this.#others.keys()]) if (!names.has(name)) this.#forget(name);
        for (const { metadata } of links) this.#note(metadata);
        this.#othersKnown = true;
        changed();
      },
      applied: ({ metadata }: Link) => this.#note(metadata),
      deleted: ({ metadata }: Link) => {
        this.#forget(metadata.name ?? '');
        changed();
      },
      failed,
    };
    this.#stops = [
      client.watch<Link>(LINKS, { namespace, metadataOnly: true }, othersSink),
      ...(own === undefined
        ? []
        : [client.watch<Link>(LINKS, { namespace, fieldSelector: `metadata.name=${own}` }, ownSink)]),
    ];
  }

  /** The Link that we serve; undefined where there is none. */
  get own(): Link | undefined {
    return this.#link;
  }

  get ownKnown(): boolean {
    return this.#ownKnown;
  }

  /** Whether all Links were seen, and which cluster each is for. */
  get known(): boolean {
    const isRead = ({ cluster }: Other): boolean => cluster !== undefined;
    return this.#ownKnown && this.#othersKnown && [...this.#others.values()].every(isRead);
  }

  /** What a write of the own Link brought, before the watch tells; `before`: what it was written over. */
  written(before: Link | undefined, after: Link): void {
    if (before !== undefined && this.#link === before) this.#link = after;
  }

  /** The Link to which a cluster belongs: the oldest that names it, and of equally old ones the first by name. */
  holderOf(cluster: string): string | undefined {
    const ages = this.#all()
      .filter((link) => link.metadata.deletionTimestamp === undefined && link.cluster === cluster)
      .map(({ metadata: { creationTimestamp = '', name = '' } }) => ({ age: `${creationTimestamp} ${name}`, name }))
      .sort((a, b) => (a.age < b.age ? -1 : 1));
    return ages[0]?.name;
  }

  /** When each cluster was linked, RFC 3339. */
  linkedAt(): Map<string, string> {
    return new Map(this.#all().map(({ cluster, metadata }) => [cluster, metadata.creationTimestamp ?? '']));
  }

  /** Where the pods of other linked clusters are, as their own controllers say. */
  otherNetworks(): NamedNetworks[] {
    return [...this.#others.values()].flatMap(({ cluster, networks }) =>
      cluster !== undefined && networks.length > 0 ? [{ cluster, networks: [...networks] }] : [],
    );
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    for (const name of [...this.#others.keys()]) this.#forget(name);
  }

  #all(): { metadata: ObjectMeta; cluster: string }[] {
    const others = [...this.#others.values()].flatMap(({ metadata, cluster }) =>
      cluster === undefined ? [] : [{ metadata, cluster }],
    );
    return this.#link ? [{ metadata: this.#link.metadata, ...settingsOf(this.#link) }, ...others] : others;
  }

  #note(metadata: ObjectMeta): void {
    const { name = '', generation, deletionTimestamp } = metadata;
    if (name === this.#own) return;
    const known = this.#others.get(name);
    if (!known) {
      this.#others.set(name, { metadata, cluster: undefined, networks: [] });
      this.#readNow(name);
      return;
    }
    const before = known.metadata;
    known.metadata = metadata;
    if (before.deletionTimestamp !== deletionTimestamp) this.#deps.changed();
    if (before.generation !== generation || before.uid !== metadata.uid) this.#readNow(name);
    else this.#readLater(name, known);
  }

  #forget(name: string): void {
    this.#others.get(name)?.timer?.cancel();
    this.#others.delete(name);
    this.#due.delete(name);
  }

  #readLater(name: string, other: Other): void {
    other.timer ??= this.#deps.clock.after(LIMITS.otherLinkMs, () => this.#readNow(name));
  }

  /** A Link that changes while it is read is read once more. */
  #readNow(name: string): void {
    this.#due.add(name);
    for (const next of this.#due) {
      if (this.#reading.size >= LIMITS.linkReadsAtOnce) return;
      const other = this.#others.get(next);
      if (!other || this.#reading.has(next)) continue;
      this.#due.delete(next);
      void this.#read(next, other);
    }
  }

  /** Never rejects. A Link that cannot be read counts as what its name says, and is read again later. */
  async #read(name: string, other: Other): Promise<void> {
    other.timer?.cancel();
    other.timer = undefined;
    this.#reading.add(name);
    const before = JSON.stringify([other.cluster, other.networks]);
    try {
      const link = await this.#deps.client.get<Link>(LINKS, name, this.#namespace);
      other.cluster = settingsOf(link).cluster;
      other.networks = (link.status?.podNetworks ?? []).slice(0, LIMITS.podNetworksMax);
    } catch (error) {
      other.cluster ??= name;
      if (!isNotFound(error) && this.#others.get(name) === other) {
        this.#deps.log.warn('cannot read a link', { link: name, error: (error as Error).message });
        this.#readLater(name, other);
      }
    }
    this.#reading.delete(name);
    if (this.#others.get(name) === other && JSON.stringify([other.cluster, other.networks]) !== before)
      this.#deps.changed();
    const [next] = this.#due;
    if (next !== undefined) this.#readNow(next);
  }
}
