/** EgressNetworks: which of them an address outside the cluster falls under. */
import type { Gvr, KubeObject } from '#api/kube';
import { Collection, type Listener, Topics, type Watched } from '../../fold/index.ts';
import { checkEgressNetwork } from '../admission/limits.ts';
import { listOf, objectionOf, objectOf, Refusal, textsOf } from '../admission/refusal.ts';
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
  /** What admission would refuse of it, although it can be read. */
  objection: string | undefined;
  /** Why the newest version cannot be read. `lastGood`: what it means is what the last version meant that could be. */
  problem: { message: string; lastGood: boolean } | undefined;
  /** `status.conditions` as it is stored. */
  conditions: readonly Readonly<Record<string, unknown>>[];
}

type Fields = Readonly<Record<string, unknown>>;
/** What an EgressNetwork says. */
type Meaning = Pick<EgressNetworkRecord, 'allow' | 'networks' | 'annotations' | 'createdAt' | 'objection'>;

/** Reads an EgressNetwork. One that admission should have refused goes on meaning what `old` does, and without that nothing. */
export function readEgressNetwork(object: KubeObject, old?: EgressNetworkRecord): EgressNetworkRecord {
  const { namespace = '', name = '', creationTimestamp = '', generation, resourceVersion } = object.metadata;
  const { annotations = {} } = object.metadata;
  const { status } = object as { status?: { conditions?: readonly Fields[] } };
  const version = {
    key: `${namespace}/${name}`,
    namespace,
    name,
    generation,
    resourceVersion,
    conditions: status?.conditions ?? [],
  };
  try {
    const spec = objectOf(object as unknown as Fields, 'spec') ?? {};
    const objection = objectionOf(checkEgressNetwork, object);
    const meaning = { ...readSpec(spec), annotations, createdAt: creationTimestamp, objection };
    return { ...version, ...meaning, problem: undefined };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const lastGood = old !== undefined && (old.problem?.lastGood ?? true);
    const nothing = { allow: false, networks: [], annotations: {}, createdAt: creationTimestamp, objection: undefined };
    return { ...(lastGood ? old : nothing), ...version, problem: { message: error.message, lastGood } };
  }
}

function readSpec(spec: Fields): Pick<Meaning, 'allow' | 'networks'> {
  const policy = spec['trafficPolicy'];
  if (policy !== 'Allow' && policy !== 'Deny')
    throw new Refusal(`trafficPolicy: expected Allow or Deny, got ${JSON.stringify(policy)}`);
  const blocks = listOf(spec, 'networks').map((entry) => ({
    network: readBlock('cidr', entry['cidr']),
    except: textsOf(entry, 'except').map((text) => readBlock('except', text)),
  }));
  const isWritten = spec['networks'] !== undefined && spec['networks'] !== null;
  if (isWritten && blocks.length === 0) throw new Refusal('networks: at least one network must be specified');
  return { allow: policy === 'Allow', networks: isWritten ? blocks : undefined };
}

function readBlock(field: string, text: unknown): Network {
  const network = parseNetwork(String(text));
  if (!network) throw new Refusal(`${field}: expected a network or an IP address, got "${text}"`);
  return network;
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

/** Whether it means anything. */
const isUsable = ({ problem }: EgressNetworkRecord): boolean => problem === undefined || problem.lastGood;

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
    skipped: (resource: string, key: string, problem: string) => void,
    changed: (key: string) => void,
  ) {
    this.#clusterNetworks = config.clusterNetworks;
    this.#globalNamespace = config.globalNamespace;
    this.#collection = new Collection(
      (object, old) => {
        const record = readEgressNetwork(object, old);
        if (record.problem) skipped(EGRESS_NETWORKS.resource, record.key, record.problem.message);
        return record;
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
    return isUsable(network) && isOutside(network, this.#clusterNetworks);
  }

  /**
   * The network that an address falls under for clients of a namespace. If that has networks of its own, only those count; else
   * those of the global namespace. The smallest block wins, then the oldest network.
   */
  at(ip: string, namespace: string): EgressNetworkRecord | undefined {
    const address = parseNetwork(ip);
    if (!address) return undefined;
    const of = (wanted: string) => [...this.all()].filter((each) => each.namespace === wanted && isUsable(each));
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
  const meaning = ({ allow, networks, annotations, createdAt, problem }: EgressNetworkRecord) =>
    JSON.stringify([
      allow,
      networks?.map(({ network, except }) => [network, except].map(text)),
      annotations,
      createdAt,
      problem,
    ]);
  return meaning(a) === meaning(b);
}

const text = (value: Network | readonly Network[]): unknown =>
  'prefix' in value ? `${value.base}/${value.prefix}` : value.map(text);
