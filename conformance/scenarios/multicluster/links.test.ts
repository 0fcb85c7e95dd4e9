/**
 * Links as a repository keeps them, by the commands of the guide, and what they bring about: who joins and leaves a federated service, what a
 * changed selector or a changed token does, and that a Link takes along what it made when it goes.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, guideBlocks, type Lab, requireProgram, startLab } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east', 'north'] as const;
type Cluster = (typeof CLUSTERS)[number];
const MC = 'linkerd-multicluster';
const MEMBER = 'mirror.linkerd.io/federated=member';
const EXPORTED = 'mirror.linkerd.io/exported';
const REMOTE = 'multicluster.linkerd.io/remote-discovery';
const LOCAL = 'multicluster.linkerd.io/local-discovery';

const GUIDE = guideBlocks('gitops.md');
/** Who commits. */
const env = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'scenario'],
    [`GIT_${who}_EMAIL`, 'scenario@example.com'],
  ]),
);

let lab: Lab;
let folder: string;
/** Runs a block of the guide where the repository is. */
const follow = (heading: string, at = 0): Promise<string> =>
  lab.ok(`set -e\ncd '${folder}'\n${GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`)}`, {
    env,
    timeoutMs: 4 * MINUTE_MS,
  });
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

/** Services of one name and different ports, so that it shows whose are taken; what answers behind them does not matter here. */
const service = (name: string, port: number, labels = '') => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, labels: {${labels}}}
spec: {selector: {app: ${name}}, ports: [{name: p${port}, port: ${port}, targetPort: 8080}]}`;
const PORTS: Readonly<Record<Cluster, number>> = { west: 80, east: 81, north: 82 };
const pods = (replicas: number) => `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: app, image: debian, command: [sleep, infinity]}]`;

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('git', 'git');
    folder = await mkdtemp(join(tmpdir(), 'weft-links-'));
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh']);
    for (const cluster of CLUSTERS) {
      const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}';
      const labels = `origin: ${cluster}`;
      await kubectl(cluster, 'apply -f -', namespace + service('web', PORTS[cluster], labels));
    }
    await kubectl('east', 'apply -f -', pods(1) + service('tools', 90, 'tier: shared'));
  },
  { timeout: 6 * MINUTE_MS },
);
after(
  async () => {
    await lab?.down();
    if (folder) await rm(folder, { recursive: true, force: true });
  },
  { timeout: MINUTE_MS },
);

interface Service {
  metadata: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    resourceVersion: string;
  };
  spec: { ports: { port: number }[] };
}
interface Entry {
  remoteRef: { name: string };
  conditions: { reason: string }[];
}
interface Link {
  status?: {
    conditions?: { type: string; status: string; reason: string }[];
    mirrorServices?: Entry[];
    federatedServices?: Entry[];
  };
}

/** An object of the west, or undefined where there is none. */
async function find<T>(what: string, namespace = 'shop'): Promise<T | undefined> {
  const text = await kubectl('west', `-n ${namespace} get ${what} --ignore-not-found -o json`);
  return text === '' ? undefined : (JSON.parse(text) as T);
}
const there = <T>(name: string, suits: (object: T) => boolean = () => true) =>
  eventually(name, 30_000, async () => {
    const found = await find<T>(name);
    if (found && suits(found)) return found;
    throw new Error(JSON.stringify(found));
  });
const gone = (name: string) =>
  eventually(`no ${name}`, 30_000, async () => ((await find(name)) === undefined ? true : undefined));
const statusOf = async (link: string) => (await find<Link>(`link/${link}`, MC))?.status ?? {};

/** Waits until the members of `web-federated` are these: those of other clusters, and the own one. */
const members = (remote: string | undefined, local: string | undefined) =>
  there<Service>('svc/web-federated', ({ metadata: { annotations = {} } }) => {
    const seen = [annotations[REMOTE]?.split(',').sort().join(), annotations[LOCAL]];
    return seen[0] === remote && seen[1] === local;
  });
const portsOf = ({ spec }: Service) => spec.ports.map(({ port }) => port).sort();

describe('links as files', () => {
  test('applied again, nothing changes, and printed again, neither', { timeout: 4 * MINUTE_MS }, async () => {
    await follow('Write the files');
    await follow('Apply them');
    const again = (await follow('Apply them', 1)).trim().split('\n');
    for (const line of again) assert.match(line, / unchanged$/);
    await follow('Apply them', 2);
  });

  test('link-gen prints two Secrets and a Link, which are there already', { timeout: 2 * MINUTE_MS }, async () => {
    const printed = 'weft --context east multicluster link-gen --cluster-name east --gateway=false';
    const done = await lab.ok(`${printed} | kubectl --context west apply -f -`);
    assert.equal(
      done,
      `${'secret/cluster-credentials-east unchanged\n'.repeat(2)}link.multicluster.linkerd.io/east unchanged\n`,
    );
  });

  test('gateways, check and uninstall say what Linkerd would', { timeout: 3 * MINUTE_MS }, async () => {
    const mc = 'weft --context west multicluster';
    assert.equal(await lab.ok(`${mc} gateways`), 'CLUSTER  ALIVE    NUM_SVC      LATENCY\n');
    assert.equal((await lab.ok(`${mc} gateways -o json`)).trim(), 'null');
    const said = JSON.parse(await lab.ok(`${mc} check -o json`, { timeoutMs: MINUTE_MS })) as {
      success: boolean;
      categories: { categoryName: string; checks: { description: string; result: string }[] }[];
    };
    const [{ categoryName, checks } = assert.fail('no category')] = said.categories;
    assert.deepEqual([said.success, said.categories.length, categoryName], [true, 1, 'linkerd-multicluster']);
    const clusters = checks.find(({ description }) => description === 'clusters share trust anchors');
    assert.equal(clusters?.result, 'success');
    const uninstall = await lab.sh(`${mc} uninstall`);
    assert.deepEqual([uninstall.code, uninstall.stdout], [1, '']);
    assert.equal(
      uninstall.stderr,
      'Please unlink the following clusters before uninstalling multicluster:\n  * east\n  * north\n',
    );
  });
});

describe('members of a federated service', () => {
  test('a service of two other clusters is one, without endpoints and without the name of a cluster', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await kubectl('east', `-n shop label svc web ${MEMBER}`);
    await kubectl('north', `-n shop label svc web ${MEMBER}`);
    const { metadata } = await members('web@east,web@north', undefined);
    assert.equal(metadata.labels?.['mirror.linkerd.io/mirrored-service'], 'true');
    assert.equal(metadata.labels?.['mirror.linkerd.io/cluster-name'], undefined);
    assert.equal(await find('endpoints/web-federated'), undefined);
    await there<Service>('svc/web-federated', (each) => portsOf(each).join() === `${PORTS.east},${PORTS.north}`);
    for (const link of ['east', 'north']) {
      const entries = (await statusOf(link)).federatedServices?.map(
        ({ remoteRef, conditions }) => `${remoteRef.name} ${conditions[0]?.reason}`,
      );
      assert.deepEqual(entries, ['web Mirrored']);
    }
  });

  test('a member of the own cluster leads', { timeout: 2 * MINUTE_MS }, async () => {
    await kubectl('west', `-n shop label svc web ${MEMBER}`);
    const { metadata } = await members('web@east,web@north', 'web');
    assert.equal(metadata.labels?.['origin'], 'west');
    const found = await there<Service>('svc/web-federated', (each) => portsOf(each).length === 3);
    assert.equal(found.spec.ports[0]?.port, PORTS.west);
  });

  test('one that is no member any more leaves, and the last takes the service along', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await kubectl('east', '-n shop label svc web mirror.linkerd.io/federated-');
    await members('web@north', 'web');
    await kubectl('west', '-n shop label svc web mirror.linkerd.io/federated-');
    await members('web@north', undefined);
    await there<Service>('svc/web-federated', ({ metadata, ...rest }) => {
      const ports = portsOf({ metadata, ...rest });
      return metadata.labels?.['origin'] === 'north' && ports.join() === String(PORTS.north);
    });
    await kubectl('north', '-n shop label svc web mirror.linkerd.io/federated-');
    await gone('svc/web-federated');
    for (const link of ['east', 'north'])
      await eventually(`an empty status of ${link}`, 20_000, async () =>
        (await statusOf(link)).federatedServices?.length === 0 ? true : undefined,
      );
  });
});

describe('a Link that changes', () => {
  test('another selector takes other services', { timeout: 2 * MINUTE_MS }, async () => {
    await kubectl('east', `-n shop label svc web ${EXPORTED}=remote-discovery`);
    await there('svc/web-east');
    const edit = (labels: string) =>
      lab.ok(`kubectl --context west -n ${MC} patch link east --type=merge -p '${labels}'`);
    const selector = (labels: Record<string, string | null>) =>
      JSON.stringify({ spec: { remoteDiscoverySelector: { matchLabels: labels } } });
    await edit(selector({ [EXPORTED]: null, tier: 'shared' }));
    await there('svc/tools-east');
    await gone('svc/web-east');
    await edit(selector({ [EXPORTED]: 'remote-discovery', tier: null }));
    await there('svc/web-east');
    await gone('svc/tools-east');
  });

  test('another status does nothing but come right again', { timeout: 2 * MINUTE_MS }, async () => {
    const before = await there<Service>('svc/web-east');
    const lease = await find<{ spec: { holderIdentity: string } }>('lease/service-mirror-write-east', MC);
    const remoteRef = { group: '', kind: 'Service', name: 'made-up', namespace: 'shop' };
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const condition = { type: 'Mirrored', status: 'True', reason: 'Mirrored', message: '', lastTransitionTime };
    const made = { controllerName: 'linkerd.io/service-mirror', remoteRef, conditions: [condition] };
    const patch = JSON.stringify({ status: { mirrorServices: [made] } });
    await kubectl('west', `-n ${MC} patch link east --subresource=status --type=merge -p '${patch}'`);
    await eventually('the status as it was', 20_000, async () =>
      (await statusOf('east')).mirrorServices?.map(({ remoteRef }) => remoteRef.name).join() === 'web'
        ? true
        : undefined,
    );
    assert.equal((await statusOf('east')).conditions?.[0]?.reason, 'Connected');
    assert.equal((await there<Service>('svc/web-east')).metadata.resourceVersion, before.metadata.resourceVersion);
    const after = await find<{ spec: { holderIdentity: string } }>('lease/service-mirror-write-east', MC);
    assert.equal(after?.spec.holderIdentity, lease?.spec.holderIdentity);
  });

  test('other credentials count at once, for mirrors and for endpoints', { timeout: 4 * MINUTE_MS }, async () => {
    const startMs = Date.now();
    await follow('Change the credentials');
    await follow('Change the credentials', 1);
    // The account that was used before is gone: whatever is seen of the east from now on, the new one sees.
    const old = await lab.sh(
      `git -C '${folder}/mesh' show HEAD~2:west/link-east.yaml | sed -n 's/^ *kubeconfig: //p' | head -1 | base64 -d > '${folder}/old' && kubectl --kubeconfig '${folder}/old' get svc -A`,
    );
    assert.notEqual(old.code, 0);
    await kubectl('east', `-n shop label svc tools ${EXPORTED}=remote-discovery`);
    await there('svc/tools-east');
    await kubectl('east', '-n shop scale deploy/web --replicas=2');
    await eventually('both pods of the east', 30_000, async () => {
      const rows = await lab.ok('weft --context west diagnostics endpoints web-east.shop.svc.cluster.local:81');
      return rows.trim().split('\n').length === 3 ? true : undefined;
    });
    assert.ok(Date.now() - startMs < MINUTE_MS, `took ${Date.now() - startMs} ms`);
  });

  test('deleted, it takes its mirrors and members along, and those of others stay', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    for (const cluster of ['east', 'north'] as const) await kubectl(cluster, `-n shop label svc web ${MEMBER}`);
    await members('web@east,web@north', undefined);
    await follow('Unlink');
    await members('web@north', undefined);
    await gone('svc/web-east');
    await gone('svc/tools-east');
    assert.equal(await find('deploy/controller-east', MC), undefined);
    const check = await lab.ok('weft --context west multicluster check --wait=10s', { timeoutMs: MINUTE_MS });
    assert.match(check, /Status check results are √/);
    // Whoever keeps the folder finds it as it is.
    await lab.ok(`kubectl --context west diff -f '${folder}/mesh/west'`);
  });
});
