/** EgressNetworks: which of them an address outside the cluster falls under. */
import type { Gvr, KubeObject } from '#api/kube';
import { Collection, type Listener, Topics, type Watched } from '../../fold/index.ts';
import { ALL_NETWORKS, contains, type Network, type NetworkMatch, parseNetwork } from '../networks.ts';

export const EGRESS_NETWORKS: Gvr = { group: 'policy.linkerd.io', version: 'v1alpha1', resource: 'egressnetworks' };

export interface EgressNetworkRecord {
  key: string;
  namespace: string;
  name: string;
  createdAt: string;
  generation: number | undefined;
  resourceVersion: string | undefined;
  annotations: Readonly<Record<string, string>>;
  allow: boolean;
  /** Undefined: everything outside the cluster. */
  networks: readonly NetworkMatch[] | undefined;
  /** `status.conditions` as it is stored. */
  conditions: readonly Readonly<Record<string, unknown>>[];
}

interface EgressNetworkObject extends KubeObject {
  spec?: { trafficPolicy?: string; networks?: { cidr: string; except?: string[] }[] };
  status?: { conditions?: Readonly<Record<string, unknown>>[] };
}

/** Reads an EgressNetwork; undefined for one that admission should have refused. */
export function readEgressNetwork(object: KubeObject): EgressNetworkRecord | undefined {
  const { metadata, spec, status } = object as EgressNetworkObject;
  const { namespace = '', name = '', creationTimestamp = '', generation, resourceVersion, annotations = {} } = metadata;
  const networks = spec?.networks?.map(({ cidr, except = [] }) => {
    const network = parseNetwork(cidr);
    const excepts = except.map(parseNetwork);
    return network && excepts.every((each) => each !== undefined) ? { network, except: excepts } : undefined;
  });
  const allow = spec?.trafficPolicy === 'Allow';
  if ((!allow && spec?.trafficPolicy !== 'Deny') || networks?.some((each) => !each)) return undefined;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    createdAt: creationTimestamp,
    generation,
    resourceVersion,
    annotations,
    allow,
    networks: networks as NetworkMatch[] | undefined,
    conditions: status?.conditions ?? [],
  };
}

/** Whether routes may be attached: networks that reach into the cluster are refused. */
export function isOutside({ networks }: EgressNetworkRecord, clusterNetworks: readonly Network[]): boolean {
  return !networks?.some(({ network, except }) =>
    clusterNetworks.some(
      (cluster) =>
        (contains(cluster, network) || contains(network, cluster)) && !except.some((each) => contains(each, cluster)),
    ),
  );
}

/** A fold of the EgressNetworks. */
export class EgressNetworks {
  readonly #topics = new Topics();
  readonly #collection: Collection<EgressNetworkRecord>;
  readonly #clusterNetworks: readonly Network[];
  readonly #globalNamespace: string;
  /** What has to be watched for it. */
  readonly watched: readonly Watched[];

  constructor(
    config: { clusterNetworks: readonly Network[]; globalNamespace: string },
    skipped: (resource: string, key: string) => void,
    changed: (key: string) => void,
  ) {
    this.#clusterNetworks = config.clusterNetworks;
    this.#globalNamespace = config.globalNamespace;
    this.#collection = new Collection(
      (object, old) => {
        const record = readEgressNetwork(object);
        if (!record) skipped(EGRESS_NETWORKS.resource, `${object.metadata.namespace}/${object.metadata.name}`);
        return record ?? old;
      },
      (key, now, old) => {
        if (now && old && sameMeaning(now, old)) return;
        this.#topics.touch('');
        changed(key);
      },
    );
    this.watched = [{ gvr: EGRESS_NETWORKS, collection: this.#collection }];
  }

  all(): Iterable<EgressNetworkRecord> {
    return this.#collection.records.values();
  }

  get(key: string): EgressNetworkRecord | undefined {
    return this.#collection.records.get(key);
  }

  /** Calls back when any network came, went or changed its meaning. */
  onChange(listener: Listener): () => void {
    return this.#topics.subscribe('', undefined, listener);
  }

  /** Whether routes may be attached to it. */
  accepts(network: EgressNetworkRecord): boolean {
    return isOutside(network, this.#clusterNetworks);
  }

  /**
   * The network that an address falls under for clients of a namespace. If that has networks of its own, only those count; else
   * those of the global namespace. The smallest block wins, then the oldest network.
   */
  at(ip: string, namespace: string): EgressNetworkRecord | undefined {
    const address = parseNetwork(ip);
    if (!address) return undefined;
    const of = (wanted: string) => [...this.all()].filter((each) => each.namespace === wanted);
    const own = of(namespace);
    const candidates = (own.length > 0 ? own : of(this.#globalNamespace)).flatMap((network) => {
      const size = this.#blockSize(network, address);
      return size === undefined ? [] : [{ network, size }];
    });
    candidates.sort((a, b) => {
      if (a.size !== b.size) return a.size < b.size ? -1 : 1;
      const [left, right] = [a, b].map(({ network }) => `${network.createdAt} ${network.key}`) as [string, string];
      return left < right ? -1 : 1;
    });
    return candidates[0]?.network;
  }

  /** Addresses of the smallest block that holds `address`, without its excepted parts. */
  #blockSize(network: EgressNetworkRecord, address: Network): bigint | undefined {
    const blocks = network.networks ?? ALL_NETWORKS.map((each) => ({ ...each, except: this.#clusterNetworks }));
    const sizes = blocks
      .filter((block) => contains(block.network, address) && !block.except.some((except) => contains(except, address)))
      .map((block) =>
        block.except
          .filter((except) => contains(block.network, except))
          .reduce((size, except) => size - sizeOf(except), sizeOf(block.network)),
      );
    return sizes.sort((a, b) => (a < b ? -1 : 1))[0];
  }
}

const sizeOf = ({ ipv6, prefix }: Network): bigint => 1n << BigInt((ipv6 ? 128 : 32) - prefix);

/** Writing the status is no change. */
function sameMeaning(a: EgressNetworkRecord, b: EgressNetworkRecord): boolean {
  const meaning = ({ allow, networks, annotations, createdAt }: EgressNetworkRecord) =>
    JSON.stringify([
      allow,
      networks?.map(({ network, except }) => [network, except].map(text)),
      annotations,
      createdAt,
    ]);
  return meaning(a) === meaning(b);
}

const text = (value: Network | readonly Network[]): unknown =>
  'prefix' in value ? `${value.base}/${value.prefix}` : value.map(text);
