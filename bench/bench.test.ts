import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plot } from './destination/plot.ts';
import { type Growth, verdict as spreadVerdict } from './destination/results.ts';
import { followedBy, USUAL } from './destination/shape.ts';
import { readAnswer } from './failover/lab.ts';
import { verdict as failoverVerdict, percentile, renderResults as renderFailover } from './failover/results.ts';
import { plot as plotCosts } from './multicluster/plot.ts';
import { verdict as costVerdict, renderCosts, renderFlood } from './multicluster/results.ts';
import { addressNumber, followed, mirrorsOf } from './multicluster/scale.ts';
import { parseH2load, parseWrk } from './proxy/load.ts';
import { disturbance, figureOf, renderResults } from './proxy/results.ts';
import { replaceSection } from './record.ts';
import { address } from './simulated-cluster.ts';
import { growth, soakVerdict } from './soak/results.ts';
import { median, spread } from './statistics.ts';
import { renderTable } from './table.ts';
import { parseResult, verdict } from './up/results.ts';

const REPORT = `Running 4s test @ http://10.99.0.1:9100/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.61ms    1.05ms  20.11ms   90.51%
    Req/Sec    20.64k     1.91k   24.10k    72.50%
  Latency Distribution
     50%  950.00us
     75%    1.77ms
     90%    2.43ms
     99%    1.20s
  82156 requests in 4.00s, 12.14MB read
Requests/sec:  20533.91
Transfer/sec:      3.03MB
`;

test("wrk's report is read, its units too", () => {
  assert.deepEqual(parseWrk(REPORT), { requests: 82156, perSecond: 20533.91, p50Ms: 0.95, p99Ms: 1200 });
});

test('answers that are no success and broken connections fail the run', () => {
  const withLine = (line: string) => REPORT.replace('Requests/sec', `  ${line}\nRequests/sec`);
  assert.throws(() => parseWrk(withLine('Non-2xx or 3xx responses: 3')), /not served cleanly: Non-2xx/);
  assert.throws(() => parseWrk(withLine('Socket errors: connect 0, read 2, write 0, timeout 0')), /read 2/);
  assert.throws(() => parseWrk(REPORT.replace('82156 requests', '0 requests')), /no request was answered/);
});

test('the median of an even number of values lies between the middle two', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([1, 9, 5, 6]), 5.5);
  assert.equal(spread([3, 1, 2], 1), '1.0–3.0');
});

test('the median of the rounds stands beside the aim, and whether it is met', () => {
  const sample = (name: string, cpuUsPerHop: number) => ({
    scenario: 'http1',
    name,
    cpuUsPerHop,
    mbPerCpuSecond: 0,
    unmeasured: 0,
    othersShare: 0.02,
    requests: 1,
    perSecond: 1,
    p50Ms: 1,
    p99Ms: 1,
  });
  const samples = [sample('Weft', 10), sample('Weft', 90), sample('Weft', 20), sample('Envoy', 40)];
  assert.equal(figureOf(samples, 'http1', 'Weft', 'cpuUsPerHop'), 20);
  const memory = [
    { name: 'Weft', idle: 41, many: 80, firstBurst: 100, secondBurst: 105 },
    { name: 'Envoy', idle: 20, many: 60, firstBurst: 90, secondBurst: 90 },
  ];
  const text = renderResults({ samples, memory });
  assert.match(disturbance({ samples }), /took 2 % .* 2 % at most/);
  assert.match(text, /\| http1 +\| +CPU us\/request\/hop \| 20.0 \| +40.0 \| +0.50x \| +<= 0.4x \| +no \|/);
  assert.match(text, /\| memory \| +PSS MB idle \| +41 \| .* no \|/);
  assert.match(text, /second burst of 5,000 \/ first \| 1.05 \| .* yes \|/);
  assert.match(text, /\| Weft +\| +20.0 \| 10.0–90.0 \|/);
});

test("h2load's latencies come from its log, and one failed answer fails the run", () => {
  const report = `requests: 3 total, 3 started, 3 done, 3 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 3 2xx, 0 3xx, 0 4xx, 0 5xx`;
  const log = '1\t200\t900\n2\t200\t1000\n3\t200\t5000\n';
  assert.deepEqual(parseH2load(report, log, 2), { requests: 3, perSecond: 1.5, p50Ms: 1, p99Ms: 5 });
  assert.throws(() => parseH2load(report.replace('3 2xx', '2 2xx').replace('0 5xx', '1 5xx'), log, 2), /no success/);
  assert.throws(() => parseH2load(report.replace('0 failed', '1 failed'), log, 2), /not served cleanly/);
});

test('tables are aligned', () => {
  const table = renderTable([
    ['', 'b'],
    ['long', '1'],
  ]);
  assert.equal(table, '|      |   b |\n|------|----:|\n| long |   1 |');
});

test('a recorded section replaces the one before and nothing else', () => {
  const text = 'a\n<!-- recorded: x -->\nold\n<!-- end of x -->\nb\n';
  assert.equal(replaceSection(text, 'x', 'new\n'), 'a\n<!-- recorded: x -->\nnew\n<!-- end of x -->\nb\n');
  assert.throws(() => replaceSection(text, 'y', 'new'), /no section/);
});

test('a demonstration that failed, or did not prove mutual TLS, gives no figures', () => {
  const good = { requests: 100, failed: 0, mtls: true, upSeconds: 20, pssMB: 2600 };
  assert.match(verdict([parseResult(JSON.stringify(good))]), /30 s, met; at most 2500 MB, not met/);
  assert.throws(() => parseResult(JSON.stringify({ ...good, mtls: false })), /did not succeed/);
  assert.throws(() => parseResult(JSON.stringify({ ...good, failed: 1 })), /did not succeed/);
  assert.throws(() => parseResult('{"failed":0,"mtls":true}'), /reported no requests/);
});

test('a long run is judged by the side that grew most since minute 5, and only when all was mutual TLS', () => {
  const minute = (number: number, pssMB: number[]) => ({
    minute: number,
    requests: 10,
    pssMB,
    cpuUsPerHop: 1,
    p99Ms: 1,
  });
  const minutes = [1, 2, 3, 4].map((each) => minute(each, [10, 10])).concat(minute(5, [40, 50]), minute(6, [40, 60]));
  assert.equal(growth({ minutes, others: 0 }), 1.2);
  assert.match(soakVerdict({ minutes, others: 0 }), /^60 requests, no error; .* 1.20x .*: not met/);
  assert.throws(() => soakVerdict({ minutes, others: 1 }), /not mutual TLS/);
});

test('simulated proxies all follow the first service, and the others evenly', () => {
  const followers = new Array<number>(USUAL.services).fill(0);
  for (let proxy = 0; proxy < USUAL.proxies; proxy++) {
    const followed = followedBy(USUAL, proxy);
    assert.equal(new Set(followed).size, USUAL.follows);
    for (const service of followed) followers[service]! += 1;
  }
  assert.equal(followers[0], USUAL.proxies);
  assert.ok(Math.max(...followers.slice(1)) - Math.min(...followers.slice(1)) <= 1);
  assert.equal(address(USUAL, 30, 0), '10.0.1.45');
});

const SPREAD = {
  streams: 10_000,
  streamBytes: 9_000,
  openMs: 1,
  openCpuUs: 1,
  p50Ms: 1,
  p99Ms: 20,
  messageCpuUs: 3,
  changeCpuUs: 3_000,
  rssBytes: 1e8,
};

test('aims that are missed, or were never measured, are named', () => {
  const storm = { changes: 1, messages: 1, coalesced: 0, settledMs: 100, cpuShare: 0.1 };
  const start = { startMs: 1_000, rssBytes: 1 };
  assert.equal(spreadVerdict({ spread: SPREAD, storm, start }), 'All aims are met.');
  const missed = spreadVerdict({
    spread: { ...SPREAD, p99Ms: Number.NaN },
    storm: { ...storm, settledMs: 3_000 },
    start,
  });
  assert.match(missed, /^Not met: a change at 1,000 proxies: p99 ms; storm: right state/);
});

test('the plot has a point for each figure', () => {
  const series = [10, 100].map((value) => ({ value, ...SPREAD, changeCpuUs: value * 10 }));
  const svg = plot({ services: series, endpoints: series, proxies: series } satisfies Growth);
  assert.equal(svg.match(/<circle/g)?.length, 6);
  assert.doesNotMatch(svg, /NaN/);
});

test('addresses of simulated clusters are distinct, and each client follows what is behind its service', () => {
  const scale = { mode: 'federated', clusters: 3, services: 4, endpoints: 5 } as const;
  const all = new Set<number>();
  for (let c = 0; c < 3; c++)
    for (let s = 0; s < 4; s++) for (let e = 0; e < 5; e++) all.add(addressNumber(scale, c, s, e));
  assert.equal(all.size, 60);
  assert.deepEqual(followed(scale)[1], { service: 'web-1-federated', from: 1, clusters: [0, 1, 2] });
  assert.equal(followed({ ...scale, mode: 'flat' }).length, mirrorsOf({ ...scale, mode: 'flat' }));
  assert.deepEqual(followed({ ...scale, mode: 'gateway' }), []);
});

const linking = (clusters: number, perCluster: number) => ({
  clusters,
  syncMs: 1_000 * clusters,
  openMs: 1,
  mirrorsCpuSeconds: perCluster * clusters,
  destinationCpuSeconds: clusters,
  mirrorsPssMB: 300,
  mirrorsGrowthMB: clusters,
  destinationPssMB: 200,
  destinationGrowthMB: clusters,
});

test('a cost that grows faster than the clusters is named, and the plot has a point for each', () => {
  const even = { flat: [linking(5, 1), linking(20, 1)] };
  assert.match(costVerdict(even), /: met\.$/);
  const steep = { ...even, federated: [linking(5, 1), linking(20, 1.3)] };
  assert.match(costVerdict(steep), /: not met for federated, mirrors: CPU s\.$/);
  assert.match(renderCosts(steep), /\| federated: growth per cluster \| +1.00x \| +1.30x \|/);
  const svg = plotCosts(steep);
  assert.equal(svg.match(/<circle/g)?.length, 20);
  assert.doesNotMatch(svg, /NaN/);
});

test('a flood is judged by the worst that others saw beside it', () => {
  const latencies = (worst: number) => ({ endpointMs: [1, 3], labelMs: [2, worst] });
  const flood = { quiet: latencies(5), rate: 500, mirrorsCpuShare: 0.5, destinationCpuShare: 0.1 };
  assert.match(renderFlood({ ...flood, beside: latencies(1_000) }), /: met\.$/);
  assert.match(renderFlood({ ...flood, beside: latencies(1_001) }), /: not met\.$/);
});

test('of a failover each request counts, and the worst of all cuts is judged', () => {
  assert.deepEqual(readAnswer('1000 1004 from-east'), { askedMs: 1000, endedMs: 1004, what: 'from-east' });
  assert.equal(readAnswer('a warning'), undefined);
  const cut = { lastFailureMs: 6_000, failed: 200, asked: 1_000, takenOverMs: 900, backMs: 800, failedAfterReturn: 0 };
  const joinMs = [...Array.from({ length: 99 }, () => 100), 9_000];
  assert.equal(percentile(joinMs, 99), 100);
  assert.equal(failoverVerdict({ joinMs, cuts: [cut] }), 'All aims are met.');
  const late = { ...cut, lastFailureMs: 15_001 };
  assert.match(failoverVerdict({ joinMs, cuts: [cut, late] }), /^Not met: cut off: last failed request/);
  assert.match(
    renderFailover({ joinMs, cuts: [cut, late] }),
    /last failed request, ms +\| +10501 \| +15001 \| <= 15000 \|/,
  );
});
