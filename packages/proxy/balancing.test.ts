import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { EwmaConfig, ZoneBand } from '#model/balance';
import type { BreakerPolicy, EndpointInfo } from './discover/index.ts';
import {
  ADDR,
  endpoint,
  eventually,
  openPolicy,
  PATH,
  profile,
  SERVER,
  serve,
  servicePolicy,
  usePair,
  Wire,
} from './testing/index.ts';

const pair = usePair({ fresh: true });

interface App {
  readonly port: number;
  /** Requests it got, as text. */
  readonly requests: string[];
  status: number;
  /** Lines of its answers' heads. */
  fields: string;
  delayMs: number;
  connections(): number;
}

/** A web server that answers each request with its status after its delay. */
async function web(): Promise<App> {
  const answer = (socket: Socket, text: string): void => {
    app.requests.push(text);
    const head = `HTTP/1.1 ${app.status} Said\r\n${app.fields}content-length: 0\r\n\r\n`;
    if (app.delayMs === 0) socket.write(head);
    else setTimeout(() => socket.write(head), app.delayMs);
  };
  const listening = await serve((socket) => socket.on('data', (chunk) => answer(socket, chunk.toString('latin1'))));
  const app: App = { ...listening, requests: [], status: 200, fields: '', delayMs: 0 };
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.atEnd(listening.close);
  return app;
}

/** From now on these and no others. */
function endpoints(...infos: EndpointInfo[]): void {
  pair.client.mesh.destination(PATH).push({ kind: 'none', exists: true });
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: infos });
}

/** Head of the response to one request on its own connection. */
async function get(fields = '', version = '1.1', host = 'host: a\r\n'): Promise<string> {
  const [text] = await Wire.ask(
    pair.client.outboundPort,
    `GET / HTTP/${version}\r\n${host}${fields}\r\n`,
    /^HTTP\/1.\d (\d+)[\s\S]*?\r\n\r\n/,
  );
  return text;
}

const statusOf = (text: string): number => Number(text.slice(9, 12));

function breakAfter(maxFailures: number, minMs: number): void {
  const backoff = { minMs, maxMs: 60_000, jitter: 0 };
  const breaker: BreakerPolicy = { kind: 'consecutive', maxFailures, backoff };
  const policy = servicePolicy(PATH);
  const http = { ...policy.http1, breaker };
  pair.client.mesh.outbound(ADDR).set({ ...policy, http1: http, http2: http });
}

const pending = () => pair.client.metric('outbound_http_balancer_endpoints', { endpoint_state: 'pending' });

test('an endpoint that keeps answering 5xx is left out', async () => {
  const [good, bad] = [await web(), await web()];
  bad.status = 500;
  breakAfter(3, 60_000);
  endpoints(endpoint(good.port), endpoint(bad.port));
  for (let i = 0; i < 100 && bad.requests.length < 3; i++) await get();
  assert.equal(bad.requests.length, 3);
  assert.equal(pending(), 1);
  for (let i = 0; i < 10; i++) assert.equal(statusOf(await get()), 200);
  assert.equal(bad.requests.length, 3);
});

test('an endpoint that was left out is used again when a trial succeeds', async () => {
  const [good, bad] = [await web(), await web()];
  bad.status = 500;
  breakAfter(3, 50);
  endpoints(endpoint(good.port), endpoint(bad.port));
  for (let i = 0; i < 100 && bad.requests.length < 3; i++) await get();
  assert.equal(bad.requests.length, 3);
  bad.status = 200;
  await new Promise((resolve) => setTimeout(resolve, 70));
  for (let i = 0; i < 60; i++) assert.equal(statusOf(await get()), 200);
  assert.ok(bad.requests.length > 4, `${bad.requests.length}`);
  assert.equal(pending(), 0);
});

test('with every breaker open requests fail fast', async () => {
  const bad = await web();
  bad.status = 503;
  breakAfter(2, 5_000);
  endpoints(endpoint(bad.port));
  assert.deepEqual([statusOf(await get()), statusOf(await get())], [503, 503]);
  const refused = await get();
  assert.match(
    refused,
    /^HTTP\/1.1 504 [\s\S]*l5d-proxy-error: service in fail-fast: .*circuit breakers of 1 are open/,
  );
  assert.equal(statusOf(await get()), 503);
  assert.equal(bad.requests.length, 2);
  assert.equal(pair.client.metric('outbound_http_balancer_queue_gate_shut_total'), 1);
});

test('a client that demands a server identity gets that server or none', async () => {
  const app = await web();
  endpoints(pair.server.endpoint(app.port));
  assert.equal(statusOf(await get(`l5d-require-id: ${SERVER}\r\n`)), 200);
  assert.ok(!app.requests[0]!.includes('l5d-require-id'));
  assert.match(
    await get('l5d-require-id: other.a\r\n'),
    new RegExp(`^HTTP/1.1 502 [\\s\\S]*required id: other.a; found ${SERVER}`),
  );
  endpoints(endpoint(app.port));
  assert.match(await get(`l5d-require-id: ${SERVER}\r\n`), /^HTTP\/1.1 502 [\s\S]*found no identity/);
  assert.equal(app.requests.length, 1);
});

test('behind a gateway requests name another authority, and no canonical destination', async () => {
  const app = await web();
  endpoints(endpoint(app.port, { authorityOverride: { authority: 'web.b:80', host: 'web.b', port: undefined } }));
  assert.equal(statusOf(await get('l5d-dst-canonical: web.a:80\r\n')), 200);
  assert.match(app.requests[0]!, /\r\nhost: web\.b:80\r\n/i);
  assert.ok(!app.requests[0]!.includes('l5d-dst-canonical'));
});

test('requests of HTTP/1.0, or without a host, have a connection to themselves', async () => {
  const app = await web();
  endpoints(endpoint(app.port));
  for (let i = 0; i < 3; i++) await get();
  assert.equal(app.connections(), 1);
  for (let i = 0; i < 3; i++) await get('', '1.0');
  assert.equal(app.connections(), 4);
  for (let i = 0; i < 2; i++) await get('', '1.0', '');
  assert.equal(app.connections(), 6);
  await get();
  assert.equal(app.connections(), 6);
});

test('endpoints of a lower priority serve while those of the first cannot be reached', async () => {
  const [first, second] = [await web(), await web()];
  const { port, close } = await serve(() => undefined);
  endpoints(endpoint(first.port), endpoint(second.port, { priority: 1 }));
  for (let i = 0; i < 5; i++) await get();
  assert.deepEqual([first.requests.length, second.requests.length], [5, 0]);
  close();
  endpoints(endpoint(port), endpoint(second.port, { priority: 1 }));
  for (let i = 0; i < 5; i++) assert.equal(statusOf(await get()), 200);
  assert.equal(second.requests.length, 5);
});

/** The service's policy asks for this way of balancing. */
function balancing(changes: { ewma?: EwmaConfig; zones?: ZoneBand }): void {
  const policy = servicePolicy(PATH);
  const [route] = policy.http1.routes;
  const { backend } = route!.rules[0]!.distribution.backends[0]!;
  const ewma = { defaultRttMs: 30, decayMs: 10_000 };
  const target = { kind: 'balancer', path: PATH, ewma, ...changes } as const;
  const distribution = {
    kind: 'first',
    backends: [{ backend: { ...backend, target }, weight: 1, filters: [] }],
  } as const;
  const http = { routes: [{ ...route!, rules: [{ matches: [], filters: [], distribution }] }], breaker: undefined };
  pair.client.mesh.outbound(ADDR).set({ ...policy, http1: http, http2: http });
}

test('endpoints of other zones help out when those of the own zone are too busy', async () => {
  const [near, far] = [await web(), await web()];
  balancing({ zones: { low: 0.8, high: 2 } });
  endpoints(endpoint(near.port, { locality: 'local' }), endpoint(far.port, { locality: 'remote' }));
  for (let i = 0; i < 20; i++) await get();
  assert.deepEqual([near.requests.length, far.requests.length], [20, 0]);
  near.delayMs = 150;
  let stop = false;
  const clients = Array.from({ length: 8 }, async () => {
    while (!stop) await get();
  });
  try {
    await eventually(() => far.requests.length > 20, 'the other zone helps out', 30_000);
    const labels = { backend_name: 'web' };
    const load = pair.client.metric('outbound_http_balancer_adaptive_load_average', labels);
    assert.ok(load > 0, `${load}`);
    assert.equal(pair.client.metric('outbound_http_balancer_adaptive_load_band_high', labels), 4);
  } finally {
    stop = true;
    await Promise.allSettled(clients);
  }
  await Promise.all(clients);
});

test('a server that failed with retry-after gets no request before that where failures are penalised', async () => {
  const [good, bad] = [await web(), await web()];
  balancing({ ewma: { defaultRttMs: 30, decayMs: 10_000, penaltyMs: 5_000, retryAfterMaxMs: 300_000 } });
  bad.status = 503;
  bad.fields = 'retry-after: 60\r\n';
  endpoints(endpoint(good.port), endpoint(bad.port));
  for (let i = 0; i < 60; i++) await get();
  assert.equal(bad.requests.length, 1);
});

test('every request is counted by the queue, with the time it waited', async () => {
  const app = await web();
  const waiting = get();
  await eventually(() => pair.client.metric('outbound_http_balancer_queue_length') === 1, 'the request waits');
  await new Promise((resolve) => setTimeout(resolve, 60));
  endpoints(endpoint(app.port));
  await waiting;
  await get();
  assert.equal(pair.client.metric('outbound_http_balancer_queue_requests_total'), 2);
  assert.equal(pair.client.metric('outbound_http_balancer_queue_latency_seconds_count'), 2);
  assert.equal(pair.client.metric('outbound_http_balancer_queue_latency_seconds_bucket', { le: '0.05' }), 1);
  assert.equal(pair.client.metric('outbound_http_balancer_queue_gate_timeout_seconds'), 0.4);
  assert.ok(pair.client.metric('outbound_http_balancer_queue_gate_open_time_seconds') > 1.6e9);
});

test('requests of HTTP/1 share a connection of HTTP/2 to an endpoint that takes them so', async () => {
  const app = await web();
  app.delayMs = 30;
  endpoints(pair.server.endpoint(app.port, { h2: true }));
  const before = pair.server.metric('inbound_tcp_transport_header_connections_total', { session_protocol: 'http/2' });
  const answers = await Promise.all(Array.from({ length: 8 }, () => get('x-a: 1\r\n')));
  assert.deepEqual(answers.map(statusOf), Array(8).fill(200));
  assert.equal(pair.client.metric('tcp_open_total', { peer: 'dst' }), 1);
  const after = pair.server.metric('inbound_tcp_transport_header_connections_total', { session_protocol: 'http/2' });
  assert.equal(after - before, 1);
  for (const request of app.requests) {
    assert.match(request, /^GET \/ HTTP\/1\.1\r\n[\s\S]*x-a: 1\r\n/);
    assert.ok(!request.includes('l5d-orig-proto'));
  }
});

test('a single known endpoint that refuses: HTTP/1 fails at once, what shares a connection waits for it', async () => {
  const { port, close } = await serve(() => undefined);
  close();
  const answers: string[] = [];
  for (const [h2, vip] of [
    [false, '10.96.0.11'],
    [true, '10.96.0.12'],
  ] as const) {
    pair.client.outboundDst = { ip: vip, port: 80 };
    pair.client.mesh.profile(`${vip}:80`).set(profile({ endpoint: endpoint(port, { h2 }) }));
    pair.client.mesh.outbound(`${vip}:80`).set({ code: 'NOT_FOUND' });
    answers.push(await get());
  }
  assert.match(answers[0]!, /^HTTP\/1.1 502 /);
  assert.match(answers[1]!, /^HTTP\/1.1 504 [\s\S]*service in fail-fast/);
});

test('bytes are counted by the zone they go to', async () => {
  const app = await web();
  endpoints(endpoint(app.port, { locality: 'remote' }));
  await get();
  assert.ok(pair.client.metric('outbound_tcp_transfer_cost_bytes_total', { op: 'Send', zone_locality: 'Remote' }) > 20);
});

test('of backends in order the first that has a ready endpoint is asked, at once when one loses its last', async () => {
  const [main, spare] = [await web(), await web()];
  const SPARE = 'spare.shop.svc.cluster.local:80';
  const policy = servicePolicy(PATH);
  const [route] = policy.http1.routes;
  const { backend } = route!.rules[0]!.distribution.backends[0]!;
  const to = (path: string) => ({
    backend: { ...backend, target: { kind: 'balancer', path, ewma: { defaultRttMs: 30, decayMs: 10_000 } } as const },
    weight: 1,
    filters: [],
  });
  const distribution = { kind: 'first', backends: [to(PATH), to(SPARE)] } as const;
  const http = { routes: [{ ...route!, rules: [{ matches: [], filters: [], distribution }] }], breaker: undefined };
  pair.client.mesh.outbound(ADDR).set({ ...policy, http1: http, http2: http });
  const { mesh } = pair.client;
  mesh.destination(SPARE).set({ kind: 'add', endpoints: [endpoint(spare.port)] });
  mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(main.port)] });
  await get();
  await get();
  assert.deepEqual([main.requests.length, spare.requests.length], [2, 0]);
  mesh.destination(PATH).push({ kind: 'none', exists: true });
  assert.match(await get(), /200/);
  const shut = pair.client.metric('outbound_http_balancer_queue_gate_shut_total');
  assert.equal(shut, 0, 'it did not wait for the fail-fast time');
  assert.equal(spare.requests.length, 1);
  mesh.destination(PATH).push({ kind: 'add', endpoints: [endpoint(main.port)] });
  for (let tries = 0; tries < 100 && main.requests.length === 2; tries++) await get();
  assert.equal(main.requests.length, 3, 'the first is back');
});
