import { ENDPOINTS, type Endpoints, type KubeObject, SERVICES } from '#api/kube';
import { type Link, MIRROR, readGateway } from '#extensions/multicluster';
import type { KubeClient } from '#kube/client';
import type { ForwardTarget } from '#kube/port-forward';
import { gatewayState } from '../gateways/index.ts';
import { type Check, CheckFailure, CheckSkipped } from './check.ts';
import type { Remotes } from './remotes.ts';
import type { CheckSubject } from './subject.ts';

/** Checks of what stands between two clusters: gateways, and what Links say that cannot be done. */

type Links = () => Promise<Link[]>;
const clusterOf = (link: Link): string => link.spec?.targetClusterName || (link.metadata.name ?? '');

/** Whether each gateway answers the probes of the controller that follows it. */
export const probeCheck = (
  subject: CheckSubject,
  links: Links,
  scrape: (target: ForwardTarget) => Promise<string>,
): Check => ({
  description: 'probe services able to communicate with all gateway mirrors',
  anchor: 'l5d-multicluster-gateways-endpoints',
  remedy:
    "Each gateway that can be probed answers the mirror controller of its Link, through the one probe Service of that Link. Look at the Link's condition GatewayAlive, whether the gateway's pods run, and at firewalls between the clusters for the gateway's ports.",
  async run() {
    const probed = (await links()).filter((link) => readGateway(link.spec)?.probe);
    if (probed.length === 0) throw new CheckSkipped('no gateways');
    const client = await subject.client();
    const problems = await Promise.all(probed.map((link) => probeProblem(client, link, scrape)));
    const bad = problems.filter((problem) => problem !== undefined);
    if (bad.length > 0) throw new CheckFailure('Problematic gateways:', bad);
    return { items: probed.map(clusterOf) };
  },
});

async function probeProblem(
  client: KubeClient,
  link: Link,
  scrape: (target: ForwardTarget) => Promise<string>,
): Promise<string | undefined> {
  const cluster = clusterOf(link);
  const { items } = await client.list(SERVICES, {
    namespace: link.metadata.namespace ?? '',
    labelSelector: `mirror.linkerd.io/mirrored-gateway,${MIRROR.clusterName}=${link.metadata.name}`,
  });
  const [probe] = items;
  if (items.length !== 1 || !probe)
    return `wrong number (${items.length}) of probe gateways for target cluster ${cluster}`;
  const about = link.status?.conditions?.find(({ type, status }) => type === 'GatewayAlive' && status === 'False');
  const why = about ? `: ${about.reason}: ${about.message}` : '';
  const { name = '', namespace } = probe.metadata;
  const endpoints = await client.list<Endpoints & KubeObject>(ENDPOINTS, {
    ...(namespace !== undefined && { namespace }),
    fieldSelector: `metadata.name=${name}`,
  });
  if (!endpoints.items.some(({ subsets = [] }) => subsets.length > 0))
    return `${name}.${namespace} mirrored from cluster [${cluster}] has no endpoints${why}`;
  try {
    const state = await gatewayState(client, link, scrape);
    return state.alive ? undefined : `liveness checks failed for ${cluster}${why}`;
  } catch (error) {
    return `${cluster}: ${(error as Error).message}`;
  }
}

/** Whether gateways reach what Links take through them, by what linked clusters say of their gateways. */
export const reachCheck = (links: Links, remotes: Pick<Remotes, 'beyondGateway'>): Check => ({
  description: 'gateways reach what is mirrored through them',
  anchor: 'weft-multicluster-gateways-reach',
  remedy:
    "Every Service of a linked cluster that its Link takes through the gateway has the labels that the gateway is held to, as the annotation `gateway.weft.dev/services` of the gateway's Service over there says; others it answers 404. Label the Service, or change `gateway.serviceSelector` over there or the selector of the Link. The gateway is known by its identity; nothing is said of a cluster that cannot be asked, or whose gateway is not found.",
  severity: 'warning',
  async run() {
    const said = await Promise.all(
      (await links()).map(async (link) => ({ cluster: clusterOf(link), refused: await remotes.beyondGateway(link) })),
    );
    const known = said.flatMap(({ cluster, refused }) => (refused ? [{ cluster, refused }] : []));
    if (known.length === 0) throw new CheckSkipped('no gateway that can be asked about');
    const bad = known.filter(({ refused }) => refused.names.length > 0);
    if (bad.length > 0)
      throw new CheckFailure(
        'Services that their gateway refuses:',
        bad.map(
          ({ cluster, refused: { reaches, gateway, names } }) =>
            `${cluster}: gateway ${gateway} reaches ${reaches}, not ${names.join(', ')}`,
        ),
      );
    return { items: known.map(({ cluster }) => cluster) };
  },
});

/** What Links say that cannot be, or that something else is used for. */
export const consistencyCheck = (links: Links): Check => ({
  description: 'Links do not contradict themselves or each other',
  anchor: 'l5d-multicluster-links-consistent',
  remedy:
    'One Link for each target cluster, named as the cluster; gateway, ports and durations are such. Make the Link again with `multicluster link-gen`.',
  severity: 'warning',
  async run() {
    const all = await links();
    if (all.length === 0) throw new CheckSkipped('no links');
    const problems = [...new Set(all.flatMap((link) => [...contradictions(link, all)]))];
    if (problems.length > 0) throw new CheckFailure('Links that are not right:', problems);
  },
});

function* contradictions(link: Link, all: readonly Link[]): Generator<string> {
  const cluster = clusterOf(link);
  const same = all.filter((other) => clusterOf(other) === cluster).map(nameOf);
  if (same.length > 1) yield `${cluster}: Links ${same.sort().join(', ')} name the same target cluster`;
  if (link.metadata.name !== cluster)
    yield `${cluster}: Link ${nameOf(link)} is not named as its target cluster; its controller looks for the Link's name`;
  for (const problem of readGateway(link.spec)?.problems ?? []) yield `${cluster}: ${problem}`;
}

const nameOf = ({ metadata }: Link): string => `${metadata.namespace}/${metadata.name}`;

/** Whether what is exported arrives, by what controllers write into the status of Links. */
export const leftOutCheck = (links: Links): Check => ({
  description: 'every exported service is mirrored',
  anchor: 'l5d-multicluster-services-mirrored',
  remedy:
    "What a linked cluster exports has its mirror here. The Link's status says for each service why not: a missing namespace, a name that is taken or too long, a kind of service that cannot be mirrored. Selectors that match mirrors change nothing: mirrors are not mirrored on.",
  severity: 'warning',
  async run() {
    const all = await links();
    const lines = new Set(all.flatMap((link) => [...leftOut(link)]));
    const statuses = all.flatMap(statusesOf);
    if (lines.size > 0) throw new CheckFailure('Services that are not mirrored:', [...lines]);
    if (statuses.length === 0) throw new CheckSkipped('no mirror services');
  },
});

const statusesOf = ({ status }: Link) => [...(status?.mirrorServices ?? []), ...(status?.federatedServices ?? [])];

function* leftOut(link: Link): Generator<string> {
  for (const { remoteRef, conditions } of statusesOf(link))
    for (const { type, status, reason, message } of conditions)
      if (type === 'Mirrored' && status === 'False')
        yield `${clusterOf(link)}: ${remoteRef.name}.${remoteRef.namespace}: ${reason}: ${message}`;
}
