/**
 * One cluster as its user meets it: the mesh is installed with certificates of one's own, two workloads talk over mutual TLS,
 * and every promise is looked at from outside: metrics of both sides, the wire, and what happens to traffic when pods go.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createCertificate } from '#cli/certificates';
import { type Capture, captureVeth } from '../../../packages/cli/demo/capture.ts';
import { hasSample } from '../../../packages/cli/demo/mtls.ts';
import { eventually, type Lab, requireProgram, startLab } from '../../harness/index.ts';
import { APP, SECRET, UNMESHED } from './one-cluster.ts';

const MINUTE_MS = 60_000;
const identityOf = (account: string) => `${account}.shop.serviceaccount.identity.linkerd.cluster.local`;

let lab: Lab;
let folder: string;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('tcpdump', 'the Debian package tcpdump');
    folder = mkdtempSync(join(tmpdir(), 'weft-one-cluster-'));
    lab = await startLab(['--clusters', 'west']);
  },
  { timeout: 3 * MINUTE_MS },
);
after(
  async () => {
    rmSync(folder, { recursive: true, force: true });
    await lab?.down();
  },
  { timeout: MINUTE_MS },
);

const kubectl = (words: string) => lab.ok(`kubectl -n shop ${words}`);
/** Runs a command in a pod of the Deployment. */
const inside = (deployment: string, command: string) => kubectl(`exec deploy/${deployment} -c app -- ${command}`);
const metricsOf = (deployment: string) => lab.ok(`linkerd diagnostics proxy-metrics -n shop deploy/${deployment}`);

async function metricSeen(deployment: string, family: string, labels: Record<string, string>): Promise<void> {
  const what = `${deployment} has ${family} with ${JSON.stringify(labels)}`;
  await eventually(what, 20_000, async () => hasSample(await metricsOf(deployment), family, labels) || undefined);
}

describe('one cluster', () => {
  test('the mesh is installed with certificates of its user, and check passes', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const root = await createCertificate({ commonName: 'root.linkerd.cluster.local', isCa: true, days: 365 });
    const issuer = await createCertificate({
      commonName: 'identity.linkerd.cluster.local',
      isCa: true,
      days: 200,
      issuer: root,
    });
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const flags = [
      `--identity-trust-anchors-file ${file('ca.crt', root.certificate)}`,
      `--identity-issuer-certificate-file ${file('issuer.crt', issuer.certificate)}`,
      `--identity-issuer-key-file ${file('issuer.key', issuer.key)}`,
    ];
    await lab.ok('weft install --crds | kubectl apply -f -');
    await lab.ok(`weft install ${flags.join(' ')} | kubectl apply -f -`);
    const check = await lab.ok('linkerd check', { timeoutMs: 2 * MINUTE_MS });
    for (const category of ['kubernetes-api', 'linkerd-existence', 'linkerd-identity', 'linkerd-control-plane-proxy'])
      assert.match(check, new RegExp(`^${category}\\n-+\\n√ `, 'm'));
    assert.match(check, /√ issuer cert is issued by the trust anchor/);
    assert.match(check, /^Status check results are √$/m);
    assert.doesNotMatch(check, /^[×‼]/m);
    const kept = await lab.ok(
      "kubectl -n linkerd get cm linkerd-identity-trust-roots -o jsonpath='{.data.ca-bundle\\.crt}'",
    );
    assert.equal(kept.trim(), root.certificate.trim());
    const [client, server] = (await lab.ok('linkerd version')).trim().split('\n');
    assert.match(client ?? '', /^Client version: \S+$/);
    assert.equal(server?.replace('Server', 'Client'), client);
  });

  test('workloads of an annotated namespace get a proxy and talk', { timeout: 2 * MINUTE_MS }, async () => {
    await lab.ok('kubectl apply -f -', { input: APP });
    await kubectl('wait --for=condition=Available --timeout=90s deploy --all');
    assert.match(await inside('client', 'curl -sS -m 10 http://web/'), new RegExp(SECRET));
  });

  test('both proxies name the identity of the other side', { timeout: MINUTE_MS }, async () => {
    await metricSeen('client', 'response_total', {
      direction: 'outbound',
      tls: 'true',
      server_id: identityOf('web'),
      status_code: '200',
    });
    await metricSeen('web', 'response_total', { direction: 'inbound', tls: 'true', client_id: identityOf('client') });
  });

  test('the server is told who the client is by its proxy, not by the client', { timeout: MINUTE_MS }, async () => {
    const forged = "-H 'l5d-client-id: admin.shop.serviceaccount.identity.linkerd.cluster.local'";
    const told = async (from: string): Promise<unknown> => {
      const headers = JSON.parse(await inside(from, `curl -sS -m 10 ${forged} http://echo:8081/`)) as object;
      return (headers as Record<string, unknown>)['l5d-client-id'];
    };
    assert.equal(await told('client'), identityOf('client'));
    assert.equal(await told('plain'), undefined);
  });

  test('a client without a proxy still gets through, and is counted as such', { timeout: MINUTE_MS }, async () => {
    assert.match(await inside('plain', 'curl -sS -m 10 http://web/'), new RegExp(SECRET));
    await metricSeen('web', 'response_total', { direction: 'inbound', tls: 'no_identity', status_code: '200' });
  });

  test('the wire holds no plaintext between meshed pods; it does without a proxy', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    const meshed = await captureDuringRequests('client');
    assert.ok(meshed.packets > 10, `the capture of a meshed client holds ${meshed.packets} packets`);
    assert.equal(meshed.plaintext, false);
    const plain = await captureDuringRequests('plain');
    assert.ok(plain.packets > 10, `the capture of an unmeshed client holds ${plain.packets} packets`);
    assert.equal(plain.plaintext, true);
  });

  test('a protocol in which the server speaks first is carried over mutual TLS', { timeout: MINUTE_MS }, async () => {
    const said = await inside('client', 'curl -sS -m 10 telnet://echo:7000');
    assert.equal(said, '220 greetings\n');
    await metricSeen('client', 'tcp_open_total', {
      direction: 'outbound',
      peer: 'dst',
      tls: 'true',
      server_id: identityOf('echo'),
    });
    await metricSeen('echo', 'tcp_open_total', {
      direction: 'inbound',
      peer: 'src',
      tls: 'true',
      client_id: identityOf('client'),
    });
  });

  test('pods that are added take their share; pods deleted under load lose no request', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await kubectl('scale deploy/load --replicas=1');
    await kubectl('rollout status deploy/load --timeout=60s');
    await eventually('the load has results', 30_000, async () => (await results()).ok > 20 || undefined);
    await kubectl('scale deploy/web --replicas=3');
    const ips = await eventually('three pods are ready', MINUTE_MS, async () => {
      const ready = await readyIps();
      return ready.length === 3 ? ready : undefined;
    });
    await eventually('the client balances over all three', 30_000, async () => {
      const metrics = await metricsOf('load');
      const used = (ip: string) => hasSample(metrics, 'response_total', { direction: 'outbound', target_ip: ip });
      return ips.every(used) || undefined;
    });
    const before = await results();
    const victim = (await kubectl("get pod -l app=web -o jsonpath='{.items[0].metadata.name}'")).trim();
    await kubectl(`delete pod ${victim} --timeout=60s`);
    await kubectl('scale deploy/web --replicas=1');
    await eventually('one pod is left', MINUTE_MS, async () => {
      const names = (await kubectl('get pod -l app=web -o name')).trim().split('\n');
      return names.length === 1 && !names[0]?.endsWith(victim) ? true : undefined;
    });
    const later = await eventually('the load goes on', 30_000, async () => {
      const now = await results();
      return now.ok + now.failed.length > before.ok + 60 ? now : undefined;
    });
    assert.deepEqual(later.failed, []);
  });

  test('uninject takes away what inject wrote', { timeout: MINUTE_MS }, async () => {
    const injected = await lab.ok('linkerd inject -', { input: UNMESHED });
    assert.match(injected, /linkerd\.io\/inject: enabled/);
    assert.doesNotMatch(UNMESHED, /linkerd\.io/);
    const bare = await lab.ok('linkerd uninject -', { input: injected });
    assert.doesNotMatch(bare, /linkerd\.io/);
    assert.match(bare, /^kind: Deployment$/m);
  });
});

/** What crosses the cable of the server's pod while a client asks it again and again. */
async function captureDuringRequests(client: string): Promise<Capture> {
  const columns = "jsonpath='{.items[0].spec.nodeName} {.items[0].status.podIP}'";
  const [node = '', podIp = ''] = (await kubectl(`get pod -l app=web -o ${columns}`)).trim().split(' ');
  const ended = new AbortController();
  const capturing = captureVeth({ lab: lab.name, node, podIp }, SECRET, 4, ended.signal);
  const asking = (async () => {
    while (!ended.signal.aborted) await inside(client, "sh -c 'curl -sS -m 10 http://web/?[1-5]'");
  })();
  try {
    return await capturing;
  } finally {
    ended.abort();
    await asking;
  }
}

/** Results of the load so far: how many answered 200, and every line that says otherwise. */
async function results(): Promise<{ ok: number; failed: string[] }> {
  const log = await kubectl('logs deploy/load -c app');
  const lines = [...log.matchAll(/\t(\d{3} .*)$/gm)].map(([, result = '']) => result.trim());
  return { ok: lines.filter((line) => line === '200').length, failed: lines.filter((line) => line !== '200') };
}

async function readyIps(): Promise<string[]> {
  const slices = await kubectl(
    'get endpointslices -l kubernetes.io/service-name=web -o jsonpath=\'{range .items[*].endpoints[?(@.conditions.ready==true)]}{.addresses[0]}{"\\n"}{end}\'',
  );
  return slices.split('\n').filter(Boolean);
}
