import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNameTable, type Field, FieldCache, type RequestHead, type ResponseHead } from '../fields/index.ts';
import { Output } from '../output/index.ts';
import {
  encodeChunk,
  encodeLastChunk,
  encodeRequestHead,
  encodeResponseHead,
  Http1Decoder,
  requestHead,
  responseHead,
  trailerFields,
} from './index.ts';

const names = createNameTable();
const cache = new FieldCache(names);

interface Message {
  head?: RequestHead | ResponseHead;
  body: string;
  trailers: Field[];
  ended: boolean;
}

function decode(kind: 'request' | 'response', bytes: Buffer): Message {
  const message: Message = { body: '', trailers: [], ended: false };
  const decoder = new Http1Decoder(kind, names, {
    head: (head) => {
      message.head = kind === 'request' ? requestHead(head, cache) : responseHead(head, cache);
    },
    data: (buf, start, end) => {
      message.body += Buffer.from(buf.subarray(start, end)).toString('latin1');
    },
    trailers: (head) => message.trailers.push(...trailerFields(head, cache)),
    end: () => {
      message.ended = true;
    },
    fault: (code) => assert.fail(code),
  });
  for (let at = 0; at < bytes.length && !message.ended; ) at = decoder.push(bytes, at, bytes.length);
  return message;
}

const text = (write: (out: Output) => void) => {
  const out = new Output();
  write(out);
  return (out.take(1e9) ?? Buffer.alloc(0)).toString('latin1');
};

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/).filter((each) => names.find(each) === 0);
const value = fc.stringMatching(/^([!-~]([ -~]{0,20}[!-~])?)?$/);
const fieldList = fc.array(
  fc.tuple(name, value).map(([each, its]) => cache.fieldOf(each, its)),
  { maxLength: 6 },
);
const body = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });

test('requests decode to what was encoded, with chunks and trailers', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'DELETE', 'M-SEARCH'),
      fc.constantFrom('/', '/a/b?c=d', '/%20'),
      fc.constantFrom('web.test', '[::1]:80', 'a:1'),
      fc.boolean(),
      fieldList,
      body,
      fieldList,
      (method, path, authority, absoluteForm, fields, chunks, trailers) => {
        const scheme = absoluteForm ? 'http' : '';
        const head: RequestHead = {
          version: 11,
          method,
          scheme,
          authority,
          path,
          absoluteForm,
          upgrade: '',
          fields,
          contentLength: -1,
        };
        const out = new Output();
        encodeRequestHead(head, 'chunked', out);
        for (const chunk of chunks) encodeChunk(chunk, 0, chunk.length, out);
        encodeLastChunk(trailers, out);
        const message = decode('request', out.take(1e9)!);
        assert.deepEqual(message, { head, body: Buffer.concat(chunks).toString('latin1'), trailers, ended: true });
      },
    ),
  );
});

test('responses decode to what was encoded', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }).filter((each) => each !== 204 && each !== 304),
      fieldList,
      body,
      (status, fields, chunks) => {
        const head: ResponseHead = { version: 11, status, upgrade: '', fields, contentLength: -1 };
        const out = new Output();
        encodeResponseHead(head, 'chunked', '', out);
        for (const chunk of chunks) encodeChunk(chunk, 0, chunk.length, out);
        encodeLastChunk(undefined, out);
        const message = decode('response', out.take(1e9)!);
        assert.deepEqual(message, { head, body: Buffer.concat(chunks).toString('latin1'), trailers: [], ended: true });
      },
    ),
  );
});

const REQUEST: RequestHead = {
  version: 20,
  method: 'POST',
  scheme: 'https',
  authority: 'web.test',
  path: '/a',
  absoluteForm: false,
  upgrade: '',
  fields: [],
  contentLength: -1,
};

test('a request says what its body, its connection and its cookies need', () => {
  const fields = [
    cache.fieldOf('cookie', 'a=b'),
    cache.fieldOf('te', 'trailers'),
    cache.fieldOf('cookie', 'c=d'),
    cache.fieldOf('content-length', '5'),
  ];
  assert.equal(
    text((out) => encodeRequestHead({ ...REQUEST, fields, contentLength: 5 }, 'length', out)),
    'POST /a HTTP/1.1\r\nhost: web.test\r\nconnection: te\r\ncookie: a=b; c=d\r\nte: trailers\r\ncontent-length: 5\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeRequestHead({ ...REQUEST, fields: fields.slice(3) }, 'chunked', out)),
    'POST /a HTTP/1.1\r\nhost: web.test\r\ntransfer-encoding: chunked\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeRequestHead(REQUEST, 'none', out)),
    'POST /a HTTP/1.1\r\nhost: web.test\r\ncontent-length: 0\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeRequestHead({ ...REQUEST, method: 'GET', upgrade: 'websocket' }, 'none', out)),
    'GET /a HTTP/1.1\r\nhost: web.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeRequestHead({ ...REQUEST, method: 'CONNECT', authority: 'a:1', path: '' }, 'none', out)),
    'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeRequestHead({ ...REQUEST, method: 'OPTIONS', path: '*', absoluteForm: true }, 'none', out)),
    'OPTIONS https://web.test HTTP/1.1\r\nhost: web.test\r\n\r\n',
  );
});

test('a response says what becomes of its connection', () => {
  const head: ResponseHead = { version: 20, status: 299, upgrade: '', fields: [], contentLength: -1 };
  assert.equal(
    text((out) => encodeResponseHead(head, 'until-close', 'close', out)),
    'HTTP/1.1 299 \r\nconnection: close\r\n\r\n',
  );
  assert.equal(
    text((out) => encodeResponseHead({ ...head, status: 101, upgrade: 'x' }, 'none', '', out)),
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  );
});
