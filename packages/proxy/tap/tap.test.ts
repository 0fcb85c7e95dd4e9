import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeTcpAddress, tap } from '#api/mesh';
import { systemClock } from '#runtime/clock';
import { createGrpcClient, type GrpcError } from '#runtime/grpc';
import { dial } from '../dial/index.ts';
import { Credentials } from '../identity/index.ts';
import {
  CLIENT,
  eventually,
  openPolicy,
  PATH,
  SERVER,
  serve,
  type TestProxy,
  usePair,
  Wire,
} from '../testing/index.ts';

const TAP = 'tap.viz';

let app: Awaited<ReturnType<typeof serve>>;

const pair = usePair({ env: { TAP_SVC_NAME: TAP } });

before(async () => {
  app = await serve((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 201 Made\r\nx-a: b\r\ncontent-length: 5\r\n\r\nhello'));
  });
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
});

after(async () => {
  app.close();
});

/** Observes as someone: with their certificate, or in plain text. */
function observe(
  proxy: TestProxy,
  identity: string | undefined,
  request: MessageInitShape<typeof tap.ObserveRequestSchema>,
) {
  const { port } = proxy.bound.tap[0]!;
  const channel = createGrpcClient({
    authority: proxy.name,
    connect: () =>
      new Promise((connected, failed) => {
        if (identity === undefined) {
          const socket = net.connect(port, '127.0.0.1', () => connected(socket));
          return;
        }
        const credentials = new Credentials(identity, pair.ca.pem);
        const leaf = pair.ca.issue(identity);
        credentials.update(leaf.keyPem, leaf.chainPem);
        const tls = { context: () => credentials.context(), serverName: proxy.name, identity: proxy.name };
        const target = { host: '127.0.0.1', port, timeoutMs: 1_000, options: {}, tls };
        dial(target, { clock: systemClock }, { connected, failed });
      }),
  });
  const seen = { events: [] as tap.TapEvent[], ended: undefined as GrpcError | 'OK' | undefined };
  channel.serverStream(tap.Tap.method.observe, request, {
    message: (event) => seen.events.push(event),
    ended: (error) => {
      seen.ended = error ?? 'OK';
      channel.close();
    },
  });
  return seen;
}

type Extract = NonNullable<MessageInitShape<typeof tap.ObserveRequestSchema>['extract']>;
const HEADERS: Extract = {
  extract: { case: 'http', value: { extract: { case: 'headers', value: {} } } },
};
const path = (value: string, extract?: Extract): MessageInitShape<typeof tap.ObserveRequestSchema> => ({
  limit: 1,
  ...(extract && { extract }),
  match: {
    match: { case: 'http', value: { match: { case: 'path', value: { match: { case: 'exact', value } } } } },
  },
});

async function request(target: string): Promise<void> {
  await Wire.ask(pair.client.outboundPort, `GET ${target} HTTP/1.1\r\nhost: web.a\r\nx-secret: s\r\n\r\n`, /hello$/);
}

/** A tap has begun when its request was read; asks until the first one is seen. */
async function until(seen: { ended: unknown }, target: string): Promise<void> {
  for (let i = 0; i < 50 && seen.ended === undefined; i++) {
    await request(target);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('the one who may tap sees the requests that match, both ways, and the stream ends after the limit', async () => {
  const out = observe(pair.client, TAP, path('/a', HEADERS));
  await until(out, '/a?b');
  assert.equal(out.ended, 'OK');
  const [init, response, end] = out.events.map(({ event }) => event.value?.event);
  assert.equal(out.events.length, 3);
  assert.ok(init?.case === 'requestInit' && response?.case === 'responseInit' && end?.case === 'responseEnd');
  assert.equal(init.value.path, '/a');
  assert.equal(init.value.authority, 'web.a');
  assert.deepEqual(init.value.id?.stream, 0n);
  assert.ok(init.value.headers?.headers.some(({ name, value }) => name === 'x-secret' && value.length === 1));
  assert.equal(response.value.httpStatus, 201);
  assert.ok(response.value.headers?.headers.some(({ name }) => name === 'x-a'));
  assert.equal(end.value.responseBytes, 5n);
  const [event] = out.events;
  assert.equal(event?.proxyDirection, tap.TapEvent_ProxyDirection.OUTBOUND);
  assert.equal(decodeTcpAddress(event?.destination), `127.0.0.1:${app.port}`);
  assert.deepEqual(event?.destinationMeta?.labels, { namespace: 'a', service: 'web', tls: 'true', server_id: SERVER });
  assert.deepEqual(event?.sourceMeta?.labels, { tls: 'loopback' });
});

test('inbound events name the client; headers stay away unless asked for', async () => {
  const seen = observe(pair.server, TAP, path('/in'));
  await until(seen, '/in');
  const [event] = seen.events;
  assert.equal(event?.proxyDirection, tap.TapEvent_ProxyDirection.INBOUND);
  assert.deepEqual(event?.sourceMeta?.labels, { tls: 'true', client_id: CLIENT });
  const init = event?.event.value?.event;
  assert.ok(init?.case === 'requestInit' && init.value.headers === undefined);
});

test('others are unauthenticated: another identity, no certificate, plain text, though from loopback', async () => {
  for (const identity of ['other.viz', undefined]) {
    const seen = observe(pair.server, identity, path('/'));
    await eventually(() => seen.ended !== undefined, 'an answer');
    assert.equal((seen.ended as GrpcError).code, 'UNAUTHENTICATED', String(identity));
  }
});

test('a tap without limit or condition is an invalid argument', async () => {
  for (const request of [{ ...path('/'), limit: 0 }, { limit: 1 }]) {
    const seen = observe(pair.server, TAP, request);
    await eventually(() => seen.ended !== undefined, 'an answer');
    assert.equal((seen.ended as GrpcError).code, 'INVALID_ARGUMENT');
  }
});
