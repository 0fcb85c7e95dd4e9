/** What proxies write down of the requests that they carry: metrics within a budget, and the access log in its formats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FOLDED, parseMetrics } from '#runtime/metrics';
import { eventually } from '../../harness/index.ts';
import { type Pod, readAll, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, refuse } from './grpc.ts';
import { ask, call, connectHttp2, get, serveHttp1, serveHttp2, tally } from './http.ts';

const VIP = '10.96.0.14';
const PATH = 'web.a.svc.cluster.local';
/** Samples that the proxy with a small budget may keep. */
const SERIES_MAX = 3_000;
/** Names that its clients ask for, each with a dozen series and more. */
const HOSTS = 250;
/** Has a small budget of series. */

const hostnames = { OUTBOUND_METRICS_HOSTNAME_LABELS: 'true' };
const { world, client, frugal, web, json, format } = usePods(
  {
    client: { env: hostnames },
    frugal: { env: { ...hostnames, METRICS_SERIES_MAX: String(SERIES_MAX) } },
    web: { env: { ACCESS_LOG: 'apache' } },
    json: { env: { ACCESS_LOG: 'json' } },
    format: { env: { ACCESS_LOG: '%PROTOCOL% %REQ(:PATH)% %RESPONSE_CODE% %REQ(X-ID):4% %DOWNSTREAM_PEER_ID%' } },
  },
  () => {
    for (const pod of [web, json, format]) serveHttp1(pod, 8080, (_request, response) => response.end(pod.name));
    serveHttp2(web, 9090, (stream) => refuse(stream, 14));
    for (const [port, endpoint] of [
      [80, web.endpoint(8080, { labels: { pod: 'web-1', zone_locality: 'local' } })],
      [81, web.endpoint(9090)],
      [82, json.endpoint(8080)],
      [83, format.endpoint(8080)],
    ] as const)
      world.service(`${VIP}:${port}`, `${PATH}:${port}`, [endpoint]);
  },
);

/** The first line on a proxy's standard error that matches. */
const lineOf = (pod: Pod, pattern: RegExp): Promise<string> =>
  eventually(
    'a line',
    3_000,
    async () =>
      pod
        .said()
        .split('\n')
        .find((line) => pattern.test(line)),
    10,
  );

const TIME = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';

test('each inbound request is a line of the access log, as apache writes them', async () => {
  await get(client, VIP, 80, '/logged?x=1');
  const start = `${client.ip}:\\d+ ${client.identity} - \\[${TIME}\\]`;
  assert.match(await lineOf(web, /\/logged/), new RegExp(`^${start} "GET /logged\\?x=1 HTTP/1.1" 200$`));
});

test('or as JSON', async () => {
  await ask(client, VIP, 82, {
    method: 'POST',
    path: '/logged',
    lines: ['user-agent: scenario', 'x-request-id: 7'],
    body: 'four',
  });
  const line = JSON.parse(await lineOf(json, /\/logged/));
  const { timestamp, total_ns, processing_ns, 'client.addr': address, ...rest } = line;
  assert.deepEqual(rest, {
    'client.id': client.identity,
    method: 'POST',
    uri: '/logged',
    version: 'HTTP/1.1',
    trace_id: '7',
    request_bytes: '4',
    status: 200,
    response_bytes: '4',
    user_agent: 'scenario',
    host: 'web.a',
  });
  assert.match(`${address} ${timestamp}`, new RegExp(`^${client.ip}:\\d+ ${TIME}$`));
  assert.ok(total_ns >= processing_ns && processing_ns >= 0);
});

test('or as a format says, whatever clients put into their fields', async () => {
  await get(client, VIP, 83, '/logged', ['x-id: "long"']);
  assert.equal(await lineOf(format, /\/logged/), `HTTP/1.1 /logged 200 \\x22 ${client.identity}`);
});

test('metrics tell the endpoint, the identities, the zone and how calls of gRPC ended', async () => {
  const session = await connectHttp2(client, VIP, 81);
  await call(session, { ...GRPC, ':path': '/a.B/C', ':authority': 'rpc.a' }, message('x'));
  session.destroy();
  const failed = { direction: 'outbound', server_id: web.identity, status_code: '200', grpc_status: '14' };
  const labels = { ...failed, tls: 'true', classification: 'failure' };
  await eventually('the call', 3_000, async () => (await client.metric('response_total', labels)) === 1 || undefined);
  assert.ok((await client.metric('request_total', { dst_pod: 'web-1', dst_service: 'web', dst_namespace: 'a' })) > 0);
  assert.ok((await web.metric('request_total', { direction: 'inbound', client_id: client.identity })) > 0);
  assert.ok((await client.metric('outbound_tcp_transfer_cost_bytes_total', { zone_locality: 'Local' })) > 0);
  const statuses = 'outbound_http_route_request_statuses_total';
  assert.equal(await client.metric(statuses, { hostname: 'rpc.a' }), 1);
});

test('past the budget of series, label sets are counted together and none is lost', async () => {
  const samples = (page: string): number =>
    page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  for (let i = 0; i < HOSTS; i++) await ask(frugal, VIP, 80, { host: `shop-${i}.example` });
  const statuses = 'outbound_http_route_request_statuses_total';
  assert.equal(
    (await frugal.metric(statuses, { http_status: '200' })) + (await frugal.metric(statuses, { http_status: FOLDED })),
    HOSTS,
  );
  assert.ok((await frugal.metric(statuses, { hostname: FOLDED })) > 20);
  assert.ok((await frugal.metric('metrics_series_folded_total', { family: statuses })) > 20);
  const page = await frugal.metrics();
  assert.ok(samples(page) < SERIES_MAX * 1.2, `${samples(page)} samples`);
});

/** A page of metrics as it is sent, uncompressed. */
async function page(pod: Pod, accept: string): Promise<string> {
  const lines = ['host: admin', 'connection: close', 'accept-encoding: gzip', `accept: ${accept}`];
  const socket = await pod.dial('127.0.0.1', 4191);
  const text = await readAll(socket, `GET /metrics HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  assert.match(text, /content-encoding: gzip/);
  return gunzipSync(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1')).toString();
}

test('the page is such as strict readers take, compressed for those who say so', async () => {
  await tally(3, () => get(client, VIP, 80, '/"quoted"\\'));
  for (const pod of [client, web, frugal]) {
    assert.ok(parseMetrics(await page(pod, 'text/plain')).size > 40);
    assert.ok(parseMetrics(await page(pod, 'application/openmetrics-text'), 'openmetrics').size > 40);
  }
});
