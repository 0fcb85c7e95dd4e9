import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNameTable, FieldCache } from '../fields/index.ts';
import { FRAME, HTTP2_ERROR, SETTING } from './codes.ts';
import { frame, hello, settings, showFrames } from './frames.fake.ts';
import { createHttp2Connection } from './index.ts';
import { createEnd, OPTIONS, Recorder, requestHead } from './pair.fake.ts';
import { Streams } from './streams.ts';

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

test('streams that are reset while their bodies wait leave nothing behind', () => {
  const streams = new Streams<string>(true, OPTIONS, new FieldCache(createNameTable()), new Recorder());
  streams.outgoing.initialWindow = 1_000_000;
  for (let id = 1; id < 400; id += 2) {
    const stream = streams.create(id, false);
    streams.open.set(id, stream);
    streams.sendData(stream, Buffer.alloc(70_000), 0, 70_000, false);
    assert.equal(streams.outgoing.waiting, 1);
    streams.resetStream(stream, HTTP2_ERROR.CANCEL);
  }
  assert.equal(streams.outgoing.waiting, 0);
  assert.equal(streams.outgoing.queuedBytes, 0);
});

test('a header block that does not come to its end counts among what waits', () => {
  const { connection } = createEnd('server', { maxHeaderListSize: 65_536 });
  connection.receive(Buffer.concat([hello(), frame(FRAME.headers, 0, 1, Buffer.alloc(16_000))]), 0);
  assert.equal(connection.queuedBytes, 16_000);
  for (let i = 0; i < 5; i++) connection.receive(frame(FRAME.continuation, 0, 1, Buffer.alloc(16_000)), 0);
  assert.equal(connection.queuedBytes, 96_000);
});
