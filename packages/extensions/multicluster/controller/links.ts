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
  reading: boolean;
  /** It changed while it was read. */
  again: boolean;
  /** When it is read next. */
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
      const other: Other = { metadata, cluster: undefined, networks: [], reading: false, again: false };
      this.#others.set(name, other);
      void this.#read(name, other);
      return;
    }
    const before = known.metadata;
    known.metadata = metadata;
    if (before.deletionTimestamp !== deletionTimestamp) this.#deps.changed();
    if (before.generation !== generation || before.uid !== metadata.uid) void this.#read(name, known);
    else this.#readLater(name, known);
  }

  #forget(name: string): void {
    this.#others.get(name)?.timer?.cancel();
    this.#others.delete(name);
  }

  #readLater(name: string, other: Other): void {
    other.timer ??= this.#deps.clock.after(LIMITS.otherLinkMs, () => void this.#read(name, other));
  }

  /** Never rejects. A Link that cannot be read counts as what its name says, and is read again later. */
  async #read(name: string, other: Other): Promise<void> {
    other.timer?.cancel();
    other.timer = undefined;
    if (other.reading) {
      other.again = true;
      return;
    }
    other.reading = true;
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
    other.reading = false;
    if (this.#others.get(name) !== other) return;
    if (JSON.stringify([other.cluster, other.networks]) !== before) this.#deps.changed();
    if (!other.again) return;
    other.again = false;
    await this.#read(name, other);
  }
}
