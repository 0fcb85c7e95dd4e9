import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Command } from 'commander';
import { parse } from 'yaml';
import {
  type AnyObject,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  type KubeObject,
  PODS,
  SECRETS,
  SERVICES,
} from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { createCertificate, createTrust } from '../certificates/index.ts';
import { registerInstall } from '../commands/install.ts';
import { registerInstallCni } from '../commands/install-cni.ts';
import { registerPrune } from '../commands/prune.ts';
import { registerUpgrade } from '../commands/upgrade.ts';
import type { CommandRegistrar } from '../context.ts';
import { FakeIo, fakeContext } from '../io.fake.ts';
import type { Values } from '../manifests/index.ts';
import { parseManifests } from '../output/index.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-install-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};

async function weft(register: CommandRegistrar, client: FakeKubeClient, argv: string[]) {
  const io = new FakeIo();
  const context = fakeContext(client, io);
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => io.err(text) });
  register(program, context);
  for (const command of program.commands) command.copyInheritedSettings(program);
  let error = '';
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    error = (thrown as Error).message;
  }
  return { error, stderr: io.stderr, objects: parseManifests(io.stdout, 'stdout') };
}

const server = (definition: object = {}): FakeKubeClient => {
  const client = new FakeKubeClient();
  client.seed(CUSTOM_RESOURCE_DEFINITIONS, named('CustomResourceDefinition', 'servers.policy.linkerd.io', definition));
  client.seed(SERVICES, {
    ...named('Service', 'kubernetes', { namespace: 'default' }),
    spec: { ports: [{ port: 443, targetPort: 7443 }] },
  } as KubeObject);
  return client;
};
const named = (kind: string, name: string, more: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, ...more } }) as KubeObject;

const find = (objects: readonly AnyObject[], kind: string, name: string): AnyObject =>
  objects.find((object) => object.kind === kind && object.metadata.name === name) ?? assert.fail(`${kind} ${name}`);
const decoded = (object: AnyObject, key: string): string =>
  Buffer.from((object['data'] as Record<string, string>)[key] ?? '', 'base64').toString();

/** A cluster with what `install` printed. */
async function installed(argv: string[] = []): Promise<{ client: FakeKubeClient; objects: AnyObject[] }> {
  const client = server();
  const { error, objects } = await weft(registerInstall, client, ['install', ...argv]);
  assert.equal(error, '');
  for (const object of objects) {
    if (object.kind === 'Secret') client.seed(SECRETS, object as KubeObject);
    if (object.kind === 'ConfigMap') client.seed(CONFIG_MAPS, object as KubeObject);
    if (object.kind === 'ClusterRole') client.seed(CLUSTER_ROLES, object as KubeObject);
    if (object.kind === 'Deployment') client.seed(DEPLOYMENTS, object as KubeObject);
  }
  return { client, objects };
}

test('install looks at the cluster first', async () => {
  const bare = new FakeKubeClient();
  const without = await weft(registerInstall, bare, ['install']);
  assert.match(without.error, /Linkerd CRDs must be installed first/);
  const { client, objects } = await installed();
  assert.match((await weft(registerInstall, client, ['install'])).error, /existing installation.*linkerd upgrade/s);
  const config = (find(objects, 'ConfigMap', 'linkerd-config')['data'] as Record<string, string>)['values'] ?? '';
  assert.match(config, /kubeAPIServerPorts: "?443,7443/);
  const docker = server();
  docker.seed({ group: '', version: 'v1', resource: 'nodes' }, {
    ...named('Node', 'old'),
    status: { nodeInfo: { containerRuntimeVersion: 'docker://20' } },
  } as KubeObject);
  assert.match((await weft(registerInstall, docker, ['install'])).error, /node old runs containers by Docker/);
  assert.equal((await weft(registerInstall, docker, ['install', '--set', 'proxyInit.runAsRoot=true'])).error, '');
});

test('flags are checked for what they mean', async () => {
  for (const [args, expected] of [
    [['--controller-replicas', '0'], /--controller-replicas: expected a whole number from 1/],
    [['--inbound-port', '99999'], /--inbound-port: expected a port from 1 to 65535/],
    [['--skip-inbound-ports', '5-3'], /--skip-inbound-ports: expected ports and ranges/],
    [['--proxy-cpu-request', 'lots'], /--proxy-cpu-request: expected a quantity/],
    [['--skip-outbound-ports', 'sql'], /--skip-outbound-ports: expected ports and ranges/],
    [['--proxy-uid', '0'], /--proxy-uid: expected the number of a user other than root/],
    [['--proxy-memory-request', '2Gi', '--proxy-memory-limit', '1Gi'], /limit 1Gi is below the request 2Gi/],
    [['--identity-issuance-lifetime', 'long'], /expected a duration/],
    [['--image-pull-policy', 'Sometimes'], /Allowed choices are Always, IfNotPresent, Never/],
    [['--default-inbound-policy', 'open'], /Allowed choices are/],
    [['--identity-issuer-key-file', '/nowhere'], /cannot read \/nowhere/],
    [['--set', 'identityTrustAnchorsPEM=x'], /a trust anchors file must be specified if other credentials/],
  ] as const)
    assert.match((await weft(registerInstall, server(), ['install', '--ignore-cluster', ...args])).error, expected);
});

test('a flag that inject takes for one workload sets the same for all', async () => {
  const { objects } = await weft(registerInstall, server(), [
    ...['install', '--ignore-cluster', '--outbound-port', '5140', '--proxy-gid', '7'],
    ...['--skip-inbound-ports', '25, 30-40'],
    ...['--proxy-cpu', '50m', '--proxy-memory-limit', '1Gi', '-v', 'v9', '--image-pull-policy', 'Always'],
    ...['--enable-external-profiles', '--default-inbound-policy', 'deny', '--proxy-log-level', 'debug'],
  ]);
  const config = find(objects, 'ConfigMap', 'linkerd-config')['data'] as Record<string, string>;
  const values = parse(config['values'] ?? '') as Values;
  const { proxy, proxyInit, imagePullPolicy } = values;
  assert.deepEqual(
    [proxy.ports.outbound, proxy.gid, proxyInit.ignoreInboundPorts, proxy.resources.cpu.request, proxy.image.version],
    [5140, 7, '25,30-40', '50m', 'v9'],
  );
  assert.deepEqual(
    [proxy.resources.memory.limit, imagePullPolicy, proxy.image.pullPolicy, proxy.logLevel],
    ['1Gi', 'Always', 'Always', 'debug'],
  );
  assert.deepEqual([proxy.enableExternalProfiles, proxy.defaultInboundPolicy], [true, 'deny']);
});

test('values and flags that have no effect are warned of, and only those', async () => {
  for (const [args, expected] of [
    [[], ''],
    [['--disable-heartbeat', '--enable-endpoint-slices=true'], ''],
    [['--set', 'disableHeartBeat=false'], 'warning: disableHeartBeat=false has no effect'],
    [['--enable-endpoint-slices=false'], 'warning: enableEndpointSlices=false has no effect'],
  ] as const) {
    const { error, stderr, objects } = await weft(registerInstall, server(), ['install', '--ignore-cluster', ...args]);
    assert.equal(error, '');
    assert.ok(objects.length > 0);
    assert.equal(stderr.slice(0, expected.length || undefined), expected);
  }
  const { client } = await installed(['--enable-endpoint-slices=false']);
  assert.match((await weft(registerUpgrade, client, ['upgrade'])).stderr, /^warning: enableEndpointSlices=false/);
});

test('how fast identity may ask the API server is set by the values', async () => {
  const args = ['install', '--ignore-cluster', '--set', 'kubeAPI.clientQPS=7,kubeAPI.clientBurst=8'];
  const { objects } = await weft(registerInstall, server(), args);
  const { template } = find(objects, 'Deployment', 'linkerd-identity')['spec'] as {
    template: { spec: { containers: { args: string[] }[] } };
  };
  assert.deepEqual(
    template.spec.containers[0]?.args.filter((arg) => arg.startsWith('-kube-apiclient')),
    ['-kube-apiclient-qps=7', '-kube-apiclient-burst=8'],
  );
  const none = await weft(registerInstall, server(), ['install', '--ignore-cluster', '--set', 'kubeAPI.clientQPS=0']);
  assert.match(none.error, /kubeAPI\.clientQPS: expected 1 or more/);
});

test('named flags win over --set, which wins over --ha', async () => {
  const { objects } = await weft(registerInstall, server(), [
    ...['install', '--ignore-cluster', '--ha', '--set', 'controllerReplicas=5,proxy.uid=1'],
    ...['--proxy-uid', '2', '--linkerd-cni-enabled', '--registry', 'example.com/mesh'],
  ]);
  const { replicas, template } = find(objects, 'Deployment', 'linkerd-identity')['spec'] as {
    replicas: number;
    template: {
      spec: {
        containers: { image: string; securityContext: { runAsUser: number } }[];
        initContainers: { name: string }[];
      };
    };
  };
  assert.equal(replicas, 5);
  assert.deepEqual(
    template.spec.initContainers.map(({ name }) => name),
    ['linkerd-network-validator'],
  );
  assert.match(template.spec.containers[0]?.image ?? '', /^example.com\/mesh\/controller:/);
  assert.equal(template.spec.containers[1]?.securityContext.runAsUser, 2);
});

test('upgrade keeps what was set, trust and certificates, and takes new flags', async () => {
  const { client, objects: before } = await installed(['--controller-replicas', '2', '--cluster-domain', 'corp.local']);
  const { error, objects } = await weft(registerUpgrade, client, ['upgrade', '--controller-log-level', 'debug']);
  assert.equal(error, '');
  for (const [kind, name, key] of [
    ['Secret', 'linkerd-identity-issuer', 'key.pem'],
    ['Secret', 'linkerd-proxy-injector-k8s-tls', 'tls.crt'],
  ] as const)
    assert.equal(decoded(find(objects, kind, name), key), decoded(find(before, kind, name), key));
  const spec = find(objects, 'Deployment', 'linkerd-destination')['spec'] as {
    replicas: number;
    template: { spec: { containers: { args: string[] }[] } };
  };
  assert.equal(spec.replicas, 2);
  assert.ok(spec.template.spec.containers[0]?.args.includes('-cluster-domain=corp.local'));
  assert.ok(spec.template.spec.containers[0]?.args.includes('-log-level=debug'));
  const overrides = decoded(find(objects, 'Secret', 'linkerd-config-overrides'), 'linkerd-config-overrides');
  assert.match(overrides, /controllerReplicas: 2/);
});

test('upgrade keeps an issuer that was changed since in its Secret', async () => {
  const { client } = await installed();
  const trust = await createTrust('identity.linkerd.cluster.local');
  const data = (text: string): string => Buffer.from(text).toString('base64');
  await client.update(SECRETS, {
    ...named('Secret', 'linkerd-identity-issuer', { namespace: 'linkerd' }),
    data: { 'crt.pem': data(trust.issuer.certificate), 'key.pem': data(trust.issuer.key) },
  } as KubeObject);
  await client.update(CONFIG_MAPS, {
    ...named('ConfigMap', 'linkerd-identity-trust-roots', { namespace: 'linkerd' }),
    data: { 'ca-bundle.crt': trust.anchors },
  } as KubeObject);
  const { error, objects } = await weft(registerUpgrade, client, ['upgrade']);
  assert.equal(error, '');
  assert.equal(decoded(find(objects, 'Secret', 'linkerd-identity-issuer'), 'crt.pem'), trust.issuer.certificate);
});

test('a new issuer must be trusted by every running proxy, unless forced', async () => {
  const { client } = await installed();
  const trust = await createTrust('identity.linkerd.cluster.local');
  const old =
    (
      await client.get<KubeObject & { data: Record<string, string> }>(
        CONFIG_MAPS,
        'linkerd-identity-trust-roots',
        'linkerd',
      )
    ).data['ca-bundle.crt'] ?? '';
  client.seed(PODS, {
    ...named('Pod', 'web-1', { namespace: 'shop', labels: { 'linkerd.io/control-plane-ns': 'linkerd' } }),
    spec: {
      containers: [{ name: 'linkerd-proxy', env: [{ name: 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS', value: old }] }],
    },
    status: { phase: 'Running' },
  } as unknown as KubeObject);
  const argv = [
    ...['upgrade', '--identity-issuer-certificate-file', await file('crt.pem', trust.issuer.certificate)],
    ...['--identity-issuer-key-file', await file('key.pem', trust.issuer.key)],
    ...['--identity-trust-anchors-file', await file('ca.pem', trust.anchors + old)],
  ];
  const refused = await weft(registerUpgrade, client, argv);
  assert.match(
    refused.error,
    /^× 1 running proxies do not trust the issuer certificate.*shop\/web-1.*troubleshooting/s,
  );
  const forced = await weft(registerUpgrade, client, [...argv, '--force']);
  assert.equal(forced.error, '');
  assert.match(forced.stderr, /‼ The trust anchors change/);
  const bare = await weft(registerUpgrade, client, argv.slice(0, 3));
  assert.match(bare.error, /must be given together/);
  const stranger = await weft(registerUpgrade, client, argv.slice(0, 5));
  assert.match(stranger.error, /was not issued by the trust anchors/);
});

test('upgrade says where there is nothing to upgrade, and where Helm did it', async () => {
  assert.match((await weft(registerUpgrade, server(), ['upgrade'])).error, /^× there is no control plane here/);
  const helm = server();
  helm.seed(CONFIG_MAPS, named('ConfigMap', 'linkerd-config', { namespace: 'linkerd' }));
  assert.match(
    (await weft(registerUpgrade, helm, ['upgrade'])).error,
    /installed by Helm\? Then upgrade it by helm upgrade/,
  );
});

test('upgrade reads manifests in place of the cluster', async () => {
  const { objects } = await installed(['--controller-replicas', '4']);
  const path = await file('old.yaml', objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const { error, objects: next } = await weft(registerUpgrade, new FakeKubeClient(), [
    'upgrade',
    '--from-manifests',
    path,
  ]);
  assert.equal(error, '');
  assert.equal((find(next, 'Deployment', 'linkerd-identity')['spec'] as { replicas: number }).replicas, 4);
});

test('upgrade leaves out flags that an installation cannot change', async () => {
  const { client } = await installed();
  const { error, stderr } = await weft(registerUpgrade, client, ['upgrade', '--cluster-domain', 'x']);
  assert.match(error + stderr, /unknown option '--cluster-domain'/);
});

test('prune names what is no longer rendered, and nothing that others own', async () => {
  const { client } = await installed();
  const labels = { 'linkerd.io/control-plane-ns': 'linkerd' };
  client.seed(CLUSTER_ROLES, named('ClusterRole', 'linkerd-linkerd-tap', { labels }));
  client.seed(
    DEPLOYMENTS,
    named('Deployment', 'linkerd-controller', { namespace: 'linkerd', labels }),
    named('Deployment', 'viz', { namespace: 'viz', labels: { ...labels, 'linkerd.io/extension': 'viz' } }),
    named('Deployment', 'owned', { namespace: 'linkerd', labels, ownerReferences: [{ uid: 'x' }] }),
  );
  const { error, objects } = await weft(registerPrune, client, ['prune']);
  assert.equal(error, '');
  assert.deepEqual(
    objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    ['ClusterRole/linkerd-linkerd-tap', 'Deployment/linkerd-controller'],
  );
});

test('install-cni prints a DaemonSet, and asks for sensible flags', async () => {
  const { objects } = await weft(registerInstallCni, new FakeKubeClient(), [
    ...[
      'install-cni',
      '--proxy-uid',
      '3000',
      '--skip-inbound-ports',
      '25,80-90',
      '--set',
      'repairController.enabled=true',
    ],
  ]);
  const data = find(objects, 'ConfigMap', 'linkerd-cni-config')['data'] as Record<string, string>;
  const { linkerd } = JSON.parse(data['cni_network_config'] ?? '') as { linkerd: Record<string, unknown> };
  assert.equal(linkerd['proxy-uid'], 3000);
  assert.deepEqual(linkerd['inbound-ports-to-ignore'], ['4190', '4191', '25', '80-90']);
  const { template } = find(objects, 'DaemonSet', 'linkerd-cni')['spec'] as {
    template: { spec: { containers: { name: string }[] } };
  };
  assert.deepEqual(
    template.spec.containers.map(({ name }) => name),
    ['install-cni', 'repair-controller'],
  );
  const bad = await weft(registerInstallCni, new FakeKubeClient(), ['install-cni', '--redirect-ports', 'http']);
  assert.match(bad.error, /--redirect-ports: expected ports and ranges/);
});

test('a foreign certificate is no issuer', async () => {
  const leaf = await createCertificate({ commonName: 'x', days: 1 });
  const trust = await createTrust('identity.linkerd.cluster.local');
  const argv = async (certificate: string, key: string) => [
    ...['install', '--ignore-cluster', '--identity-trust-anchors-file', await file('a.pem', trust.anchors)],
    ...['--identity-issuer-certificate-file', await file('c.pem', certificate)],
    ...['--identity-issuer-key-file', await file('k.pem', key)],
  ];
  const notCa = await weft(registerInstall, server(), await argv(leaf.certificate, leaf.key));
  assert.match(notCa.error, /is not a certificate authority/);
  const wrongKey = await weft(registerInstall, server(), await argv(trust.issuer.certificate, leaf.key));
  assert.match(wrongKey.error, /the issuer key does not belong/);
});
