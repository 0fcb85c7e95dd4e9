import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  type Gvr,
  LEASES,
  NAMESPACES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#api/kube';
import { LINKS, SERVICE_EXPORTS, SERVICE_IMPORTS } from '#extensions/multicluster';
import { FakeKubeClient, type ServerAccess } from '#kube/client';
import { inlineAccess } from '#kube/config';
import { FakeIo, fakeContext } from '../../io.fake.ts';
import { defaultMulticluster, renderMulticluster } from '../../manifests/multicluster/index.ts';
import { parseManifests } from '../../output/index.ts';
import { gatewaysTable } from './gateways.ts';
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
  const { stdout, stderr } = await output(client, words, access);
  return { objects: parseManifests(stdout, 'stdout'), stderr, stdout };
}

async function output(client: FakeKubeClient, words: string, access: Partial<ServerAccess> = {}): Promise<FakeIo> {
  const io = new FakeIo();
  const context = fakeContext(client, io, { access });
  const program = new Command().exitOverride();
  registerMulticluster(program, context);
  await program.parseAsync(['multicluster', ...words.split(' ')], { from: 'user' });
  return io;
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
    `Deployment/${MC}/controller-east`,
    `ServiceAccount/${MC}/controller-east`,
    'ClusterRoleBinding//linkerd-multicluster-controller-access-local-resources-east',
    `Role/${MC}/controller-read-remote-creds-east`,
    `RoleBinding/${MC}/controller-read-remote-creds-east`,
    'Role/linkerd/controller-renew-remote-creds-east',
    'RoleBinding/linkerd/controller-renew-remote-creds-east',
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

test('with a length of life, the credentials hold a bound token of the account', async () => {
  const path = `/api/v1/namespaces/${MC}/serviceaccounts/${ACCOUNT}/token`;
  const client = target().answerRaw(path, { status: { token: 'BOUND' } }, 201);
  const { objects } = await run(client, 'link-gen --cluster-name east --gateway=false --token-duration 24h');
  const access = inlineAccess(Buffer.from(kubeconfigOf(objects), 'base64').toString());
  assert.deepEqual(await access.headers(), { authorization: 'Bearer BOUND' });
  assert.equal((await access.tls()).ca, 'CA');
  await assert.rejects(
    run(client, 'link-gen --cluster-name east --gateway=false --token-duration 5m'),
    /--token-duration: expected at least 10m, got "5m"/,
  );
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
    [target(), 'link --cluster-name=east', /gateway linkerd-gateway.linkerd-multicluster does not exist/],
    [
      target(),
      'link-gen --cluster-name=east --gateway=false --selector a=b --gateway-addresses 192.0.2.1 --gateway-port 1',
      /--selector, --gateway-addresses, --gateway-port cannot be used together with --gateway=false/,
    ],
    [target(), 'install --gateway-port 0', /--gateway-port: expected a whole number from 1 to 65535, got "0"/],
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
    [
      new FakeKubeClient(),
      'unlink --cluster-name=east',
      /there is no Link east in namespace linkerd-multicluster: expected it, or anything that it left; saw no Links/,
    ],
    [
      new FakeKubeClient().seed(LINKS, { metadata: { name: 'north', namespace: MC } }),
      'unlink --cluster-name=east --only-controller',
      /expected it, or a mirror controller that it left; saw Links linkerd-multicluster\/north/,
    ],
    [
      new FakeKubeClient().seed(LINKS, { metadata: { name: 'east', namespace: MC } }),
      'unlink --cluster-name=east --only-controller',
      /Link east in namespace linkerd-multicluster has no mirror controller/,
    ],
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

/** What stands in the source cluster once `link` was applied, with controllers in high availability. */
async function linkedSource(): Promise<FakeKubeClient> {
  const client = target();
  const { objects } = await run(target(), 'link --cluster-name=east --gateway=false --ha');
  for (const object of objects) client.seed(RESOURCES[object.kind ?? ''] ?? SERVICES, object);
  const labels = { 'mirror.linkerd.io/mirrored-service': 'true', 'mirror.linkerd.io/cluster-name': 'east' };
  return client
    .seed(LEASES, { metadata: { name: 'service-mirror-write-east', namespace: MC } })
    .seed(SERVICES, { metadata: { name: 'probe-east', namespace: MC } })
    .seed(SERVICES, { metadata: { name: 'web-east', namespace: 'shop', labels } });
}
const RESOURCES: Record<string, Gvr> = {
  ClusterRoleBinding: CLUSTER_ROLE_BINDINGS,
  Deployment: DEPLOYMENTS,
  Link: LINKS,
  PodDisruptionBudget: POD_DISRUPTION_BUDGETS,
  Role: ROLES,
  RoleBinding: ROLE_BINDINGS,
  Secret: SECRETS,
  ServiceAccount: SERVICE_ACCOUNTS,
};
const CONTROLLER = [
  `Deployment/${MC}/controller-east`,
  `PodDisruptionBudget/${MC}/controller-east`,
  'ClusterRoleBinding//linkerd-multicluster-controller-access-local-resources-east',
  `RoleBinding/${MC}/controller-read-remote-creds-east`,
  `Role/${MC}/controller-read-remote-creds-east`,
  `ServiceAccount/${MC}/controller-east`,
  `Service/${MC}/probe-east`,
  'RoleBinding/linkerd/controller-renew-remote-creds-east',
  'Role/linkerd/controller-renew-remote-creds-east',
];
const REST = [
  `Lease/${MC}/service-mirror-write-east`,
  `Secret/${MC}/cluster-credentials-east`,
  'Secret/linkerd/cluster-credentials-east',
  'Service/shop/web-east',
];

test('unlink names the controller first, then the Link, its secrets and mirrors, as far as they are there', async () => {
  const client = await linkedSource();
  client.seed(DEPLOYMENTS, { metadata: { name: 'linkerd-service-mirror-east', namespace: MC } });
  const controller = [...CONTROLLER, `Deployment/${MC}/linkerd-service-mirror-east`];
  const { objects } = await run(client, 'unlink --cluster-name=east');
  assert.deepEqual(names(objects), [...controller, `Link/${MC}/east`, ...REST]);
  const only = await run(client, 'unlink --cluster-name=east --only-controller');
  assert.deepEqual(names(only.objects), controller);
  await assert.rejects(
    run(client, 'uninstall'),
    /Please unlink the following clusters before uninstalling multicluster:\n {2}\* east/,
  );
});

test('what a Link left that was deleted by hand is named by unlink, too', async () => {
  const client = await linkedSource();
  await client.delete(LINKS, { name: 'east', namespace: MC });
  assert.deepEqual(names((await run(client, 'unlink --cluster-name=east')).objects), [...CONTROLLER, ...REST]);
  const only = await run(client, 'unlink --cluster-name=east --only-controller');
  assert.deepEqual(names(only.objects), CONTROLLER);
});

test('what allow prints can be deleted without the extension', async () => {
  const { objects } = await run(target(), 'allow --service-account-name=second');
  assert.deepEqual(names(objects), [
    'ClusterRole//second',
    `ServiceAccount/${MC}/second`,
    `Secret/${MC}/second-token`,
    'ClusterRoleBinding//second',
    `Role/${MC}/second`,
    `RoleBinding/${MC}/second`,
  ]);
});

const gateway = (spec: object, ingress: object[] = [], annotations: Record<string, string> = {}): AnyObject =>
  ({
    metadata: {
      name: 'linkerd-gateway',
      namespace: MC,
      annotations: {
        'mirror.linkerd.io/gateway-identity': 'gw.identity',
        'mirror.linkerd.io/probe-path': '/ready',
        'mirror.linkerd.io/probe-period': '3',
        ...annotations,
      },
    },
    spec: {
      type: 'LoadBalancer',
      ports: [
        { name: 'mc-gateway', port: 4143, nodePort: 30143 },
        { name: 'mc-probe', port: 4191, nodePort: 30191 },
      ],
      ...spec,
    },
    status: { loadBalancer: { ingress } },
  }) as AnyObject;
const specOf = async (client: FakeKubeClient, flags = ''): Promise<Record<string, unknown>> =>
  (await run(client, `link-gen --cluster-name=east ${flags}`.trim())).objects[2]?.['spec'] as Record<string, unknown>;

test('a Link goes through the gateway that its Service describes', async () => {
  const client = target().seed(SERVICES, gateway({}, [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }, { hostname: 'no' }]));
  const spec = await specOf(client);
  assert.deepEqual(
    [spec['gatewayAddress'], spec['gatewayPort'], spec['gatewayIdentity'], spec['probeSpec'], spec['selector']],
    [
      '192.0.2.1,192.0.2.2',
      '4143',
      'gw.identity',
      { path: '/ready', port: '4191', period: '3s' },
      { matchLabels: { 'mirror.linkerd.io/exported': 'true' } },
    ],
  );
  const told = await specOf(client, '--gateway-addresses gw.east --gateway-port 443 --selector a=b');
  assert.deepEqual([told['gatewayAddress'], told['gatewayPort']], ['gw.east', '443']);
  client.seed(SERVICES, gateway({}, [{ hostname: 'a.example' }, { hostname: 'b.example' }]));
  assert.equal((await specOf(client))['gatewayAddress'], 'a.example,b.example');
  const patient = { 'mirror.linkerd.io/probe-period': '1500ms', 'mirror.linkerd.io/probe-failure-threshold': '5' };
  client.seed(SERVICES, gateway({}, [], patient));
  await assert.rejects(specOf(client), /gateway linkerd-gateway.linkerd-multicluster has no ingress addresses/);
  const probe = (await specOf(client, '--gateway-addresses gw'))['probeSpec'] as Record<string, string>;
  assert.deepEqual([probe['period'], probe['failureThreshold']], ['1500ms', '5']);
  for (const [key, message] of [
    ['mirror.linkerd.io/gateway-identity', /has no mirror.linkerd.io\/gateway-identity annotation/],
    ['mirror.linkerd.io/probe-path', /probe path is empty/],
    ['mirror.linkerd.io/probe-period', /expected seconds or a duration/],
  ] as const) {
    client.seed(SERVICES, gateway({}, [{ ip: '192.0.2.1' }], { [key]: '' }));
    await assert.rejects(specOf(client), message);
  }
});

test('a gateway without a port for probes, or on demand, is probed through its own', async () => {
  const ports = [{ name: 'mc-gateway', port: 443, nodePort: 30143 }];
  const client = target().seed(SERVICES, gateway({ ports }, [{ ip: '192.0.2.1' }]));
  const probePort = (spec: Record<string, unknown>) => (spec['probeSpec'] as Record<string, string>)['port'];
  const spec = await specOf(client);
  assert.deepEqual([spec['gatewayPort'], probePort(spec)], ['443', '443']);
  client.seed(SERVICES, gateway({}, [{ ip: '192.0.2.1' }]));
  assert.equal(probePort(await specOf(client, '--gateway-probe-port 4143')), '4143');
  const { objects } = await run(target(), 'install --gateway-port 443 --gateway-probe-port 443');
  const service = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'linkerd-gateway');
  assert.deepEqual((service!['spec'] as Record<string, unknown>)['ports'], [
    { name: 'mc-gateway', port: 443, protocol: 'TCP', targetPort: 4143 },
  ]);
});

test('a gateway may be held to Services that a selector takes', async () => {
  const services = async (more: string) =>
    JSON.stringify((await run(target(), `install ${more}`.trim())).objects[1]).match(
      /"gateway.weft.dev\/services":"([^"]*)"/,
    )?.[1];
  assert.equal(await services(''), undefined);
  assert.equal(
    await services('--set gateway.serviceSelector=mirror.linkerd.io/exported=true'),
    'mirror.linkerd.io/exported=true',
  );
  await assert.rejects(run(target(), 'install --set gateway.serviceSelector==true'), /is not a label selector/);
});

test('what a gateway would refuse of what a Link takes is warned of', async () => {
  const labelled = (name: string, labels: Record<string, string>): AnyObject =>
    ({ metadata: { name, namespace: 'shop', labels } }) as AnyObject;
  const held = { 'gateway.weft.dev/services': 'mirror.linkerd.io/exported=true,tier=open' };
  const client = target().seed(
    SERVICES,
    gateway({}, [{ ip: '192.0.2.1' }], held),
    labelled('open', { 'mirror.linkerd.io/exported': 'true', tier: 'open' }),
    labelled('closed', { 'mirror.linkerd.io/exported': 'true' }),
    labelled('inner', {}),
  );
  const { stderr } = await run(client, 'link-gen --cluster-name=east');
  assert.match(
    stderr,
    /^warning: the gateway reaches only Services with mirror.linkerd.io\/exported=true,tier=open, and will refuse shop\/closed$/m,
  );
  assert.doesNotMatch((await run(client, 'link-gen --cluster-name=east --selector tier=open')).stderr, /will refuse/);
});

test('behind node ports a gateway is where the nodes are, at their ports', async () => {
  const node = (name: string, type: string, address: string): AnyObject =>
    ({ metadata: { name }, status: { addresses: [{ type, address }] } }) as AnyObject;
  const client = target()
    .seed(SERVICES, gateway({ type: 'NodePort' }))
    .seed(NODES, node('a', 'InternalIP', '10.0.0.1'), node('b', 'InternalIP', '10.0.0.2'));
  const spec = await specOf(client);
  assert.deepEqual([spec['gatewayAddress'], spec['gatewayPort']], ['10.0.0.1,10.0.0.2', '30143']);
  assert.equal((spec['probeSpec'] as Record<string, string>)['port'], '30191');
  client.seed(NODES, node('c', 'ExternalIP', '192.0.2.7'));
  assert.equal((await specOf(client))['gatewayAddress'], '192.0.2.7');
});

test('install prints the gateway with its policies, first what others stand on', async () => {
  const { objects, stderr } = await run(
    target(),
    'install --gateway-port 4443 --gateway-service-type NodePort --set controllers[0].link.ref.name=east --set controllers[0].enableHeadlessServices=true --set gatewy.port=1',
  );
  assert.equal(stderr, 'warning: there is no value gatewy; it changes nothing\n');
  assert.deepEqual(names(objects).slice(0, 8), [
    `Namespace//${MC}`,
    `Deployment/${MC}/linkerd-gateway`,
    `Service/${MC}/linkerd-gateway`,
    `ServiceAccount/${MC}/linkerd-gateway`,
    `Server/${MC}/linkerd-gateway`,
    `AuthorizationPolicy/${MC}/linkerd-gateway`,
    `MeshTLSAuthentication/${MC}/any-meshed`,
    `NetworkAuthentication/${MC}/source-cluster`,
  ]);
  const service = objects[2]!;
  assert.equal(
    service.metadata.annotations?.['mirror.linkerd.io/gateway-identity'],
    'linkerd-gateway.linkerd-multicluster.serviceaccount.identity.linkerd.trust.local',
  );
  assert.deepEqual((service['spec'] as Record<string, unknown>)['ports'], [
    { name: 'mc-gateway', port: 4443, protocol: 'TCP', targetPort: 4143 },
    { name: 'mc-probe', port: 4191, protocol: 'TCP', targetPort: 4191 },
  ]);
  const controller = JSON.stringify(objects.find(({ metadata }) => metadata.name === 'controller-east'));
  for (const flag of ['-probe-service=probe-east', '-enable-headless-services', '-event-requeue-limit=3'])
    assert.ok(controller.includes(flag), flag);
  assert.ok(names(objects).includes(`Service/${MC}/probe-east`));
});

test('--ha gives three replicas and budgets; flags and values leave parts out', async () => {
  const ha = await run(target(), 'install --ha --set controllers[0].link.ref.name=east');
  assert.deepEqual(
    names(ha.objects).filter((name) => name.startsWith('PodDisruptionBudget')),
    ['linkerd-gateway', 'linkerd-local-service-mirror', 'controller-east'].map(
      (name) => `PodDisruptionBudget/${MC}/${name}`,
    ),
  );
  const bare = names(
    (
      await run(
        target(),
        'install --gateway=false --service-mirror-credentials=false --set controllers[0].link.ref.name=east --set controllers[0].gateway.enabled=false',
      )
    ).objects,
  );
  assert.ok(!bare.some((name) => /gateway|probe|remote-access/.test(name)), bare.join('\n'));
  const two = await run(target(), 'install --set remoteMirrorServiceAccountName=a\\,b');
  assert.ok(names(two.objects).includes(`Secret/${MC}/b-token`));
});

test('gateways are a table with numbers to the right, or JSON', async () => {
  const row = { clusterName: 'east', alive: true, numberOfServices: 2, latency: 4 };
  assert.equal(
    gatewaysTable([row, { ...row, clusterName: 'north', alive: false }]),
    'CLUSTER  ALIVE    NUM_SVC      LATENCY\neast     True           2          4ms\nnorth    False          2            -\n',
  );
  const none = await output(target().seed(LINKS, { metadata: { name: 'east', namespace: MC } }), 'gateways -o json');
  assert.equal(none.stdout, 'null\n');
  assert.match(none.stderr, /warning: east: no mirror controller holds Lease/);
});

test('a plan names what would be mirrored, renamed, refused or in a loop', async () => {
  const labelled = (name: string, labels: Record<string, string>, spec: object = {}): AnyObject =>
    ({ metadata: { name, namespace: 'shop', labels }, spec: { ports: [{ port: 80 }], ...spec } }) as AnyObject;
  const exported = { 'mirror.linkerd.io/exported': 'true' };
  const long = 'w'.repeat(60);
  const client = target().seed(
    SERVICES,
    gateway({}, [{ ip: '192.0.2.1' }]),
    labelled('web', { ...exported, 'mirror.linkerd.io/federated': 'member' }),
    labelled('api', { 'mirror.linkerd.io/exported': 'remote-discovery' }),
    labelled('out', exported, { type: 'ExternalName' }),
    labelled('x-west', { ...exported, 'mirror.linkerd.io/mirrored-service': 'true' }),
    labelled(long, exported),
    labelled('quiet', {}),
  );
  client.seed(SERVICE_EXPORTS, { metadata: { name: 'quiet', namespace: 'shop' } });
  const { stdout } = await output(client, 'link-gen --cluster-name=east --plan -o json');
  const rows = JSON.parse(stdout) as { service: string; mode: string; local: string; result: string }[];
  assert.deepEqual(
    rows.map(({ service, mode, local, result }) => [service, mode, local, result]),
    [
      ['api', 'flat', 'api-east', 'created'],
      ['out', 'gateway', '-', 'InvalidService: ExternalName service cannot be mirrored'],
      ['quiet', 'federated', 'quiet-federated', 'created'],
      ['web', 'federated', 'web-federated', 'created'],
      ['web', 'gateway', 'web-east', 'created'],
      [
        long,
        'gateway',
        '-',
        `Error: Failed to create mirror service: the name ${long}-east would have 65 characters, and 63 is the most`,
      ],
      [
        'x-west',
        '-',
        '-',
        'InvalidService: Service is a federated service, which is not mirrored on although a selector of the Link matches it',
      ],
    ],
  );
});

test('install waits for the control plane, and says what is missing when it has waited long enough', async () => {
  const deployment = { name: 'linkerd-destination', namespace: 'linkerd' };
  const labels = { 'linkerd.io/control-plane-component': 'destination' };
  const client = target().seed(DEPLOYMENTS, { metadata: { ...deployment, labels } });
  await assert.rejects(run(client, 'install --wait=0s'), /the control plane is not available: linkerd-destination/);
  assert.ok((await run(client, 'install --ignore-cluster')).objects.length > 0);
});

test('uninstall takes what local members left, last', async () => {
  const client = target()
    .seed(NAMESPACES, { metadata: { name: MC, labels: { 'linkerd.io/extension': 'multicluster' } } })
    .seed(SERVICES, {
      metadata: { name: 'web-federated', namespace: 'shop', labels: { 'mirror.linkerd.io/mirrored-service': 'true' } },
    })
    .seed(ENDPOINT_SLICES, { metadata: { name: 'web-1', namespace: 'shop' } })
    .seed(ENDPOINT_SLICES, {
      metadata: {
        name: 'web-1.local',
        namespace: 'shop',
        labels: { 'endpointslice.kubernetes.io/managed-by': 'service-mirror.weft.dev' },
      },
    });
  const { objects } = await run(client, 'uninstall');
  assert.deepEqual(names(objects), [
    `Namespace//${MC}`,
    'Service/shop/web-federated',
    'EndpointSlice/shop/web-1.local',
  ]);
});

test('uninstall leaves definitions of the Multi-Cluster Services API while something is exported, unless forced', async () => {
  const client = target().seed(SERVICE_EXPORTS, { metadata: { name: 'web', namespace: 'shop' } });
  client.seed(SERVICE_IMPORTS, {
    metadata: { name: 'web', namespace: 'shop', labels: { 'mirror.linkerd.io/mirrored-service': 'true' } },
  });
  for (const object of renderMulticluster(defaultMulticluster()))
    if (object.kind === 'CustomResourceDefinition') client.seed(CUSTOM_RESOURCE_DEFINITIONS, object);
  const definition = (name: string): string => `CustomResourceDefinition//${name}.multicluster.x-k8s.io`;
  const kept = await run(client, 'uninstall');
  assert.deepEqual(
    names(kept.objects).filter((name) => name.includes('x-k8s.io')),
    [definition('serviceimports')],
    'our imports go with their definition',
  );
  assert.match(kept.stderr, /Multi-Cluster Services API that are left out.*--force.*serviceexports\.\S+: 1\n/s);
  const forced = await run(client, 'uninstall --force');
  assert.ok(names(forced.objects).includes(definition('serviceexports')));
  client.seed(SERVICE_IMPORTS, { metadata: { name: 'db', namespace: 'others' } });
  const shared = names((await run(client, 'uninstall')).objects);
  assert.ok(!shared.includes(definition('serviceimports')));
  assert.equal(shared.at(-1), 'ServiceImport/shop/web', 'ours go, those of others stay');
});
