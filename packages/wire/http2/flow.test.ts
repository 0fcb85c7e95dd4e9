import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitBytes } from '../testing/index.ts';
import type { Http2Stream } from './index.ts';
import { createEnd, type End, move, requestHead, settle } from './pair.fake.ts';

/** One thing that happens; numbers pick streams and sizes. */
type Step =
  | { kind: 'open'; hasBody: boolean }
  | { kind: 'send' | 'answer'; pick: number; bytes: number; ends: boolean; trailers: boolean }
  | { kind: 'hold'; side: 'client' | 'server'; held: boolean }
  | { kind: 'move'; from: 'client' | 'server'; sizes: number[]; max: number }
  | { kind: 'consume'; side: 'client' | 'server'; pick: number; bytes: number }
  | { kind: 'ping' };

const side = fc.constantFrom('client' as const, 'server' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), hasBody: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom('send' as const, 'answer' as const),
    pick: fc.nat(50),
    bytes: fc.oneof(fc.nat(100), fc.nat(20_000)),
    ends: fc.boolean(),
    trailers: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('hold' as const), side, held: fc.boolean() }),
  fc.record({
    kind: fc.constant('move' as const),
    from: side,
    sizes: fc.array(fc.nat(40), { maxLength: 5 }),
    max: fc.constantFrom(1, 20, 3000, 1e9),
  }),
  fc.record({ kind: fc.constant('consume' as const), side, pick: fc.nat(50), bytes: fc.nat(40_000) }),
  fc.record({ kind: fc.constant('ping' as const) }),
);
const options = fc.record({
  streamWindow: fc.oneof(fc.integer({ min: 100, max: 900 }), fc.integer({ min: 1000, max: 200_000 })),
  connectionWindow: fc.constantFrom(1, 65_535, 80_000, 300_000),
  maxFrameSize: fc.constantFrom(16_384, 20_000, 100_000),
  headerTableSize: fc.constantFrom(0, 200, 4096, 10_000),
});

/** Bytes whose place in their stream can be told from their values. */
function pattern(streamId: number, from: number, bytes: number): Buffer {
  const repeated = Buffer.from(Array.from({ length: 256 }, (_, i) => ((from + i) * 7 + streamId) & 255));
  return Buffer.alloc(bytes, repeated);
}

/** One direction of one stream: what was sent, and whether and how it ended. */
class Flow {
  sent = 0;
  ended = false;
  readonly stream: Http2Stream<string>;
  constructor(stream: Http2Stream<string>) {
    this.stream = stream;
  }

  send(end: End, bytes: number, ends: boolean, trailers: boolean): void {
    if (this.ended) return;
    this.ended = ends;
    this.stream.data(pattern(this.stream.id, this.sent, bytes), 0, bytes, ends && !trailers);
    if (ends && trailers) this.stream.trailers([end.fields.fieldOf('x-sent', String(this.sent + bytes))]);
    this.sent += bytes;
  }
}

class World {
  readonly client: End;
  readonly server: End;
  readonly requests: Flow[] = [];
  readonly responses = new Map<number, Flow>();
  readonly consumed = new Map<string, number>();

  constructor(clientOptions: object, serverOptions: object) {
    this.client = createEnd('client', clientOptions);
    this.server = createEnd('server', serverOptions);
    this.client.sink.consumes = false;
    this.server.sink.consumes = false;
  }

  run(step: Step): void {
    const { client, server } = this;
    const end = 'side' in step ? this[step.side] : client;
    if (step.kind === 'open') {
      const head = requestHead(client, 'POST', '/', [['x-number', String(this.requests.length)]]);
      const stream = client.connection.request(head, !step.hasBody, 'owner');
      if (stream === undefined) return;
      const flow = new Flow(stream);
      flow.ended = !step.hasBody;
      this.requests.push(flow);
    } else if (step.kind === 'send') {
      this.requests[step.pick % this.requests.length]?.send(client, step.bytes, step.ends, step.trailers);
    } else if (step.kind === 'answer') {
      const streams = [...server.sink.streams.values()];
      const stream = streams[step.pick % streams.length];
      if (stream === undefined) return;
      let flow = this.responses.get(stream.id);
      if (flow === undefined) {
        flow = new Flow(stream);
        this.responses.set(stream.id, flow);
        stream.respond(200, [server.fields.fieldOf('x-stream', String(stream.id))], false);
      }
      flow.send(server, step.bytes, step.ends, step.trailers);
    } else if (step.kind === 'hold') end.connection.hold(step.held);
    else if (step.kind === 'move') {
      const from = this[step.from];
      const bytes = from.connection.takeOutput(step.max);
      if (bytes === undefined) return;
      const copy = Buffer.from(bytes);
      for (const piece of splitBytes(copy, step.sizes))
        (from === client ? server : client).connection.receive(piece, 0);
    } else if (step.kind === 'consume') this.consume(step.side, step.pick, step.bytes);
    else client.connection.ping(1);
  }

  consume(side: 'client' | 'server', pick: number, bytes: number): void {
    const { sink } = this[side];
    const ids = [...sink.bodies.keys()];
    const id = ids[pick % ids.length];
    if (id === undefined) return;
    const key = `${side} ${id}`;
    const done = this.consumed.get(key) ?? 0;
    const take = Math.min(bytes, (sink.received.get(id) ?? 0) - done);
    const stream =
      side === 'server' ? sink.streams.get(id) : this.requests.find((flow) => flow.stream.id === id)?.stream;
    stream?.consume(take);
    this.consumed.set(key, done + take);
  }

  /** Lets everything arrive. */
  drain(): void {
    this.client.connection.hold(false);
    this.server.connection.hold(false);
    for (let round = 0; round < 100_000; round++) {
      settle(this.client, this.server);
      const before = [...this.consumed.values()].reduce((sum, bytes) => sum + bytes, 0);
      for (const side of ['client', 'server'] as const)
        for (let pick = 0; pick < this[side].sink.bodies.size; pick++) this.consume(side, pick, 1e9);
      const after = [...this.consumed.values()].reduce((sum, bytes) => sum + bytes, 0);
      if (after === before && !move(this.client, this.server) && !move(this.server, this.client)) return;
    }
    assert.fail('the connections never come to rest');
  }

  check(): void {
    const { client, server } = this;
    for (const end of [client, server])
      assert.deepEqual(
        end.sink.events.filter((event) => /fault|reset/.test(event)),
        [],
      );
    for (const flow of this.requests) this.checkFlow(flow, server);
    for (const flow of this.responses.values()) this.checkFlow(flow, client);
    const open = this.requests.filter((flow) => !flow.ended || !(this.responses.get(flow.stream.id)?.ended ?? false));
    assert.equal(client.connection.openStreams, open.length);
    assert.equal(server.connection.openStreams, open.length);
  }

  checkFlow(flow: Flow, receiver: End): void {
    const { id } = flow.stream;
    assert.equal(flow.stream.queuedBytes, 0);
    assert.ok(receiver.sink.body(id).equals(pattern(id, 0, flow.sent)), `bytes of stream ${id} differ`);
    const ends = receiver.sink.events.filter(
      (event) =>
        event === `${id} end` ||
        event === `${id} trailers [x-sent=${flow.sent}]` ||
        (/ end$/.test(event) && event.startsWith(`${id} POST`)),
    );
    assert.equal(ends.length, flow.ended ? 1 : 0);
  }
}

test('every byte of every stream arrives in order, whatever windows, splits and holds', () => {
  fc.assert(
    fc.property(
      options,
      options,
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      (clientOptions, serverOptions, steps) => {
        const world = new World(clientOptions, serverOptions);
        for (const each of steps) world.run(each);
        world.drain();
        world.check();
      },
    ),
    { numRuns: 60 },
  );
});

test('the mere end of a body needs no window, though settings have put it below zero', () => {
  const client = createEnd('client');
  const server = createEnd('server', { streamWindow: 100 });
  // Sent before the client knows of the window.
  const stream = client.connection.request(requestHead(client, 'POST', '/'), false, '');
  stream?.data(Buffer.alloc(101), 0, 101, false);
  move(server, client);
  server.sink.consumes = false;
  while (move(client, server));
  stream?.data(Buffer.alloc(0), 0, 0, true);
  settle(client, server);
  assert.equal(server.sink.body(1).length, 101);
  assert.deepEqual(
    [server, client].map(({ sink }) => sink.events.filter((event) => event.startsWith('1 '))),
    [['1 POST http://web.test/ []', '1 end'], []],
  );
});

test('streams take turns by frames when the connection opens', () => {
  const client = createEnd('client', { connectionWindow: 65_535, streamWindow: 1 << 20 });
  const server = createEnd('server');
  client.sink.consumes = false;
  settle(client, server);
  for (let i = 0; i < 3; i++) client.connection.request(requestHead(client, 'GET', '/'), true, '');
  settle(client, server);
  const streams = [...server.sink.streams.values()];
  server.connection.hold(true);
  for (const stream of streams) {
    stream.respond(200, [], false);
    assert.equal(stream.data(Buffer.alloc(60_000), 0, 60_000, true), false);
  }
  server.connection.hold(false);
  while (move(server, client));
  // 65,535 octets: four frames of 16 KiB, one octet short.
  assert.deepEqual(
    [1, 3, 5].map((id) => client.sink.body(id).length),
    [32_767, 16_384, 16_384],
  );
});

test('a response that nobody takes is held back, and no other with it', () => {
  const client = createEnd('client', { connectionWindow: 65_535, streamWindow: 65_535 });
  const server = createEnd('server');
  client.sink.consumes = false;
  settle(client, server);
  const streams = Array.from({ length: 5 }, () => client.connection.request(requestHead(client, 'GET', '/'), true, ''));
  settle(client, server);
  for (const stream of server.sink.streams.values()) {
    stream.respond(200, [], false);
    stream.data(Buffer.alloc(100_000), 0, 100_000, true);
  }
  settle(server, client);
  const received = () => [1, 3, 5, 7, 9].map((id) => client.sink.body(id).length);
  assert.deepEqual(received(), Array(5).fill(65_535));
  streams[1]?.consume(40_000);
  settle(server, client);
  assert.deepEqual(received(), [65_535, 100_000, 65_535, 65_535, 65_535]);
});

test('a body that nobody takes is held back, and no other on its connection', () => {
  const client = createEnd('client');
  const server = createEnd('server', { connectionWindow: 65_535, streamWindow: 65_535 });
  server.sink.consumes = false;
  settle(client, server);
  const ids = Array.from({ length: 5 }, () => {
    const stream = client.connection.request(requestHead(client, 'POST', '/'), false, '');
    stream?.data(Buffer.alloc(100_000), 0, 100_000, true);
    return stream?.id ?? 0;
  });
  settle(client, server);
  const received = () => ids.map((id) => server.sink.body(id).length);
  assert.deepEqual(received(), Array(5).fill(65_535));
  server.sink.streams.get(3)?.consume(40_000);
  settle(client, server);
  assert.deepEqual(received(), [65_535, 100_000, 65_535, 65_535, 65_535]);
});

test('a short answer does not stand behind all of a long one', () => {
  const client = createEnd('client', { connectionWindow: 1 << 24, streamWindow: 1 << 24 });
  const server = createEnd('server');
  settle(client, server);
  for (let i = 0; i < 2; i++) client.connection.request(requestHead(client, 'GET', '/'), true, '');
  settle(client, server);
  const [long, short] = [...server.sink.streams.values()];
  long?.respond(200, [], false);
  assert.equal(long?.data(Buffer.alloc(1 << 22), 0, 1 << 22, true), false);
  short?.respond(200, [], false);
  short?.data(Buffer.from('short'), 0, 5, true);
  for (let taken = 0; client.sink.body(3).length === 0; ) {
    const bytes = server.connection.takeOutput(1e9);
    taken += bytes?.length ?? 0;
    assert.ok(bytes !== undefined && taken < 400_000, `${taken} bytes came before`);
    client.connection.receive(bytes, 0);
  }
  settle(server, client);
  assert.equal(client.sink.body(1).length, 1 << 22);
});
