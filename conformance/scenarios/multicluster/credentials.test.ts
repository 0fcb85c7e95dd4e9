/**
 * The guide to credentials of Links, by its own commands, and more: a bound token that is renewed before it ends, credentials that are
 * replaced while they are in use, a renewal that is refused; what the Link says of endpoints and ports of members, and of pods whose addresses
 * another cluster has.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  eventually,
  guideBlocks,
  type Lab,
  requireProgram,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east'] as const;
type Cluster = (typeof CLUSTERS)[number];
/** Within which controllers are to use new credentials. */
const ROTATION_MS = 30_000;
const TITLE = 'Credentials of a Link: tokens that end, rotation, and what the Link says';
const SECRET = 'cluster-credentials-east';
const ACCOUNT = 'linkerd-service-mirror-remote-access-default';
const NAMESPACES = ['linkerd-multicluster', 'linkerd'] as const;

let lab: Lab;
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });
const weft = (context: Cluster, words: string) =>
  lab.sh(`weft --context ${context} ${words}`, { timeoutMs: MINUTE_MS });
const GUIDE = guideBlocks('link-credentials.md');
/** Runs a block of the guide. */
const follow = (heading: string, at = 0, from = '', to = ''): Promise<string> => {
  const block = GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`);
  return lab.ok(`set -e\n${block.replace(from, to)}`, { timeoutMs: 2 * MINUTE_MS });
};
/** Links east to west with these further flags, over what is there. */
const link = (flags: string) =>
  lab.ok(
    `weft --context east multicluster link-gen --cluster-name east --gateway=false ${flags} | kubectl --context west apply -f -`,
  );

const MEMBER = 'labels: {mirror.linkerd.io/federated: member}';
const service = (name: string, ports: string) => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, ${MEMBER}}
spec: {selector: {app: web}, ports: [${ports}]}
`;
const HTTP = '{name: http, port: 80, targetPort: http}';
const MORE = `${HTTP}, {name: more, port: 81, targetPort: http}`;
const NAMESPACE = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {linkerd.io/inject: enabled}}
`;

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}
interface Entry {
  remoteRef: { name: string };
  conditions: Condition[];
  endpoints?: { total: number; ready: number };
  ports?: { total: number; covered: number; missing?: string[] };
  lastSyncTime?: string;
}
interface Link {
  metadata: { resourceVersion: string };
  status: { conditions: Condition[]; federatedServices: Entry[]; endpoints?: object; podNetworks?: string[] };
}

const linkNow = async (): Promise<Link> =>
  JSON.parse(await kubectl('west', '-n linkerd-multicluster get link east -o json')) as Link;
/** Waits until a condition of the Link is as said, e.g. `CredentialsValid=True/Valid`, and returns its message. */
const says = (wanted: string, timeoutMs = ROTATION_MS): Promise<string> =>
  eventually(`the Link says ${wanted}`, timeoutMs, async () => {
    const { conditions } = (await linkNow()).status;
    const found = conditions.find(({ type, status, reason }) => `${type}=${status}/${reason}` === wanted);
    if (found) return found.message;
    throw new Error(JSON.stringify(conditions));
  });
const eventsOf = (reason: string) =>
  kubectl('west', `-n linkerd-multicluster get events --field-selector reason=${reason},involvedObject.name=east`);
async function tokenOf(at: string): Promise<string> {
  const base64 = await kubectl('west', `-n ${at} get secret ${SECRET} -o jsonpath={.data.kubeconfig}`);
  return /token: (\S+)/.exec(Buffer.from(base64, 'base64').toString())?.[1] ?? '';
}
const check = async (): Promise<string> => (await weft('west', 'multicluster check --wait=5s')).stdout;

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh']);
    await follow(TITLE);
    const client = workload('client', '{name: app, image: debian, command: [sleep, infinity]}');
    const web = (cluster: Cluster, replicas: number) => workload('web', webContainer(`from-${cluster}`), { replicas });
    await kubectl('west', 'apply -f -', NAMESPACE + service('web', MORE) + web('west', 1) + client);
    await kubectl('east', 'apply -f -', NAMESPACE + service('web', HTTP) + web('east', 2));
    // A life of ten minutes is the shortest that there is: renewed after a hundredth of it.
    const patch =
      '[{"op": "add", "path": "/spec/template/spec/containers/0/args/1", "value": "-renew-token-percent=1"}]';
    await kubectl('west', `-n linkerd-multicluster patch deploy controller-east --type=json -p '${patch}'`);
    for (const cluster of CLUSTERS)
      for (const at of ['shop', 'linkerd-multicluster'])
        await kubectl(cluster, `-n ${at} wait --for=condition=Available --timeout=100s deploy --all`);
  },
  { timeout: 4 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

describe('credentials and status of a Link', () => {
  test('a bound token is renewed before it ends, for both who use it', { timeout: 2 * MINUTE_MS }, async () => {
    await follow('Link with a token that ends', 0, '24h', '10m');
    const first = await tokenOf('linkerd');
    assert.equal(first.split('.').length, 3);
    for (const at of NAMESPACES)
      await eventually(`another token in ${at}`, MINUTE_MS, async () =>
        (await tokenOf(at)) !== first ? true : undefined,
      );
    assert.match(
      await says('CredentialsValid=True/Valid'),
      /^The token is good until .*Z; .*; the token is renewed before$/,
    );
    assert.match(await eventsOf('CredentialsRenewed'), new RegExp(`${ACCOUNT} is good until`));
  });

  test('the Link says how many endpoints and which ports members have, and is not written while nothing changes', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await link(''); // a token that does not end: nothing is renewed
    const web = await eventually('both pods of east are counted', ROTATION_MS, async () => {
      const found = (await linkNow()).status.federatedServices.find(({ remoteRef }) => remoteRef.name === 'web');
      return found?.endpoints?.ready === 2 && found.ports?.missing ? found : undefined;
    });
    assert.deepEqual(web.endpoints, { total: 2, ready: 2 });
    assert.deepEqual(web.ports, { total: 2, covered: 1, missing: ['81/TCP'] });
    assert.ok(Date.parse(web.lastSyncTime ?? '') > Date.now() - 5 * MINUTE_MS, `${web.lastSyncTime}`);
    assert.match(
      await follow('Read what the Link says'),
      /^NAME +CLUSTER +REACHABLE +GATEWAY +CREDENTIALS +READY +ENDPOINTS +AGE\neast +east +True +True +2 +2 /,
    );
    const text = await follow('Read what the Link says', 1);
    assert.match(text, /\* east: web\.shop: has 1 of 2 ports of the federated service; 81\/TCP missing/);
    assert.match(text, /√ services of this cluster .* in federated services\n\t\* local: 1 of 1 endpoints ready\n/);
    assert.match(text, /√ service mirror controller has required permissions\n\t\* east\n/);
    assert.match(text, /√ pod networks of linked clusters are distinct\n\t\* east/);
    assert.match(
      text,
      /√ remote cluster access credentials do not expire soon\n\t\* east: the certificate authority is good/,
    );
    const { resourceVersion } = (await linkNow()).metadata;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal((await linkNow()).metadata.resourceVersion, resourceVersion);
  });

  test('new credentials in the Secrets are used by mirror and destination within 30 s', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await follow('Replace the credentials');
    const startMs = Date.now();
    await follow('Replace the credentials', 1);
    await kubectl('east', 'apply -f -', service('late', HTTP));
    await kubectl('east', '-n shop scale deploy/web --replicas=3');
    const left = () => Math.max(1_000, startMs + ROTATION_MS - Date.now());
    await eventually('the mirror controller sees a new member', left(), async () =>
      (await kubectl('west', '-n shop get svc late-federated --ignore-not-found')) === '' ? undefined : true,
    );
    await eventually('the destination service sees a new pod', left(), async () => {
      const { stdout } = await weft('west', 'diagnostics endpoints web-federated.shop.svc.cluster.local:80 -o json');
      const pods = (JSON.parse(stdout) as { pod: string }[]).filter(({ pod }) => pod.startsWith('web-'));
      return pods.length === 4 ? true : undefined;
    });
    const answers = await kubectl(
      'west',
      "-n shop exec deploy/client -c app -- sh -c 'for i in $(seq 20); do curl -s -m 5 http://web-federated; echo; done'",
    );
    assert.match(answers, /from-east/);
  });

  test('a token that cannot be renewed is told: condition, event and check', { timeout: 2 * MINUTE_MS }, async () => {
    await kubectl('east', '-n linkerd-multicluster delete role second');
    await link('--service-account-name second --token-duration 10m');
    assert.match(await says('CredentialsValid=False/RenewalFailed', MINUTE_MS), /forbidden.*; the token is good until/);
    assert.match(await eventsOf('CredentialsRenewalFailed'), /Warning/);
    assert.match(
      await check(),
      /‼ remote cluster access .* soon\n.*\n.*east: the mirror controller cannot renew the token/,
    );
    const { stdout } = await weft('east', 'multicluster check --wait=5s');
    assert.match(
      stdout,
      /‼ accounts of other clusters .*\n.*\n {4}\* linkerd-multicluster\/second: missing Role second\n/,
    );
  });

  test('pods there with the addresses of pods here are told, and that they went', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await says('PodNetworksDistinct=True/PodNetworksDistinct');
    const cidr = await kubectl('west', 'get nodes -o jsonpath={.items[0].spec.podCIDR}');
    const node = `apiVersion: v1\nkind: Node\nmetadata: {name: intruder}\nspec: {podCIDR: ${cidr}, unschedulable: true}`;
    await kubectl('east', 'apply -f -', node);
    const message = await says('PodNetworksDistinct=False/PodNetworksOverlap');
    assert.equal(message, `${cidr} of east overlaps ${cidr} of this cluster`);
    assert.ok((await check()).includes(`* east: ${message}\n`));
    assert.match(await eventsOf('PodNetworksOverlap'), /Warning/);
    await kubectl('east', 'delete node intruder');
    await says('PodNetworksDistinct=True/PodNetworksDistinct');
  });
});
