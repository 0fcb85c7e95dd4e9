import { type KubeObject, NODES } from '#api/kube';
import type { KubeClient } from '#kube/client';
import { uniteNetworks } from '../networks/index.ts';
import { LIMITS } from './limits.ts';

type Client = Pick<KubeClient, 'watch'>;

/** One of each family (NodeSpec.podCIDRs). */
const CIDRS_PER_NODE = 2;

interface Node extends KubeObject {
  spec?: { podCIDR?: string; podCIDRs?: string[] };
}

/** The networks of a cluster's pods, as its nodes say. A cluster that does not show its nodes, or whose nodes have none, has none. */
export class PodNetworks {
  /** United, in order; undefined until seen. */
  networks: readonly string[] | undefined;
  readonly #changed: () => void;
  #client: Client | undefined;
  #stop: () => void = () => {};

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Looks at this cluster from now on; without one, what was seen stands. */
  follow(client: Client | undefined): void {
    if (!client || client === this.#client) return;
    this.#stop();
    this.#client = client;
    const nodes = new Map<string, readonly string[]>();
    const put = (node: Node): boolean => {
      const { name = '' } = node.metadata;
      const before = nodes.get(name)?.join();
      const all = node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
      const cidrs = all.slice(0, CIDRS_PER_NODE);
      nodes.set(name, cidrs);
      return before !== cidrs.join();
    };
    const unite = (): void => this.#set(uniteNetworks([...nodes.values()].flat()).slice(0, LIMITS.podNetworksMax));
    this.#stop = client.watch<Node>(
      NODES,
      {},
      {
        reset: (objects) => {
          nodes.clear();
          objects.forEach(put);
          unite();
        },
        applied: (node) => {
          if (put(node)) unite();
        },
        deleted: ({ metadata }) => {
          nodes.delete(metadata.name ?? '');
          unite();
        },
        failed: () => {
          // Refused or out of reach: what was seen stands; where nothing was, nothing is known.
          if (this.networks === undefined) this.#set([]);
        },
      },
    );
  }

  stop(): void {
    this.#stop();
    this.#client = undefined;
  }

  #set(networks: readonly string[]): void {
    if (networks.join() === this.networks?.join()) return;
    this.networks = networks;
    this.#changed();
  }
}
