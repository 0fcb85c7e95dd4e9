/** What proxies tell of the requests that they carry: metrics, access log, and live events for those who may see them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { decodeTcpAddress, tap } from '#api/mesh';
import { createGrpcClient, type GrpcError } from '#runtime/grpc';
import { parseMetrics } from '#runtime/metrics';
import { eventually } from '../../harness/index.ts';
import { type Pod, type Pods, readAll, servicePolicy, startPods, weightedAddr } from '../../harness/pods/index.ts';
import { GRPC, message, refuse } from './grpc.ts';
import { call, connectHttp2, get, type Served, serveHttp1, serveHttp2 } from './http.ts';

const VIP = '10.96.0.8';
const HTTP = 'web.a.svc.cluster.local:80';
const RPC = 'rpc.a.svc.cluster.local:81';
const TAP = 'tap.a.serviceaccount.identity.linkerd.cluster.local';
const HEADERS = { extract: { case: 'http', value: { extract: { case: 'headers', value: {} } } } } as const;
let pods: Pods;
let client: Pod;
let web: Pod;
const served: Served[] = [];

before(
  async () => {
    pods = await startPods([
      { name: 'client' },
      { name: 'web', env: { ACCESS_LOG: 'apache', TAP_SVC_NAME: TAP } },
      { name: 'tap' },
    ]);
    [client, web] = [pods.pod('client'), pods.pod('web')];
    served.push(serveHttp1(web, 8080, (_request, response) => response.end('web')));
    served.push(serveHttp2(web, 8081, (stream) => refuse(stream, 14)));
    for (const [path, port] of [
      [HTTP, 8080],
      [RPC, 8081],
    ] as const) {
      pods.world.policy(`${VIP}:${path.split(':')[1]}`, servicePolicy(path));
      pods.world.endpoints(path, [web.endpoint(port, { labels: { pod: 'web-1' } })]);
    }
    // The tap port is dialled as it is: mesh TLS, no transport header.
    const { ip, identity } = web;
    pods.world.profile(`${ip}:4190`, { endpoint: weightedAddr({ ip, port: 4190, identity }) });
  },
  { timeout: 60_000 },
);

after(async () => {
  for (const each of served) each.close();
  await pods?.close();
});

/** Observes requests to a path, at web's proxy, from a pod and through that pod's own proxy. */
function observe(from: Pod, path: string) {
  const channel = createGrpcClient({ authority: `${web.ip}:4190`, connect: () => from.dial(web.ip, 4190) });
  const seen = { events: [] as tap.TapEvent[], ended: undefined as GrpcError | 'OK' | undefined };
  const match = { case: 'path' as const, value: { match: { case: 'exact' as const, value: path } } };
  channel.serverStream(
    tap.Tap.method.observe,
    { limit: 1, match: { match: { case: 'http', value: { match } } }, extract: HEADERS },
    {
      message: (event) => seen.events.push(event),
      ended: (error) => {
        seen.ended = error ?? 'OK';
        channel.close();
      },
    },
  );
  return seen;
}

test('tap shows requests to its own identity, over mutual TLS between real proxies', { timeout: 30_000 }, async () => {
  const seen = observe(pods.pod('tap'), '/tapped');
  await eventually('the tap ends after one request', 20_000, async () => {
    await get(client, VIP, 80, '/tapped?q');
    return seen.ended;
  });
  assert.equal(seen.ended, 'OK');
  assert.deepEqual(
    seen.events.map(({ event }) => event.value?.event.case),
    ['requestInit', 'responseInit', 'responseEnd'],
  );
  const [event] = seen.events;
  assert.equal(event?.proxyDirection, tap.TapEvent_ProxyDirection.INBOUND);
  assert.equal(decodeTcpAddress(event?.destination), `${web.ip}:8080`);
  assert.deepEqual(event?.sourceMeta?.labels, { tls: 'true', client_id: client.identity });
});

test('whoever else asks is unauthenticated', { timeout: 30_000 }, async () => {
  const seen = observe(client, '/');
  await eventually('an answer', 10_000, async () => seen.ended);
  assert.equal((seen.ended as GrpcError).code, 'UNAUTHENTICATED');
});

test('each inbound request is a line of the access log', { timeout: 30_000 }, async () => {
  await get(client, VIP, 80, '/logged?x=1');
  const line = await eventually('a line', 5_000, async () => /^(.*)"GET \/logged\?x=1 .*$/m.exec(web.said())?.[0]);
  assert.match(
    line,
    new RegExp(`^${client.ip}:\\d+ ${client.identity} - \\[\\S+Z\\] "GET /logged\\?x=1 HTTP/1.1" 200$`),
  );
});

test('metrics tell the route, the identities and how calls of gRPC ended', { timeout: 30_000 }, async () => {
  const session = await connectHttp2(client, VIP, 81);
  await call(session, { ...GRPC, ':path': '/a.B/C', ':authority': 'rpc.a' }, message('x'));
  session.close();
  const labels = { direction: 'outbound', server_id: web.identity, dst_pod: 'web-1', tls: 'true' };
  const failed = { ...labels, status_code: '200', classification: 'failure', grpc_status: '14' };
  await eventually(
    'a counted call',
    5_000,
    async () => (await client.metric('response_total', failed)) === 1 || undefined,
  );
  assert.ok((await web.metric('request_total', { direction: 'inbound', client_id: client.identity })) > 0);
  assert.ok((await client.metric('outbound_http_route_request_statuses_total', { http_status: '200' })) > 0);
  assert.ok((await client.metric('outbound_tcp_transfer_cost_bytes_total', { op: 'Send' })) > 0);
});

test('the page is such as strict readers take, compressed for those who say so', { timeout: 30_000 }, async () => {
  for (const format of ['prometheus', 'openmetrics'] as const) {
    const accept = format === 'openmetrics' ? 'application/openmetrics-text' : 'text/plain';
    const socket = await web.dial('127.0.0.1', 4191);
    const lines = ['host: admin', 'connection: close', 'accept-encoding: gzip', `accept: ${accept}`];
    const text = await readAll(socket, `GET /metrics HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    assert.match(text, /content-encoding: gzip/);
    const page = gunzipSync(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1')).toString();
    assert.ok(parseMetrics(page, format).size > 40);
  }
});
