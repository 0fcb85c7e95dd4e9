import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { CUSTOM_RESOURCE_DEFINITIONS, type KubeObject } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { registerInstall } from '../commands/install.ts';
import { UserError } from '../context.ts';
import { FakeIo, fakeContext } from '../io.fake.ts';

type Found = 'absent' | 'ours' | 'foreign' | 'foreign and old';

function cluster(found: Found): FakeKubeClient {
  const client = new FakeKubeClient().answerRaw('/version', { gitVersion: 'v1.34.0' });
  if (found === 'absent') return client;
  const annotations = found === 'ours' ? { 'linkerd.io/created-by': 'linkerd/cli x' } : {};
  return client.seed(CUSTOM_RESOURCE_DEFINITIONS, {
    metadata: { name: 'httproutes.gateway.networking.k8s.io', annotations },
    spec: { versions: [{ name: found === 'foreign and old' ? 'v1beta1' : 'v1', served: true }] },
  } as KubeObject);
}

/** What `install --crds` does: prints the Gateway API's definitions or not, or refuses with a sentence and prints nothing. */
async function crds(found: Found, ...flags: string[]): Promise<string> {
  const io = new FakeIo();
  const program = new Command().exitOverride();
  registerInstall(program, fakeContext(cluster(found), io));
  try {
    await program.parseAsync(['install', '--crds', ...flags], { from: 'user' });
  } catch (error) {
    assert.ok(error instanceof UserError, 'the program ends with 1 and this sentence');
    assert.equal(io.stdout, '', 'nothing for kubectl to apply');
    return `refused: ${error.message}`;
  }
  return io.stdout.includes('name: httproutes.gateway.networking.k8s.io') ? 'with them' : 'without them';
}

const no = ['--set', 'installGatewayAPI=false'];
const yes = ['--set', 'installGatewayAPI=true'];

test('where nobody has installed the Gateway API, it comes along', async () => {
  assert.equal(await crds('absent'), 'with them');
  assert.equal(await crds('absent', ...yes), 'with them');
});

test('where it is neither there nor to be installed, nothing is printed but how to get it', async () => {
  assert.equal(
    await crds('absent', ...no),
    'refused: The Gateway API CRDs must be installed prior to installing Linkerd. Run:\n\n    kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml\n\nor leave out installGatewayAPI=false.',
  );
});

test('what somebody else installed is left alone, and has to serve v1', async () => {
  assert.equal(await crds('foreign'), 'without them');
  assert.equal(await crds('foreign', ...no), 'without them');
  assert.match(await crds('foreign', ...yes), /^refused: .* already installed by something else/);
  assert.match(await crds('foreign and old'), /^refused: .* do not serve v1/);
});

test('what the mesh installed is installed again, and not orphaned', async () => {
  assert.equal(await crds('ours'), 'with them');
  assert.match(await crds('ours', ...no), /^refused: .* would orphan them/);
});

test('without a look at the cluster, it is left out unless asked for', async () => {
  assert.equal(await crds('absent', '--ignore-cluster'), 'without them');
  assert.equal(await crds('foreign', '--ignore-cluster', ...yes), 'with them');
});
