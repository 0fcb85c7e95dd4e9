/** The page of what can be wrong with a Link or its cluster. */
import { FAULTS, type FaultName, LINKED_BUDGET } from '#control/linked';
import { code, page, type Row, table } from './pages.ts';

/** Where a fault is seen, by what it is about: the Link's condition, and the line of `check`. */
const SEEN: Record<(typeof FAULTS)[FaultName]['about'], Row> = {
  access: ['RemoteReachable', 'remote cluster access credentials are valid'],
  answers: ['RemoteReachable', 'linked clusters answer as they should'],
  links: ['RemoteReachable', 'Links do not contradict themselves or each other'],
  trust: ['TrustShared', 'clusters share trust anchors'],
};
const CONDITIONS: Partial<Record<FaultName, string>> = { AddressesRefused: 'ContentAccepted' };

/** What concerns credentials in time, one Service, or the networks between: condition, its reasons, what it means, what to do, and the check. */
const OTHERS: readonly Row[] = [
  [
    '`CredentialsValid`',
    '`Expired`, `ExpiringSoon`, `RenewalFailed`',
    'A token or certificate in the kubeconfig has ended or ends soon, or a bound token could not be renewed. Make the Link again.',
    'remote cluster access credentials have not expired; … do not expire soon',
  ],
  [
    '`GatewayAlive`',
    '`ProbesFailed`, `AddressUnknown`, `InvalidSpec`',
    'The gateway does not answer, has no address, or the Link says of it what cannot be. Look at the gateway and at spec.gateway*, spec.probeSpec of the Link.',
    'probe services able to communicate with all gateway mirrors',
  ],
  [
    '`PodNetworksDistinct`',
    '`PodNetworksOverlap`',
    'Pods of two clusters may have one address. Use a gateway, or other pod networks.',
    'pod networks of linked clusters are distinct',
  ],
  [
    '`Mirrored` of a service',
    '`MissingNamespace`',
    'The namespace does not exist here. Make it, or let the extension do so (enableNamespaceCreation).',
    'every exported service is mirrored',
  ],
  [
    '`Mirrored` of a service',
    '`InvalidService`',
    'It cannot be mirrored in this way: an ExternalName service, a headless one, or one that is a mirror itself, which is not mirrored on whatever selectors say.',
    'every exported service is mirrored',
  ],
  [
    '`Mirrored` of a service',
    '`Error`',
    'The name would be longer than 63 characters, or is taken by what is not ours; the API server refused it; or somebody changes the mirror back each time. The message says which.',
    'every exported service is mirrored',
  ],
  [
    '`Conflict` of a service',
    '`PortConflict` and others',
    'Members of a federated service differ. The first one rules.',
    'service exports are valid and agree',
  ],
];

export function linkFaultsPage(): string {
  const names = Object.keys(FAULTS).sort() as FaultName[];
  const faults = names.map((name) => {
    const { about, expected, advice } = FAULTS[name];
    const [condition = '', check = ''] = SEEN[about];
    return [code(name), `Expected ${expected}.`, advice, code(CONDITIONS[name] ?? condition), check];
  });
  const { objectsMax, objectsMaxElse, ...rest } = LINKED_BUDGET;
  const budget = [
    ...Object.entries(objectsMax).map(([resource, max]) => [`${resource} of one cluster`, String(max)]),
    ['objects of any other resource of one cluster', String(objectsMaxElse)],
    ['bytes kept of all objects of one cluster', String(rest.keptBytesMax)],
    ['bytes of one object', String(rest.objectBytesMax)],
    ['bytes of one answer, or page of a list', String(rest.answerBytesMax)],
    ['seconds for one list', String(rest.listMsMax / 1000)],
    ['events of one watch: at once, and then a second', `${rest.eventsBurst}, ${rest.eventsPerSecond}`],
  ];
  return page(
    'Faults of Links and linked clusters',
    'packages/control/linked',
    `A linked cluster belongs to somebody else: it may be away, slow, large, or send what no Kubernetes sends. Whatever it does, what was
known of it stands, no other cluster notices, and it is asked again for ever, less and less often. After a minute without a right answer its
endpoints come last in federated services that have an order (\`balancer.weft.dev/stale-clusters\`).

Each fault has one name: the reason of the Link's condition and of an event on the Link, the label \`reason\` of the metric
\`remote_cluster_fault\` (of the mirror controller and of the destination service), and the word after the cluster's name in
\`weft multicluster check\`. Messages say what was expected, what was seen, and what to do. How long a watch has been lost, metrics
\`kube_watch_lost_seconds\`, \`kube_watch_failures_total\` and \`kube_watch_lists_total\` say for every controller and cluster.`,
    `## Faults\n\n${table(['fault', 'what should be', 'what to do', 'condition', 'line of check'], faults)}`,
    `## Budgets\n\nWhat one linked cluster may cost a process; nothing of what is beyond is kept.\n\n${table(['what', 'at most'], budget)}`,
    `## Other conditions\n\n${table(['condition', 'reasons', 'what it means and what to do', 'line of check'], OTHERS)}`,
    `Endpoints of linked clusters whose addresses Kubernetes would refuse (unspecified, loopback, link-local, link-local multicast, or not of
the family that their slice says) are left out, and the others are used. Labels and annotations that webhooks and people add to mirrors stay;
who changes back what is ours is written against ever less often, and named.`,
  );
}
