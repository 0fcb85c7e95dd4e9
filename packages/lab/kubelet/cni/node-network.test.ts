import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BoundPod } from '../types.ts';
import { addressOf, NodeNetwork, type NodePrograms } from './node-network.ts';
import type { NodeRun } from './node-view.ts';

const pod = {
  metadata: { name: 'p', namespace: 'n', uid: 'u', annotations: { a: 'b' } },
  spec: { nodeName: 'x', containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 8080 }] }] },
} as unknown as BoundPod;

type Call = { argv: readonly string[]; env: ReadonlyMap<string, string>; config: Record<string, unknown> };

/** A node on a folder of its own while `work` runs; its programs answer by `respond`. */
async function onNode(
  respond: (call: Call) => Partial<NodeRun>,
  work: (node: { network: NodeNetwork; root: string; calls: Call[]; logged: string[] }) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'weft-node-'));
  const calls: Call[] = [];
  const logged: string[] = [];
  const programs: NodePrograms = {
    run: async (argv, { env, stdin }) => {
      const call = { argv, env, config: JSON.parse(stdin) as Record<string, unknown> };
      calls.push(call);
      return { exitCode: 0, stdout: '', stderr: '', ...respond(call) };
    },
  };
  const network = new NodeNetwork({ root, gateway: '172.30.0.1', programs, log: (text) => logged.push(text) });
  try {
    network.prepare();
    await work({ network, root, calls, logged });
  } finally {
    rmSync(root, { recursive: true });
  }
}

const OWN = '/etc/cni/net.d/10-lab.conflist';

/** Appends plug-ins to the node's own list, as installers do, and puts programs of that name where they belong. */
function chain(root: string, ...types: string[]): void {
  const list = JSON.parse(readFileSync(join(root, OWN), 'utf8')) as { plugins: object[] };
  list.plugins.push(...types.map((type) => ({ type })));
  writeFileSync(join(root, OWN), JSON.stringify(list));
  for (const type of types) writeFileSync(join(root, '/opt/cni/bin', type), '');
}

const passOn = ({ config }: Call): Partial<NodeRun> => ({ stdout: JSON.stringify(config['prevResult'] ?? {}) });

test("a new node has the lab's network alone, which gives the address that the kubelet took", () =>
  onNode(passOn, async ({ network, calls }) => {
    const list = network.read();
    assert.ok(network.isOwn(list));
    const attached = await network.add(list, pod, { net: '/x', ip: '10.42.0.2' });
    assert.equal(addressOf(attached), '10.42.0.2');
    assert.deepEqual(attached.result?.ips, [{ interface: 0, address: '10.42.0.2/32', gateway: '172.30.0.1' }]);
    await network.remove(attached);
    assert.equal(calls.length, 0);
  }));

test('a network that is there already stays the only one', () =>
  onNode(passOn, async ({ network, root }) => {
    rmSync(join(root, OWN));
    writeFileSync(
      join(root, '/etc/cni/net.d/05-mine.conflist'),
      JSON.stringify({ name: 'm', plugins: [{ type: 'm' }] }),
    );
    network.prepare();
    assert.deepEqual(readdirSync(join(root, '/etc/cni/net.d')), ['05-mine.conflist']);
    assert.equal(network.isOwn(network.read()), false);
  }));

test('a chained plug-in is called with the variables and configuration of the specification', () =>
  onNode(passOn, async ({ network, root, calls }) => {
    chain(root, 'mesh');
    const attached = await network.add(network.read(), pod, { net: '/x', ip: '10.42.0.2' });
    const [{ argv, env, config }] = calls as [Call];
    assert.deepEqual(argv, ['/opt/cni/bin/mesh']);
    assert.equal(env.get('CNI_COMMAND'), 'ADD');
    assert.equal(env.get('CNI_NETNS'), '/run/netns/cni-u');
    assert.equal(env.get('CNI_IFNAME'), 'eth0');
    assert.equal(env.get('CNI_PATH'), '/opt/cni/bin');
    assert.match(env.get('CNI_ARGS') ?? '', /^IgnoreUnknown=1;K8S_POD_NAMESPACE=n;K8S_POD_NAME=p;/);
    assert.equal(config['name'], 'lab');
    assert.equal(config['cniVersion'], '1.0.0');
    assert.deepEqual((config['prevResult'] as { ips: unknown[] }).ips.length, 1);
    await network.check(attached);
    await network.remove(attached);
    assert.deepEqual(
      calls.map(({ env: each }) => each.get('CNI_COMMAND')),
      ['ADD', 'CHECK', 'DEL'],
    );
    assert.deepEqual(calls[2]?.config['prevResult'], attached.result);
  }));

test('a plug-in that fails is told with its message, and those before it are undone', () => {
  const respond = (call: Call): Partial<NodeRun> =>
    call.argv[0]?.endsWith('bad') && call.env.get('CNI_COMMAND') === 'ADD'
      ? { exitCode: 1, stdout: JSON.stringify({ code: 7, msg: 'no rules', details: 'at all' }) }
      : passOn(call);
  return onNode(respond, async ({ network, root, calls }) => {
    chain(root, 'good', 'bad');
    await assert.rejects(
      network.add(network.read(), pod, { net: '/x', ip: '10.42.0.2' }),
      /^PluginError: plugin type="bad" failed \(add\): no rules; at all$/,
    );
    assert.deepEqual(
      calls.map(({ argv, env }) => `${env.get('CNI_COMMAND')} ${argv[0]?.split('/').at(-1)}`),
      ['ADD good', 'ADD bad', 'DEL bad', 'DEL good'],
    );
  });
});

test('a plug-in that crashes is told by its remarks, one that is missing by its name', () =>
  onNode(
    () => ({ exitCode: 139, stderr: 'segmentation fault' }),
    async ({ network, root, logged }) => {
      chain(root, 'crash');
      const add = () => network.add(network.read(), pod, { net: '/x', ip: '10.42.0.2' });
      await assert.rejects(add(), /failed \(add\): exit code 139: segmentation fault$/);
      rmSync(join(root, '/opt/cni/bin/crash'));
      await assert.rejects(add(), /failed to find plugin "crash" in path \[\/opt\/cni\/bin\]$/);
      assert.equal(logged.length, 2, 'what could not be undone is logged');
    },
  ));

test("the lab's plug-in behind another is refused", () =>
  onNode(passOn, async ({ network, root }) => {
    const list = { name: 'n', cniVersion: '1.0.0', plugins: [{ type: 'x' }, { type: 'lab-network' }] };
    writeFileSync(join(root, OWN), JSON.stringify(list));
    writeFileSync(join(root, '/opt/cni/bin/x'), '');
    await assert.rejects(
      network.add(network.read(), pod, { net: '/x', ip: undefined }),
      /lab-network.*must be the first of its chain/,
    );
  }));
