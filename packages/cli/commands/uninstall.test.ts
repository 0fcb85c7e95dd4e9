import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { type AnyObject, CLUSTER_ROLES, CUSTOM_RESOURCE_DEFINITIONS, type KubeObject } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeIo, fakeContext } from '../io.fake.ts';
import { CRD_DEFAULTS, renderCrds } from '../manifests/index.ts';
import { parseManifests } from '../output/index.ts';
import { registerUninstall } from './uninstall.ts';

const route = (namespace: string, name: string): KubeObject => ({ metadata: { namespace, name } }) as KubeObject;
const GATEWAY = 'gateway.networking.k8s.io';

/** A cluster with every definition that `install --crds` brings, and a role. */
function installed(): FakeKubeClient {
  const client = new FakeKubeClient();
  const values = { ...CRD_DEFAULTS, installGatewayAPI: true };
  for (const definition of renderCrds({ namespace: 'linkerd', values }))
    client.seed(CUSTOM_RESOURCE_DEFINITIONS, definition as KubeObject);
  const labels = { 'linkerd.io/control-plane-ns': 'linkerd' };
  return client.seed(CLUSTER_ROLES, { metadata: { name: 'linkerd-policy', labels } } as KubeObject);
}

async function uninstall(client: FakeKubeClient, ...flags: string[]) {
  const io = new FakeIo();
  const program = new Command().exitOverride();
  registerUninstall(program, fakeContext(client, io));
  await program.parseAsync(['uninstall', ...flags], { from: 'user' });
  const names = parseManifests(io.stdout, 'stdout').map(({ metadata }: AnyObject) => metadata.name ?? '');
  return { names, stderr: io.stderr };
}

test('all that is labelled goes where nobody has routes, without a word', async () => {
  const { names, stderr } = await uninstall(installed());
  assert.equal(stderr, '');
  for (const name of ['linkerd-policy', 'servers.policy.linkerd.io', `httproutes.${GATEWAY}`, `tcproutes.${GATEWAY}`])
    assert.ok(names.includes(name), name);
});

test('definitions of the Gateway API stay where there are routes, unless forced', async () => {
  const client = installed()
    .seed({ group: GATEWAY, version: 'v1', resource: 'httproutes' }, route('shop', 'a'), route('edge', 'b'))
    .seed({ group: GATEWAY, version: 'v1', resource: 'grpcroutes' }, route('shop', 'c'));
  const kept = await uninstall(client);
  assert.deepEqual(
    kept.names.filter((name) => name.endsWith(GATEWAY)),
    [`tcproutes.${GATEWAY}`, `tlsroutes.${GATEWAY}`],
  );
  assert.match(kept.stderr, /left out.*--force.*grpcroutes\.\S+: 1\n.*httproutes\.\S+: 2\n/s);
  const forced = await uninstall(client, '--force');
  assert.equal(forced.names.filter((name) => name.endsWith(GATEWAY)).length, 4);
  assert.match(forced.stderr, /deleted with their definitions.*httproutes\.\S+: 2\n/s);
});

test("definitions that somebody else installed stay, and the mesh's own go with what is counted", async () => {
  const client = new FakeKubeClient()
    .seed(CUSTOM_RESOURCE_DEFINITIONS, { metadata: { name: `httproutes.${GATEWAY}` } } as KubeObject)
    .seed({ group: 'policy.linkerd.io', version: 'v1beta3', resource: 'servers' }, route('shop', 'web'));
  for (const definition of renderCrds({ namespace: 'linkerd', values: CRD_DEFAULTS }))
    client.seed(CUSTOM_RESOURCE_DEFINITIONS, definition as KubeObject);
  const { names, stderr } = await uninstall(client);
  assert.ok(!names.includes(`httproutes.${GATEWAY}`));
  assert.ok(names.includes('servers.policy.linkerd.io'));
  assert.equal(stderr, '‼ Objects that are deleted with their definitions:\n\t* servers.policy.linkerd.io: 1\n');
});
