/** Traces that others began go on through two proxies, in the form they came in, and their spans reach a collector. */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { type SeenSpan, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, reply } from './grpc.ts';
import { call, connectHttp2, get, serveHttp1, serveHttp2 } from './http.ts';

const VIP = '10.96.0.12';
const PATH = 'web.a.svc.cluster.local';
const SPAN = '00f067aa0ba902b7';
/** Each request has a trace of its own. */
const traceOf = (n: number): string => `4bf92f3577b34da6a3ce929d0e0e47${n.toString(16).padStart(2, '0')}`;
/** Header fields of the last request that arrived. */
let arrived: IncomingHttpHeaders = {};

const { world, client, web } = usePods({ client: { traced: true }, web: { traced: true } }, () => {
  const take = (headers: IncomingHttpHeaders): void => {
    arrived = headers;
  };
  serveHttp1(web, 8080, (request, response) => {
    take(request.headers);
    response.statusCode = request.url === '/broken' ? 503 : 200;
    response.end('web');
  });
  serveHttp2(web, 9090, (stream, headers) => {
    take(headers);
    reply(stream, 'done');
  });
  for (const [port, target] of [
    [80, 8080],
    [81, 9090],
  ] as const)
    world.service(`${VIP}:${port}`, `${PATH}:${port}`, [web.endpoint(target)]);
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Trace -> span id that the application saw. */
const expected = new Map<string, string>();

/** The application got the trace on, as a child of a new span. */
function goesOn(trace: string, span: string | undefined): void {
  assert.match(span ?? '', /^[0-9a-f]{16}$/);
  assert.notEqual(span, SPAN);
  expected.set(trace, span ?? '');
}

test('W3C traceparent', async () => {
  const trace = traceOf(1);
  await get(client, VIP, 80, '/items/1?q=2', [`traceparent: 00-${trace}-${SPAN}-01`, 'tracestate: vendor=1']);
  const [, seenTrace, span, flags] = String(arrived['traceparent']).split('-');
  assert.deepEqual([seenTrace, flags, arrived['tracestate']], [trace, '01', 'vendor=1']);
  goesOn(trace, span);
});

test('B3', async () => {
  const trace = traceOf(2);
  await get(client, VIP, 80, '/broken', [`x-b3-traceid: ${trace}`, `x-b3-spanid: ${SPAN}`, 'x-b3-sampled: 1']);
  assert.deepEqual([arrived['x-b3-traceid'], arrived['x-b3-sampled']], [trace, '1']);
  goesOn(trace, arrived['x-b3-spanid'] as string | undefined);
  assert.equal(arrived['traceparent'], undefined, 'no other form is added');
});

test("gRPC's grpc-trace-bin", async () => {
  const trace = traceOf(3);
  // Version, then fields: 0 trace, 1 span, 2 options.
  const context = Buffer.from(`0000${trace}01${SPAN}0201`, 'hex').toString('base64');
  const session = await connectHttp2(client, VIP, 81);
  await call(session, { ...GRPC, ':path': '/shop.Cart/Add', 'grpc-trace-bin': context }, message('x'));
  session.destroy();
  const bytes = Buffer.from(String(arrived['grpc-trace-bin']), 'base64');
  assert.deepEqual([bytes.length, hex(bytes.subarray(2, 18)), bytes.at(-1)], [29, trace, 1]);
  goesOn(trace, hex(bytes.subarray(19, 27)));
});

test('a trace that is not recorded goes on, a request without one stays without', async () => {
  await get(client, VIP, 80, '/', [`traceparent: 00-${traceOf(4)}-${SPAN}-00`]);
  const [, trace, span, flags] = String(arrived['traceparent']).split('-');
  assert.deepEqual([trace, flags], [traceOf(4), '00']);
  assert.notEqual(span, SPAN);
  await get(client, VIP, 80, '/');
  assert.deepEqual([arrived['traceparent'], arrived['x-b3-traceid']], [undefined, undefined]);
});

test('a proxy that ends sends its last spans: a server and a client span of each, in one chain', async () => {
  await Promise.all(
    [client, web].map(({ proxy }) => {
      const ended = new Promise((resolve) => proxy.once('exit', resolve));
      proxy.kill('SIGTERM');
      return ended;
    }),
  );
  const { spans } = world;
  assert.deepEqual(new Set(spans.map(({ traceId }) => hex(traceId))), new Set(expected.keys()));
  for (const [trace, last] of expected) {
    const chain = chainOf(spans.filter(({ traceId }) => hex(traceId) === trace));
    assert.deepEqual(
      chain.map(({ service, kind }) => `${service} ${kind === 2 ? 'server' : 'client'}`),
      ['client server', 'client client', 'web server', 'web client'],
    );
    assert.equal(hex(chain.at(-1)!.spanId), last, 'what the application saw');
  }
  const [first] = chainOf(spans.filter(({ traceId }) => hex(traceId) === traceOf(1)));
  assert.equal(first?.name, '/items/1');
  const attributes = Object.fromEntries(first!.attributes.map(({ key, value }) => [key, value?.value?.value]));
  assert.equal(attributes['direction'], 'outbound');
  assert.equal(attributes['http.request.method'], 'GET');
  assert.equal(attributes['url.query'], 'q=2');
  assert.equal(attributes['http.response.status_code'], 200n);
  const broken = spans.filter(({ traceId }) => hex(traceId) === traceOf(2));
  assert.ok(
    broken.every(({ status }) => status?.code === 2),
    'a 503 is an error',
  );
});

/** The spans from the one whose parent the client sent on. */
function chainOf(spans: readonly SeenSpan[]): SeenSpan[] {
  const chain: SeenSpan[] = [];
  for (let parent = SPAN; chain.length <= spans.length; ) {
    const next = spans.find(({ parentSpanId }) => hex(parentSpanId) === parent);
    if (!next) break;
    chain.push(next);
    parent = hex(next.spanId);
  }
  return chain;
}
