import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type KubeObject, NAMESPACES, PODS, SERVICES } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import type { Run } from '#proxy/capture';
import { cniPlugin, NodeInstallation } from './index.ts';

const pod = (
  more: { labels?: object; annotations?: object; init?: object[]; containers?: object[] } = {},
): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', labels: more.labels ?? {}, annotations: more.annotations ?? {} },
    spec: {
      initContainers: more.init ?? [{ name: 'linkerd-network-validator' }, { name: 'linkerd-proxy' }],
      containers: more.containers ?? [{ name: 'app', ports: [{ name: 'sql', containerPort: 5432 }] }],
    },
  }) as KubeObject;

const namespace = (annotations: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', annotations } }) as KubeObject;
const apiServer = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: { ports: [{ port: 443, targetPort: 7443 }] },
} as KubeObject;

const PREV = { cniVersion: '1.0.0', interfaces: [{ name: 'eth0' }], ips: [{ address: '10.0.0.2/24' }] };
const ENV = {
  CNI_COMMAND: 'ADD',
  CNI_NETNS: '/run/netns/web',
  CNI_IFNAME: 'eth0',
  CNI_CONTAINERID: 'x',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web',
};
const CONFIG = {
  cniVersion: '1.0.0',
  name: 'net',
  type: 'linkerd-cni',
  prevResult: PREV,
  kubernetes: { kubeconfig: '/etc/cni/net.d/ZZZ-linkerd-cni-kubeconfig' },
  linkerd: {
    'incoming-proxy-port': 4143,
    'outgoing-proxy-port': 4140,
    'proxy-uid': 2102,
    'proxy-gid': -1,
    'inbound-ports-to-ignore': ['4190', '4191', '4000-4010'],
    'outbound-ports-to-ignore': [],
    'iptables-mode': 'nft',
    ipv6: false,
  },
};

/** One call of the plug-in: its answer, and the rules that it set where. */
async function call(
  objects: { pod?: KubeObject; namespace?: KubeObject } = {},
  change: { env?: object; config?: object; stdin?: string } = {},
) {
  const client = new FakeKubeClient();
  if (objects.pod) client.seed(PODS, objects.pod);
  client.seed(NAMESPACES, objects.namespace ?? namespace());
  client.seed(SERVICES, apiServer);
  const logged: string[] = [];
  const inputs: { netns: string | undefined; text: string }[] = [];
  const run: Run = async (program, _args, options = {}) => {
    if (program.endsWith('restore')) inputs.push({ netns: options.namespaces?.net, text: options.input ?? '' });
    return { stdout: '', stderr: '', exitCode: 0 };
  };
  const stdin = change.stdin ?? JSON.stringify({ ...CONFIG, ...change.config });
  const answer = await cniPlugin({ ...ENV, ...change.env } as NodeJS.ProcessEnv, stdin, {
    connect: async () => client,
    run,
    log: (text) => logged.push(text),
  });
  const rules = (inputs[0]?.text ?? '')
    .split('\n')
    .map((rule) => rule.replace(/-m comment --comment "[^"]*" /, ''))
    .filter((rule) => rule.startsWith('-A'));
  return { ...answer, result: answer.stdout === '' ? undefined : JSON.parse(answer.stdout), inputs, rules, logged };
}

test('a pod with a proxy is captured in its own network namespace, and the result of the plug-ins before is passed on', async () => {
  const { exitCode, result, inputs, rules } = await call({ pod: pod() });
  assert.equal(exitCode, 0);
  assert.deepEqual(result, PREV);
  assert.deepEqual(
    inputs.map(({ netns }) => netns),
    ['/run/netns/web'],
  );
  assert.deepEqual(rules, [
    '-A PROXY_INIT_REDIRECT -p tcp -m multiport --dports 4190,4191,4000:4010 -j RETURN',
    '-A PROXY_INIT_REDIRECT -p tcp -j REDIRECT --to-port 4143',
    '-A PREROUTING -j PROXY_INIT_REDIRECT',
    '-A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -j RETURN',
    '-A PROXY_INIT_OUTPUT -o lo -j RETURN',
    '-A PROXY_INIT_OUTPUT -p tcp -j REDIRECT --to-port 4140',
    '-A OUTPUT -j PROXY_INIT_OUTPUT',
  ]);
});

test('pods without a proxy, and those that capture themselves, are left alone', async () => {
  for (const other of [pod({ init: [] }), pod({ init: [{ name: 'linkerd-init' }, { name: 'linkerd-proxy' }] })]) {
    const { exitCode, result, inputs } = await call({ pod: other });
    assert.equal(exitCode, 0);
    assert.deepEqual(result, PREV);
    assert.deepEqual(inputs, []);
  }
  const notPod = await call({}, { env: { CNI_ARGS: '' } });
  assert.deepEqual([notPod.exitCode, notPod.inputs.length], [0, 0]);
  const beside = await call({ pod: pod({ init: [], containers: [{ name: 'linkerd-proxy' }] }) });
  assert.equal(beside.inputs.length, 1);
});

test('annotations: inbound ports are added, outbound ports and subnets replace, the pod wins over its namespace', async () => {
  const annotations = {
    'config.linkerd.io/skip-inbound-ports': '22,sql',
    'config.linkerd.io/skip-outbound-ports': '9000',
    'config.linkerd.io/proxy-uid': '3000',
    'config.linkerd.io/proxy-gid': 'nobody',
  };
  const { rules, logged } = await call({
    pod: pod({ annotations }),
    namespace: namespace({
      'config.linkerd.io/skip-outbound-ports': '1',
      'config.linkerd.io/skip-subnets': '10.1.0.0/16',
    }),
  });
  assert.ok(
    rules.includes('-A PROXY_INIT_REDIRECT -p tcp -m multiport --dports 4190,4191,4000:4010,22,5432 -j RETURN'),
  );
  assert.ok(rules.includes('-A PROXY_INIT_REDIRECT -s 10.1.0.0/16 -j RETURN'));
  assert.ok(rules.includes('-A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 9000 -j RETURN'));
  assert.ok(rules.includes('-A PROXY_INIT_OUTPUT -m owner --uid-owner 3000 -j RETURN'));
  assert.match(logged.join('\n'), /proxy-gid: expected .* got "nobody"/);
});

test('pods of the control plane reach the API server without their proxy', async () => {
  const { rules } = await call({ pod: pod({ labels: { 'linkerd.io/control-plane-component': 'identity' } }) });
  assert.ok(rules.includes('-A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 443,7443 -j RETURN'));
});

test('what goes wrong is an answer by the specification, so that the pod does not start', async () => {
  const unknown = await call({});
  assert.deepEqual([unknown.exitCode, unknown.result.code, unknown.result.cniVersion], [1, 11, '1.0.0']);
  const alone = await call({ pod: pod() }, { config: { prevResult: undefined } });
  assert.match(alone.result.msg, /must come after the one that makes the network/);
  const version = await call({ pod: pod() }, { config: { cniVersion: '9.0.0' } });
  assert.equal(version.result.code, 1);
  const garbage = await call({ pod: pod() }, { stdin: 'no json' });
  assert.equal(garbage.result.code, 6);
  const command = await call({ pod: pod() }, { env: { CNI_COMMAND: 'MULTIPLY' } });
  assert.equal(command.result.code, 4);
  const ports = await call({ pod: pod() }, { config: { linkerd: { 'ports-to-redirect': ['http'] } } });
  assert.match(ports.result.msg, /linkerd.ports-to-redirect: expected ports and ranges, got "http"/);
});

test('the other commands have nothing to do', async () => {
  for (const CNI_COMMAND of ['DEL', 'CHECK', 'GC', 'STATUS']) {
    const { exitCode, stdout, inputs } = await call({ pod: pod() }, { env: { CNI_COMMAND } });
    assert.deepEqual([exitCode, stdout, inputs.length], [0, '', 0]);
  }
  const { result } = await call({}, { env: { CNI_COMMAND: 'VERSION' }, stdin: '' });
  assert.deepEqual(result.supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']);
});

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-cni-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const CHAIN = { cniVersion: '1.0.0', name: 'cluster', plugins: [{ type: 'bridge' }, { type: 'portmap' }] };

async function node(files: Record<string, string>) {
  const home = await mkdtemp(join(folder, 'node-'));
  const netDir = join(home, 'net.d');
  const binDir = join(home, 'bin');
  await Promise.all([netDir, binDir].map((path) => import('node:fs/promises').then((fs) => fs.mkdir(path))));
  for (const [name, text] of Object.entries(files)) await writeFile(join(netDir, name), text);
  const logged: string[] = [];
  const installation = new NodeInstallation(
    { binDir, netDir, hostNetDir: '/etc/cni/net.d' },
    { log_level: 'info', linkerd: { 'proxy-uid': 2102 } },
    (text) => logged.push(text),
  );
  const read = async (name: string) => JSON.parse(await readFile(join(netDir, name), 'utf8'));
  const types = async (name: string) => (await read(name)).plugins.map(({ type }: { type: string }) => type);
  return { installation, netDir, binDir, logged, read, types };
}

test('the plug-in becomes the last of every list, once, with the path of its kubeconfig on the node', async () => {
  const { installation, read, types, logged } = await node({
    '10-a.conflist': JSON.stringify(CHAIN),
    '20-b.conflist': JSON.stringify({ ...CHAIN, name: 'other' }),
    'notes.txt': 'x',
  });
  assert.equal(await installation.configure(), 2);
  const written = logged.length;
  assert.equal(await installation.configure(), 2);
  assert.equal(logged.length, written, 'nothing is written again');
  assert.deepEqual(await types('10-a.conflist'), ['bridge', 'portmap', 'linkerd-cni']);
  assert.deepEqual((await read('20-b.conflist')).plugins[2], {
    log_level: 'info',
    linkerd: { 'proxy-uid': 2102 },
    name: 'linkerd-cni',
    type: 'linkerd-cni',
    kubernetes: { kubeconfig: '/etc/cni/net.d/ZZZ-linkerd-cni-kubeconfig' },
  });
});

test('who writes the file anew, or after it, does not get rid of the plug-in', async () => {
  const { installation, netDir, types } = await node({ '10-a.conflist': JSON.stringify(CHAIN) });
  await installation.configure();
  await writeFile(join(netDir, '10-a.conflist'), JSON.stringify(CHAIN));
  await installation.configure();
  assert.deepEqual(await types('10-a.conflist'), ['bridge', 'portmap', 'linkerd-cni']);
  const after = { ...CHAIN, plugins: [{ type: 'linkerd-cni', old: true }, { type: 'bridge' }] };
  await writeFile(join(netDir, '10-a.conflist'), JSON.stringify(after));
  await installation.configure();
  assert.deepEqual(await types('10-a.conflist'), ['bridge', 'linkerd-cni']);
});

test('a configuration of one plug-in becomes a list', async () => {
  const { installation, netDir, read } = await node({
    '10-a.conf': JSON.stringify({ cniVersion: '0.3.1', type: 'bridge' }),
  });
  await installation.configure();
  assert.deepEqual(await readdir(netDir), ['10-a.conflist']);
  const list = await read('10-a.conflist');
  assert.deepEqual([list.name, list.cniVersion, list.plugins.length], ['k8s-pod-network', '0.3.1', 2]);
});

test('a file that is being written is left to its owner', async () => {
  const { installation, netDir, logged } = await node({ '10-a.conflist': '{"plug' });
  assert.equal(await installation.configure(), 0);
  assert.match(logged.join(), /10-a.conflist: /);
  assert.equal(await readFile(join(netDir, '10-a.conflist'), 'utf8'), '{"plug');
});

test('removal leaves the node as it was, but for lists that were single plug-ins', async () => {
  const { installation, netDir, binDir, types } = await node({ '10-a.conflist': JSON.stringify(CHAIN) });
  await installation.installProgram('/bin/true');
  await installation.writeKubeconfig('kind: Config\n');
  await installation.configure();
  assert.equal((await stat(join(binDir, 'linkerd-cni'))).mode & 0o777, 0o755);
  assert.equal((await stat(join(netDir, 'ZZZ-linkerd-cni-kubeconfig'))).mode & 0o777, 0o600);
  await installation.remove();
  assert.deepEqual(await types('10-a.conflist'), ['bridge', 'portmap']);
  assert.deepEqual([await readdir(netDir), await readdir(binDir)], [['10-a.conflist'], []]);
});
