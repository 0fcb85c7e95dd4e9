import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { type AnyObject, CONFIG_MAPS, SECRETS, SERVICES } from '#api/kube';
import { LINKS } from '#extensions/multicluster';
import { FakeKubeClient, type ServerAccess } from '#kube/client';
import { inlineAccess } from '#kube/config';
import { FakeIo, fakeContext } from '../../io.fake.ts';
import { parseManifests } from '../../output/index.ts';
import { registerMulticluster } from './index.ts';

const MC = 'linkerd-multicluster';
const ACCOUNT = 'linkerd-service-mirror-remote-access-default';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function target(): FakeKubeClient {
  return new FakeKubeClient()
    .seed(CONFIG_MAPS, {
      metadata: { name: 'linkerd-config', namespace: 'linkerd' },
      data: { values: 'clusterDomain: east.local\nidentityTrustDomain: trust.local\n' },
    } as AnyObject)
    .seed(SECRETS, {
      metadata: {
        name: `${ACCOUNT}-token`,
        namespace: MC,
        annotations: { 'kubernetes.io/service-account.name': ACCOUNT },
      },
      type: 'kubernetes.io/service-account-token',
      data: { token: base64('TOKEN'), 'ca.crt': base64('SECRET CA') },
    } as AnyObject);
}

async function run(client: FakeKubeClient, words: string, access: Partial<ServerAccess> = {}) {
  const io = new FakeIo();
  const context = fakeContext(client, io, { access });
  const program = new Command().exitOverride();
  registerMulticluster(program, context);
  await program.parseAsync(['multicluster', ...words.split(' ')], { from: 'user' });
  return { objects: parseManifests(io.stdout, 'stdout'), stderr: io.stderr, stdout: io.stdout };
}
const names = (objects: readonly AnyObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`);

/** The kubeconfig, in base64, of the first Secret. */
const kubeconfigOf = ([secret]: readonly AnyObject[]): string => {
  assert.equal(secret?.kind, 'Secret');
  return (secret!['data'] as Record<string, string>)['kubeconfig'] ?? '';
};

test('link prints both Secrets, the Link and its controller', async () => {
  const { objects, stdout } = await run(target(), 'link --cluster-name=east --gateway=false');
  assert.deepEqual(names(objects), [
    `Secret/${MC}/cluster-credentials-east`,
    'Secret/linkerd/cluster-credentials-east',
    `Link/${MC}/east`,
    `ServiceAccount/${MC}/controller-east`,
    'ClusterRoleBinding//linkerd-multicluster-controller-access-local-resources-east',
    `Role/${MC}/controller-read-remote-creds-east`,
    `RoleBinding/${MC}/controller-read-remote-creds-east`,
    `Deployment/${MC}/controller-east`,
  ]);
  assert.ok(stdout.endsWith('---\n'), 'outputs can be concatenated');
  assert.deepEqual(objects[1]?.metadata.labels, { 'multicluster.linkerd.io/cluster-name': 'east' });
  assert.equal(objects[1]?.metadata.annotations?.['multicluster.linkerd.io/trust-domain'], 'trust.local');
  assert.deepEqual(objects[2]?.['spec'], {
    targetClusterName: 'east',
    targetClusterDomain: 'east.local',
    targetClusterLinkerdNamespace: 'linkerd',
    clusterCredentialsSecret: 'cluster-credentials-east',
    remoteDiscoverySelector: { matchLabels: { 'mirror.linkerd.io/exported': 'remote-discovery' } },
    federatedServiceSelector: { matchLabels: { 'mirror.linkerd.io/federated': 'member' } },
  });
});

test('link-gen leaves the controller out, and its credentials are those of the service account', async () => {
  const { objects, stderr } = await run(
    target(),
    'link-gen --cluster-name east --gateway=false --excluded-labels a,b/* --federated-service-selector x=y,z',
  );
  assert.equal(objects.length, 3);
  const data = kubeconfigOf(objects);
  const access = inlineAccess(Buffer.from(data, 'base64').toString());
  assert.equal(access.server, 'https://10.0.0.1:6443');
  assert.equal((await access.tls()).ca, 'CA');
  assert.deepEqual(await access.headers(), { authorization: 'Bearer TOKEN' });
  assert.equal(stderr, '');
  const spec = objects[2]?.['spec'] as Record<string, unknown>;
  assert.deepEqual(spec['excludedLabels'], ['a', 'b/*']);
  assert.deepEqual(spec['federatedServiceSelector'], {
    matchLabels: { x: 'y' },
    matchExpressions: [{ key: 'z', operator: 'Exists' }],
  });
});

test('a loopback server is replaced by what the cluster advertises, and stderr says so', async () => {
  const advertised = `clusters: [{name: "", cluster: {server: "https://172.30.1.1:6443", certificate-authority-data: ${base64('INFO CA')}}}]`;
  const client = target().seed(CONFIG_MAPS, {
    metadata: { name: 'cluster-info', namespace: 'kube-public' },
    data: { kubeconfig: advertised },
  } as AnyObject);
  for (const server of ['https://127.0.0.1:16444', 'https://localhost:1', 'https://[::1]:6443']) {
    const { objects, stderr } = await run(client, 'link-gen --cluster-name=east --gateway=false', { server });
    const data = kubeconfigOf(objects);
    const access = inlineAccess(Buffer.from(data, 'base64').toString());
    assert.equal(access.server, 'https://172.30.1.1:6443');
    assert.equal((await access.tls()).ca, 'INFO CA');
    assert.ok(stderr.includes(`${server} is a loopback address: using https://172.30.1.1:6443`), stderr);
  }
  const given = await run(
    client,
    'link-gen --cluster-name=east --gateway=false --api-server-address https://api.east',
    {
      server: 'https://127.0.0.1:1',
    },
  );
  assert.equal(given.stderr, '');
});

test('what is missing is said before anything is printed', async () => {
  const cases: [FakeKubeClient, string, RegExp][] = [
    [target(), 'link --gateway=false', /you need to specify cluster name/],
    [target(), 'link --cluster-name=East --gateway=false', /"East" is not a DNS label/],
    [target(), 'link --cluster-name=east', /through a gateway is not available[\s\S]*--gateway=false/],
    [target(), 'install', /through a gateway is not available/],
    [target(), 'link --cluster-name=east --gateway=maybe', /--gateway: expected true or false/],
    [
      target(),
      'link-gen --cluster-name=east --gateway=false --federated-service-selector =x',
      /is not a label selector/,
    ],
    [
      target(),
      'link-gen --cluster-name=east --gateway=false --service-account-name other',
      /could not find service account token secret for other/,
    ],
    [new FakeKubeClient(), 'link --cluster-name=east --gateway=false', /Linkerd is not installed in the cluster/],
    [
      new FakeKubeClient(),
      'install --gateway=false',
      /you need Linkerd to be installed in order to install multicluster addons/,
    ],
    [new FakeKubeClient(), 'unlink --cluster-name=east', /there is no Link east/],
  ];
  for (const [client, words, message] of cases) await assert.rejects(run(client, words), message, words);
});

test('install without a gateway prints no gateway, and controllers only for the links named', async () => {
  const plain = names((await run(target(), 'install --gateway=false')).objects);
  assert.ok(!plain.some((name) => name.includes('gateway')));
  assert.deepEqual(
    plain.filter((name) => name.startsWith('Deployment')),
    [`Deployment/${MC}/linkerd-local-service-mirror`],
  );
  const values = 'controllers={x}';
  await assert.rejects(
    run(target(), `install --gateway=false --set ${values}`),
    /controllers\[0\]\.link\.ref\.name is required/,
  );
});

test('unlink names the controller first, then the Link, its secrets and mirrors', async () => {
  const labels = { 'mirror.linkerd.io/mirrored-service': 'true', 'mirror.linkerd.io/cluster-name': 'east' };
  const client = target()
    .seed(LINKS, { metadata: { name: 'east', namespace: MC } })
    .seed(SECRETS, {
      metadata: {
        name: 'cluster-credentials-east',
        namespace: 'linkerd',
        labels: { 'multicluster.linkerd.io/cluster-name': 'east' },
      },
    })
    .seed(SERVICES, { metadata: { name: 'web-east', namespace: 'shop', labels } });
  const { objects } = await run(client, 'unlink --cluster-name=east');
  const printed = names(objects);
  assert.equal(printed[0], `Deployment/${MC}/controller-east`);
  assert.deepEqual(printed.slice(-4), [
    `Lease/${MC}/service-mirror-write-east`,
    `Secret/${MC}/cluster-credentials-east`,
    'Secret/linkerd/cluster-credentials-east',
    'Service/shop/web-east',
  ]);
  await assert.rejects(
    run(client, 'uninstall'),
    /Please unlink the following clusters before uninstalling multicluster:\n {2}\* east/,
  );
});
