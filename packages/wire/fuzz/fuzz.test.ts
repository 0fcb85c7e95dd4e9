import assert from 'node:assert/strict';
import { createNameTable, type Field, FieldCache } from '../fields/index.ts';
import { encodeGrpcMessage, GrpcDecoder } from '../grpc/index.ts';
import { HpackDecoder } from '../hpack/index.ts';
import { Http1Decoder, requestHead, responseHead, trailerFields } from '../http1/index.ts';
import { FLAG, FRAME } from '../http2/codes.ts';
import {
  block,
  data,
  frame,
  goaway,
  headers,
  hello,
  ping,
  REQUEST,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from '../http2/frames.fake.ts';
import { requestHead as clientHead, createEnd } from '../http2/pair.fake.ts';
import { decodeProxyHeader } from '../proxy-protocol/index.ts';
import { fuzz } from '../testing/fuzz.fake.ts';
import { HELLO_BYTES_MAX, parseClientHello } from '../tls-hello/index.ts';
import { decodeTransportHeader, encodeTransportHeader } from '../transport-header/index.ts';

const names = createNameTable(['l5d-client-id']);
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const show = (fields: readonly Field[]) =>
  fields.map(({ id, name, value, neverIndexed }) => [id, name, value, neverIndexed]);

/** What a sink was told; runs of one body are joined, and nothing may come behind a fault. */
class Events {
  readonly list: string[] = [];
  #body: string | undefined;
  #faulted = false;

  add(...event: readonly unknown[]): void {
    assert.ok(!this.#faulted, 'an event behind a fault');
    this.#endBody();
    this.list.push(JSON.stringify(event));
  }
  body(key: string, buf: Uint8Array, start: number, end: number): void {
    assert.ok(!this.#faulted, 'data behind a fault');
    assert.ok(start <= end && end <= buf.length, 'a run outside of its buffer');
    if (this.#body !== undefined && !this.#body.startsWith(key)) this.#endBody();
    this.#body = (this.#body ?? key) + Buffer.from(buf.subarray(start, end)).toString('latin1');
  }
  fault(code: unknown): void {
    this.add('fault', code);
    this.#faulted = true;
  }
  done(): string[] {
    this.#endBody();
    return this.list;
  }
  #endBody(): void {
    if (this.#body !== undefined && this.#body !== '') this.list.push(this.#body);
    this.#body = undefined;
  }
}

function decodeHttp1(kind: 'request' | 'response', pieces: readonly Buffer[]): string[] {
  const events = new Events();
  const fields = new FieldCache(names);
  const decoder = new Http1Decoder(kind, names, {
    head: (head) =>
      events.add('head', kind === 'request' ? requestHead(head, fields) : responseHead(head, fields), head.framing),
    data: (buf, start, end) => events.body('body ', buf, start, end),
    trailers: (head) => events.add('trailers', show(trailerFields(head, fields))),
    end: () => events.add('end'),
    fault: (code) => events.fault(code),
  });
  for (const piece of pieces)
    for (let at = 0, stuck = 0; at < piece.length && stuck < 2; ) {
      const next = decoder.push(piece, at, piece.length);
      stuck = next === at ? stuck + 1 : 0;
      at = next;
    }
  decoder.finish();
  return events.done();
}

const BODIES = [
  '\r\n',
  'content-length: 3\r\n\r\nabc',
  'transfer-encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\n0\r\n\r\n',
  'transfer-encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n',
  'connection: close, x-a\r\nx-a: b\r\nte: gzip, trailers\r\n\r\n',
];
const LINES = [
  'GET / HTTP/1.1\r\nhost: a:80\r\n',
  'POST http://b/c?d HTTP/1.1\r\nHost: [::1]\r\n',
  'OPTIONS * HTTP/1.0\r\nconnection: keep-alive\r\n',
  'GET /chat HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n',
  'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n',
];
const ANSWERS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.0 404 \r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n',
  'HTTP/1.1 101 X\r\nupgrade: y\r\n',
];
const messages = (lines: readonly string[]) => lines.flatMap((line) => BODIES.map((body) => latin1(line + body)));

fuzz('the decoder of HTTP/1 requests', messages(LINES), (pieces) => decodeHttp1('request', pieces));
fuzz('the decoder of HTTP/1 responses', messages(ANSWERS), (pieces) => decodeHttp1('response', pieces));

const OUTPUT_BYTES_MAX = 1 << 20;

function decodeHttp2(role: 'client' | 'server', pieces: readonly Buffer[]): unknown {
  const end = createEnd(role, { maxConcurrentStreams: 5, maxHeaderListSize: 400 });
  const opened = [];
  if (role === 'client')
    for (const method of ['GET', 'HEAD', 'POST'])
      opened.push(end.connection.request(clientHead(end, method, '/'), method !== 'POST', 'owner'));
  for (const [i, piece] of pieces.entries()) {
    end.connection.receive(piece, i);
    assert.ok(end.connection.outputBytes < OUTPUT_BYTES_MAX, 'output without bound');
    assert.ok(end.connection.openStreams <= 5, 'more streams than allowed');
  }
  const fault = end.sink.events.findIndex((event) => event.startsWith('fault'));
  assert.ok(fault < 0 || fault === end.sink.events.length - 1, 'an event behind a fault');
  const bodies = [...end.sink.bodies.keys()].map((id) => [id, end.sink.body(id).toString('latin1')]);
  const output = end.connection.takeOutput(OUTPUT_BYTES_MAX)?.toString('latin1');
  end.connection.close();
  assert.equal(end.connection.openStreams, 0);
  return [role === 'server' ? whateverRead(end.sink.events) : end.sink.events, bodies, output];
}

/**
 * Events of each stream by themselves, without requests that were broken off before anything followed: whether these are told of depends
 * on what was read at once.
 */
function whateverRead(events: readonly string[]): unknown {
  const streams = new Map<string, string[]>();
  for (const event of events) {
    const id = /^\d+/.exec(event)?.[0] ?? '';
    streams.set(id, [...(streams.get(id) ?? []), event]);
  }
  return [...streams]
    .filter(([id, [, second = '', ...more]]) => id === '' || more.length > 0 || !/ reset /.test(second))
    .sort(([one], [other]) => Number(one) - Number(other));
}

const PADDED = frame(FRAME.data, FLAG.padded, 1, latin1('\x03abc\0\0\0'));
const SPLIT = Buffer.concat([
  frame(FRAME.headers, 0, 3, block(REQUEST).subarray(0, 9)),
  frame(FRAME.continuation, FLAG.endHeaders, 3, block(REQUEST).subarray(9)),
]);
const COMMON = [
  settings([4, 100], [1, 0]),
  settings([5, 20_000]),
  settingsAck(),
  ping(),
  windowUpdate(0, 9),
  rst(1),
  goaway(1, 0),
  data(1, 'abc'),
  PADDED,
];
const REQUESTS = [
  headers(1, REQUEST, FLAG.endHeaders),
  headers(1, [['x-a', 'b']]),
  headers(3, [...REQUEST, ['x-long', 'y'.repeat(300)]]),
  SPLIT,
];
const RESPONSES = [
  headers(1, [[':status', '200']], FLAG.endHeaders),
  headers(1, [[':status', '100']], FLAG.endHeaders),
  headers(3, [[':status', '200']]),
  headers(1, [['x', 'y']]),
];
const started = (first: Buffer, frames: readonly Buffer[]) =>
  frames.flatMap((one) => frames.map((other) => Buffer.concat([first, frames[0]!, one, other])));

fuzz('an HTTP/2 server', started(hello(), [...REQUESTS, ...COMMON]), (pieces) => decodeHttp2('server', pieces));
fuzz('an HTTP/2 client', started(settings(), [...RESPONSES, ...COMMON]), (pieces) => decodeHttp2('client', pieces));

/** Header blocks are whole by nature: pieces are decoded joined, twice, so that the table matters. */
fuzz(
  'the decoder of HPACK',
  [
    block(REQUEST),
    latin1('\x40\x03x-a\x01b\xbe\x10\x03x-b\x01c'),
    latin1('\x3f\xe1\x1f\x82\x86\x41\x8c\xf1\xe3\xc2\xe5'),
    latin1('\x20\x84\x7f\x01\x00'),
  ],
  (pieces) => {
    const decoder = new HpackDecoder(new FieldCache(names), 4096);
    const fields: Field[] = [];
    const bytes = Buffer.concat(pieces);
    const results = [1, 2].map(() => decoder.decode(bytes, 0, bytes.length, { field: (field) => fields.push(field) }));
    return [results, show(fields)];
  },
);

fuzz(
  'the decoder of gRPC messages',
  [latin1(''), latin1('hello'), Buffer.alloc(300, 1)].map(encodeGrpcMessage),
  (pieces) => {
    const events = new Events();
    const decoder = new GrpcDecoder(1000, {
      message: (buf, start, end) => events.add(Buffer.from(buf.subarray(start, end)).toString('latin1')),
      fault: (code) => events.fault(code),
    });
    for (const piece of pieces) decoder.push(piece, 0, piece.length);
    return events.done();
  },
);

/** For readers of a connection's first bytes: they are asked again with all bytes so far until they know. */
function firstBytes<R extends { kind: string }>(read: (buf: Buffer, length: number) => R, bytesMax: number) {
  return (pieces: readonly Buffer[]): R | 'more' => {
    let seen = Buffer.alloc(0);
    for (const piece of pieces) {
      seen = Buffer.concat([seen, piece]);
      const result = read(seen, seen.length);
      if (result.kind !== 'more') return result;
    }
    assert.ok(seen.length < bytesMax, 'a reader that never knows');
    return 'more';
  };
}

fuzz(
  'the reader of transport headers',
  [
    encodeTransportHeader({ port: 8080, name: '', session: 'http/1' }),
    encodeTransportHeader({ port: 1, name: 'web.test', session: undefined }),
  ],
  firstBytes(decodeTransportHeader, 65_536),
);
fuzz(
  'the reader of PROXY headers',
  [
    latin1('PROXY TCP4 10.0.0.9 10.0.0.1 1 2\r\n'),
    latin1('PROXY TCP6 fd00::9 ::1 1 2\r\n'),
    latin1('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x15\n\0\0\x09\n\0\0\x01\0\x01\0\x02\x02\0\x03abc\x03\0\0'),
  ],
  firstBytes(decodeProxyHeader, 4096),
);

/** A ClientHello with SNI `a.test` and ALPN `h2`, in one record or cut into two. */
function clientHello(cut: number): Buffer {
  const vector = (bytes: number, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    const size = Buffer.alloc(bytes);
    size.writeUIntBE(body.length, 0, bytes);
    return Buffer.concat([size, body]);
  };
  const extension = (type: number, ...parts: Buffer[]) => Buffer.concat([Buffer.from([0, type]), vector(2, ...parts)]);
  const extensions = vector(
    2,
    extension(0, vector(2, Buffer.from([0]), vector(2, latin1('a.test')))),
    extension(16, vector(2, vector(1, latin1('h2')))),
  );
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    vector(1),
    vector(2, Buffer.from([19, 1])),
    vector(1, Buffer.from([0])),
    extensions,
  ]);
  const message = Buffer.concat([Buffer.from([1]), vector(3, body)]);
  const record = (part: Buffer) => Buffer.concat([Buffer.from([22, 3, 1]), vector(2, part)]);
  return cut === 0 ? record(message) : Buffer.concat([record(message.subarray(0, cut)), record(message.subarray(cut))]);
}
fuzz(
  'the reader of TLS ClientHellos',
  [clientHello(0), clientHello(3), clientHello(50)],
  firstBytes(parseClientHello, HELLO_BYTES_MAX),
);
