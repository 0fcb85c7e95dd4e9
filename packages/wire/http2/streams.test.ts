import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNameTable, FieldCache } from '../fields/index.ts';
import { HTTP2_ERROR, SETTING } from './codes.ts';
import { headers, hello, REQUEST, rst, settings, showFrames, windowUpdate } from './frames.fake.ts';
import { createHttp2Connection } from './index.ts';
import { createEnd, OPTIONS, Recorder, requestHead } from './pair.fake.ts';

test('a stream that ends makes room for another only when the peer knows of its end', () => {
  const sink = new Recorder();
  const fields = new FieldCache(createNameTable());
  const connection = createHttp2Connection<string>('client', OPTIONS, fields, sink);
  connection.receive(settings([SETTING.maxConcurrentStreams, 1]), 0);
  const head = requestHead({ connection, sink, fields }, 'GET', '/');
  const first = connection.request(head, true, 'first');
  connection.takeOutput(1e9);
  // Someone waits for room and takes it at once.
  sink.available = () => {
    connection.request(head, true, 'second');
  };
  first?.reset(HTTP2_ERROR.CANCEL);
  assert.deepEqual(showFrames(connection.takeOutput(1e9)!), ['rstStream 1 CANCEL', 'headers 3 end']);
});

test('streams that a client resets while their bodies wait leave nothing behind', () => {
  const { connection, sink } = createEnd('server');
  // Streams may send, the connection may not: bodies wait.
  connection.receive(Buffer.concat([hello(), settings([SETTING.initialWindowSize, 1_000_000])]), 0);
  const refs: WeakRef<object>[] = [];
  const round = (id: number): void => {
    connection.receive(headers(id, REQUEST), 0);
    const stream = sink.streams.get(id)!;
    sink.streams.clear();
    stream.respond(200, [], false);
    stream.data(Buffer.alloc(70_000), 0, 70_000, false);
    connection.takeOutput(1e9);
    connection.receive(rst(id), 0);
    refs.push(new WeakRef(stream));
  };
  for (let id = 1; id < 400; id += 2) round(id);
  connection.takeOutput(1e9);
  Bun.gc(true);
  const alive = refs.filter((ref) => ref.deref() !== undefined).length;
  assert.ok(alive < 20, `${alive} of ${refs.length} are still there`);
  connection.receive(windowUpdate(0, 1_000_000), 0);
  assert.equal(connection.takeOutput(1e9), undefined);
});
