import { CREDENTIALS, type Expiry, expiriesOf, expiryText, judgeExpiry, type Link } from '#extensions/multicluster';
import { type Check, CheckFailure, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

/** Checks of what Links say of their clusters: how long credentials last, where pods are, how members do. */

type Links = () => Promise<Link[]>;
const clusterOf = (link: Link): string => link.spec?.targetClusterName || (link.metadata.name ?? '');
const conditionOf = (link: Link, type: string) => link.status?.conditions?.find((each) => each.type === type);

/** Whether what the kubeconfigs hold is still good, in both namespaces that have them. */
export const expiryChecks = (subject: CheckSubject, links: Links): readonly Check[] => {
  const judge = (which: 'over' | 'soon', headline: string) => async () => {
    const all = await links();
    if (all.length === 0) throw new CheckSkipped('no links');
    const nowMs = Date.now();
    const lines = await Promise.all(all.map((link) => endings(subject, link, which, nowMs)));
    const bad = lines.flatMap((each) => each.bad);
    if (which === 'soon') bad.push(...all.flatMap(notRenewed));
    if (bad.length > 0) throw new CheckFailure(headline, [...new Set(bad)]);
    const good = [...new Set(lines.flatMap((each) => each.good))];
    if (good.length === 0) throw new CheckSkipped('nothing in the credentials ends');
    return { items: which === 'over' ? all.map(clusterOf) : good };
  };
  return [
    {
      description: 'remote cluster access credentials have not expired',
      anchor: 'l5d-multicluster-credentials-not-expired',
      remedy:
        "Neither a token nor a certificate in the kubeconfigs of a Link has ended, in the extension's namespace and in that of the control plane. Write both Secrets anew with `multicluster link-gen`; controllers take them over without a restart.",
      run: judge('over', 'Expired credentials:'),
    },
    {
      description: 'remote cluster access credentials do not expire soon',
      anchor: 'l5d-multicluster-credentials-not-expiring-soon',
      remedy:
        "Bound tokens are renewed by the mirror controller after 70 % of their life; a fifth of it before the end it is time to look why not: the Link's condition CredentialsValid says what the remote cluster answered, often that its installation is older and does not let the account renew its token. Certificates are made anew by who made them, a third of their life or 60 days before they end.",
      severity: 'warning',
      run: judge('soon', 'Credentials that expire:'),
    },
  ];
};

/** What ends, and what does not yet, in words. */
async function endings(subject: CheckSubject, link: Link, which: 'over' | 'soon', nowMs: number) {
  const found = { bad: [] as string[], good: [] as string[] };
  const secret = link.spec?.clusterCredentialsSecret || CREDENTIALS.secretName(clusterOf(link));
  for (const namespace of [link.metadata.namespace ?? '', subject.namespace]) {
    const kubeconfig = await subject.secretText(secret, namespace, CREDENTIALS.key);
    // A Secret that is missing or nonsense is the matter of another check.
    for (const expiry of readable(kubeconfig)) {
      const text = expiryText(expiry, nowMs);
      if (judgeExpiry(expiry, nowMs) === which)
        found.bad.push(`${clusterOf(link)}: secret: [${namespace}/${secret}]: ${text}`);
      else found.good.push(`${clusterOf(link)}: ${text}`);
    }
  }
  return found;
}

function readable(kubeconfig: string | undefined): readonly Expiry[] {
  if (kubeconfig === undefined) return [];
  try {
    return expiriesOf(kubeconfig);
  } catch {
    return []; // `remote cluster access credentials are valid` tells what is wrong with it
  }
}

function notRenewed(link: Link): string[] {
  const said = conditionOf(link, 'CredentialsValid');
  return said?.status === 'False' && said.reason === 'RenewalFailed'
    ? [`${clusterOf(link)}: the mirror controller cannot renew the token: ${said.message}`]
    : [];
}

/** Whether an address leads to one pod, where pods of linked clusters are dialled directly. */
export const networksCheck = (links: Links): Check => ({
  description: 'pod networks of linked clusters are distinct',
  anchor: 'l5d-multicluster-pod-networks-distinct',
  remedy:
    'Where pods of other clusters are dialled directly, no two clusters give pods the same addresses: requests would arrive at a pod of another cluster, which refuses them. Number the clusters anew, or reach one of them through its gateway. What is compared are the podCIDRs of nodes; where these say nothing, neither does this.',
  severity: 'warning',
  async run() {
    const said = (await links()).flatMap((link) => {
      const condition = conditionOf(link, 'PodNetworksDistinct');
      return condition ? [{ cluster: clusterOf(link), ...condition }] : [];
    });
    if (said.length === 0) throw new CheckSkipped('no pods of linked clusters are dialled directly');
    const bad = said.filter(({ status }) => status === 'False').map(({ cluster, message }) => `${cluster}: ${message}`);
    if (bad.length > 0) throw new CheckFailure('Clusters whose pods have the addresses of others:', bad);
    return {
      items: said.map(({ cluster, status, message }) => (status === 'True' ? cluster : `${cluster}: ${message}`)),
    };
  },
});

/** How the members of each cluster do, by what its controller counts. */
export const membersCheck = (links: Links): Check => ({
  description: 'services of linked clusters have ready endpoints',
  anchor: 'l5d-multicluster-members-ready',
  remedy:
    "Each Service that is taken from a linked cluster has endpoints there that are ready, all ports of the federated service that it is a member of, and its cluster is seen. The Link's status has the numbers. Look at the pods over there, at the ports of the member's Service, and at the conditions of the Link.",
  severity: 'warning',
  async run() {
    const all = await links();
    const nowMs = Date.now();
    const bad = all.flatMap((link) => [...weak(link, nowMs)]);
    if (bad.length > 0) throw new CheckFailure('Services that cannot be used in full:', [...new Set(bad)]);
    const counted = all.filter(({ status }) => status?.endpoints);
    if (counted.length === 0) throw new CheckSkipped('no endpoints are counted');
    return {
      items: counted.map((link) => `${clusterOf(link)}: ${share(link.status?.endpoints)} ready`),
    };
  },
});

const share = ({ ready, total } = { ready: 0, total: 0 }): string => `${ready} of ${total} endpoints`;

function* weak(link: Link, nowMs: number): Generator<string> {
  const cluster = clusterOf(link);
  const entries = [...(link.status?.mirrorServices ?? []), ...(link.status?.federatedServices ?? [])];
  const contact = conditionOf(link, 'RemoteReachable');
  if (contact?.status === 'False' && entries.length > 0) {
    const last = entries
      .map(({ lastSyncTime = '' }) => lastSyncTime)
      .sort()
      .at(-1);
    yield `${cluster}: what stands here of ${entries.length} services is ${last ? `as of ${ageText(nowMs - Date.parse(last))} ago` : 'old'}: ${contact.reason}: ${contact.message}`;
  }
  for (const { remoteRef, conditions, endpoints, ports } of entries) {
    const name = `${cluster}: ${remoteRef.name}.${remoteRef.namespace}`;
    if (endpoints?.ready === 0) yield `${name}: ${share(endpoints)} ready`;
    if (ports?.missing)
      yield `${name}: has ${ports.covered} of ${ports.total} ports of the federated service; ${ports.missing.join(', ')} missing`;
    const conflict = conditions.find(({ type, status }) => type === 'Conflict' && status === 'True');
    if (conflict) yield `${name}: ${conflict.reason}: ${conflict.message}`;
  }
}

/** In the largest unit that fits: `90s`, `12m`, `3h`, `2d`. */
export function ageText(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms >= 2 * each) ?? [1_000, 's'];
  return `${Math.max(0, Math.floor(ms / size))}${unit}`;
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
] as const;
