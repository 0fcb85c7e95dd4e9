/** The mesh on the CNI plug-in, and the race: a pod that starts where the plug-in is not yet must not run unmeshed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
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

const MINUTE_MS = 60_000;
const SLEEP = '{name: app, image: curlimages/curl, command: [sh, -c, "sleep 100000"]}';
const APP = shop(
  `${workload('web', webContainer('hi'))}
${workload('meshed', SLEEP)}
${workload('plain', SLEEP, { annotations: 'linkerd.io/inject: disabled' })}
`,
  'config.linkerd.io/default-inbound-policy: all-authenticated',
);
/** Where the guide ends: with the controller that repairs. */
const REINSTALL = 'linkerd install-cni --set repairController.enabled=true | kubectl apply -f -';

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west']);
    const [install] = guideBlocks('cni.md').get('The CNI plug-in in place of linkerd-init') ?? [];
    await lab.ok(`set -e; ${install}`, { timeoutMs: 2 * MINUTE_MS });
    await lab.ok('kubectl -n linkerd-cni rollout status ds/linkerd-cni --timeout=60s', { timeoutMs: 2 * MINUTE_MS });
    // A short wait of the validator makes the test short.
    await lab.ok('linkerd upgrade --set networkValidator.timeout=2s | kubectl apply -f -');
    // Their own validators change, too: until the new injector is there, a pod may be admitted without it.
    for (const controller of ['identity', 'destination', 'proxy-injector'])
      await lab.ok(`kubectl -n linkerd rollout status deploy/linkerd-${controller} --timeout=120s`, {
        timeoutMs: 3 * MINUTE_MS,
      });
    await deploy(lab, APP);
  },
  { timeout: 7 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

async function request(from: string): Promise<string> {
  const curl = "curl -s -o /dev/null -w '%{http_code}' -m 5 http://web.shop/";
  const { stdout } = await lab.sh(`kubectl -n shop exec deploy/${from} -c app -- ${curl}`);
  return stdout.trim();
}
const podField = (app: string, path: string): Promise<string> =>
  lab.ok(`kubectl -n shop get pods -l app=${app} -o jsonpath='{.items[*]${path}}'`);

describe('the CNI plug-in', () => {
  test('captures both directions of pods that need no privilege for it', { timeout: MINUTE_MS }, async () => {
    assert.equal(await podField('web', '.spec.initContainers[*].name'), 'linkerd-network-validator linkerd-proxy');
    assert.equal(await request('meshed'), '200');
    assert.equal(await request('plain'), '403', 'who has no proxy has no identity');
  });

  test('leaves the node as it was when it goes; a pod then stays before its application', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await lab.ok('kubectl -n linkerd-cni delete ds linkerd-cni --wait');
    await eventually('the installer is gone', MINUTE_MS, async () =>
      (await lab.ok('kubectl -n linkerd-cni get pods -o name')) === '' ? true : undefined,
    );
    await lab.ok('kubectl apply -f -', { input: workload('late', SLEEP) });
    await eventually('the validator has failed', MINUTE_MS, async () =>
      (await podField('late', '.status.initContainerStatuses[0].lastState.terminated.exitCode')) === '95'
        ? true
        : undefined,
    );
    assert.equal(await podField('late', '.status.containerStatuses[0].state.waiting.reason'), 'PodInitializing');
    assert.equal(await podField('late', '.status.containerStatuses[0].state.running'), '');
  });

  test('when it is back, the repair controller has such pods made anew, and they are meshed', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const before = await podField('late', '.metadata.name');
    await lab.ok(REINSTALL);
    await lab.ok('kubectl -n linkerd-cni rollout status ds/linkerd-cni --timeout=60s', { timeoutMs: 2 * MINUTE_MS });
    await lab.ok('kubectl -n shop wait --for=condition=Available --timeout=60s deploy/late', {
      timeoutMs: 2 * MINUTE_MS,
    });
    assert.notEqual(await podField('late', '.metadata.name'), before);
    assert.equal(await request('late'), '200');
    const reasons = await lab.ok("kubectl -n shop get events -o jsonpath='{.items[*].reason}'");
    assert.match(reasons, /\bLinkerdCNINotConfigured\b/);
  });
});
