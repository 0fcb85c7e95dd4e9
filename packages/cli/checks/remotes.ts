import {
  CONFIG_MAPS,
  type ConfigMap,
  ENDPOINT_SLICES,
  type EndpointSlice,
  type KubeObject,
  SECRETS,
  SERVICES,
  type Secret,
} from '#api/kube';
import { FAULTS, type Fault, type FaultName, faultMessage, faultOf, type LinkedObserver } from '#control/linked';
import { CREDENTIALS, type Link } from '#extensions/multicluster';
import { isNotFound, type KubeClient, NoAnswer } from '#kube/client';
import { readCertificates, sameCertificates } from '../certificates/index.ts';
import { type Refused, refusedIn } from '../gateways/index.ts';
import { type Check, type CheckDetails, CheckFailure, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

/** Looks into the linked clusters with the credentials that their controllers use, at each once. */

export interface RemotesOptions {
  /** Bound on the look at one cluster. */
  timeoutMs: number;
  /** Opens a remote cluster; rejects when the text is no kubeconfig. */
  connect(kubeconfig: string, observer: LinkedObserver): Promise<KubeClient>;
}

/** What was seen of one cluster. */
interface Visit {
  fault?: Fault;
  /** Tells clusters apart. */
  uid?: string | undefined;
  /** PEM; or why they could not be read. */
  anchors?: string | Error;
  /** What its gateway keeps from the Link; undefined: that cannot be told. */
  beyondGateway?: Refused | undefined;
  /** Objects that something is left out of, and why. */
  refused: Map<string, string>;
}

const clusterOf = (link: Link): string => link.spec?.targetClusterName || (link.metadata.name ?? '');
/** Of Links made in the same second the first by name counts as older. */
const ageOf = (link: Link): string => `${link.metadata.creationTimestamp ?? ''} ${nameOf(link)}`;
const nameOf = ({ metadata }: Link): string => `${metadata.namespace}/${metadata.name}`;

export class Remotes {
  readonly #subject: CheckSubject;
  readonly #options: RemotesOptions;
  readonly #visits = new Map<string, Promise<Visit>>();

  constructor(subject: CheckSubject, options: RemotesOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  /** What is wrong with the way into the cluster of a Link; undefined: nothing. */
  async accessible(link: Link, all: readonly Link[]): Promise<string | undefined> {
    const cluster = clusterOf(link);
    const { fault, uid } = await this.#visit(link);
    // We may stand elsewhere than the controller, and reach the cluster by another address, or not: ask what it sees.
    const seen = said(link, 'RemoteReachable');
    const isOurs = fault && !(seen && UNREACHED.has(fault.reason));
    if (isOurs) return aboutOf(fault.reason) === 'access' ? line(cluster, fault) : undefined;
    if (seen && aboutOf(seen.reason) === 'access')
      return `${cluster}: the mirror controller cannot use them: ${seen.reason}: ${seen.message}`;
    const wrong = await this.#wrongCluster(link, uid, all);
    if (wrong) return line(cluster, wrong);
    return seen ? undefined : this.#discoverySecret(link);
  }

  /** What is wrong with what the cluster of a Link answers; undefined: it cannot be asked, and nothing was seen of it. */
  async answers(link: Link): Promise<string[] | undefined> {
    const cluster = clusterOf(link);
    const { fault, refused } = await this.#visit(link);
    const lines = fault && aboutOf(fault.reason) === 'answers' ? [line(cluster, fault)] : [];
    for (const [object, why] of refused)
      lines.push(line(cluster, { reason: 'AddressesRefused', seen: `${object}: ${why}` }));
    for (const type of ['RemoteReachable', 'ContentAccepted']) {
      const seen = said(link, type);
      const isNews =
        seen && aboutOf(seen.reason) === 'answers' && !lines.some((each) => each.includes(seen.reason ?? ''));
      if (isNews) lines.push(`${cluster}: the mirror controller sees: ${seen.reason}: ${seen.message}`);
    }
    if (lines.length === 0 && fault) return undefined;
    return lines;
  }

  async sharesAnchors(link: Link): Promise<string | undefined> {
    const cluster = clusterOf(link);
    const { fault, anchors = '' } = await this.#visit(link);
    if (fault) return `${cluster}: it cannot be asked: ${fault.reason}`;
    if (anchors instanceof Error) return `${cluster}: ${anchors.message}`;
    const ours = await this.#subject.anchors();
    return sameCertificates(anchors, ours)
      ? undefined
      : `${cluster}: its trust anchors are not those of this cluster: SHA-256 ${fingerprints(anchors)} there, ${fingerprints(ours)} here`;
  }

  /** What the Link takes through a gateway that will refuse it; undefined: that cannot be told from here. */
  async beyondGateway(link: Link): Promise<Refused | undefined> {
    return (await this.#visit(link)).beyondGateway;
  }

  #visit(link: Link): Promise<Visit> {
    const key = nameOf(link);
    let visit = this.#visits.get(key);
    if (!visit) {
      visit = this.#look(link);
      this.#visits.set(key, visit);
    }
    return visit;
  }

  async #look(link: Link): Promise<Visit> {
    const visit: Visit = { refused: new Map() };
    const read = await this.#kubeconfig(link);
    if (typeof read !== 'string') return { ...visit, fault: read };
    const observer: LinkedObserver = {
      refused: (object, why) => void (why === undefined || visit.refused.set(object, why)),
    };
    let remote: KubeClient;
    try {
      remote = await this.#options.connect(read, observer);
    } catch (error) {
      // The first line says what is wrong; the text itself, which others may show, is a secret.
      const seen = `${secretOf(link)}: ${(error as Error).message.split('\n')[0]}`;
      return { ...visit, fault: { reason: 'CredentialsInvalid', seen } };
    }
    try {
      await bounded(this.#ask(remote, link, visit), this.#options.timeoutMs);
    } catch (error) {
      visit.fault = faultOf(error);
    } finally {
      // What a look leaves out is known by now; the end of the lists must not take it back.
      remote.close();
    }
    return visit;
  }

  async #ask(remote: KubeClient, link: Link, visit: Visit): Promise<void> {
    const { items } = await remote.list(SERVICES);
    visit.uid = apiServerOf(items);
    visit.beyondGateway = refusedIn(items, link.spec ?? {});
    const namespace = link.spec?.targetClusterLinkerdNamespace || this.#subject.namespace;
    visit.anchors = await anchorsOf(remote, namespace).catch((error: Error) => error);
    await remote.list<EndpointSlice>(ENDPOINT_SLICES).catch((error: unknown) => {
      // What may not be seen is not looked at by controllers either.
      if (!['AccessDenied', 'ServerError'].includes(faultOf(error).reason)) throw error;
    });
  }

  /** The text of the kubeconfig, or why there is none. */
  async #kubeconfig(link: Link): Promise<string | Fault> {
    const where = secretOf(link);
    let secret: Secret;
    try {
      const name = link.spec?.clusterCredentialsSecret ?? '';
      secret = await (await this.#subject.client()).get<Secret>(SECRETS, name, link.metadata.namespace);
    } catch (error) {
      if (isNotFound(error)) return { reason: 'CredentialsMissing', seen: `no ${where}` };
      return { reason: 'CredentialsUnreadable', seen: (error as Error).message };
    }
    const owner = secret.metadata.labels?.[CREDENTIALS.clusterNameLabel];
    if (owner !== undefined && owner !== clusterOf(link))
      return { reason: 'CredentialsOfOther', seen: `${where} with the label ${CREDENTIALS.clusterNameLabel}=${owner}` };
    const encoded = (secret.data as Record<string, string> | undefined)?.[CREDENTIALS.key];
    if (!encoded) return { reason: 'CredentialsInvalid', seen: `${where} without it` };
    return Buffer.from(encoded, 'base64').toString('utf8');
  }

  /**
   * Credentials open another cluster than the Link says where they open our own, or that of an older Link; but one Link through a
   * gateway and one without may lead to the same.
   */
  async #wrongCluster(link: Link, uid: string | undefined, all: readonly Link[]): Promise<Fault | undefined> {
    if (uid === undefined) return undefined;
    const where = secretOf(link);
    const own = await (await this.#subject.client()).list(SERVICES, {
      namespace: 'default',
      fieldSelector: 'metadata.name=kubernetes',
    });
    if (apiServerOf(own.items) === uid) return { reason: 'OwnCluster', seen: `${where}, which opens this cluster` };
    for (const other of all) {
      if (clusterOf(other) === clusterOf(link) || hasGateway(other) !== hasGateway(link)) continue;
      if (ageOf(other) > ageOf(link)) continue;
      if ((await this.#visit(other)).uid !== uid) continue;
      return {
        reason: 'CredentialsOfOther',
        seen: `${where}, which opens the cluster that Link ${nameOf(other)}, which is older, has`,
      };
    }
    return undefined;
  }

  /** The destination controller has a Secret of its own, and looks for more than a kubeconfig in it. */
  async #discoverySecret(link: Link): Promise<string | undefined> {
    const cluster = clusterOf(link);
    const { namespace } = this.#subject;
    const client = await this.#subject.client();
    const { items } = await client.list(SECRETS, {
      namespace,
      labelSelector: `${CREDENTIALS.clusterNameLabel}=${cluster}`,
    });
    const [secret] = items;
    if (!secret)
      return `${cluster}: no Secret in namespace ${namespace} has label ${CREDENTIALS.clusterNameLabel}=${cluster}`;
    const { annotations = {}, name } = secret.metadata;
    const missing = [CREDENTIALS.trustDomainAnnotation, CREDENTIALS.clusterDomainAnnotation].filter(
      (key) => !annotations[key],
    );
    return missing.length > 0
      ? `${cluster}: secret: [${namespace}/${name}] lacks annotations ${missing.join(', ')}`
      : undefined;
  }
}

/** Whether linked clusters send what an API server sends, and no more than is looked at. */
export const answersCheck = (links: () => Promise<Link[]>, remotes: Remotes): Check => ({
  description: 'linked clusters answer as they should',
  anchor: 'weft-multicluster-linked-clusters-answer',
  remedy:
    'What a linked cluster tells has the shape of what is asked for and is within the budget of a linked cluster. Each fault has a name, which docs/reference/link-faults.md explains; meanwhile what was known of the cluster stands, and its endpoints come last.',
  async run(): Promise<CheckDetails> {
    const all = await links();
    if (all.length === 0) throw new CheckSkipped('no links');
    const said = await Promise.all(all.map((link) => remotes.answers(link)));
    const lines = said.flatMap((each) => each ?? []);
    if (lines.length > 0) throw new CheckFailure('Clusters whose answers are not used:', lines);
    const asked = all.filter((_, at) => said[at] !== undefined);
    if (asked.length === 0) throw new CheckSkipped('no cluster can be asked');
    return { items: asked.map(clusterOf) };
  },
});

/** What says more about where we stand than about the cluster, when somebody else sees more. */
const UNREACHED = new Set<FaultName>(['NoAnswer', 'Unreachable']);

const secretOf = (link: Link): string =>
  `Secret ${link.metadata.namespace}/${link.spec?.clusterCredentialsSecret ?? ''}`;

const line = (cluster: string, fault: Fault): string => `${cluster}: ${fault.reason}: ${faultMessage(fault)}`;

const said = (link: Link, type: string) =>
  link.status?.conditions?.find((each) => each.type === type && each.status === 'False');

const aboutOf = (reason: string | undefined): string =>
  reason !== undefined && reason in FAULTS ? FAULTS[reason as FaultName].about : 'access';

const apiServerOf = (services: readonly KubeObject[]): string | undefined =>
  services.find(({ metadata }) => metadata.namespace === 'default' && metadata.name === 'kubernetes')?.metadata.uid;

async function anchorsOf(remote: KubeClient, namespace: string): Promise<string> {
  const config = await remote.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', namespace);
  const { parse } = await import('yaml');
  const values = parse(config.data?.['values'] ?? '') as { identityTrustAnchorsPEM?: string } | null;
  return values?.identityTrustAnchorsPEM ?? '';
}

const fingerprints = (pem: string): string =>
  readCertificates(pem)
    .map(({ fingerprint256 }) => fingerprint256)
    .join(', ');

async function bounded<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const hasGateway = ({ spec }: Link): boolean => Boolean(spec?.gatewayAddress);
