import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, HttpFilter, OutboundPolicy, OutboundRule, RateLimitPolicy } from './discover/index.ts';
import { ADDR, endpoint, eventually, openPolicy, PATH, serve, servicePolicy, usePair, Wire } from './testing/index.ts';

const pair = usePair({ fresh: true });

/** An application that answers each chunk of a request as `answer` says. */
async function web(answer: (text: string, socket: Socket) => string | undefined): Promise<number> {
  const app = await serve((socket) =>
    socket.on('data', (chunk) => {
      const text = answer(chunk.toString('latin1'), socket);
      if (text !== undefined) socket.write(text);
    }),
  );
  pair.atEnd(app.close);
  return app.port;
}

const answer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} X\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** A policy whose only rule is changed. */
function policy(changes: Partial<OutboundRule>, filters: readonly HttpFilter[] = []): OutboundPolicy {
  const base = servicePolicy(PATH);
  const [route] = base.http1.routes;
  const rule = { ...route!.rules[0]!, filters, ...changes };
  const http = { ...base.http1, routes: [{ ...route!, rules: [rule] }] };
  return { ...base, http1: http, http2: http };
}

function endpoints(...ports: number[]): void {
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: ports.map((port) => endpoint(port)) });
}

async function get(wire: Wire, lines = ''): Promise<string> {
  wire.send(`GET /old/x?q=1 HTTP/1.1\r\nhost: web.a\r\n${lines}\r\n`);
  const [text] = await wire.expect(/^HTTP\/1.1 (\d+)[\s\S]*?\r\n\r\n(\w*)/);
  return text;
}

const RETRY = {
  limit: 3,
  bytesMax: 65_536,
  perTryMs: undefined,
  backoff: { minMs: 1, maxMs: 5, jitter: 1 },
  statuses: [{ from: 500, to: 599 }],
  grpcCodes: [],
};

test('retries hide failures from the application, bodies included, and are counted', async () => {
  let count = 0;
  const bodies: string[] = [];
  const port = await web((text) => {
    bodies.push(text.slice(text.indexOf('\r\n\r\n') + 4));
    return ++count % 2 === 1 ? answer(503, 'sorry') : answer(200, 'fine');
  });
  pair.client.mesh.outbound(ADDR).set(policy({ retry: RETRY }));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  for (let i = 0; i < 10; i++) {
    wire.send('POST / HTTP/1.1\r\nhost: web.a\r\ncontent-length: 4\r\n\r\nbody');
    await wire.expect(/^HTTP\/1.1 200 [\s\S]*fine$/);
  }
  assert.deepEqual(new Set(bodies), new Set(['body']));
  assert.equal(bodies.length, 20);
  assert.equal(pair.client.metric('outbound_http_route_retry_requests_total'), 10);
  assert.equal(pair.client.metric('outbound_http_route_retry_successes_total'), 10);
  assert.equal(pair.client.metric('outbound_http_route_backend_response_statuses_total', { http_status: '503' }), 10);
  assert.equal(pair.client.metric('outbound_http_route_request_statuses_total', { http_status: '200', error: '' }), 10);
  wire.socket.destroy();
});

test('the last answer passes when retries are used up', async () => {
  const port = await web(() => answer(500, 'broken'));
  pair.client.mesh.outbound(ADDR).set(policy({ retry: { ...RETRY, limit: 1 } }));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  assert.match(await get(wire), /^HTTP\/1.1 500 [\s\S]*broken/);
  assert.equal(pair.client.metric('outbound_http_route_retry_limit_exceeded_total'), 1);
  wire.socket.destroy();
});

test('an attempt that takes too long gives way to the next', async () => {
  let count = 0;
  const port = await web(() => (++count === 1 ? undefined : answer(200, 'quick')));
  pair.client.mesh.outbound(ADDR).set(policy({ retry: { ...RETRY, perTryMs: 50 } }));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  assert.match(await get(wire), /^HTTP\/1.1 200 [\s\S]*quick/);
  // A busy machine may be too slow for one or two others; the last attempt has no bound of its own.
  assert.ok(count >= 2, `${count}`);
  wire.socket.destroy();
});

test('headers of requests ask for retries and bounds where the route allows it', async () => {
  let seen = '';
  const port = await web((text) => {
    seen = text;
    return undefined;
  });
  pair.client.mesh.outbound(ADDR).set(policy({ allowsRequestHeaders: true }));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  assert.match(await get(wire, 'l5d-request-timeout: 50ms\r\n'), /^HTTP\/1.1 504 /);
  assert.doesNotMatch(seen, /l5d-/);
  wire.socket.destroy();
});

test('a request that takes too long is 504, the connection stays; a response that does breaks off', async () => {
  const port = await web((text, socket) => {
    if (text.includes('x-part')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart');
    return undefined;
  });
  pair.client.mesh.outbound(ADDR).set(policy({ timeouts: { requestMs: 60 } }));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  const late = await get(wire);
  assert.match(late, /^HTTP\/1.1 504 Gateway Timeout\r\nl5d-proxy-error: the request timed out/);
  assert.doesNotMatch(late, /connection: close/);
  wire.send('GET / HTTP/1.1\r\nhost: web.a\r\nx-part: 1\r\n\r\n');
  await wire.expect(/part$/);
  await wire.expectClosed();
  assert.equal(pair.client.metric('outbound_http_route_request_statuses_total', { error: 'REQUEST_TIMEOUT' }), 2);
});

test('rewrites change what the server sees, delays what the client waits, failures what it gets', async () => {
  let seen = '';
  const port = await web((text) => {
    seen = text;
    return answer(200, 'ok');
  });
  endpoints(port);
  const rewrite: HttpFilter = { kind: 'rewrite', path: { kind: 'full', value: '/new' }, host: 'other.b' };
  pair.client.mesh.outbound(ADDR).set(policy({}, [rewrite, { kind: 'delay', delayMs: 80, ratio: 1 }]));
  const wire = await Wire.connect(pair.client.outboundPort);
  const startMs = performance.now();
  await get(wire);
  assert.ok(performance.now() - startMs >= 79);
  assert.match(seen, /^GET \/new\?q=1 HTTP\/1.1\r\nhost: other.b\r\n/);
  pair.client.mesh.outbound(ADDR).set(policy({}, [{ kind: 'fail', status: 418, message: 'teapot', ratio: 1 }]));
  assert.match(await get(wire), /^HTTP\/1.1 418 /);
  assert.equal(pair.client.metric('outbound_http_route_request_statuses_total', { http_status: '418' }), 1);
  wire.socket.destroy();
});

test('copies of requests go to the mirror, whose answers and failures nobody sees', async () => {
  const copies: string[] = [];
  const port = await web(() => answer(200, 'real'));
  const shadow = await web((text, socket) => {
    copies.push(text);
    socket.destroy();
    return undefined;
  });
  const backend: Backend = {
    meta: servicePolicy(PATH).parent,
    target: { kind: 'forward', endpoint: endpoint(shadow) },
  };
  pair.client.mesh.outbound(ADDR).set(policy({}, [{ kind: 'mirror', backend, ratio: 1 }]));
  endpoints(port);
  const wire = await Wire.connect(pair.client.outboundPort);
  for (let i = 1; i <= 3; i++) {
    wire.send(`POST /${i} HTTP/1.1\r\nhost: web.a\r\ncontent-length: 4\r\n\r\nbody`);
    await wire.expect(/real$/);
  }
  await eventually(() => copies.length === 3, 'the copies arrive');
  for (const copy of copies) assert.match(copy, /^POST \/\d HTTP\/1.1\r\nhost: web.a\r\n[\s\S]*\r\n\r\nbody$/);
  assert.equal(pair.client.metric('outbound_http_route_request_duration_seconds_count'), 3);
  wire.socket.destroy();
});

test('requests past the rate limit of a port are 429, and counted by whose limit it was', async () => {
  const port = await web(() => answer(200, 'ok'));
  const meta = { group: 'policy.linkerd.io', kind: 'HTTPLocalRateLimitPolicy', name: 'slow', namespace: 'a' };
  const rateLimit: RateLimitPolicy = {
    meta: { ...meta, section: '', port: 0 },
    total: 100,
    perIdentity: 2,
    overrides: [],
  };
  pair.server.mesh.port(port).set(openPolicy());
  pair.client.mesh.outbound(ADDR).set(servicePolicy(PATH));
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(port)] });
  const first = await Wire.connect(pair.client.outboundPort);
  assert.match(await get(first), /^HTTP\/1.1 200 /);
  first.socket.destroy();
  pair.server.mesh.port(port).set(openPolicy({ rateLimit }));
  const statuses: string[] = [];
  // On several connections: the limit is the port's.
  for (let i = 0; i < 5; i++) {
    const wire = await Wire.connect(pair.client.outboundPort);
    statuses.push((await get(wire)).slice(9, 12));
    wire.socket.destroy();
  }
  assert.equal(statuses.filter((status) => status === '200').length, 2, statuses.join());
  assert.equal(statuses.filter((status) => status === '429').length, 3);
  const labels = { ratelimit_name: 'slow', ratelimit_scope: 'identity' };
  assert.equal(pair.server.metric('inbound_http_local_ratelimit_total', labels), 3);
  await sleep(600);
  const wire = await Wire.connect(pair.client.outboundPort);
  assert.match(await get(wire), /^HTTP\/1.1 200 /);
  wire.socket.destroy();
});
