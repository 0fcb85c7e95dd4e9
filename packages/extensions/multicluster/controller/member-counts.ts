import { ENDPOINT_SLICES, type EndpointSlice } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { EndpointCount } from '../link/index.ts';
import { EndpointTally } from '../mirror/index.ts';
import { namesSelector } from './exports.ts';

type Client = Pick<KubeClient, 'watch'>;

/** How many endpoints a changing set of Services of one cluster has. What was seen last stands until a new watch has seen all. */
export class MemberCounts {
  readonly #changed: () => void;
  /** Undefined until seen in full. */
  #tally: EndpointTally | undefined;
  #services: ReadonlySet<string> = new Set();
  #watched: { client: Client; selector: string } | undefined;
  #stop: () => void = () => {};

  /** `changed` is called when numbers are others. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Counts for these Services from now on, by `namespace/name`. */
  follow(client: Client | undefined, services: ReadonlySet<string>): void {
    this.#services = services;
    if (!client) return;
    const selector = namesSelector([...services].map((key) => ({ name: key.slice(key.indexOf('/') + 1) })));
    if (this.#watched?.client === client && this.#watched.selector === selector) return;
    this.#stop();
    this.#watched = { client, selector };
    this.#stop = selector === '' ? () => {} : this.#watch(client, selector);
  }

  /** Undefined until known. */
  get(service: string): EndpointCount | undefined {
    if (!this.#services.has(service)) return undefined;
    return this.#tally && (this.#tally.get(service) ?? { total: 0, ready: 0 });
  }

  stop(): void {
    this.#stop();
    this.#watched = undefined;
  }

  #watch(client: Client, labelSelector: string): () => void {
    const tally = new EndpointTally();
    const noted = (service: string | undefined): void => {
      if (service !== undefined && this.#services.has(service)) this.#changed();
    };
    return client.watch<EndpointSlice>(
      ENDPOINT_SLICES,
      { labelSelector },
      {
        reset: (slices) => {
          tally.reset(slices);
          this.#tally = tally;
          this.#changed();
        },
        applied: (slice) => noted(tally.apply(slice)),
        deleted: (slice) => noted(tally.delete(slice)),
      },
    );
  }
}
