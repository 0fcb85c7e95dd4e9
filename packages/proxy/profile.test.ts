import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Pattern } from '#model/regex';
import type { Profile, ProfileRoute } from './discover/index.ts';
import { endpoint, eventually, profile, serve, servicePolicy, TestCa, TestProxy, Wire } from './testing/index.ts';

const FQN = 'web.a.svc.cluster.local';
const ADDR = '10.96.0.10:80';

let client: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let answer: (socket: Socket, text: string) => void;
let seen: string[] = [];

before(async () => {
  client = await TestProxy.start({ name: 'client.a.serviceaccount.identity.linkerd.cluster.local', ca: new TestCa() });
  app = await serve((socket) =>
    socket.on('data', (chunk) => {
      seen.push(chunk.toString('latin1'));
      answer(socket, chunk.toString('latin1'));
    }),
  );
  // The policy leads nowhere: what is answered was routed by the profile.
  client.mesh.outbound(ADDR).set(servicePolicy('nobody.a.svc.cluster.local:80'));
  client.mesh.destination(`${FQN}:80`).set({ kind: 'add', endpoints: [endpoint(app.port)] });
});
after(async () => {
  app.close();
  await client.stop();
});

let wire: Wire;
beforeEach(async () => {
  seen = [];
  answer = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  wire = await Wire.connect(client.outboundPort);
});
afterEach(() => wire.socket.destroy());

function route(name: string, path: string, changes: Partial<ProfileRoute> = {}): ProfileRoute {
  return {
    condition: { kind: 'path', regex: new Pattern(path) },
    classes: [],
    labels: { route: name },
    isRetryable: false,
    timeoutMs: undefined,
    ...changes,
  };
}

function use(changes: Partial<Profile>): void {
  client.mesh.profile(ADDR).set(profile({ fqn: FQN, ...changes }));
}

/** Status of one request. */
async function ask(path: string, method = 'GET'): Promise<number> {
  wire.send(`${method} ${path} HTTP/1.1\r\nhost: web\r\n\r\n`);
  const [, status] = await wire.expect(/HTTP\/1.1 (\d+)[\s\S]*?\r\n\r\n/);
  return Number(status);
}

test('the first route whose condition holds names the request, and the profile is told to the peer', async () => {
  use({
    routes: [
      route('posts', '.*', {
        condition: {
          kind: 'all',
          of: [
            { kind: 'method', method: 'POST' },
            { kind: 'not', of: { kind: 'path', regex: new Pattern('/no.*') } },
          ],
        },
      }),
      route('items', '/items/\\d+'),
    ],
  });
  assert.equal(await ask('/items/42?x=1'), 200);
  assert.equal(await ask('/items/42', 'POST'), 200);
  assert.equal(await ask('/no/42', 'POST'), 200);
  assert.match(seen[0] ?? '', new RegExp(`^l5d-dst-canonical: ${FQN}:80\\r$`, 'm'));
  await eventually(() => client.metric('route_response_total', { dst: `${FQN}:80` }) === 3, 'three responses');
  assert.equal(client.metric('route_response_total', { rt_route: 'items', classification: 'success' }), 1);
  assert.equal(client.metric('route_response_total', { rt_route: 'posts', classification: 'success' }), 1);
});

test('a route says by itself what a failure is', async () => {
  const isFailure = (from: number, to: number, is: boolean) =>
    ({ condition: { kind: 'status', from, to }, isFailure: is }) as const;
  use({ routes: [route('odd', '/odd', { classes: [isFailure(404, 404, true), isFailure(500, 500, false)] })] });
  for (const status of [404, 500]) {
    answer = (socket) => socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`);
    assert.equal(await ask('/odd'), status);
  }
  const of = (status_code: string, classification: string) =>
    client.metric('route_response_total', { rt_route: 'odd', status_code, classification });
  await eventually(() => of('404', 'failure') === 1 && of('500', 'success') === 1, 'the classes of the route');
  assert.equal(
    client.metric('response_total', { direction: 'outbound', status_code: '404', classification: 'failure' }),
    1,
  );
});

test('failures of retryable routes are tried again while the budget pays', async () => {
  use({
    routes: [route('retried', '/retried', { isRetryable: true })],
    retryBudget: { ratio: 0, minPerSecond: 2, ttlMs: 1_000 },
  });
  let left = 1;
  answer = (socket) => socket.write(`HTTP/1.1 ${left-- > 0 ? '503 X' : '200 OK'}\r\ncontent-length: 0\r\n\r\n`);
  assert.equal(await ask('/retried'), 200);
  assert.equal(seen.length, 2);
  left = 100;
  assert.equal(await ask('/retried'), 503);
  assert.ok(seen.length <= 5, `${seen.length} attempts`);
  await eventually(
    () => client.metric('route_retryable_total', { rt_route: 'retried', skipped: 'no_budget' }) >= 1,
    'the end of the budget',
  );
  assert.equal(client.metric('route_request_total', { rt_route: 'retried' }), 2);
  assert.equal(client.metric('route_actual_request_total', { rt_route: 'retried' }), seen.length);
});

test('a route bounds the time to the response head', async () => {
  use({ routes: [route('slow', '/slow', { timeoutMs: 50 })] });
  answer = () => undefined;
  assert.equal(await ask('/slow'), 504);
});

test('a profile without routes and overrides changes nothing', async () => {
  client.mesh.destination('nobody.a.svc.cluster.local:80').set({ kind: 'add', endpoints: [endpoint(app.port)] });
  use({});
  assert.equal(await ask('/'), 200);
  assert.doesNotMatch(seen[0] ?? '', /l5d-dst-canonical/);
});

test('overrides split requests, and connections of bytes, by weight', async () => {
  const other = await serve((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 201 X\r\ncontent-length: 0\r\n\r\n')),
  );
  client.mesh.destination('other.a.svc.cluster.local:80').set({ kind: 'add', endpoints: [endpoint(other.port)] });
  const overrides = [
    { authority: `${FQN}:80`, weight: 1 },
    { authority: 'other.a.svc.cluster.local:80', weight: 999_999_999 },
  ];
  use({ overrides });
  assert.equal(await ask('/'), 201);
  use({ overrides, opaque: true });
  const bytes = await Wire.connect(client.outboundPort);
  bytes.send('anything');
  await bytes.expect(/201/);
  bytes.socket.destroy();
  other.close();
});
