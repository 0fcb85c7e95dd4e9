/**
 * Two linked clusters under traffic, and a third Link whose API server lies in a black hole: it says so in its status and in
 * check, and nobody else notices. Then the API server of the good Link goes out of reach, too: what it gave stays.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, type Lab, requireProgram, startLab } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
/** An address of the documentation range: no route of the lab leads there, and the lab has no way out. */
const BLACK_HOLE = 'https://192.0.2.1:6443';
/** What an answer may take: an order of magnitude over the usual on a busy machine, an order below any connect timeout. */
const ANSWER_SECONDS_MAX = 2;

const app = (cluster: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {linkerd.io/inject: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {mirror.linkerd.io/federated: member}}
spec: {selector: {app: web}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: local, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - {name: app, image: "buoyantio/bb:v0.0.6", args: [terminus, --h1-server-port=8080, --response-text=from-${cluster}-], ports: [{containerPort: 8080}]}
`;

const load = (name: string, url: string) => {
  const args = ['-s', '--rate', '10/s', '--max-time', '20', '--no-buffer'];
  const line = '\t%{http_code} %{time_total} %{errormsg}\n';
  return `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - {name: app, image: curlimages/curl, command: [curl], args: ${JSON.stringify([...args, '--write-out', line, `${url}?[1-100000]`])}}
`;
};
const LOADS = ['load-federated', 'load-local'] as const;

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west,east', '--mesh']);
    for (const cluster of ['west', 'east']) {
      const kubectl = `kubectl --context ${cluster}`;
      await lab.ok(`linkerd --context ${cluster} multicluster install --gateway=false | ${kubectl} apply -f -`);
      await lab.ok(`${kubectl} apply -f -`, { input: app(cluster) });
      await lab.ok(`${kubectl} -n shop rollout status deploy/web --timeout=60s`);
    }
    await link('east');
    await federated(2);
    const loads = load('load-federated', 'http://web-federated:8080/') + load('load-local', 'http://local:8080/');
    await lab.ok('kubectl --context west apply -f -', { input: loads });
    for (const name of LOADS) await kubectl(`-n shop rollout status deploy/${name} --timeout=60s`);
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const kubectl = (words: string) => lab.ok(`kubectl --context west ${words}`);

/** Links west to east under a name, with the kubeconfigs of the credentials changed by `edit`. */
async function link(name: string, edit = (kubeconfig: string) => kubeconfig): Promise<void> {
  const manifest = await lab.ok(`linkerd --context east multicluster link --cluster-name=${name} --gateway=false`);
  const input = manifest.replaceAll(
    /^( {2}kubeconfig: )(\S+)$/gm,
    (_line, key: string, encoded: string) =>
      key + Buffer.from(edit(Buffer.from(encoded, 'base64').toString('utf8'))).toString('base64'),
  );
  await lab.ok('kubectl --context west apply -f -', { input });
  await kubectl(`-n linkerd-multicluster rollout status deploy/controller-${name} --timeout=60s`);
}

const intoBlackHole = (kubeconfig: string): string => {
  const edited = kubeconfig.replace(/server: \S+/, `server: ${BLACK_HOLE}`);
  assert.notEqual(edited, kubeconfig);
  return edited;
};

/** Rows of `diagnostics endpoints` for the federated service, once there are so many. */
const federated = (rows: number): Promise<string[]> =>
  eventually(`diagnostics endpoints shows ${rows} rows`, 30_000, async () => {
    const output = await lab.ok(
      'linkerd --context west diagnostics endpoints web-federated.shop.svc.cluster.local:8080',
    );
    const lines = output.trim().split('\n').slice(1);
    return lines.length === rows ? lines : undefined;
  });

interface Reachable {
  status: string;
  reason: string;
  message: string;
}

const reachable = async (name: string): Promise<Reachable | undefined> => {
  const text = await kubectl(`-n linkerd-multicluster get link ${name} -o json`);
  const link = JSON.parse(text) as { status?: { conditions?: (Reachable & { type: string })[] } };
  return link.status?.conditions?.find(({ type }) => type === 'RemoteReachable');
};

interface Answer {
  line: string;
  ok: boolean;
  seconds: number;
}

/** Every answer that a load got so far. */
async function answersOf(name: string): Promise<Answer[]> {
  const log = await kubectl(`-n shop logs deploy/${name} -c app`);
  return [...log.matchAll(/^(.*)\t(\d{3}) ([\d.]+) (.*)$/gm)].map(([line, , status, seconds]) => ({
    line,
    ok: status === '200',
    seconds: Number(seconds),
  }));
}

/**
 * Looks at the next `count` answers of each load: all good, none slow. Which cluster gave them is the balancer's choice: it
 * spares an endpoint that was slow once for as long as it remembers, which may be longer than anybody wants to wait here.
 */
async function trafficGoesOn(count: number, loads: readonly string[] = LOADS): Promise<Answer[]> {
  const seen = await Promise.all(loads.map(async (name) => (await answersOf(name)).length));
  const all: Answer[] = [];
  for (const [index, name] of loads.entries()) {
    const fresh = await eventually(`${name} has ${count} more answers`, MINUTE_MS, async () => {
      const answers = (await answersOf(name)).slice(seen[index] ?? 0);
      return answers.length >= count ? answers : undefined;
    });
    assert.deepEqual(
      fresh.filter(({ ok, seconds }) => !ok || seconds > ANSWER_SECONDS_MAX),
      [],
    );
    if (name === 'load-local') assert.ok(fresh.every(({ line }) => line.includes('from-west-')));
    all.push(...fresh);
  }
  return all;
}

describe('a Link whose API server cannot be reached', () => {
  test('before it comes, traffic flows over the Link east', { timeout: 2 * MINUTE_MS }, async () => {
    await eventually(
      'east is reachable',
      30_000,
      async () => (await reachable('east'))?.status === 'True' || undefined,
    );
    await eventually(
      'east answers',
      30_000,
      async () => (await answersOf('load-federated')).some(({ line }) => line.includes('from-east-')) || undefined,
    );
    await trafficGoesOn(30);
  });

  test('says so in its own status, and disturbs nobody', { timeout: 3 * MINUTE_MS }, async () => {
    await link('south', intoBlackHole);
    const south = await eventually('south is known to be out of reach', MINUTE_MS, async () => {
      const condition = await reachable('south');
      return condition?.status === 'False' ? condition : undefined;
    });
    assert.equal(south.reason, 'Unreachable');
    assert.match(south.message, /\S/);
    assert.equal((await reachable('east'))?.status, 'True');
    await trafficGoesOn(50);
    const rows = await federated(2);
    assert.ok(
      rows.every((row) => /\sweb\.shop\s*$/.test(row)),
      rows.join('\n'),
    );
  });

  test('still lets changes of the other Link through, and of the cluster itself', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await lab.ok('kubectl --context east -n shop scale deploy/web --replicas=2');
    await federated(3);
    await kubectl('-n shop scale deploy/web --replicas=2');
    await federated(4);
    await trafficGoesOn(30);
  });

  test('is named by check, with its address or why; the other is not', { timeout: 2 * MINUTE_MS }, async () => {
    const { code, stdout } = await lab.sh('linkerd --context west multicluster check', { timeoutMs: 2 * MINUTE_MS });
    assert.equal(code, 1, stdout);
    const lines = stdout.split('\n');
    const at = lines.indexOf('× remote cluster access credentials are valid');
    assert.ok(at >= 0, stdout);
    const detail = lines.slice(at + 1, at + 5).join('\n');
    assert.match(detail, /south: \S/);
    assert.doesNotMatch(detail, /east: /);
    assert.match(stdout, /^Status check results are ×$/m);
  });
});

describe('a Link whose API server goes out of reach later', () => {
  test('keeps what it gave, says that it is cut off, and comes back', { timeout: 4 * MINUTE_MS }, async () => {
    const secrets = ['linkerd-multicluster', 'linkerd'];
    const path = (namespace: string) =>
      `-n ${namespace} get secret cluster-credentials-east -o jsonpath='{.data.kubeconfig}'`;
    const originals = await Promise.all(secrets.map((namespace) => kubectl(path(namespace))));
    const write = async (edit: (kubeconfig: string) => string): Promise<void> => {
      for (const [index, namespace] of secrets.entries()) {
        const text = Buffer.from(originals[index] ?? '', 'base64').toString('utf8');
        const patch = JSON.stringify({ data: { kubeconfig: Buffer.from(edit(text)).toString('base64') } });
        await kubectl(`-n ${namespace} patch secret cluster-credentials-east --type=merge -p '${patch}'`);
      }
    };
    await write(intoBlackHole);
    await eventually(
      'east is out of reach',
      MINUTE_MS,
      async () => (await reachable('east'))?.status === 'False' || undefined,
    );
    await trafficGoesOn(30);
    await federated(4);
    await kubectl('-n shop scale deploy/load-local --replicas=0');
    await kubectl('-n shop scale deploy/web --replicas=0');
    await federated(2);
    await kubectl('-n shop wait --for=delete pod -l app=web --timeout=60s');
    const ofEast = await trafficGoesOn(20, ['load-federated']);
    assert.ok(ofEast.slice(5).every(({ line }) => line.includes('from-east-')));
    await write((kubeconfig) => kubeconfig);
    await eventually(
      'east is reachable again',
      MINUTE_MS,
      async () => (await reachable('east'))?.status === 'True' || undefined,
    );
    await lab.ok('kubectl --context east -n shop scale deploy/web --replicas=1');
    await federated(1);
    await trafficGoesOn(20, ['load-federated']);
  });
});
