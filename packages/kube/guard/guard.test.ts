import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import type { Gvr, KubeObject } from '#api/kube';
import { AnswerFault, createKubeClient, type KubeClient, type WatchSink } from '#kube/client';
import { systemClock } from '#runtime/clock';
import { type AnswerBudget, createAnswerGuard, refusedAddress } from './index.ts';

const SERVICES: Gvr = { group: '', version: 'v1', resource: 'services' };
const SLICES: Gvr = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
const BUDGET: AnswerBudget = {
  answerBytesMax: 100_000,
  objectBytesMax: 20_000,
  listMsMax: 10_000,
  objectsMax: { services: 20 },
  objectsMaxElse: 100,
  keptBytesMax: 50_000,
  eventsBurst: 50,
  eventsPerSecond: 10,
};

interface Asked {
  isWatch: boolean;
  query: URLSearchParams;
}
let answer: (asked: Asked, stream: ServerHttp2Stream) => void;
let server: Http2Server;
const clients: KubeClient[] = [];
const refused = new Map<string, string>();

before(async () => {
  server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {}); // The client ends what it does not want.
    const { searchParams } = new URL(String(headers[':path']), 'http://x');
    answer({ isWatch: searchParams.has('watch'), query: searchParams }, stream as ServerHttp2Stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  refused.clear();
});
after(() => server.close());

function connect(): KubeClient {
  const access = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: () => Promise.resolve({ version: '1' }),
    headers: () => Promise.resolve({}),
  };
  const guard = createAnswerGuard(BUDGET, systemClock, {
    refused: (object, why) => void (why === undefined ? refused.delete(object) : refused.set(object, why)),
  });
  const client = createKubeClient(access, undefined, guard);
  clients.push(client);
  return client;
}

const send = (stream: ServerHttp2Stream, body: unknown): void => {
  stream.respond({ ':status': 200 });
  stream.end(typeof body === 'string' ? body : JSON.stringify(body));
};
const service = (name: string, version = '5', more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', resourceVersion: version },
  ...more,
});
const listOf = (items: unknown, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ServiceList',
  metadata: { resourceVersion: '100' },
  items,
  ...more,
});
const line = (stream: ServerHttp2Stream, type: string, object: unknown): boolean =>
  stream.write(`${JSON.stringify({ type, object })}\n`);

/** What the sink of a watch was told, until it is as wanted. */
function watching(gvr: Gvr = SERVICES) {
  const told: string[] = [];
  const faults: Error[] = [];
  const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name).join();
  const sink: WatchSink<KubeObject> = {
    reset: (objects) => void told.push(`reset ${names(objects)}`),
    applied: (object) => void told.push(`applied ${names([object])}`),
    deleted: (object) => void told.push(`deleted ${names([object])}`),
    failed: ({ error }) => void faults.push(error),
    recovered: () => void told.push('recovered'),
  };
  const stop = connect().watch(gvr, {}, sink);
  const until = async (isSo: () => boolean): Promise<void> => {
    const deadlineMs = Date.now() + 5_000;
    while (!isSo()) {
      assert.ok(Date.now() < deadlineMs, JSON.stringify({ told, faults: faults.map(String) }));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { told, faults, stop, until };
}

const faultOf = async (): Promise<AnswerFault> => {
  const error: unknown = await connect()
    .list(SERVICES)
    .catch((caught: unknown) => caught);
  assert.ok(error instanceof AnswerFault, String(error));
  return error;
};

const LIES: Record<string, [body: unknown, message: RegExp]> = {
  'text instead of JSON': ['<html>hello</html>', /not JSON: <html>hello/],
  'another kind': [listOf([], { kind: 'PodList' }), /expected a list of services of v1, got kind "PodList" of "v1"/],
  'another version': [listOf([], { apiVersion: 'v2' }), /got kind "ServiceList" of "v2"/],
  'no object at all': ['[]', /expected a list of services, got \[\]/],
  'no list': [listOf({ a: 1 }), /expected a list of services, got \{"a":1\}/],
  'no version': [listOf([], { metadata: {} }), /with its version/],
  'an object without a name': [listOf([service('')]), /expected a name, got ""/],
  'no metadata': [listOf([{ spec: {} }]), /metadata: expected an object/],
  'a name that means something elsewhere': [listOf([service('a@east,b')]), /expected a name, got "a@east,b"/],
  'an object of another kind': [listOf([{ ...service('a'), kind: 'Secret' }]), /expected one of services of v1/],
  'labels that are no texts': [
    listOf([{ ...service('a'), metadata: { ...service('a').metadata, labels: { a: 5 } } }]),
    /services "a": metadata.labels.a: expected text, got 5/,
  ],
  'ports that are none': [
    listOf([service('a', '5', { spec: { ports: [{ port: 70_000 }] } })]),
    /expected a port, got 70000/,
  ],
};
for (const [what, [body, message]] of Object.entries(LIES))
  test(`a list with ${what} is refused, in words`, async () => {
    answer = (_asked, stream) => send(stream, body);
    const { reason, message: said } = await faultOf();
    assert.equal(reason, 'InvalidAnswer');
    assert.match(said, message);
  });

test('of more objects than there may be, no more is read', async () => {
  let pages = 0;
  answer = (_asked, stream) => {
    pages += 1;
    send(
      stream,
      listOf([service(`a-${pages}`), service(`b-${pages}`)], { metadata: { resourceVersion: '1', continue: 'x' } }),
    );
  };
  assert.deepEqual((await faultOf()).message, 'more than 20 services');
  assert.equal(pages, 11);
});

test('a list that goes on for ever without objects ends', async () => {
  answer = (_asked, stream) => send(stream, listOf([], { metadata: { resourceVersion: '1', continue: 'x' } }));
  assert.equal((await faultOf()).reason, 'EndlessList');
});

test('what is kept of all objects together is bounded', async () => {
  const note = 'n'.repeat(3_000);
  const items = Array.from({ length: 18 }, (_, at) => service(`a-${at}`, '5', { spec: { selector: { note } } }));
  answer = (_asked, stream) => send(stream, listOf(items));
  assert.equal((await faultOf()).reason, 'TooMuchToKeep');
});

test('pages that are too large are asked for in smaller ones, and a single large object is named', async () => {
  const note = 'n'.repeat(13_000);
  const limits: string[] = [];
  answer = ({ query }, stream) => {
    const limit = Number(query.get('limit'));
    limits.push(query.get('limit') ?? '');
    const at = Number(query.get('continue') ?? '0');
    const items = Array.from({ length: Math.min(limit, 10 - at) }, (_, index) =>
      service(`a-${at + index}`, '5', { status: { note } }),
    );
    const next = at + items.length;
    send(stream, listOf(items, { metadata: { resourceVersion: '1', ...(next < 10 && { continue: String(next) }) } }));
  };
  assert.equal((await connect().list(SERVICES)).items.length, 10);
  assert.deepEqual(limits, ['500', '125', '31', '7', '7']);
  answer = (_asked, stream) => send(stream, listOf([service('a', '5', { status: { note: note + note } })]));
  assert.match((await faultOf()).message, /one of services, "a", has 26\d\d\d bytes, and 20000 are the most/);
  answer = (_asked, stream) => send(stream, 'x'.repeat(200_000));
  assert.match((await faultOf()).message, /the answer exceeds 100000 bytes, asked for a single object/);
});

test('the same event again and again is told once, and too many of them end the watch', async () => {
  answer = ({ isWatch }, stream) => {
    if (!isWatch) return send(stream, listOf([]));
    stream.respond({ ':status': 200 });
    for (let count = 0; count < 60; count += 1) line(stream, 'ADDED', service('a', '101'));
  };
  const { told, faults, until } = watching();
  await until(() => faults.length > 0);
  assert.deepEqual(told.slice(0, 2), ['reset ', 'applied a']);
  assert.match(
    faults[0]?.message ?? '',
    /more than 10 events of services a second and 50 at once, the last one ADDED shop\/a 101/,
  );
});

test('versions that go backwards end the watch, and nothing is told of them', async () => {
  answer = ({ isWatch }, stream) => {
    if (!isWatch) return send(stream, listOf([service('a')]));
    stream.respond({ ':status': 200 });
    line(stream, 'MODIFIED', service('a', '101'));
    line(stream, 'DELETED', service('a', '99'));
  };
  const { told, faults, until } = watching();
  await until(() => faults.length > 0);
  assert.deepEqual(told, ['reset a', 'applied a']);
  assert.match(faults[0]?.message ?? '', /go backwards: expected one from 101 on, got 99 for shop\/a/);
});

test('an event that is too long, or no event, ends the watch', async () => {
  const bodies = ['x'.repeat(30_000), '{"type":"ADDED"}\n', '{"type":"SUNG","object":{"metadata":{}}}\n', 'null\n'];
  const said: string[] = [];
  for (const body of bodies) {
    answer = ({ isWatch }, stream) => {
      if (!isWatch) return send(stream, listOf([]));
      stream.respond({ ':status': 200 });
      stream.write(body);
    };
    const { faults, until, stop } = watching();
    await until(() => faults.length > 0);
    stop();
    said.push(faults[0] instanceof AnswerFault ? faults[0].reason : String(faults[0]));
  }
  assert.deepEqual(said, ['ObjectTooLarge', 'InvalidAnswer', 'InvalidAnswer', 'InvalidAnswer']);
});

test('who lies in every watch is not well again because the lists between are right', async () => {
  answer = ({ isWatch }, stream) => {
    if (!isWatch) return send(stream, listOf([service('a')]));
    stream.respond({ ':status': 200 });
    line(stream, 'ADDED', { ...service('b', '101'), kind: 'Secret' });
  };
  const { told, faults, until } = watching();
  await until(() => faults.length > 2);
  assert.ok(!told.includes('recovered'), told.join());
});

test('a server that says at once that its own list is too old is not asked without a pause', async () => {
  let lists = 0;
  answer = ({ isWatch }, stream) => {
    if (!isWatch) {
      lists += 1;
      return send(stream, listOf([]));
    }
    stream.respond({ ':status': 410 });
    stream.end('too old');
  };
  const { faults, until } = watching();
  await until(() => faults.length > 1);
  assert.ok(lists <= 4, `${lists} lists`);
});

test('endpoints that Kubernetes would refuse are left out of a slice, and said until they are gone', async () => {
  const slice = (version: string, ...addresses: string[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', resourceVersion: version },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports: null,
  });
  let watched: ServerHttp2Stream | undefined;
  answer = ({ isWatch }, stream) => {
    if (!isWatch)
      return send(stream, {
        ...listOf([slice('5', '10.0.0.1', '127.0.0.1', '169.254.169.254', 'fd00::1', 'localhost')]),
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSliceList',
      });
    stream.respond({ ':status': 200 });
    watched = stream;
  };
  const seen: KubeObject[] = [];
  const keep = { reset: (all: readonly KubeObject[]) => void seen.push(...all), deleted: () => {} };
  connect().watch<KubeObject>(SLICES, {}, { ...keep, applied: (object) => void seen.push(object) });
  const until = async (isSo: () => boolean) => {
    for (let turn = 0; turn < 400 && !isSo(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(isSo());
  };
  await until(() => seen.length === 1 && watched !== undefined);
  const addresses = (object: KubeObject | undefined) =>
    (object as unknown as { endpoints: { addresses: string[] }[] }).endpoints.flatMap((each) => each.addresses);
  assert.deepEqual(addresses(seen[0]), ['10.0.0.1']);
  assert.deepEqual(
    [...refused],
    [
      [
        'endpointslices shop/web-1',
        '127.0.0.1 is a loopback address, 169.254.169.254 is a link-local address, fd00::1 is not of the family IPv4, and 1 more',
      ],
    ],
  );
  line(watched!, 'MODIFIED', slice('101', '10.0.0.2'));
  await until(() => seen.length === 2);
  assert.deepEqual([addresses(seen[1]), refused.size], [['10.0.0.2'], 0]);
});

test('special addresses are known in whatever way they are written', () => {
  const ranges = {
    '0.0.0.0': 'is unspecified',
    '::': 'is unspecified',
    '127.9.9.9': 'is a loopback address',
    '::1': 'is a loopback address',
    '0:0:0:0:0:0:0:1': 'is a loopback address',
    '::ffff:127.0.0.1': 'is a loopback address',
    '169.254.0.1': 'is a link-local address',
    'febf::1%eth0': 'is a link-local address',
    '224.0.0.251': 'is a link-local multicast address',
    'ff02::1': 'is a link-local multicast address',
    'kubernetes.default': 'is no IP address',
  };
  for (const [address, why] of Object.entries(ranges)) assert.equal(refusedAddress(address), why, address);
  for (const address of ['10.0.0.1', '128.0.0.1', '169.253.0.1', '224.0.1.1', 'fd00::1', 'fec0::1', '::ffff:10.0.0.1'])
    assert.equal(refusedAddress(address), undefined, address);
});
