import { DEPLOYMENTS, type Deployment, ENDPOINT_SLICES, type EndpointSlice, NAMESPACES, SERVICES } from '#api/kube';
import {
  EndpointTally,
  localMembers,
  type MirrorOutcome,
  observe,
  observeExport,
  readMembers,
  type ServiceObject,
  serviceKey,
} from '#extensions/multicluster';
import { ifFound, type KubeClient, parseSelector } from '#kube/client';
import { LOCAL_CLUSTER } from '#model/federation';
import { defaultMulticluster, LOCAL_MIRROR } from '../manifests/multicluster/index.ts';
import { type Check, CheckFailure, CheckSkipped } from './check.ts';
import { containerArgs } from './deployment.ts';
import { exportsOf } from './exports.ts';
import type { CheckSubject } from './subject.ts';

/** What the cluster itself gives to federated services: no Link says that of it. */

/** `namespaceOf`: that of the extension; undefined where it is not installed. */
export const ownMembersCheck = (subject: CheckSubject, namespaceOf: () => Promise<string | undefined>): Check => ({
  description: 'services of this cluster have ready endpoints in federated services',
  anchor: 'weft-multicluster-own-members',
  remedy: `Each Service of this cluster that is labelled as a member, or exported, is in the federated service of its name, with endpoints that are ready and all of its ports; and Deployment ${LOCAL_MIRROR}, which puts it there and clears away after Links that are gone, is available. \`diagnostics endpoints --show-cluster\` lists what a federated service has in which cluster.`,
  severity: 'warning',
  async run() {
    const namespace = await namespaceOf();
    if (namespace === undefined) throw new CheckSkipped('not installed');
    const client = await subject.client();
    const mirror = await ifFound(client.get<Deployment>(DEPLOYMENTS, LOCAL_MIRROR, namespace));
    const members = await membersOf(client, selectorOf(mirror));
    const bad = [
      ...mirrorProblems(mirror, namespace, members.length > 0),
      ...members.flatMap(({ problems }) => problems),
    ];
    if (bad.length > 0)
      throw new CheckFailure(
        'What this cluster does not give to federated services:',
        bad.map((problem) => `${LOCAL_CLUSTER}: ${problem}`),
      );
    if (members.length === 0) throw new CheckSkipped('no members');
    const sum = (of: 'ready' | 'total'): number => members.reduce((all, { count }) => all + count[of], 0);
    return { items: [`${LOCAL_CLUSTER}: ${sum('ready')} of ${sum('total')} endpoints ready`] };
  },
});

/** Without it nothing else is amiss where there is nothing for it to do. */
function mirrorProblems(mirror: Deployment | undefined, namespace: string, isNeeded: boolean): string[] {
  const name = `Deployment ${namespace}/${LOCAL_MIRROR}`;
  if (!mirror) return isNeeded ? [`there is no ${name}, which makes Services of this cluster members`] : [];
  return (mirror.status?.availableReplicas ?? 0) < 1 ? [`${name} is not available`] : [];
}

const SELECTOR_FLAG = '-federated-service-selector=';

/** What it takes for members, by its own arguments. */
function selectorOf(mirror: Deployment | undefined) {
  const given = containerArgs(mirror)
    .find((arg) => arg.startsWith(SELECTOR_FLAG))
    ?.slice(SELECTOR_FLAG.length);
  return parseSelector(given ?? defaultMulticluster().localServiceMirror.federatedServiceSelector) ?? {};
}

async function membersOf(client: KubeClient, federatedServiceSelector: ReturnType<typeof selectorOf>) {
  const [services, exports, namespaces] = await Promise.all([
    client.list<ServiceObject>(SERVICES),
    exportsOf(client),
    client.list(NAMESPACES, { metadataOnly: true }),
  ]);
  const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => serviceKey(namespace, name);
  const local = {
    services: new Map(services.items.map(observe).map((each) => [keyOf(each), each])),
    namespaces: new Set(namespaces.items.map(({ metadata }) => metadata.name ?? '')),
  };
  const settings = { federatedServiceSelector, excludedLabels: [], excludedAnnotations: [] };
  const exported = new Map(exports.map(observeExport).map((each) => [keyOf(each), each]));
  const outcomes = [...localMembers(settings, local, exported)].map(({ outcome }) => outcome);
  const tally = new EndpointTally();
  for (const namespace of new Set(outcomes.map((outcome) => outcome.namespace)))
    for (const slice of (await client.list<EndpointSlice>(ENDPOINT_SLICES, { namespace })).items) tally.apply(slice);
  return outcomes.map((outcome) => {
    const federated = local.services.get(serviceKey(outcome.namespace, outcome.localName ?? ''));
    const isThere = federated !== undefined && readMembers(federated.annotations).local === outcome.name;
    const count = tally.get(keyOf(outcome)) ?? { total: 0, ready: 0 };
    const problems = [...weaknesses(outcome, isThere, count)].map(
      (each) => `${outcome.name}.${outcome.namespace}: ${each}`,
    );
    return { count, problems };
  });
}

function* weaknesses(
  { reason, message, localName, conflict, ports }: MirrorOutcome,
  isThere: boolean,
  count: { total: number; ready: number },
): Generator<string> {
  if (reason !== 'Mirrored') {
    yield `${reason}: ${message}`;
    return;
  }
  if (!isThere) yield `it is not in ${localName} yet`;
  if (count.ready === 0) yield `${count.ready} of ${count.total} endpoints ready`;
  if (ports?.missing)
    yield `has ${ports.covered} of ${ports.total} ports of the federated service; ${ports.missing.join(', ')} missing`;
  if (conflict) yield `${conflict.reason}: ${conflict.message}`;
}
