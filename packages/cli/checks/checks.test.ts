import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  ENDPOINTS,
  type Gvr,
  type KubeObject,
  LEASES,
  NAMESPACES,
  PODS,
  REPLICA_SETS,
  ROLES,
  SECRETS,
  SERVICES,
} from '#api/kube';
import { CREDENTIALS, LINKS, type Link, SERVICE_EXPORTS } from '#extensions/multicluster';
import { AnswerFault, ApiError, FakeKubeClient } from '#kube/client';
import { createTrust, type Trust } from '../certificates/index.ts';
import { FakeIo, fakeContext } from '../io.fake.ts';
import { CRD_DEFAULTS } from '../manifests/crds.ts';
import { defaultValues, renderControlPlane, renderCrds, webhookCertificates } from '../manifests/index.ts';
import {
  defaultMulticluster,
  linkController,
  renderLink,
  renderMulticluster,
} from '../manifests/multicluster/index.ts';
import { VERSION } from '../version.ts';
import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';
import { coreCategories } from './core.ts';
import { runCategories } from './engine.ts';
import { multiclusterCategory } from './multicluster.ts';
import { printResults, printVerdict, resultsJson, succeeded } from './print.ts';
import { CheckSubject } from './subject.ts';

let trust: Trust;
let installed: AnyObject[];
before(async () => {
  trust = await createTrust('identity.linkerd.cluster.local');
  const values = defaultValues();
  values.identityTrustAnchorsPEM = trust.anchors;
  values.identity.issuer.tls = { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key };
  installed = [
    ...renderCrds({ namespace: 'linkerd', values: { ...CRD_DEFAULTS, installGatewayAPI: true } }),
    ...renderControlPlane(
      { namespace: 'linkerd', values },
      await webhookCertificates(values, 'linkerd'),
      defaultValues(),
    ),
  ];
});

/** `Deployment` of `apps/v1` -> its resource; enough for the kinds that manifests hold. */
function gvrOf({ apiVersion = '', kind = '' }: KubeObject): Gvr {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const plural = kind.toLowerCase().replace(/y$/, 'ie');
  return { group: group!, version: version!, resource: `${plural}s` };
}

function clusterWith(objects: readonly AnyObject[]): FakeKubeClient {
  const client = new FakeKubeClient();
  for (const object of objects) client.seed(gvrOf(object), structuredClone(object));
  return client;
}

/** The control plane as it runs: a ready pod a component. */
function running(client: FakeKubeClient): FakeKubeClient {
  for (const component of ['destination', 'identity', 'proxy-injector'])
    client.seed(PODS, {
      metadata: {
        name: `linkerd-${component}-1`,
        namespace: 'linkerd',
        labels: { 'linkerd.io/control-plane-component': component },
      },
      spec: {
        containers: [{ name: component }, { name: 'linkerd-proxy', image: `cr.l5d.io/linkerd/proxy:${VERSION}` }],
      },
      status: {
        phase: 'Running',
        podIP: '10.42.0.7',
        containerStatuses: [component, 'linkerd-proxy'].map((name) => ({ name, ready: true })),
      },
    } as AnyObject);
  return client;
}

async function check(client: FakeKubeClient, categories: (subject: CheckSubject) => Category[]) {
  const io = new FakeIo();
  const subject = new CheckSubject(fakeContext(client, io));
  const results = await runCategories(categories(subject), { deadlineMs: 0 });
  printResults(results, 'table', io);
  return { results, text: io.stdout };
}
const core = (subject: CheckSubject): Category[] => coreCategories(subject, { cliVersion: VERSION });

test('what install prints passes every core check once it runs', async () => {
  const { results, text } = await check(running(clusterWith(installed)), core);
  assert.ok(succeeded(results), text);
  assert.doesNotMatch(text, /[×‼]/);
  assert.deepEqual(
    results.map(({ name }) => name),
    [
      'kubernetes-api',
      'kubernetes-version',
      'gateway-api-crd',
      'linkerd-existence',
      'linkerd-config',
      'linkerd-cni-plugin',
      'linkerd-identity',
      'linkerd-webhooks-and-apisvc-tls',
      'linkerd-version',
      'control-plane-version',
      'linkerd-control-plane-proxy',
      'linkerd-ha-checks',
      'linkerd-extension-checks',
    ],
  );
  assert.doesNotMatch(text, /linkerd-ha-checks/, 'a category that does not apply prints nothing');
});

test('a fatal failure ends the run and says what is missing', async () => {
  const { results, text } = await check(
    clusterWith(installed.filter(({ kind }) => kind === 'CustomResourceDefinition')),
    core,
  );
  assert.ok(!succeeded(results));
  assert.match(
    text,
    /linkerd-existence\n-{17}\n× 'linkerd-config' config map exists\n {4}configmaps "linkerd-config" not found/,
  );
  assert.match(text, / {4}see docs\/reference\/checks\.md#l5d-existence-linkerd-config for hints\n/);
  assert.doesNotMatch(text, /linkerd-config\n-/);
});

test('a heartbeat is looked for in installations of Linkerd, not in ours, which have none', async () => {
  for (const [version, expected] of [
    [VERSION, undefined],
    ['edge-26.8.3', '× heartbeat ServiceAccount exist\n    missing ServiceAccounts:\n    * linkerd-heartbeat'],
  ] as const) {
    const data = { values: `linkerdVersion: ${version}\ndisableHeartBeat: false\n` };
    const client = running(clusterWith(installed)).seed(CONFIG_MAPS, {
      metadata: { name: 'linkerd-config', namespace: 'linkerd' },
      data,
    } as AnyObject);
    const { text } = await check(client, core);
    assert.equal(text.includes('heartbeat'), expected !== undefined);
    assert.ok(text.includes(expected ?? 'linkerd-existence'), text);
  }
});

test('pods and replica sets that are not ready are named', async () => {
  const client = running(clusterWith(installed));
  client.seed(REPLICA_SETS, {
    metadata: {
      name: 'linkerd-identity-x',
      namespace: 'linkerd',
      labels: { 'linkerd.io/control-plane-component': 'identity' },
    },
    spec: { replicas: 1 },
  } as AnyObject);
  const { text } = await check(client, core);
  assert.match(
    text,
    /× control plane replica sets are ready\n {4}replica sets are not ready:\n {4}\* linkerd-identity-x: 0\/1/,
  );
});

test('an issuer that the anchors did not sign, and a webhook that trusts another certificate, are found', async () => {
  const other = await createTrust('other');
  const client = running(clusterWith(installed));
  const secret = await client.get<AnyObject>(SECRETS, 'linkerd-identity-issuer', 'linkerd');
  const crt = Buffer.from(other.issuer.certificate).toString('base64');
  client.seed(SECRETS, { ...secret, data: { 'crt.pem': crt } } as AnyObject);
  const { text } = await check(client, core);
  assert.match(text, /× issuer cert is issued by the trust anchor\n {4}x509: certificate signed by unknown authority/);
  const tls = await client.get<AnyObject>(SECRETS, 'linkerd-sp-validator-k8s-tls', 'linkerd');
  client.seed(SECRETS, { ...tls, data: { 'tls.crt': crt } } as AnyObject);
  assert.match(
    (await check(client, core)).text,
    /× sp-validator webhook has valid cert\n {4}the certificate is not valid for linkerd-sp-validator\.linkerd\.svc/,
  );
});

test('addresses outside the cluster networks are listed', async () => {
  const client = running(clusterWith(installed));
  client.seed(SERVICES, {
    metadata: { name: 'odd', namespace: 'x' },
    spec: { clusterIP: '198.51.100.7' },
  } as AnyObject);
  const { text } = await check(client, core);
  assert.match(
    text,
    /× cluster networks contains all services\n {4}the Linkerd clusterNetworks .*\n {4}\* svc x\/odd \(198\.51\.100\.7\)/,
  );
});

// --- multicluster -------------------------------------------------------------------------------------------------------

function linked(...clusters: string[]): FakeKubeClient {
  const settings = defaultMulticluster();
  const available = { status: { availableReplicas: 1 } };
  const extension = renderMulticluster(settings).map((object) => ({
    ...object,
    ...(object.kind === 'Deployment' && available),
  }));
  const client = running(clusterWith([...installed, ...extension]));
  for (const cluster of clusters) {
    const source = {
      cluster,
      linkerdNamespace: 'linkerd',
      clusterDomain: 'cluster.local',
      trustDomain: 'cluster.local',
      kubeconfig: `kubeconfig of ${cluster}`,
      spec: {},
    };
    for (const object of [
      ...renderLink(settings, source),
      ...linkController(settings, { link: { ref: { name: cluster } } }),
    ]) {
      client.seed(gvrOf(object), { ...object, ...(object.kind === 'Deployment' && available) });
    }
  }
  return client;
}

async function checkLinks(
  client: FakeKubeClient,
  remotes: Record<string, FakeKubeClient>,
  scrape: (target: { pod: string; port: number }) => Promise<string> = () => Promise.reject(new Error('no metrics')),
) {
  return check(client, (subject) => [
    multiclusterCategory(subject, {
      cliVersion: VERSION,
      timeoutMs: 100,
      scrape,
      connect: (kubeconfig) => {
        const away = new FakeKubeClient();
        away.refuse = () => new Error('connection refused');
        return Promise.resolve(remotes[kubeconfig.replace('kubeconfig of ', '')] ?? away);
      },
    }),
  ]);
}

test('the multicluster section lists every linked cluster under every line', async () => {
  const remote = clusterWith(installed);
  const { text } = await checkLinks(linked('north', 'east'), { east: remote, north: remote });
  const clusters = '\t* east\n\t* north\n';
  assert.equal(
    text,
    `linkerd-multicluster
--------------------
√ Link CRD exists
√ Link resources are valid
${clusters}√ Link and CLI versions match
${clusters}√ remote cluster access credentials are valid
${clusters}√ clusters share trust anchors
${clusters}√ service mirror controller has required permissions
${clusters}√ service mirror controllers are running
${clusters}√ extension is managing controllers
${clusters}√ Links do not contradict themselves or each other
√ linked clusters answer as they should
${clusters}√ accounts of other clusters have required permissions
\t* linkerd-multicluster/linkerd-service-mirror-remote-access-default
√ multicluster extension proxies are healthy
√ multicluster extension proxies and cli versions match

`,
  );
});

test('a cluster that cannot be reached, other anchors and a controller that is gone are reported by cluster', async () => {
  const stranger = clusterWith(installed);
  const config = await stranger.get<AnyObject>(CONFIG_MAPS, 'linkerd-config', 'linkerd');
  const other = await createTrust('other');
  stranger.seed(CONFIG_MAPS, {
    ...config,
    data: { values: `identityTrustAnchorsPEM: ${JSON.stringify(other.anchors)}` },
  } as AnyObject);
  const client = linked('east', 'north');
  await client.delete(DEPLOYMENTS, { name: 'controller-north', namespace: MC });
  const { text } = await checkLinks(client, { north: stranger });
  assert.match(
    text,
    /× remote cluster access credentials are valid\n {4}Problematic clusters:\n {4}\* east: Unreachable: Expected the API server to answer; saw: connection refused\. Look at/,
  );
  assert.match(
    text,
    /\* north: its trust anchors are not those of this cluster: SHA-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2} there, (?:[0-9A-F]{2}:){31}[0-9A-F]{2} here/,
  );
  assert.match(
    text,
    /× service mirror controllers are running\n {4}Problematic service mirrors:\n {4}\* north: no service mirror controller deployment/,
  );
});

test('what the controller says of its remote counts, wherever the check runs', async () => {
  const remote = clusterWith(installed);
  const client = linked('east');
  const status = {
    conditions: [{ type: 'RemoteReachable', status: 'False' as const, reason: 'Unreachable', message: 'timeout' }],
  };
  await client.patch<Link>(
    LINKS,
    { name: 'east', namespace: 'linkerd-multicluster' },
    { type: 'merge', body: { status }, subresource: 'status' },
  );
  const { text } = await checkLinks(client, { east: remote });
  assert.match(text, /\* east: the mirror controller cannot use them: Unreachable: timeout/);
});

test('exports that are invalid or in conflict are listed with what their conditions say', async () => {
  const remote = clusterWith(installed);
  const client = linked('east');
  const said = (type: string, status: string, reason: string, message = '') => ({ type, status, reason, message });
  const exported = (name: string, ...conditions: object[]) =>
    client.seed(SERVICE_EXPORTS, { metadata: { name, namespace: 'shop' }, status: { conditions } } as AnyObject);
  exported('api', said('Valid', 'True', 'Valid'), said('Conflict', 'False', 'NoConflicts'));
  assert.match((await checkLinks(client, { east: remote })).text, /√ service exports are valid and agree\n/);
  exported('db', said('Valid', 'False', 'NoService', 'There is no Service of this name'));
  exported('web', said('Valid', 'True', 'Valid'), said('Conflict', 'True', 'PortConflict', 'ports: …'));
  assert.match(
    (await checkLinks(client, { east: remote })).text,
    /‼ service exports are valid and agree\n.*\n.*db\.shop: Valid: NoService: There is no Service of this name\n.*web\.shop: Conflict: PortConflict: ports: …\n/,
  );
});

const MC = 'linkerd-multicluster';

async function withGateway(...clusters: string[]): Promise<FakeKubeClient> {
  const client = linked(...clusters);
  for (const name of clusters) {
    const spec = {
      gatewayAddress: '192.0.2.1',
      gatewayPort: '4143',
      gatewayIdentity: 'gw',
      probeSpec: { path: '/ready' },
    };
    await client.patch<Link>(LINKS, { name, namespace: MC }, { type: 'merge', body: { spec } });
    client.seed(ENDPOINTS, {
      metadata: { name: `probe-${name}`, namespace: MC },
      subsets: [{ addresses: [{ ip: '192.0.2.1' }] }],
    } as AnyObject);
    client.seed(LEASES, {
      metadata: { name: `service-mirror-write-${name}`, namespace: MC },
      spec: { holderIdentity: `pod-${name}` },
    } as AnyObject);
    client.seed(PODS, {
      metadata: { name: `pod-${name}`, namespace: MC, labels: { component: 'controller' } },
      spec: { containers: [{ name: 'controller', ports: [{ name: 'ctrl-admin', containerPort: 9999 }] }] },
      status: { phase: 'Running' },
    } as AnyObject);
  }
  return client;
}

test('gateways are judged by what the leading controller of each Link measures', async () => {
  const client = await withGateway('east', 'north', 'south');
  await client.delete(SERVICES, { name: 'probe-south', namespace: MC });
  const remote = clusterWith(installed);
  const scrape = async ({ pod, port }: { pod: string; port: number }): Promise<string> => {
    assert.equal(port, 9999);
    const cluster = pod.replace('pod-', '');
    return `gateway_enabled{target_cluster_name="${cluster}"} 1\ngateway_alive{target_cluster_name="${cluster}"} ${cluster === 'east' ? 1 : 0}\n`;
  };
  const remotes = { east: remote, north: remote, south: remote };
  const { text } = await checkLinks(client, remotes, scrape);
  assert.match(
    text,
    /× probe services able to communicate with all gateway mirrors\n {4}Problematic gateways:\n {4}\* liveness checks failed for north\n {4}\* wrong number \(0\) of probe gateways for target cluster south\n/,
  );
});

test('what a Link takes through a gateway that will refuse it is named, where that can be known', async () => {
  const client = await withGateway('east', 'north', 'south');
  const selectors = {
    selector: { matchLabels: { 'mirror.linkerd.io/exported': 'true' } },
    remoteDiscoverySelector: { matchLabels: { flat: 'yes' } },
  };
  for (const name of ['east', 'north', 'south'])
    await client.patch<Link>(LINKS, { name, namespace: MC }, { type: 'merge', body: { spec: selectors } });
  const gateway = (name: string, services?: string): AnyObject =>
    ({
      metadata: {
        name,
        namespace: 'gate',
        annotations: {
          'mirror.linkerd.io/gateway-identity': 'gw',
          ...(services !== undefined && { 'gateway.weft.dev/services': services }),
        },
      },
    }) as AnyObject;
  const service = (name: string, more: Record<string, string> = {}): AnyObject =>
    ({ metadata: { name, namespace: 'shop', labels: { 'mirror.linkerd.io/exported': 'true', ...more } } }) as AnyObject;
  const services = [
    service('api', { tier: 'public' }),
    service('web'),
    service('db', { flat: 'yes' }),
    service('cart-west', { 'mirror.linkerd.io/mirrored-service': 'true' }),
    { metadata: { name: 'own', namespace: 'shop' } } as AnyObject,
  ];
  const cluster = (...gateways: AnyObject[]) => clusterWith(installed).seed(SERVICES, ...services, ...gateways);
  const open = { east: cluster(gateway('gw')), north: cluster(gateway('gw', 'a'), gateway('other', 'b')) };
  assert.match(
    (await checkLinks(client, { ...open, south: cluster() })).text,
    /√ gateways reach what is mirrored through them\n\t\* east\n√/,
  );
  const held = { ...open, south: cluster(gateway('gw', 'tier=public')) };
  assert.match(
    (await checkLinks(client, held)).text,
    /‼ gateways reach what is mirrored through them\n {4}Services that their gateway refuses:\n {4}\* south: gateway gate\/gw reaches only Services with tier=public, not shop\/web\n/,
  );
  const shut = { ...open, south: cluster(gateway('gw', '')) };
  assert.match((await checkLinks(client, shut)).text, /reaches no Service, as its selector is empty, not shop\/api, /);
});

test('Links that contradict each other, and services that are not mirrored, are named', async () => {
  const client = await withGateway('east', 'north');
  const conditions = [
    { type: 'Mirrored', status: 'False' as const, reason: 'MissingNamespace', message: 'Namespace does not exist' },
  ];
  const status = {
    mirrorServices: [{ controllerName: 'x', remoteRef: { name: 'web', namespace: 'shop' }, conditions }],
  };
  await client.patch<Link>(
    LINKS,
    { name: 'east', namespace: MC },
    { type: 'merge', body: { status }, subresource: 'status' },
  );
  const spec = { targetClusterName: 'east', selector: { matchLabels: { app: 'web' } }, probeSpec: { period: 'often' } };
  await client.patch<Link>(LINKS, { name: 'north', namespace: MC }, { type: 'merge', body: { spec } });
  const remote = clusterWith(installed);
  const { text } = await checkLinks(client, { east: remote, north: remote });
  for (const line of [
    'east: Links linkerd-multicluster/east, linkerd-multicluster/north name the same target cluster',
    "east: Link linkerd-multicluster/north is not named as its target cluster; its controller looks for the Link's name",
    'east: spec.probeSpec.period: expected a duration of at least 100ms such as 3s, got "often"; 3s is used',
    'east: web.shop: MissingNamespace: Namespace does not exist',
  ])
    assert.ok(text.includes(`* ${line}\n`), `${line}\n${text}`);
});

test('what is wrong with the way into a linked cluster, or with what it answers, has its name', async () => {
  const clusters = ['dead', 'denied', 'endless', 'lying', 'mute', 'nowhere', 'other', 'own', 'same', 'twin'];
  const client = linked(...clusters);
  const api = (uid: string): AnyObject =>
    ({ metadata: { name: 'kubernetes', namespace: 'default', uid } }) as AnyObject;
  const cluster = (uid: string) => clusterWith(installed).seed(SERVICES, api(uid));
  client.seed(SERVICES, api('u-own'));
  const failing = (error: Error, resource = 'services') => {
    const remote = cluster('u-failing');
    remote.refuse = (_verb, gvr) => (gvr.resource === resource ? error : undefined);
    return remote;
  };
  const mute = cluster('u-mute');
  mute.list = () => new Promise(() => {});
  const remotes = {
    denied: failing(ApiError.of(403, 'Forbidden', 'may not')),
    dead: failing(ApiError.of(500, 'InternalError', 'no etcd')),
    endless: failing(new AnswerFault('TooManyObjects', 'more than 20000 endpointslices'), 'endpointslices'),
    lying: failing(new AnswerFault('InvalidAnswer', 'expected a list')),
    mute,
    own: cluster('u-own'),
    same: cluster('u-same'),
    twin: cluster('u-same'),
  };
  const name = (of: string) => ({ name: CREDENTIALS.secretName(of), namespace: MC });
  await client.delete(SECRETS, name('nowhere'));
  const labels = { 'multicluster.linkerd.io/cluster-name': 'north' };
  await client.patch(SECRETS, name('other'), { type: 'merge', body: { metadata: { labels } } });
  const content = { type: 'ContentAccepted', status: 'False', reason: 'AddressesRefused', message: 'Expected pods' };
  const status = { conditions: [content] };
  await client.patch<Link>(
    LINKS,
    { name: 'same', namespace: MC },
    { type: 'merge', body: { status }, subresource: 'status' },
  );
  const { text } = await checkLinks(client, remotes);
  for (const line of [
    'dead: ServerError: Expected the API server to do as it is asked; saw: HTTP 500: no etcd. ',
    'denied: AccessDenied: ',
    'endless: TooManyObjects: Expected no more objects than are looked at; saw: more than 20000 endpointslices. ',
    'lying: InvalidAnswer: ',
    'mute: NoAnswer: ',
    'nowhere: CredentialsMissing: ',
    'other: CredentialsOfOther: ',
    'own: OwnCluster: ',
    `twin: CredentialsOfOther: Expected credentials of the cluster that the Link names; saw: Secret ${MC}/cluster-credentials-twin, which opens the cluster that Link ${MC}/same, which is older, has. `,
    'same: the mirror controller sees: AddressesRefused: Expected pods',
  ])
    assert.ok(text.includes(`* ${line}`), `${line}\n${text}`);
  assert.doesNotMatch(text, /same: CredentialsOfOther/);
});

test('one cluster may have a Link through its gateway and one without', async () => {
  const client = linked('flat', 'gated');
  client.seed(SERVICES, { metadata: { name: 'kubernetes', namespace: 'default', uid: 'u-own' } } as AnyObject);
  const spec = { gatewayAddress: '192.0.2.1', gatewayPort: '4143', gatewayIdentity: 'gw' };
  await client.patch<Link>(LINKS, { name: 'gated', namespace: MC }, { type: 'merge', body: { spec } });
  const remote = () =>
    clusterWith(installed).seed(SERVICES, {
      metadata: { name: 'kubernetes', namespace: 'default', uid: 'u-same' },
    } as AnyObject);
  const { text } = await checkLinks(client, { flat: remote(), gated: remote() });
  assert.doesNotMatch(text, /CredentialsOfOther/);
});

test('what roles of the extension do not allow, or bindings do not bind, is named with role and verb', async () => {
  const client = linked('east');
  const access = 'linkerd-multicluster-controller-access-local-resources';
  const account = 'linkerd-service-mirror-remote-access-default';
  const edit = async (gvr: Gvr, name: string, namespace: string | undefined, change: (object: AnyObject) => void) => {
    const object = await client.get<AnyObject>(gvr, name, namespace);
    change(object);
    client.seed(gvr, object);
  };
  interface Rule {
    resources: string[];
    verbs: string[];
  }
  const without = (resource: string, verb: string) => (object: AnyObject) => {
    for (const rule of object['rules'] as Rule[])
      if (rule.resources.includes(resource)) rule.verbs = rule.verbs.filter((each) => each !== verb);
  };
  await edit(CLUSTER_ROLES, access, undefined, without('endpointslices', 'delete'));
  await edit(ROLES, 'controller-renew-remote-creds-east', 'linkerd', without('secrets', 'update'));
  await edit(CLUSTER_ROLE_BINDINGS, `${access}-east`, undefined, (object) => {
    object['subjects'] = [];
  });
  const local = 'linkerd-local-service-mirror-access-local-resources';
  await edit(CLUSTER_ROLES, local, undefined, without('serviceexports', 'watch'));
  await edit(CLUSTER_ROLES, account, undefined, without('nodes', 'list'));
  await client.delete(ROLES, { name: account, namespace: MC });
  const { text } = await checkLinks(client, {});
  for (const line of [
    `× service mirror controller has required permissions\n    service mirror controllers that may not do what they need:\n    * east: ClusterRole ${access} lacks delete of endpointslices.discovery.k8s.io; ClusterRoleBinding ${access}-east is not for ServiceAccount ${MC}/controller-east; Role controller-renew-remote-creds-east lacks update of secrets cluster-credentials-east\n`,
    `    * linkerd-local-service-mirror: ClusterRole ${local} lacks watch of serviceexports.multicluster.x-k8s.io\n`,
    `‼ accounts of other clusters have required permissions\n    Accounts that may not do what is needed:\n    * ${MC}/${account}: missing Role ${account}; ClusterRole ${account} lacks list of nodes\n`,
  ])
    assert.ok(text.includes(line), `${line}\n${text}`);
});

test('whoever may do all may do this; namespaces are made only where the controller is told to', async () => {
  const client = linked('east');
  const access = 'linkerd-multicluster-controller-access-local-resources';
  const names = { name: 'controller-east', namespace: MC };
  const deployment = await client.get<AnyObject>(DEPLOYMENTS, names.name, names.namespace);
  const spec = deployment['spec'] as { template: { spec: { containers: [{ args: string[] }] } } };
  spec.template.spec.containers[0].args.push('-enable-namespace-creation');
  client.seed(DEPLOYMENTS, deployment);
  assert.match((await checkLinks(client, {})).text, new RegExp(`${access} lacks create of namespaces\n`));
  const role = await client.get<AnyObject>(CLUSTER_ROLES, access);
  client.seed(CLUSTER_ROLES, { ...role, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] } as AnyObject);
  assert.match((await checkLinks(client, {})).text, /√ service mirror controller has required permissions\n/);
});

test('of a controller that was printed for one Link, whatever program it is, accounts and roles are there by their names', async () => {
  const client = linked('east');
  await client.delete(DEPLOYMENTS, { name: 'controller-east', namespace: MC });
  const old = 'linkerd-service-mirror-east';
  client.seed(DEPLOYMENTS, { metadata: { name: old, namespace: MC } });
  const access = 'linkerd-service-mirror-access-local-resources-east';
  const role = 'linkerd-service-mirror-read-remote-creds-east';
  client.seed(CLUSTER_ROLES, { metadata: { name: access } }).seed(ROLES, { metadata: { name: role, namespace: MC } });
  assert.ok(
    (await checkLinks(client, {})).text.includes(
      `* east: missing ServiceAccount ${old}, ClusterRoleBinding ${access}, RoleBinding ${role}\n`,
    ),
  );
});

test('the Secret of the destination controller is looked at, too', async () => {
  const remote = clusterWith(installed);
  const client = linked('east');
  await client.delete(SECRETS, { name: CREDENTIALS.secretName('east'), namespace: 'linkerd' });
  const { text } = await checkLinks(client, { east: remote });
  assert.match(text, /\* east: no Secret in namespace linkerd has label multicluster\.linkerd\.io\/cluster-name=east/);
});

/** The Link's status, and a kubeconfig with a token of ten hours that ends in `leftMs`, in both Secrets. */
async function tell(client: FakeKubeClient, status: Link['status'], leftMs?: number): Promise<void> {
  const ref = { name: 'east', namespace: MC };
  await client.patch<Link>(LINKS, ref, { type: 'merge', body: { status }, subresource: 'status' });
  if (leftMs === undefined) return;
  const exp = Math.round((Date.now() + leftMs) / 1000);
  const claims = { sub: 'system:serviceaccount:a:b', iat: exp - 36_000, exp };
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const kubeconfig = `{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: "https://a"}}], users: [{name: a, user: {token: ${token}}}]}`;
  for (const namespace of [MC, 'linkerd'])
    await client.patch(
      SECRETS,
      { name: CREDENTIALS.secretName('east'), namespace },
      { type: 'merge', body: { data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') } } },
    );
}

test('credentials are good, then end soon, then have ended; a token that cannot be renewed is told', async () => {
  const client = linked('east');
  const hour = 3_600_000;
  await tell(client, {}, 5 * hour);
  const good = (await checkLinks(client, {})).text;
  assert.match(good, /√ remote cluster access credentials have not expired\n\t\* east\n/);
  assert.match(
    good,
    /√ remote cluster access credentials do not expire soon\n\t\* east: the token is good until 20.*Z\n/,
  );
  await tell(client, {}, hour);
  assert.match(
    (await checkLinks(client, {})).text,
    /‼ remote cluster access credentials do not expire soon\n.*\n.*\* east: secret: \[linkerd-multicluster\/cluster-credentials-east\]: the token ends at .*\n.*\[linkerd\/cluster-credentials-east\]/,
  );
  await tell(client, {}, -1000);
  assert.match(
    (await checkLinks(client, {})).text,
    /× remote cluster access credentials have not expired\n.*\n.*ended at/,
  );
  const refused = { type: 'CredentialsValid', status: 'False' as const, reason: 'RenewalFailed', message: 'Forbidden' };
  await tell(client, { conditions: [refused] }, 5 * hour);
  assert.match((await checkLinks(client, {})).text, /east: the mirror controller cannot renew the token: Forbidden/);
});

test('members without ready endpoints or with fewer ports, lost clusters and pods of the same addresses are named', async () => {
  const client = linked('east');
  const entry = (name: string, ready: number) => ({
    controllerName: 'x',
    remoteRef: { name, namespace: 'shop' },
    conditions: [],
    endpoints: { total: 2, ready },
    lastSyncTime: new Date(Date.now() - 600_000).toISOString(),
  });
  const distinct = { type: 'PodNetworksDistinct', status: 'True' as const, reason: 'PodNetworksDistinct', message: '' };
  await tell(client, {
    federatedServices: [entry('web', 2)],
    endpoints: { total: 2, ready: 2 },
    conditions: [distinct],
  });
  const good = (await checkLinks(client, {})).text;
  assert.match(good, /√ services of linked clusters have ready endpoints\n\t\* east: 2 of 2 endpoints ready\n/);
  assert.match(good, /√ pod networks of linked clusters are distinct\n\t\* east\n/);
  const short = { ...entry('api', 1), ports: { total: 2, covered: 1, missing: ['81/TCP'] } };
  const overlap = {
    ...distinct,
    status: 'False' as const,
    reason: 'PodNetworksOverlap',
    message: '10.0.0.0/8 of east …',
  };
  const lost = { type: 'RemoteReachable', status: 'False' as const, reason: 'Unreachable', message: 'timeout' };
  await tell(client, { federatedServices: [entry('web', 0), short], conditions: [overlap, lost] });
  const { text } = await checkLinks(client, {});
  for (const line of [
    'east: what stands here of 2 services is as of 10m ago: Unreachable: timeout',
    'east: web.shop: 0 of 2 endpoints ready',
    'east: api.shop: has 1 of 2 ports of the federated service; 81/TCP missing',
    'east: 10.0.0.0/8 of east …',
  ])
    assert.ok(text.includes(`* ${line}\n`), `${line}\n${text}`);
});

test('what this cluster itself gives to federated services is counted, and what it does not give is named', async () => {
  const client = linked();
  const namespace = 'shop';
  const member = (name: string, spec: object = {}): AnyObject =>
    ({
      metadata: { name, namespace, labels: { 'mirror.linkerd.io/federated': 'member' } },
      spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80 }], ...spec },
    }) as AnyObject;
  const federated = (name: string): AnyObject =>
    ({
      metadata: {
        name: `${name}-federated`,
        namespace,
        labels: { 'mirror.linkerd.io/mirrored-service': 'true' },
        annotations: { 'multicluster.linkerd.io/local-discovery': name },
      },
      spec: { clusterIP: '10.0.0.2', ports: [{ name: 'http', port: 80 }] },
    }) as AnyObject;
  const slice = (name: string, ...ready: boolean[]): AnyObject =>
    ({
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: ready.map((each) => ({ addresses: ['10.1.0.1'], conditions: { ready: each } })),
    }) as AnyObject;
  client.seed(NAMESPACES, { metadata: { name: namespace } });
  assert.doesNotMatch((await checkLinks(client, {})).text, /services of this cluster/);
  client.seed(SERVICES, member('web'), federated('web')).seed(ENDPOINT_SLICES, slice('web', true, true, false));
  assert.match(
    (await checkLinks(client, {})).text,
    /√ services of this cluster have ready endpoints in federated services\n\t\* local: 2 of 3 endpoints ready\n/,
  );
  client.seed(SERVICES, member('db', { clusterIP: 'None' }), member('new'), member('api'), federated('api'));
  client.seed(ENDPOINT_SLICES, slice('new', true), slice('api', false));
  const mirror = { name: 'linkerd-local-service-mirror', namespace: MC };
  const status = { availableReplicas: 0 };
  await client.patch(DEPLOYMENTS, mirror, { type: 'merge', body: { status }, subresource: 'status' });
  assert.match(
    (await checkLinks(client, {})).text,
    new RegExp(
      [
        '‼ services of this cluster have ready endpoints in federated services',
        'What this cluster does not give to federated services:',
        `\\* local: Deployment ${MC}/linkerd-local-service-mirror is not available`,
        '\\* local: api\\.shop: 0 of 1 endpoints ready',
        '\\* local: db\\.shop: InvalidService: Headless service cannot join federated service',
        '\\* local: new\\.shop: it is not in new-federated yet',
        'see',
      ].join('\\n {4}'),
    ),
  );
  await client.delete(DEPLOYMENTS, mirror);
  assert.match(
    (await checkLinks(client, {})).text,
    /\* local: there is no Deployment linkerd-multicluster\/linkerd-local-service-mirror, which makes/,
  );
});

test('credentials are looked for where the Link says', async () => {
  const client = linked('east');
  await client.delete(SECRETS, { name: CREDENTIALS.secretName('east'), namespace: 'linkerd-multicluster' });
  const { text } = await checkLinks(client, {});
  assert.match(
    text,
    /\* east: CredentialsMissing: .*; saw: no Secret linkerd-multicluster\/cluster-credentials-east\. /,
  );
});

// --- engine -------------------------------------------------------------------------------------------------------------

const of = (...checks: Partial<Check>[]): Category => ({
  name: 'c',
  checks: checks.map((each, at) => ({
    description: `check ${at}`,
    anchor: 'a',
    remedy: 'r',
    run: async () => {},
    ...each,
  })),
});
const failing = async (): Promise<void> => {
  throw new CheckFailure('bad:', ['one', 'two']);
};

test('warnings do not fail a run, skipped checks print nothing, short shows only what is wrong', async () => {
  const skipping = async (): Promise<void> => {
    throw new CheckSkipped('n/a');
  };
  const results = await runCategories([of({}, { severity: 'warning', run: failing }, { run: skipping })], {
    deadlineMs: 0,
  });
  assert.ok(succeeded(results));
  const io = new FakeIo();
  printResults(results, 'short', io);
  printVerdict(true, io);
  assert.equal(
    io.stdout,
    'c\n-\n‼ check 1\n    bad:\n    * one\n    * two\n    see docs/reference/checks.md#a for hints\n\nStatus check results are √\n',
  );
  assert.deepEqual(JSON.parse(resultsJson(results)), {
    success: true,
    categories: [
      {
        categoryName: 'c',
        checks: [
          { description: 'check 0', result: 'success' },
          {
            description: 'check 1',
            hint: 'docs/reference/checks.md#a',
            error: 'bad:\n* one\n* two',
            result: 'warning',
          },
        ],
      },
    ],
  });
});

test('a check that may still succeed is tried again until the deadline', async () => {
  let attempts = 0;
  const flaky = async (): Promise<void> => {
    attempts += 1;
    if (attempts < 2) throw new Error('not yet');
  };
  const seen: string[] = [];
  const waits: number[] = [];
  const results = await runCategories([of({ retry: true, surface: true, run: flaky })], {
    deadlineMs: 20_000,
    nowMs: () => 0,
    sleep: async (ms) => waits.push(ms),
    onRetry: (text) => seen.push(text),
  });
  assert.ok(succeeded(results));
  assert.deepEqual([seen, waits], [['not yet'], [5000]]);
});

test('definitions that lack a version are named', async () => {
  const client = running(clusterWith(installed));
  const name = 'servers.policy.linkerd.io';
  const crd = await client.get<AnyObject>(CUSTOM_RESOURCE_DEFINITIONS, name);
  const spec = crd['spec'] as { versions: { name: string }[] };
  client.seed(CUSTOM_RESOURCE_DEFINITIONS, {
    ...crd,
    spec: { versions: spec.versions.filter((each) => each.name !== 'v1beta3') },
  } as AnyObject);
  assert.match((await check(client, core)).text, /\* servers\.policy\.linkerd\.io lacks version v1beta3/);
  assert.ok((await client.list(NAMESPACES)).items.length > 0);
});

test('before an installation, what the API server would refuse is named, and nothing is kept', async () => {
  const client = new FakeKubeClient();
  const create = client.create.bind(client);
  client.create = (async (gvr: Gvr, object: AnyObject, options?: { dryRun?: boolean }) => {
    if (object.kind === 'SelfSubjectAccessReview') return { ...object, status: { allowed: true } };
    if (object.kind === 'ClusterRole' && object.metadata.name === 'linkerd-policy') throw new Error('escalation');
    return create(gvr, object, options);
  }) as typeof client.create;
  const { text } = await check(client, (subject) => coreCategories(subject, { cliVersion: VERSION, pre: true }));
  assert.match(text, /√ control plane namespace does not already exist\n/);
  assert.match(
    text,
    /× can create non-namespaced resources\n {4}the API server would refuse:\n {4}\* ClusterRole linkerd-policy: escalation\n {4}see/,
  );
  assert.match(text, /√ can create CronJobs\n/);
  assert.deepEqual((await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items, []);
});
