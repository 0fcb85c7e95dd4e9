import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import type { AdminRequest, AdminResponse } from '#runtime/admin';
import { FakeClock } from '#runtime/clock';
import { parseMetrics, Registry } from '#runtime/metrics';
import { Cidr, defaultMeta, type InboundRoute } from '../discover/index.ts';
import { eventually, openPolicy, TestCa, TestProxy, Wire } from '../testing/index.ts';
import { type AdminState, adminRoutes, collectProcess } from './index.ts';

const state: AdminState = {
  ready: () => false,
  metrics: async (format) => Buffer.from(format),
  logFilter: () => 'info',
  setLogFilter: (text) => (text === 'bad' ? 'no such level' : undefined),
  env: () => ({ A: '1', B: '' }),
  shutdown: undefined,
};

async function ask(method: string, target: string, changes: Partial<AdminRequest> = {}, with_ = state) {
  const [path = '', query = ''] = target.split('?');
  const handler = adminRoutes(with_)[path];
  const request = { method, path, query, headers: new Map(), body: '', local: true, ...changes };
  const answer: AdminResponse = (await handler?.(request)) ?? { status: 404 };
  return { ...answer, body: String(answer.body ?? '') };
}

test('each path answers its methods, others are 405 with those allowed', async () => {
  for (const [method, target, status, body] of [
    ['GET', '/live', 200, 'live\n'],
    ['HEAD', '/live', 200, 'live\n'],
    ['POST', '/live', 405, ''],
    ['GET', '/ready', 503, 'not ready\n'],
    ['DELETE', '/metrics', 405, ''],
    ['GET', '/nothing', 404, ''],
    ['GET', '/constructor', 404, ''],
    ['GET', '/shutdown', 405, ''],
    ['POST', '/shutdown', 404, 'shutdown endpoint is not enabled\n'],
    ['GET', '/env.json', 200, '{"A":"1","B":""}'],
    ['GET', '/env.json?A&C', 200, '{"A":"1","C":null}'],
    ['GET', '/env.json?A=1', 400, 'the query is a list of names, without values\n'],
    ['GET', '/proxy-log-level', 200, 'info\n'],
    ['POST', '/proxy-log-level', 405, ''],
  ] as const) {
    const answer = await ask(method, target);
    assert.deepEqual([answer.status, answer.body], [status, body], `${method} ${target}`);
  }
  assert.equal((await ask('POST', '/live')).headers?.['allow'], 'GET, HEAD');
});

test('switches are for those on the same machine only', async () => {
  for (const [method, target] of [
    ['PUT', '/proxy-log-level'],
    ['GET', '/proxy-log-level'],
    ['POST', '/shutdown'],
  ] as const) {
    const answer = await ask(method, target, { local: false });
    assert.deepEqual([answer.status, answer.body], [403, 'Requests are only permitted from localhost.']);
  }
});

test('a log filter is set or refused with a reason, a shutdown asked for once enabled', async () => {
  assert.equal((await ask('PUT', '/proxy-log-level', { body: 'debug\n' })).status, 204);
  assert.deepEqual((await ask('PUT', '/proxy-log-level', { body: 'bad' })).body, 'no such level\n');
  let asked = 0;
  assert.equal((await ask('POST', '/shutdown', {}, { ...state, shutdown: () => asked++ })).status, 200);
  assert.equal(asked, 1);
});

test('formats follow what is accepted', async () => {
  const accepting = (accept: string) => ({ headers: new Map([['accept', accept]]) });
  const open = await ask('GET', '/metrics', accepting('application/openmetrics-text;version=1.0.0,text/plain;q=0.5'));
  assert.equal(open.body, 'openmetrics');
  assert.match(open.headers?.['content-type'] ?? '', /^application\/openmetrics-text/);
  assert.equal((await ask('GET', '/metrics')).body, 'prometheus');
  assert.equal((await ask('GET', '/env.json', accepting('text/html'))).status, 406);
});

test('the process tells of itself, its loop and what the metrics lost', () => {
  const clock = new FakeClock();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 600, retainMs: 1 }, () => clock.nowMs());
  collectProcess(metrics, clock, { version: '1.2.3', gitSha: 'abc', date: '' });
  for (let i = 0; i < 1_000; i++) metrics.counter('request_total', { target_ip: `${i}` });
  clock.advance(3_000);
  const found = parseMetrics(metrics.render());
  const value = (name: string) => found.get(name)?.samples[0]?.value ?? Number.NaN;
  assert.equal(found.get('proxy_build_info')?.samples[0]?.labels['version'], '1.2.3');
  assert.match(found.get('tls_info')?.samples[0]?.labels['tls_suites'] ?? '', /TLS_AES_128_GCM_SHA256/);
  assert.ok(value('process_resident_memory_bytes') > 1e6 && value('process_open_fds') > 0);
  assert.equal(value('process_uptime_seconds_total'), 3);
  assert.equal(found.get('runtime_loop_delay_seconds')?.samples.at(-1)?.value, 3);
  const [folded] = found.get('metrics_series_folded_total')?.samples ?? [];
  assert.equal(folded?.labels['family'], 'request_total');
  assert.ok((folded?.value ?? 0) > 500);
});

let proxy: TestProxy;

before(async () => {
  proxy = await TestProxy.start({ name: 'web.a', ca: new TestCa() });
});
after(() => proxy.stop());

test('the policy of the admin port decides by route, and its requests are counted', async () => {
  const path = (value: string) => ({
    path: { kind: 'exact', value } as const,
    headers: [],
    query: [],
    method: undefined,
  });
  const route = (name: string, paths: readonly string[], open: boolean): InboundRoute => ({
    meta: { ...defaultMeta(name), kind: 'HTTPRoute' },
    hosts: [],
    rules: [{ matches: paths.map(path), filters: [] }],
    authorizations: open
      ? [
          {
            meta: defaultMeta('probe'),
            networks: [{ net: Cidr.of({ ip: '0.0.0.0', prefix: 0 })!, except: [] }],
            clients: 'any',
          },
        ]
      : [],
  });
  proxy.mesh.port(proxy.adminPort).set(
    openPolicy({
      routes: [route('probes', ['/live', '/ready'], true), route('rest', ['/metrics'], false)],
      authorizations: [],
    }),
  );
  await eventually(() => proxy.mesh.port(proxy.adminPort).opened === 1, 'a watch of the admin port');
  const answers: string[] = [];
  for (const target of ['/live', '/metrics', '/env.json']) {
    const wire = await Wire.connect(proxy.adminPort);
    wire.send(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    answers.push((await wire.expect(/^HTTP\/1.1 (\d+)/))[1]!);
  }
  assert.deepEqual(answers, ['200', '403', '404']);
  const labels = { target_port: String(proxy.adminPort), tls: 'no_identity' };
  assert.equal(proxy.metric('inbound_http_authz_allow_total', { ...labels, route_name: 'probes' }), 1);
  assert.equal(proxy.metric('inbound_http_authz_deny_total', { ...labels, route_name: 'rest' }), 1);
  assert.equal(proxy.metric('inbound_http_route_not_found_total', labels), 1);
  assert.equal(proxy.metric('response_total', { ...labels, status_code: '200', classification: 'success' }), 1);
});
