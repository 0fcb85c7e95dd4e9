import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEnd, requestHead, settle } from './pair.fake.ts';

function pair() {
  const client = createEnd('client');
  const server = createEnd('server');
  settle(client, server);
  return { client, server };
}

test('carries requests, bodies, responses and trailers', () => {
  const { client, server } = pair();
  const stream = client.connection.request(requestHead(client, 'POST', '/a', [['x-a', 'b']]), false, 'mine');
  assert.ok(stream);
  assert.equal(stream.owner, 'mine');
  assert.equal(stream.data(Buffer.from('hello'), 0, 5, true), true);
  settle(client, server);
  assert.deepEqual(server.sink.events, ['1 POST http://web.test/a [x-a=b]', '1 end']);
  assert.equal(server.sink.body(1).toString(), 'hello');
  const peer = server.sink.streams.get(1);
  peer?.respond(103, [server.fields.fieldOf('link', 'x')], false);
  peer?.respond(200, [server.fields.fieldOf('content-type', 'text/plain')], false);
  peer?.data(Buffer.from('answer'), 0, 6, false);
  peer?.trailers([server.fields.fieldOf('grpc-status', '0')]);
  settle(client, server);
  assert.deepEqual(client.sink.events, [
    'available',
    '1 103 [link=x]',
    '1 200 [content-type=text/plain]',
    '1 trailers [grpc-status=0]',
  ]);
  assert.equal(client.sink.body(1).toString(), 'answer');
  assert.equal(client.connection.openStreams + server.connection.openStreams, 0);
});
