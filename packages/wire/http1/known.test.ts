import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FieldCache } from '../fields/index.ts';
import {
  createNameTable,
  encodeRequestHead,
  encodeResponseHead,
  Http1Decoder,
  LastHead,
  requestHead,
} from './index.ts';

const NAMES = createNameTable(['x-known']);

/** What a decoder says about some messages, one after the other, and what encoding their heads again gives. */
function events(decoder: (sink: ConstructorParameters<typeof Http1Decoder>[2]) => () => Http1Decoder, texts: string[]) {
  const seen: unknown[] = [];
  let refused = false;
  const fields = new FieldCache(NAMES);
  const last = { request: new LastHead(), response: new LastHead() };
  const next = decoder({
    head: (head) => {
      const common = requestHead(head, fields);
      const text = (sink: { request: LastHead; response: LastHead } | undefined): string => {
        let out = '';
        const add = (buf: Uint8Array, start: number, end: number): void => {
          out += Buffer.from(buf.subarray(start, end)).toString('latin1');
        };
        const put = {
          add,
          text: (part: string) => {
            out += part;
          },
        };
        encodeRequestHead(common, head.framing, put, sink?.request);
        encodeResponseHead(
          { ...common, status: 200 },
          head.framing,
          head.keepAlive ? '' : 'close',
          put,
          sink?.response,
        );
        return out;
      };
      const plain = text(undefined);
      assert.equal(text(last), plain);
      const own = Array.from({ length: head.fieldCount }, (_, i) => [head.fieldId(i), head.name(i), head.value(i)]);
      seen.push(head.method(), head.target(), head.framing, head.keepAlive, head.upgrade, own, common, plain);
      // Whoever gets a head may change it.
      common.fields.length = 0;
    },
    data: (buf, start, end) => seen.push(Buffer.from(buf.subarray(start, end)).toString('latin1')),
    trailers: (head) => seen.push(head.fieldCount, head.name(0), head.value(0)),
    end: () => seen.push('end'),
    fault: (code) => {
      seen.push(code);
      refused = true;
    },
  });
  for (const text of texts) {
    const one = next();
    const bytes = Buffer.from(`padding${text}`, 'latin1');
    let at = 7;
    while (at < bytes.length) {
      const to = one.push(bytes, at, bytes.length);
      if (refused) return seen;
      at = to;
    }
  }
  return seen;
}

const field = fc.constantFrom(
  'x-known: 1',
  'x-known: 2',
  'X-Other:a',
  'connection: close',
  'connection: x-other',
  'connection: keep-alive',
  'te: trailers',
  'cookie: a=1',
  'cookie: b=2',
  'x-longer-name: a',
  'x-longer-name: 0123456789abcdef-1',
  'X-longer-name: 0123456789abcdef-2',
  'x-known: 0123456789abcdef-1',
  'expect: 100-continue',
);
const body = fc.constantFrom(
  ['', ''],
  ['content-length: 3\r\n', 'abc'],
  ['content-length: 0\r\n', ''],
  ['transfer-encoding: chunked\r\n', '2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n'],
  ['transfer-encoding: chunked\r\n', '0\r\n\r\n'],
);
const line = fc.constantFrom(
  'GET / HTTP/1.1',
  'GET /longer/path?q HTTP/1.1',
  'POST /p HTTP/1.0',
  'CONNECT a:1 HTTP/1.1',
  'GET http://b/x HTTP/1.1',
  'GET /\nx HTTP/1.1',
  'GET nothing HTTP/1.1',
);
const message = fc
  .tuple(line, fc.constantFrom('a', 'b'), fc.array(field, { maxLength: 6 }), body)
  .map(
    ([first, host, lines, [framing, rest]]) =>
      `${[first, `host: ${host}`, ...lines].join('\r\n')}\r\n${framing}\r\n${rest}`,
  );

test('a decoder that has seen a head before says the same about the next as a new one', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), (texts) => {
      const remembering = events((sink) => {
        const one = new Http1Decoder('request', NAMES, sink);
        return () => one;
      }, texts);
      const fresh = events((sink) => () => new Http1Decoder('request', NAMES, sink), texts);
      assert.deepEqual(remembering, fresh);
    }),
    { numRuns: 300 },
  );
});
