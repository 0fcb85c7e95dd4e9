/** Live events of requests: who may see them, which ones, how many, and what they tell. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeTcpAddress, encodeIp, tap } from '#api/mesh';
import { createGrpcClient, type GrpcError } from '#runtime/grpc';
import { eventually } from '../../harness/index.ts';
import { type Pod, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, refuse } from './grpc.ts';
import { ask, call, connectHttp2, get, serveHttp1, serveHttp2 } from './http.ts';

type Match = MessageInitShape<typeof tap.ObserveRequest_MatchSchema>;

const VIP = '10.96.0.13';
const PATH = 'web.a.svc.cluster.local';
const TAP_PORT = 4190;
const TAP = 'tap.a.serviceaccount.identity.linkerd.cluster.local';
/** The one who may tap. */

const env = { TAP_SVC_NAME: TAP };
const { world, client, web, watcher, plain } = usePods(
  { client: { env }, web: { env }, watcher: { identity: TAP }, plain: { unmeshed: true } },
  () => {
    serveHttp1(web, 8080, (_request, response) => {
      response.setHeader('x-answer', 'yes');
      response.end('hello');
    });
    serveHttp2(web, 9090, (stream) => refuse(stream, 14));
    for (const [port, target] of [
      [80, 8080],
      [81, 9090],
    ] as const)
      world.service(`${VIP}:${port}`, `${PATH}:${port}`, [web.endpoint(target, { labels: { pod: 'web-1' } })]);
    // The tap port is dialled as it is: mesh TLS without a transport header.
    for (const { ip, identity } of [client, web])
      world.profileOfEndpoint(`${ip}:${TAP_PORT}`, { ip, port: TAP_PORT, identity });
  },
);

interface Seen {
  readonly events: tap.TapEvent[];
  ended: GrpcError | 'OK' | undefined;
}

/** One Observe call over a connection that `dial` opens. */
function observe(dial: () => Promise<Socket>, request: MessageInitShape<typeof tap.ObserveRequestSchema>): Seen {
  const channel = createGrpcClient({ authority: 'tap', connect: dial });
  const seen: Seen = { events: [], ended: undefined };
  channel.serverStream(tap.Tap.method.observe, request, {
    message: (event) => seen.events.push(event),
    ended: (error) => {
      seen.ended = error ?? 'OK';
      channel.close();
    },
  });
  return seen;
}

const at = (pod: Pod) => () => watcher.dial(pod.ip, TAP_PORT);

const http = (match: NonNullable<MessageInitShape<typeof tap.ObserveRequest_Match_HttpSchema>['match']>): Match => ({
  match: { case: 'http', value: { match } },
});
const prefix = (value: string): Match => http({ case: 'path', value: { match: { case: 'prefix', value } } });
const all = (...matches: Match[]): Match => ({ match: { case: 'all', value: { matches } } });
const not = (value: Match): Match => ({ match: { case: 'not', value } });
const HEADERS = { extract: { case: 'http', value: { extract: { case: 'headers', value: {} } } } } as const;

/** Sends requests until the call has ended, which takes as many as its limit once it has begun. */
async function until(seen: Seen, send: () => Promise<unknown>): Promise<void> {
  await eventually(
    'the end of the tap',
    10_000,
    async () => {
      await send();
      return seen.ended;
    },
    10,
  );
  assert.equal(seen.ended, 'OK');
}

/** The parts of the events, by kind. */
const parts = (seen: Seen) => seen.events.map(({ event }) => event.value?.event);

test('the tap sees what matches, up to its limit, with both ends and the time it took', async () => {
  const seen = observe(at(web), { limit: 3, match: prefix('/in') });
  await until(seen, async () => {
    await get(client, VIP, 80, '/other');
    await get(client, VIP, 80, '/in/x?secret=1');
  });
  const inits = parts(seen).filter((part) => part?.case === 'requestInit');
  assert.deepEqual(
    inits.map((part) => [part.value.id?.stream, part.value.path, part.value.authority]),
    [0n, 1n, 2n].map((n) => [n, '/in/x', 'web.a']),
  );
  assert.equal(seen.events.length, 9, 'begin, head and end of each');
  const [event] = seen.events;
  assert.equal(event?.proxyDirection, tap.TapEvent_ProxyDirection.INBOUND);
  assert.equal(decodeTcpAddress(event?.destination), `${web.ip}:8080`);
  assert.deepEqual(event?.sourceMeta?.labels, { tls: 'true', client_id: client.identity });
  assert.ok(
    inits.every((part) => part.value.headers === undefined),
    'fields are shown only if asked for',
  );
  const end = parts(seen).find((part) => part?.case === 'responseEnd');
  assert.equal(end?.value.responseBytes, 5n);
  assert.ok(end?.value.sinceRequestInit);
});

test('outbound events name the endpoint and its labels; fields of both heads are shown if asked for', async () => {
  const seen = observe(at(client), { limit: 1, match: prefix('/out'), extract: HEADERS });
  await until(seen, () => get(client, VIP, 80, '/out', ['x-asked: yes']));
  const [event] = seen.events;
  assert.equal(event?.proxyDirection, tap.TapEvent_ProxyDirection.OUTBOUND);
  const { pod, tls, server_id } = event?.destinationMeta?.labels ?? {};
  assert.deepEqual([pod, tls, server_id], ['web-1', 'true', web.identity]);
  const fields = (kind: 'requestInit' | 'responseInit') => {
    const part = parts(seen).find((each) => each?.case === kind);
    assert.ok(part?.case === 'requestInit' || part?.case === 'responseInit');
    return part.value.headers?.headers.map(({ name, value }) => `${name}: ${Buffer.from(value)}`) ?? [];
  };
  assert.ok(fields('requestInit').includes('x-asked: yes'), fields('requestInit').join());
  assert.ok(fields('responseInit').includes('x-answer: yes'), fields('responseInit').join());
});

test('conditions combine: methods, authorities, addresses, ports, labels, and what they exclude', async () => {
  const post = http({ case: 'method', value: { type: { case: 'registered', value: 1 } } });
  const authority = http({ case: 'authority', value: { match: { case: 'exact', value: 'web.a' } } });
  const netmask = { ip: encodeIp('10.244.0.0')!, mask: 24 };
  const near: Match = { match: { case: 'source', value: { match: { case: 'netmask', value: netmask } } } };
  const ports = { min: 8080, max: 0 };
  const port: Match = { match: { case: 'destination', value: { match: { case: 'ports', value: ports } } } };
  const label: Match = { match: { case: 'destinationLabel', value: { key: 'pod', value: 'web-1' } } };
  const outbound = observe(at(client), { limit: 1, match: all(prefix('/all'), post, authority, label, port) });
  const inbound = observe(at(web), { limit: 1, match: all(prefix('/all'), near, not(post)) });
  const send = async (method: string) => {
    await ask(client, VIP, 80, { method, path: `/all/${method}`, ...(method === 'POST' && { body: 'x' }) });
  };
  await until(outbound, async () => {
    await send('GET');
    await send('POST');
  });
  await until(inbound, () => send('GET'));
  const path = (seen: Seen) => (parts(seen)[0] as { value: { path: string } }).value.path;
  assert.deepEqual([path(outbound), path(inbound)], ['/all/POST', '/all/GET']);
});

test('a call of gRPC ends with its status', async () => {
  const seen = observe(at(web), { limit: 1, match: prefix('/shop.Cart') });
  await until(seen, async () => {
    const session = await connectHttp2(client, VIP, 81);
    await call(session, { ...GRPC, ':path': '/shop.Cart/Add' }, message('x'));
    session.destroy();
  });
  const end = parts(seen).find((part) => part?.case === 'responseEnd');
  assert.deepEqual(end?.value.eos?.end, { case: 'grpcStatusCode', value: 14 });
});

test('whoever else asks is unauthenticated: another identity, a pod outside the mesh, the pod itself', async () => {
  const request = { limit: 1, match: prefix('/') };
  const callers = {
    'another identity': () => client.dial(web.ip, TAP_PORT),
    'outside the mesh': () => plain.dial(web.ip, TAP_PORT),
    loopback: () => web.dial('127.0.0.1', TAP_PORT),
  };
  for (const [who, dial] of Object.entries(callers)) {
    const seen = observe(dial, request);
    await eventually(`an answer to ${who}`, 5_000, async () => seen.ended, 10);
    assert.equal((seen.ended as GrpcError).code, 'UNAUTHENTICATED', who);
    assert.equal(seen.events.length, 0);
  }
});

test('a tap without a limit or without a condition is an invalid argument', async () => {
  for (const request of [{ limit: 0, match: prefix('/') }, { limit: 1 }]) {
    const seen = observe(at(web), request);
    await eventually('an answer', 5_000, async () => seen.ended, 10);
    assert.equal((seen.ended as GrpcError).code, 'INVALID_ARGUMENT');
  }
});
