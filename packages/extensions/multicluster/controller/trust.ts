import { X509Certificate } from 'node:crypto';
import { parse } from 'yaml';
import { CONFIG_MAPS, type ConfigMap } from '#api/kube';
import { faultMessage } from '#control/linked';
import type { KubeClient } from '#kube/client';
import type { Clock, Timer } from '#runtime/clock';
import type { Finding } from '../link/index.ts';
import { LIMITS } from './limits.ts';
import type { RemoteClient } from './remote-cluster.ts';

export interface TrustDeps {
  client: Pick<KubeClient, 'get'>;
  clock: Clock;
  /** The finding is another. */
  changed(): void;
}

/** Where the roots of a linked cluster, and our own, are written down. */
export interface TrustPlaces {
  cluster: string;
  /** Of the control planes. */
  remoteNamespace: string;
  namespace: string;
}

/** Whether the proxies of a linked cluster can be sure of ours: both clusters have to have a trust root in common. Looked at now and then. */
export class Trust {
  /** What the Link's condition `TrustShared` says; undefined until known, `none` where the roots of either side cannot be read. */
  finding: Finding | 'none' | undefined;
  readonly #deps: TrustDeps;
  #followed: { remote: RemoteClient; places: string } | undefined;
  #timer: Timer | undefined;

  constructor(deps: TrustDeps) {
    this.#deps = deps;
  }

  /** Looks at this cluster from now on; without one, what was found stands. */
  follow(remote: RemoteClient | undefined, places: TrustPlaces): void {
    const source = JSON.stringify(places);
    if (!remote || (this.#followed?.remote === remote && this.#followed.places === source)) return;
    this.stop();
    const followed = { remote, places: source };
    this.#followed = followed;
    const look = async (): Promise<void> => {
      const found = await this.#look(remote, places);
      if (this.#followed !== followed) return;
      if (JSON.stringify(found) !== JSON.stringify(this.finding)) {
        this.finding = found;
        this.#deps.changed();
      }
      this.#timer = this.#deps.clock.after(LIMITS.trustLookMs, () => void look());
    };
    void look();
  }

  stop(): void {
    this.#followed = undefined;
    this.#timer?.cancel();
  }

  /** Never rejects: what cannot be read is nothing to judge. */
  async #look(remote: RemoteClient, places: TrustPlaces): Promise<Finding | 'none'> {
    try {
      const [theirs, ours] = await Promise.all([this.#theirs(remote, places), this.#ours(places)]);
      return theirs.length === 0 || ours.length === 0 ? 'none' : judge(places.cluster, theirs, ours);
    } catch {
      // A cluster that cannot be asked is told of elsewhere; one that does not show its roots is judged by `check`.
      return this.finding ?? 'none';
    }
  }

  async #ours({ namespace }: TrustPlaces): Promise<string[]> {
    const map = await this.#deps.client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-identity-trust-roots', namespace);
    return fingerprints(map.data?.['ca-bundle.crt']);
  }

  async #theirs(remote: RemoteClient, { remoteNamespace }: TrustPlaces): Promise<string[]> {
    const path = `/api/v1/namespaces/${encodeURIComponent(remoteNamespace)}/configmaps/linkerd-config`;
    const { status, body } = await remote.raw(path);
    if (status !== 200 || body.length > LIMITS.trustBytesMax) return [];
    const map = JSON.parse(body) as ConfigMap;
    const values = parse(map.data?.['values'] ?? '') as { identityTrustAnchorsPEM?: unknown } | null;
    return fingerprints(values?.identityTrustAnchorsPEM);
  }
}

function judge(cluster: string, theirs: readonly string[], ours: readonly string[]): Finding {
  if (theirs.some((each) => ours.includes(each))) return { status: 'True', reason: 'TrustRootShared', message: '' };
  const named = (list: readonly string[]) => list.slice(0, NAMED_MAX).join(', ');
  const seen = `SHA-256 ${named(theirs)} in ${cluster}, ${named(ours)} here`;
  return { status: 'False', reason: 'ForeignTrustRoot', message: faultMessage({ reason: 'ForeignTrustRoot', seen }) };
}

const NAMED_MAX = 2;

/** SHA-256 of each certificate of a bundle, as `check` writes them. */
function fingerprints(pem: unknown): string[] {
  const blocks = typeof pem === 'string' ? (pem.match(PEM) ?? []) : [];
  return blocks.slice(0, LIMITS.trustRootsMax).map((block) => new X509Certificate(block).fingerprint256);
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
