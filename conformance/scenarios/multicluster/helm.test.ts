/**
 * Several clusters by Helm, as docs/guides/install.md says: real Helm installs the mesh and the extension from charts/ alone, changes
 * what a value changes, and leaves what it says.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import {
  deploy,
  eventually,
  guideBlocks,
  type Lab,
  requireProgram,
  shop,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';
import { type InstallFolder, installFolder } from '../../harness/install-folder.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east'] as const;
type Cluster = (typeof CLUSTERS)[number];
const GUIDE = guideBlocks('install.md');
const HERE = 'Several clusters by Helm';
const RELEASE = 'linkerd-multicluster';

let lab: Lab;
let folder: InstallFolder;
/** What each cluster holds with the mesh and the application, before the extension. */
let bare: Record<Cluster, string[]>;

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    folder = await installFolder();
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1']);
    // One node each: not three replicas that avoid each other.
    const mesh = blockOf('Helm').replace(/ \\\n\s*-f \S+\/values-ha\.yaml/, ' --wait');
    const [west, east] = await Promise.all(
      CLUSTERS.map(async (cluster) => {
        await inFolder(mesh, { HELM_KUBECONTEXT: cluster });
        await startApp(cluster);
        return everything(cluster);
      }),
    );
    bare = { west: west!, east: east! };
  },
  { timeout: 6 * MINUTE_MS },
);
after(
  async () => {
    await lab?.down();
    folder?.remove();
  },
  { timeout: MINUTE_MS },
);

const blockOf = (heading: string, at = 0): string =>
  GUIDE.get(heading)?.[at] ?? assert.fail(`the guide has no block ${at} under ${heading}`);

const inFolder = (script: string, env: Record<string, string> = {}): Promise<string> =>
  lab.ok(folder.within(script), { env, timeoutMs: 3 * MINUTE_MS });
const follow = (at: number): Promise<string> => inFolder(blockOf(HERE, at));
const kubectl = async (cluster: Cluster, words: string): Promise<string> =>
  (await lab.ok(`kubectl --context ${cluster} ${words}`, { timeoutMs: 2 * MINUTE_MS })).trim();

/** `web` in both clusters, exported and a member; where the calls come from, a client. */
async function startApp(cluster: Cluster): Promise<void> {
  const client = '{name: app, image: debian, command: [sleep, infinity]}';
  const manifests = shop(workload('web', webContainer(`from-${cluster}`)) + workload('client', client));
  await deploy({ ...lab, ok: (command, options) => lab.ok(onContext(command, cluster), options) }, manifests);
  const labels = 'mirror.linkerd.io/exported=true mirror.linkerd.io/federated=member';
  await kubectl(cluster, `-n shop label svc/web ${labels}`);
}
const onContext = (command: string, cluster: Cluster): string =>
  command.replace(/^kubectl /, `kubectl --context ${cluster} `);

/** Kind and name of all that a cluster holds but events. */
async function everything(cluster: Cluster): Promise<string[]> {
  const kinds = await kubectl(cluster, 'api-resources --verbs=list -o name');
  const listed = kinds.split('\n').filter((kind) => !/^events|^componentstatuses$|metrics\.k8s\.io$/.test(kind));
  return (await kubectl(cluster, `get ${listed.join()} -A -o name`)).split('\n').sort();
}

const RELEASED = [
  'deployments,services,serviceaccounts,secrets,roles,rolebindings,clusterroles,clusterrolebindings,poddisruptionbudgets',
  'customresourcedefinitions,servers.policy.linkerd.io,authorizationpolicies.policy.linkerd.io',
  'meshtlsauthentications.policy.linkerd.io,networkauthentications.policy.linkerd.io',
].join();

/** What the extension consists of, by name, without what servers and controllers write into it. */
async function released(cluster: Cluster): Promise<Map<string, AnyObject>> {
  const text = await kubectl(cluster, `get ${RELEASED} -A -l linkerd.io/extension=multicluster -o json`);
  const { items } = JSON.parse(text) as { items: AnyObject[] };
  return new Map(
    items.map(({ status: _, metadata, ...object }) => {
      const { resourceVersion: _version, generation: _generation, managedFields: _fields, ...kept } = metadata;
      const { 'deployment.kubernetes.io/revision': _revision, ...annotations } = kept.annotations ?? {};
      return [`${object.kind}/${kept.name}`, { ...object, metadata: { ...kept, annotations } } as AnyObject];
    }),
  );
}

/** Names of what is in one and not equal in the other. */
const changed = (from: Map<string, AnyObject>, to: Map<string, AnyObject>): string[] =>
  [...new Set([...from.keys(), ...to.keys()])]
    .filter((name) => JSON.stringify(from.get(name)) !== JSON.stringify(to.get(name)))
    .sort();

const ask = (host: string): Promise<string> =>
  kubectl('west', `-n shop exec deploy/client -c app -- curl -sS -f -m 5 http://${host}/`);

/** The clusters that answer, of ten requests of which none may fail. */
async function answering(host: string): Promise<string> {
  const seen = new Set<string>();
  for (let request = 0; request < 10; request += 1) seen.add(/from-\w+/.exec(await ask(host))?.[0] ?? 'nobody');
  return [...seen].sort().join();
}

describe('several clusters by Helm', () => {
  test('are installed and linked, and check has nothing against it', { timeout: 4 * MINUTE_MS }, async () => {
    await follow(0);
    await follow(1);
    const said = await eventually('check is content', MINUTE_MS, () => follow(2), 2_000);
    assert.match(said, /√ service mirror controllers are running/);
    assert.match(said, /√ service mirror controller has required permissions/);
    assert.match(said, /Status check results are √/);
    assert.doesNotMatch(said, /×|‼/);
  });

  test('answer for each other, pod to pod and through the gateway', { timeout: 2 * MINUTE_MS }, async () => {
    await eventually('both answer for the federated service', MINUTE_MS, async () =>
      (await answering('web-federated')) === 'from-east,from-west' ? true : undefined,
    );
    await eventually('the gateway is behind the mirror', MINUTE_MS, async () => ask('web-east'));
    assert.equal(await answering('web-east'), 'from-east');
  });

  test('change what a value changed by an upgrade, and nothing else', { timeout: 3 * MINUTE_MS }, async () => {
    const before = await released('west');
    await follow(3);
    const after = await released('west');
    const name = 'Deployment/controller-east';
    assert.deepEqual(changed(before, after), [name]);
    const debugging = JSON.stringify(before.get(name)).replace('-log-level=info', '-log-level=debug');
    assert.deepEqual(after.get(name), JSON.parse(debugging));
    assert.equal(await answering('web-east'), 'from-east');
  });

  test('keep exports when something else brings their definition, and get one more account', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    const exported = 'apiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\nmetadata: {name: web}';
    await lab.ok('kubectl --context east -n shop apply -f -', { input: exported });
    const before = await released('east');
    const accounts = 'remoteMirrorServiceAccountName={linkerd-service-mirror-remote-access-default,west-2}';
    await inFolder(
      `helm upgrade ${RELEASE} charts/${RELEASE} -n ${RELEASE} --set '${accounts}' --set installMcsApi=false`,
      { HELM_KUBECONTEXT: 'east' },
    );
    assert.deepEqual(changed(before, await released('east')), [
      'ClusterRole/west-2',
      'ClusterRoleBinding/west-2',
      'Role/west-2',
      'RoleBinding/west-2',
      'Secret/west-2-token',
      'ServiceAccount/west-2',
    ]);
    assert.equal(await kubectl('east', '-n shop get serviceexport -o name'), 'serviceexport.multicluster.x-k8s.io/web');
  });

  test('are as they were after they are taken apart', { timeout: 4 * MINUTE_MS }, async () => {
    const said = await follow(4);
    const released = [...said.matchAll(/^release "(.+)" uninstalled$/gm)].map(([, name]) => name);
    assert.deepEqual(released, [RELEASE, RELEASE]);
    for (const cluster of CLUSTERS)
      await eventually(`${cluster} is as it was`, MINUTE_MS, async () => {
        const now = await everything(cluster);
        assert.deepEqual(now, bare[cluster]);
        return true;
      });
  });
});
