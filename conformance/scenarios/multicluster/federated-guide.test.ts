/**
 * The guide to federated services, by its own commands: three clusters whose traffic has an order and shares, and what happens when one has
 * no pods or is cut off, while requests go on.
 * Runs alone: it bounds the time in which a cut-off cluster is left and joined.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, guideBlocks, type Lab, requireProgram, startLab, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east', 'north'] as const;
type Cluster = (typeof CLUSTERS)[number];

/** Twenty requests a second; each second a line of how many answers of each kind came: the text, a status, or an error's code. */
const ASKING = `
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
let counts = {};
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
setInterval(() => {
  const request = http.get("http://web-federated.shop/", { agent, timeout: 10000 }, (answer) => {
    let text = "";
    answer.on("data", (part) => { text += part; });
    answer.on("end", () => count(answer.statusCode === 200 ? (/from-\\w+/.exec(text)?.[0] ?? "200") : String(answer.statusCode)));
  });
  request.on("timeout", () => request.destroy(new Error("timeout")));
  request.on("error", (error) => count(error.code ?? error.message));
}, 50);
setInterval(() => { console.log(JSON.stringify({ at: Date.now(), counts })); counts = {}; }, 1000);
`;

const GUIDE = guideBlocks('federated-services.md');

let lab: Lab;
/** Runs a block of the guide. */
const follow = (heading: string, at = 0): Promise<string> =>
  lab.ok(
    `set -e\nexport WEFT_LAB='${lab.name}'\n${GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`)}`,
    {
      timeoutMs: 4 * MINUTE_MS,
    },
  );
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', CLUSTERS.join(), '--mesh']);
    await follow('Link the clusters');
    await follow('Make a federated service');
    await eventually('all clusters are behind the federated service', MINUTE_MS, async () => {
      const clusters = (await follow('Make a federated service', 1)).matchAll(/ (local|east|north) +0 +1$/gm);
      return new Set(Array.from(clusters, ([, cluster]) => cluster)).size === 3 ? true : undefined;
    });
    const asking = `{name: app, image: debian, command: [node, -e, ${JSON.stringify(ASKING)}]}`;
    await kubectl('west', 'apply -f -', workload('asking', asking));
    for (const context of CLUSTERS)
      await kubectl(context, '-n shop wait --for=condition=Available --timeout=100s deploy --all');
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** What was answered from a moment on, for whole seconds. */
async function answered(sinceMs: number): Promise<{ seconds: number; counts: Record<string, number> }> {
  const log = await kubectl('west', '-n shop logs deploy/asking -c app --tail=200');
  const counts: Record<string, number> = {};
  let seconds = 0;
  for (const line of log.split('\n').filter(Boolean)) {
    const entry = JSON.parse(line) as { at: number; counts: Record<string, number> };
    if (entry.at - 1000 < sinceMs) continue;
    seconds++;
    for (const [what, count] of Object.entries(entry.counts)) counts[what] = (counts[what] ?? 0) + count;
  }
  return { seconds, counts };
}

/** The answers of the next seconds. */
async function listen(seconds: number): Promise<Record<string, number>> {
  const sinceMs = Date.now();
  const heard = await eventually(`${seconds} seconds of answers`, (seconds + 20) * 1000, async () => {
    const found = await answered(sinceMs);
    return found.seconds >= seconds ? found : undefined;
  });
  return heard.counts;
}

/** Waits until for two seconds nobody but these answers. Returns how long it took. */
async function onlyFrom(clusters: readonly Cluster[], withinMs: number): Promise<number> {
  const startMs = Date.now();
  const wanted = clusters.map((cluster) => `from-${cluster}`).sort();
  await eventually(`answers from ${clusters.join(' and ')} alone`, withinMs, async () => {
    const { seconds, counts } = await answered(Date.now() - 3500);
    const heard = Object.keys(counts).sort();
    if (seconds >= 2 && heard.join() === wanted.join()) return true;
    throw new Error(JSON.stringify(counts));
  });
  return Date.now() - startMs;
}

const failures = (counts: Record<string, number>) => Object.keys(counts).filter((what) => !what.startsWith('from-'));

describe('the guide to federated services', () => {
  test('without an order all clusters answer', { timeout: 2 * MINUTE_MS }, async () => {
    await onlyFrom(CLUSTERS, MINUTE_MS);
    assert.match(await follow('Make a federated service', 2), /reason: Mirrored/);
  });

  test('the own cluster answers alone while it can', { timeout: 2 * MINUTE_MS }, async () => {
    await follow('Give the traffic an order');
    await onlyFrom(['west'], 30_000);
    const counts = await listen(4);
    assert.deepEqual(Object.keys(counts), ['from-west']);
  });

  test('when it has no pods the next one does, and it is first again when they are back; no request fails', {
    timeout: 4 * MINUTE_MS,
  }, async () => {
    const sinceMs = Date.now();
    await follow('Give the traffic an order', 1);
    await onlyFrom(['east'], MINUTE_MS);
    await follow('Give the traffic an order', 2);
    await onlyFrom(['west'], MINUTE_MS);
    assert.deepEqual(failures((await answered(sinceMs)).counts), []);
  });

  test('of equal clusters each has its share, whatever the number of its pods', {
    timeout: 4 * MINUTE_MS,
  }, async () => {
    await follow('Share it');
    await onlyFrom(['east', 'north'], 30_000);
    const { 'from-east': east = 0, 'from-north': north = 0, ...others } = await listen(20);
    assert.deepEqual(others, {});
    const share = east / (east + north);
    assert.ok(share > 0.6 && share < 0.9, `east has 75 of 100, saw ${Math.round(100 * share)}`);
  });

  test('a cluster that is cut off fails nobody after 15 seconds, and is back within 10 of its return', {
    timeout: 4 * MINUTE_MS,
  }, async () => {
    await follow('Cut a cluster off');
    await onlyFrom(['east'], 30_000);
    const cutMs = Date.now();
    await follow('Cut a cluster off', 1);
    await onlyFrom(['west'], MINUTE_MS);
    const late = await eventually('15 seconds and five more', MINUTE_MS, async () =>
      Date.now() - cutMs > 21_000 ? answered(cutMs + 15_000) : undefined,
    );
    assert.deepEqual(failures(late.counts), [], JSON.stringify((await answered(cutMs)).counts));
    const healedMs = Date.now();
    await follow('Cut a cluster off', 2);
    await onlyFrom(['east'], 30_000);
    const backMs = Date.now() - healedMs;
    assert.ok(backMs < 14_000, `back within 10 s, seen for three: ${backMs} ms`);
  });
});
