import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNameTable, editHead, FIELD, Gather, Http1Decoder } from './index.ts';

const names = createNameTable(['l5d-client-id']);
const drop = new Uint8Array(32);
for (const id of [
  FIELD.connection,
  FIELD['keep-alive'],
  FIELD['proxy-connection'],
  FIELD.upgrade,
  names.idOf('l5d-client-id'),
])
  drop[id] = 1;

function edit(text: string, extra: readonly string[] = []): string {
  const out = new Gather();
  const decoder = new Http1Decoder('request', names, {
    head: (head) =>
      editHead(
        head,
        drop,
        extra.map((line) => Buffer.from(line)),
        out,
      ),
    body: (buf, start, end) => out.add(buf, start, end),
    trailers: () => undefined,
    end: () => undefined,
    fault: (code) => assert.fail(code),
  });
  const bytes = Buffer.from(text, 'latin1');
  decoder.push(bytes, 0, bytes.length);
  return out.take().toString('latin1');
}

test('leaves a head alone that needs no change', () => {
  const text = 'GET / HTTP/1.1\r\nHost:  a\r\nX:y\r\n\r\n';
  assert.equal(edit(text), text);
});

test('drops fields whatever their case and adds lines behind the last one', () => {
  assert.equal(
    edit(
      'POST / HTTP/1.1\r\nL5D-Client-ID: forged\r\nHost: a\r\nKeep-Alive: 5\r\nl5d-client-id: x\r\ncontent-length: 2\r\n\r\nhi',
      ['l5d-client-id: me\r\n'],
    ),
    'POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 2\r\nl5d-client-id: me\r\n\r\nhi',
  );
});

test('drops what connection lists, but never what frames or routes the message', () => {
  assert.equal(
    edit(
      'POST / HTTP/1.1\r\nConnection: close, X-Hop, content-length,host\r\nHost: a\r\nx-hop: 1\r\nContent-Length: 2\r\nx-stay: 1\r\n\r\nhi',
    ),
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nx-stay: 1\r\n\r\nhi',
  );
});

test('a gather of one whole buffer gives that buffer back', () => {
  const gather = new Gather();
  const buffer = Buffer.from('abcdef');
  gather.add(buffer, 0, 3);
  gather.add(buffer, 3, 6);
  assert.equal(gather.length, 6);
  assert.equal(gather.take(), buffer);
  assert.equal(gather.length, 0);
});
