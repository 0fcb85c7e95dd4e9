/** docs/guides/rotation.md, command by command, in a mesh at work: no request fails, and no pod is restarted. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
/** Requests whose outcomes are kept in the client's file. */
const PAUSE_SECONDS = 0.05;
const GUIDE = guideBlocks('rotation.md');
const FUNCTIONS = 'Look at what proxies know';

let lab: Lab;
let folder: string;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('openssl', 'the Debian package openssl');
    folder = mkdtempSync(join(tmpdir(), 'weft-rotation-'));
    lab = await startLab(['--clusters', 'west', '--mesh']);
    await deploy(lab, APP);
  },
  { timeout: 5 * MINUTE_MS },
);
after(
  async () => {
    if (folder) rmSync(folder, { recursive: true, force: true });
    await lab?.down();
  },
  { timeout: MINUTE_MS },
);

/** Asks the service again and again, over a connection of its own each time, and counts the answers by status. */
const CLIENT = `while true; do curl -s -o /dev/null -w '%{http_code}\\n' -m 5 http://web.shop/ >> /tmp/answers; sleep ${PAUSE_SECONDS}; done`;
const APP = shop(`${workload('web', webContainer('hi'))}
${workload('client', `{name: app, image: curlimages/curl, command: [sh, -c, ${JSON.stringify(CLIENT)}]}`)}
`);

const inClient = (command: string) => lab.ok(`kubectl -n shop exec deploy/client -c app -- ${command}`);

/** How often each status was the answer, and how often there was none (000). */
async function answers(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const status of (await inClient('cat /tmp/answers')).trim().split('\n'))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** All pods of the mesh, with the times that their containers were started again. */
async function pods(): Promise<string> {
  const columns =
    '{range .items[*]}{.metadata.name} {.status.initContainerStatuses[*].restartCount} {.status.containerStatuses[*].restartCount}{"\\n"}{end}';
  const of = (namespace: string) => lab.ok(`kubectl -n ${namespace} get pods -o jsonpath='${columns}'`);
  return `${await of('shop')}${await of('linkerd')}`;
}

/** What the proxies of pods say of the roots that they trust, and when they got their certificates. */
async function proxies(): Promise<{ roots: string[]; certifiedAt: number[] }> {
  const addresses = '{range .items[*]}{.status.podIP} {end}';
  const of = (namespace: string) => lab.ok(`kubectl -n ${namespace} get pods -o jsonpath='${addresses}'`);
  const ips = `${await of('shop')} ${await of('linkerd')}`.trim().split(/\s+/);
  const pages = await Promise.all(
    ips.map((ip) => lab.ok(`weft lab shell --name ${lab.name} -- curl -s http://${ip}:4191/metrics`)),
  );
  const value = (page: string, pattern: RegExp) => pattern.exec(page)?.[1] ?? '';
  return {
    roots: pages.map((page) => value(page, /^control_identity_trust_roots_info\{sha256="(\w+)"\} 1$/m)),
    certifiedAt: pages.map((page) => Number(value(page, /^control_identity_cert_refresh_timestamp_seconds (\S+)$/m))),
  };
}

const sha256Of = (...pems: string[]) => {
  const hash = createHash('sha256');
  for (const pem of pems) hash.update(new X509Certificate(pem).raw);
  return hash.digest('hex');
};

/** Runs a block of the guide, in its folder and with its functions. */
function follow(heading: string, at = 0): Promise<string> {
  const block = (of: string, nth: number) =>
    GUIDE.get(of)?.[nth] ?? assert.fail(`the guide has no block ${nth} under ${of}`);
  return lab.ok(`set -e; cd '${folder}'\n${block(FUNCTIONS, 0)}\n${block(heading, at)}`, { timeoutMs: 3 * MINUTE_MS });
}
const written = (name: string) => readFileSync(join(folder, name), 'utf8');

const trusted = async (...pems: string[]) => {
  const wanted = sha256Of(...pems);
  for (const each of (await proxies()).roots) assert.equal(each, wanted);
};
const labels = () =>
  lab.ok(
    "kubectl -n linkerd get secret/linkerd-identity-issuer cm/linkerd-identity-trust-roots -o jsonpath='{.items[*].metadata.labels}'",
  );

describe('the guide to rotation', () => {
  test('takes three steps, each seen in all proxies, and costs no request', { timeout: 12 * MINUTE_MS }, async () => {
    await eventually('requests', MINUTE_MS, async () => (((await answers())['200'] ?? 0) > 20 ? true : undefined));
    const started = await pods();
    const labelled = await labels();
    const [first, ...shown] = (await follow(FUNCTIONS, 1)).trim().split('\n');
    const old = written('old.crt');
    assert.equal(first, sha256Of(old));
    assert.equal(shown.length, started.trim().split('\n').length, 'a line for each pod');
    for (const line of shown) assert.ok(line.startsWith(`${first} `), line);

    await follow('Make the certificates');
    const next = written('root.crt');

    await follow('Put the new root beside the old one');
    await follow('Put the new root beside the old one', 1);
    await trusted(old, next);

    const switchedAt = Date.now() / 1000;
    await follow('Change the issuer');
    await follow('Change the issuer', 1);
    for (const at of (await proxies()).certifiedAt) assert.ok(at > switchedAt, `${at} > ${switchedAt}`);
    const events = await follow('Change the issuer', 2);
    for (const reason of ['TrustRootsUpdated', 'IssuerUpdated']) assert.match(events, new RegExp(reason));

    await follow('Drop the old root');
    await trusted(next);
    const checked = await follow('Drop the old root', 1);
    assert.match(checked, /√ data plane proxies certificate match CA/);
    assert.match(checked, /Status check results are √/);
    assert.match(
      await lab.ok('weft upgrade'),
      /linkerd-identity-trust-roots/,
      'the proxies are known to trust the issuer',
    );
    assert.equal(await pods(), started, 'no pod was replaced, no container started again');
    assert.equal(await labels(), labelled);

    await lab.ok('kubectl -n shop rollout restart deploy/web');
    await lab.ok('kubectl -n shop rollout status deploy/web --timeout=60s', { timeoutMs: 2 * MINUTE_MS });
    await eventually('the new pods trust the new root, too', MINUTE_MS, async () =>
      (await proxies()).roots.every((each) => each === sha256Of(next)) ? true : undefined,
    );
    const before = (await answers())['200'] ?? 0;
    await eventually('more requests', MINUTE_MS, async () =>
      ((await answers())['200'] ?? 0) > before + 20 ? true : undefined,
    );
    assert.deepEqual(Object.keys(await answers()), ['200']);
  });
});
