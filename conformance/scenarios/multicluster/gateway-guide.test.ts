/** The guide to gateways, by its own commands: a service of a cluster that nobody else reaches, half of another one's traffic, a dead gateway. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, guideBlocks, type Lab, requireProgram, startLab, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const GUIDE = guideBlocks('gateways.md');

let lab: Lab;
/** Runs a block of the guide. */
const follow = (heading: string, at = 0): Promise<string> =>
  lab.ok(`set -e\n${GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`)}`, {
    timeoutMs: 4 * MINUTE_MS,
  });

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west,east', '--nodes', '1', '--isolated', '--mesh']);
    await follow('Install the gateway');
    await follow('Export a service');
    const sleeper = '{name: app, image: debian, command: [sleep, infinity]}';
    await lab.ok('kubectl --context west apply -f -', {
      input: workload('client', sleeper) + workload('other', sleeper),
    });
    await lab.ok(
      'kubectl --context west -n shop wait --for=condition=Available deploy/client deploy/other --timeout=90s',
      {
        timeoutMs: 2 * MINUTE_MS,
      },
    );
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** Head and body of one answer. */
const ask = (url: string) =>
  lab.ok(`kubectl --context west -n shop exec deploy/client -c app -- curl -s -i -m 10 ${url}`);

/** How often each cluster answers, of so many requests. */
async function answers(url: string, requests: number): Promise<{ west: number; east: number; failed: number }> {
  const command = `for i in $(seq ${requests}); do curl -s -m 5 ${url} || echo failed; echo; done`;
  const text = await lab.ok(`kubectl --context west -n shop exec deploy/client -c app -- sh -c '${command}'`, {
    timeoutMs: 2 * MINUTE_MS,
  });
  const count = (what: string): number => text.split(what).length - 1;
  const [west, east] = [count('from-west'), count('from-east')];
  return { west, east, failed: requests - west - east };
}

describe('the guide to gateways', () => {
  test('a plan says what would be mirrored', { timeout: MINUTE_MS }, async () => {
    const plan = await follow('Export a service', 1);
    assert.match(plan, /^NAMESPACE +SERVICE +MODE +LOCAL +RESULT\nshop +web +gateway +web-east +created\n$/);
  });

  test('linked, the service is there, the gateway alive, and check is content', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await follow('Link the clusters');
    const said = await eventually('a content check', 2 * MINUTE_MS, async () => {
      const text = await follow('Link the clusters', 1);
      // Before the first probe it is not known to be alive.
      return /^east +True +1 +\d+ms$/m.test(text) ? text : undefined;
    });
    assert.match(said, /^service\/web-east /m);
    assert.match(said, /Status check results are √/);
    await eventually('an answer from the east', MINUTE_MS, async () =>
      (await answers('http://web-east/', 1)).east === 1 ? true : undefined,
    );
  });

  test('applied again, the Link is the same', { timeout: MINUTE_MS }, async () => {
    const done = await follow('Link the clusters');
    for (const line of done.trim().split('\n')) assert.match(line, / unchanged$/);
  });

  test('half of the requests of one service go to the other', { timeout: 2 * MINUTE_MS }, async () => {
    assert.deepEqual(await answers('http://web/', 10), { west: 10, east: 0, failed: 0 });
    await follow('Split the traffic');
    await eventually('an answer from the east', 30_000, async () =>
      (await answers('http://web/', 10)).east > 0 ? true : undefined,
    );
    const { west, east, failed } = await answers('http://web/', 60);
    assert.equal(failed, 0);
    assert.ok(west > 12 && east > 12, `about 30 of 60 each: ${west}, ${east}`);
  });

  test('a gateway that stops is seen, and comes back', { timeout: 4 * MINUTE_MS }, async () => {
    await follow('Stop the gateway');
    await eventually('a dead gateway', 2 * MINUTE_MS, async () => {
      const text = await follow('Stop the gateway', 1);
      return text.includes('ProbesFailed') && /^east +False +1 +-$/m.test(text) ? true : undefined;
    });
    await eventually('answers of the west alone', 30_000, async () => {
      assert.deepEqual(await answers('http://web/', 20), { west: 20, east: 0, failed: 0 });
      return true;
    });
    const alone = await ask('http://web-east/');
    assert.match(alone, /^HTTP\/1.1 50[34] /);
    assert.match(alone, /\nl5d-proxy-error: /);
    await follow('Stop the gateway', 2);
    await eventually('both shares', MINUTE_MS, async () => {
      const { west, east, failed } = await answers('http://web/', 20);
      assert.equal(failed, 0);
      return west > 2 && east > 2 ? true : undefined;
    });
  });

  test('a service that trusts the gateway serves one client, and refuses the other', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await follow('One service for one client');
    const status = (pod: string): Promise<string> =>
      lab.ok(
        `kubectl --context west -n shop exec deploy/${pod} -c app -- curl -s -m 5 -o /dev/null -w '%{http_code}' http://web-east/`,
      );
    await eventually('the policy', 30_000, async () => ((await status('other')) === '403' ? true : undefined));
    await eventually('the client is itself', 30_000, async () =>
      (await status('client')) === '200' ? true : undefined,
    );
    assert.equal(await status('other'), '403');
  });

  test('held to what is exported, and probed at its only port, the gateway goes on', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await follow('Only what is exported, through one port');
    const ports = `kubectl --context east -n linkerd-multicluster get svc linkerd-gateway -o jsonpath='{.spec.ports[*].port}'`;
    assert.equal(await lab.ok(ports), '4143');
    const link = `kubectl --context west -n linkerd-multicluster get link east -o jsonpath='{.spec.probeSpec.port}'`;
    assert.equal(await lab.ok(link), '4143');
    await eventually('it is alive', MINUTE_MS, async () =>
      /^east +True +1 +\d+ms$/m.test(await lab.ok('weft --context west multicluster gateways')) ? true : undefined,
    );
    await eventually('an answer from the east', MINUTE_MS, async () =>
      (await answers('http://web-east/', 1)).east === 1 ? true : undefined,
    );
    const check = async (): Promise<string> =>
      (await lab.sh('weft --context west multicluster check --wait=0s')).stdout;
    assert.match(await check(), /√ gateways reach what is mirrored through them\n\t\* east\n/);
    const annotate = (services: string): Promise<string> =>
      lab.ok(
        `kubectl --context east -n linkerd-multicluster annotate --overwrite svc/linkerd-gateway gateway.weft.dev/services=${services}`,
      );
    await annotate('tier=public');
    assert.match(
      await check(),
      /‼ gateways reach .*\n.*\n {4}\* east: gateway linkerd-multicluster\/linkerd-gateway reaches only Services with tier=public, not shop\/web\n/,
    );
    await annotate('mirror.linkerd.io/exported=true');
  });

  test('unlinked, nothing is left', { timeout: 2 * MINUTE_MS }, async () => {
    await follow('Take it apart');
    await eventually('no mirror', 30_000, async () =>
      (await lab.ok('kubectl --context west get svc -A -o name')).includes('web-east') ? undefined : true,
    );
    assert.deepEqual(await answers('http://web/', 5), { west: 5, east: 0, failed: 0 });
  });

  test('what is left of a Link that was deleted by hand is unlinked, once', { timeout: 2 * MINUTE_MS }, async () => {
    await lab.ok('weft --context east multicluster link --cluster-name east | kubectl --context west apply -f -');
    await lab.ok('kubectl --context west -n linkerd-multicluster delete link east');
    const unlink = 'weft --context west multicluster unlink --cluster-name east';
    const done = await lab.ok(`set -o pipefail; ${unlink} | kubectl --context west delete -f -`);
    assert.match(done, /^deployment\.apps "controller-east" deleted/);
    for (const left of ['role.rbac.authorization.k8s.io', 'secret'])
      assert.equal(done.split(`\n${left} "`).length, 3, done);
    // A controller that was just starting may make its Lease in the same moment: it alone is left then, and the next time nothing.
    const last = await eventually('nothing is left', MINUTE_MS, async () => {
      const again = await lab.sh(unlink);
      if (again.code === 1) return again;
      assert.deepEqual(
        [...again.stdout.matchAll(/^kind: (.+)$/gm)].map(([, kind]) => kind),
        ['Lease'],
        again.stdout,
      );
      await lab.ok(`${unlink} | kubectl --context west delete --ignore-not-found -f -`);
      return undefined;
    });
    assert.equal(last.stdout, '');
    assert.match(last.stderr, /there is no Link east .*; saw no Links/);
  });
});
