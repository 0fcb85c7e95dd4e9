/** docs/guides/install.md, command by command: install, high availability, upgrade, prune, removal, and the same by Helm. */
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
import { type InstallFolder, installFolder } from '../../harness/install-folder.ts';

const MINUTE_MS = 60_000;
const GUIDE = guideBlocks('install.md');
/** Asks for as long as it runs, and writes down each status. */
const LOAD = `{name: app, image: curlimages/curl, command: [curl], args: ${JSON.stringify([
  ...['-s', '--rate', '20/s', '--max-time', '10', '--no-buffer'],
  ...['--write-out', '\t%{http_code} %{errormsg}\n', 'http://web/?[1-100000]'],
])}}`;
const APP = shop(`${workload('web', webContainer('hi'))}
${workload('load', LOAD)}
`);

let lab: Lab;
let folder: InstallFolder;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    folder = await installFolder();
    lab = await startLab(['--clusters', 'west', '--nodes', '3']);
  },
  { timeout: 6 * MINUTE_MS },
);
after(
  async () => {
    await lab?.down();
    folder?.remove();
  },
  { timeout: MINUTE_MS },
);

/** Runs a block of the guide, in a folder that has what it names. */
async function follow(heading: string, at = 0): Promise<string> {
  const script = GUIDE.get(heading)?.[at] ?? assert.fail(`the guide has no block ${at} under ${heading}`);
  return lab.ok(folder.within(script), { timeoutMs: 4 * MINUTE_MS });
}
const k = async (command: string): Promise<string> => (await lab.ok(`kubectl ${command}`)).trim();
const rolledOut = (): Promise<string> =>
  lab.ok(
    'for each in identity destination proxy-injector; do kubectl -n linkerd rollout status deploy/linkerd-$each --timeout=150s || exit 1; done',
    { timeoutMs: 3 * MINUTE_MS },
  );

const startApp = async (): Promise<void> => {
  await deploy(lab, APP);
};

describe('installing', () => {
  test('the guide’s first commands make a mesh that passes its check', { timeout: 5 * MINUTE_MS }, async () => {
    await follow('First');
    assert.equal(await k("-n linkerd get deploy -o jsonpath='{.items[*].status.readyReplicas}'"), '1 1 1');
    const again = await lab.sh('linkerd install');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /existing installation.*linkerd upgrade/s);
    await startApp();
  });

  test('an upgrade to high availability keeps trust, loses no request, and gives three replicas apart, with one leader each', {
    timeout: 6 * MINUTE_MS,
  }, async () => {
    const issuer = "-n linkerd get secret linkerd-identity-issuer -o jsonpath='{.data.crt\\.pem}'";
    const before = await k(issuer);
    await lab.ok('linkerd upgrade --ha | kubectl apply -f -', { timeoutMs: 2 * MINUTE_MS });
    await rolledOut();
    assert.equal(await k(issuer), before);
    assert.equal(await k("-n linkerd get deploy -o jsonpath='{.items[*].status.readyReplicas}'"), '3 3 3');
    const nodes = await k(
      "-n linkerd get pods -l linkerd.io/control-plane-component=destination --field-selector=status.phase=Running -o jsonpath='{.items[*].spec.nodeName}'",
    );
    assert.equal(new Set(nodes.split(' ')).size, 3, nodes);
    const budgets = await k(
      "-n linkerd get pdb -o jsonpath='{range .items[*]}{.metadata.name}={.status.disruptionsAllowed} {end}'",
    );
    assert.equal(budgets, 'linkerd-dst=1 linkerd-identity=1 linkerd-proxy-injector=1');
    const holder = await eventually('the writer of external endpoints', MINUTE_MS, async () => {
      const name = await k(
        "-n linkerd get lease linkerd-destination-endpoint-write -o jsonpath='{.spec.holderIdentity}'",
      );
      return name === '' ? undefined : name;
    });
    assert.match(holder, /^linkerd-destination-/);
    assert.match(await lab.ok('linkerd check', { timeoutMs: 2 * MINUTE_MS }), /Status check results are √/);
    // Without bodies curl would keep its words for itself until they are 4 kB.
    const log = await k('-n shop logs deploy/load -c app');
    const statuses = Array.from(log.matchAll(/\t(\d{3}.*)$/gm), ([, status = '']) => status);
    assert.ok(statuses.length > 100, `${statuses.length} requests`);
    assert.deepEqual(
      statuses.filter((line) => !line.startsWith('200')),
      [],
      'meshed pods did not notice',
    );
  });

  test('the guide’s upgrade changes nothing that is up to date; prune takes what an older version left', {
    timeout: 5 * MINUTE_MS,
  }, async () => {
    const generations = "-n linkerd get deploy -o jsonpath='{.items[*].metadata.generation}'";
    const before = await k(generations);
    await k('create clusterrole linkerd-linkerd-tap --verb=get --resource=pods');
    await k('label clusterrole linkerd-linkerd-tap linkerd.io/control-plane-ns=linkerd');
    await follow('Upgrade');
    assert.equal(await k(generations), before, 'no rollout');
    assert.equal(await k('get clusterrole linkerd-linkerd-tap --ignore-not-found -o name'), '');
    assert.equal(await lab.ok('linkerd prune'), '');
  });

  test('removal is refused while pods are meshed, then complete', { timeout: 4 * MINUTE_MS }, async () => {
    const refused = await lab.sh('linkerd uninstall');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Please uninject .*\t\* shop\/web-/s);
    await k('delete namespace shop --wait');
    await follow('Remove');
    await eventually('the namespace is gone', MINUTE_MS, async () =>
      (await k('get namespace linkerd --ignore-not-found -o name')) === '' ? true : undefined,
    );
    const left = await k(
      'get crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration -l linkerd.io/control-plane-ns -o name',
    );
    assert.equal(left, '');
  });

  test('Helm installs the same from the charts, and it meshes', { timeout: 6 * MINUTE_MS }, async () => {
    // The routes of the Gateway API went with the removal; the controllers find them at their start.
    await follow('Helm');
    await rolledOut();
    assert.equal(await k("-n linkerd get deploy -o jsonpath='{.items[*].status.readyReplicas}'"), '3 3 3');
    const upgrade = await lab.sh('linkerd upgrade');
    assert.match(upgrade.stderr, /installed by Helm/);
    await startApp();
    const containers = await k("-n shop get pods -o jsonpath='{.items[*].spec.initContainers[*].name}'");
    assert.equal(containers, 'linkerd-init linkerd-proxy linkerd-init linkerd-proxy');
  });
});
