import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldCache, type RequestHead } from '../fields/index.ts';
import { createNameTable, Http1Decoder, requestHead } from './index.ts';

function read(text: string): RequestHead {
  const names = createNameTable();
  const fields = new FieldCache(names);
  let head: RequestHead | undefined;
  const ignore = () => undefined;
  const sink = {
    head: (each: Parameters<typeof requestHead>[0]) => {
      head = requestHead(each, fields);
    },
    data: ignore,
    trailers: ignore,
    end: ignore,
    fault: assert.fail,
  };
  const bytes = Buffer.from(text, 'latin1');
  new Http1Decoder('request', names, sink).push(bytes, 0, bytes.length);
  assert.ok(head);
  return head;
}

const upgrade = (value: string) =>
  read(
    `GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade, http2-settings\r\nupgrade: ${value}\r\nhttp2-settings: AA\r\n\r\n`,
  );

test('an upgrade is told as it was asked for', () => {
  assert.equal(upgrade('websocket').upgrade, 'websocket');
  assert.equal(upgrade('h2o/1, xh2c').upgrade, 'h2o/1, xh2c');
});

test('an upgrade to HTTP/2 is left out: it would pass unread', () => {
  for (const value of ['h2c', 'H2C', 'websocket, h2c', 'h2c ,websocket', 'h2']) {
    const head = upgrade(value);
    assert.equal(head.upgrade, '', value);
    assert.deepEqual(head.fields, [], value);
  }
});
