import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNameTable, HTTP1_LIMITS, Http1Decoder, type Http1Head } from './index.ts';

const names = createNameTable(['l5d-client-id']);

type Expect = { noBody: boolean; tunnel: boolean };

/** Decodes bytes given in pieces; returns the events as text, with the runs of one body joined. */
function decode(kind: 'request' | 'response', pieces: readonly Buffer[], expect?: Expect): string[] {
  const events: string[] = [];
  let body = '';
  const flush = (): void => {
    if (body !== '') events.push(`body ${JSON.stringify(body)}`);
    body = '';
  };
  const describe = (head: Http1Head): string => {
    const fields = [];
    for (let i = 0; i < head.fieldCount; i++) fields.push(`${head.name(i)}=${head.value(i)}`);
    return fields.join('|');
  };
  const decoder = new Http1Decoder(kind, names, {
    head(head) {
      flush();
      const line = kind === 'request' ? `${head.method()} ${head.target()}` : `${head.status}`;
      const flags = [head.framing, head.keepAlive ? 'keep' : 'close', head.upgrade ? 'upgrade' : ''].join(' ').trim();
      events.push(`head ${line} 1.${head.minor} ${flags} [${describe(head)}]`);
    },
    data(buf, start, end) {
      body += Buffer.from(buf.subarray(start, end)).toString('latin1');
    },
    trailers(head) {
      flush();
      events.push(`trailers [${describe(head)}]`);
    },
    end() {
      flush();
      events.push('end');
    },
    fault(code) {
      flush();
      events.push(`fault ${code}`);
    },
  });
  if (expect) decoder.expect(expect);
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      const next = decoder.push(piece, at, piece.length);
      if (next === at && !decoder.idle) break;
      at = next;
    }
  }
  decoder.finish();
  flush();
  return events;
}

const request = (text: string): string[] => decode('request', [Buffer.from(text, 'latin1')]);
const response = (text: string, expect?: Expect): string[] => decode('response', [Buffer.from(text, 'latin1')], expect);

test('reads a request without a body', () => {
  assert.deepEqual(request('GET /a?b HTTP/1.1\r\nHost: x \r\nAccept:\t*/*\r\n\r\n'), [
    'head GET /a?b 1.1 none keep [Host=x|Accept=*/*]',
    'end',
  ]);
});

test('reads pipelined requests one after the other', () => {
  assert.deepEqual(
    request(
      'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nhost: h\r\n\r\n\r\nGET /3 HTTP/1.0\r\n\r\n',
    ),
    [
      'head POST / 1.1 length keep [host=h|content-length=3]',
      'body "abc"',
      'end',
      'head GET /2 1.1 none keep [host=h]',
      'end',
      'head GET /3 1.0 none close []',
      'end',
    ],
  );
});

test('takes chunk framing off, and gives trailers apart', () => {
  const head = 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: Chunked\r\n\r\n';
  assert.deepEqual(request(`${head}3;x="y"\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n`), [
    'head POST / 1.1 chunked keep [host=h|transfer-encoding=Chunked]',
    'body "abc"',
    'end',
    'head GET / 1.1 none keep [host=h]',
    'end',
  ]);
  assert.deepEqual(request(`${head}1\r\na\r\n0\r\nX-Sum: 1\r\nL5d-Client-Id: evil\r\n\r\n`), [
    'head POST / 1.1 chunked keep [host=h|transfer-encoding=Chunked]',
    'body "a"',
    'trailers [X-Sum=1|L5d-Client-Id=evil]',
    'end',
  ]);
});

test('knows responses that never have a body', () => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n';
  assert.deepEqual(response(answer, { noBody: true, tunnel: false }), [
    'head 200 1.1 none keep [content-length=5]',
    'end',
  ]);
  assert.deepEqual(response('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'), [
    'head 304 1.1 none keep [content-length=5]',
    'end',
  ]);
  assert.deepEqual(response('HTTP/1.1 204\r\n\r\n'), ['head 204 1.1 none keep []', 'end']);
});

test('passes informational heads on and waits for the final one', () => {
  assert.deepEqual(
    response(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
    ),
    [
      'head 100 1.1 none keep []',
      'head 103 1.1 none keep [link=x]',
      'head 200 1.1 length keep [content-length=1]',
      'body "x"',
      'end',
    ],
  );
});

test('ends an unframed response with the connection', () => {
  assert.deepEqual(response('HTTP/1.0 200 OK\r\n\r\nsome text'), [
    'head 200 1.0 until-close close []',
    'body "some text"',
    'end',
  ]);
});

test('stops being HTTP after 101 and after a tunnel is open', () => {
  assert.deepEqual(response('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n\x81\x00'), [
    'head 101 1.1 none keep upgrade [upgrade=x|connection=upgrade]',
  ]);
  assert.deepEqual(response('HTTP/1.1 200 OK\r\n\r\nraw', { noBody: false, tunnel: true }), [
    'head 200 1.1 none keep upgrade []',
  ]);
  assert.deepEqual(
    request('GET /chat HTTP/1.1\r\nhost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    ['head GET /chat 1.1 none keep upgrade [host=h|Connection=keep-alive, Upgrade|Upgrade=websocket]', 'end'],
  );
});

const REFUSED: Record<string, [string, string]> = {
  'two differing content-lengths': [
    'two-lengths',
    'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
  ],
  'a list of content-lengths': ['bad-length', 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1, 1\r\n\r\n'],
  'a signed content-length': ['bad-length', 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: +1\r\n\r\n'],
  'a content-length beyond numbers': [
    'bad-length',
    'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9999999999999999\r\n\r\n',
  ],
  'length and chunked together': [
    'length-and-chunked',
    'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
  ],
  'chunked that is not last': [
    'bad-transfer-encoding',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked, gzip\r\n\r\n',
  ],
  'a list of codings that begins empty': [
    'bad-transfer-encoding',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: ,chunked\r\n\r\n',
  ],
  'a list of codings that ends empty': [
    'bad-transfer-encoding',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked,\r\n\r\n',
  ],
  'two chunk sizes with a space between': [
    'bad-chunk',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5 5\r\n',
  ],
  'an unknown coding alone': [
    'bad-transfer-encoding',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: xchunked\r\n\r\n',
  ],
  'a coding that nobody asked for': [
    'unknown-coding',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip, chunked\r\n\r\n',
  ],
  'no host': ['no-host', 'GET / HTTP/1.1\r\n\r\n'],
  'a host with a space': ['bad-host', 'GET / HTTP/1.1\r\nhost: a b\r\n\r\n'],
  'a host with a user': ['bad-host', 'GET / HTTP/1.1\r\nhost: a@b\r\n\r\n'],
  'a host with a path': ['bad-host', 'GET / HTTP/1.1\r\nhost: a/b\r\n\r\n'],
  'a host with a port that is no number': ['bad-host', 'GET / HTTP/1.1\r\nhost: a:8x\r\n\r\n'],
  'a host with a port above 65535': ['bad-host', 'GET / HTTP/1.1\r\nhost: a:65536\r\n\r\n'],
  'a host with half an escape': ['bad-host', 'GET / HTTP/1.1\r\nhost: a%4\r\n\r\n'],
  'a tunnel to port 0': ['bad-target', 'CONNECT a:00 HTTP/1.1\r\nhost: a\r\n\r\n'],
  'two hosts in one field': ['bad-host', 'GET / HTTP/1.1\r\nhost: a,b\r\n\r\n'],
  'a target that is no path': ['bad-target', 'GET a HTTP/1.1\r\nhost: a\r\n\r\n'],
  'a target with a fragment': ['bad-target', 'GET /#a HTTP/1.1\r\nhost: a\r\n\r\n'],
  'a user in an absolute target': ['bad-target', 'GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n'],
  'an absolute target without authority': ['bad-target', 'GET http:///x HTTP/1.1\r\nhost: a\r\n\r\n'],
  'an asterisk of another method': ['bad-target', 'GET * HTTP/1.1\r\nhost: a\r\n\r\n'],
  'a tunnel without port': ['bad-target', 'CONNECT a HTTP/1.1\r\nhost: a\r\n\r\n'],
  'a tunnel with a length': ['connect-body', 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 5\r\n\r\nhello'],
  'a tunnel with chunks': ['connect-body', 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\ntransfer-encoding: chunked\r\n\r\n'],
  'a tunnel to a path': ['bad-target', 'CONNECT /a:1 HTTP/1.1\r\nhost: a\r\n\r\n'],
  'chunked in HTTP/1.0': ['bad-transfer-encoding', 'POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n'],
  'two hosts': ['two-hosts', 'GET / HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n'],
  'a folded line': ['bad-field', 'GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n'],
  'a space before the colon': ['bad-field', 'GET / HTTP/1.1\r\ncontent-length : 1\r\n\r\n'],
  'a NUL in a value': ['bad-field', 'GET / HTTP/1.1\r\na: b\0c\r\n\r\n'],
  'a CR in a value': ['bad-field', 'GET / HTTP/1.1\r\na: b\rc\r\n\r\n'],
  'bare line feeds': ['bare-line-feed', 'GET / HTTP/1.1\nhost: a\n\n'],
  'another version': ['bad-version', 'GET / HTTP/2.0\r\n\r\n'],
  'two spaces in the request line': ['bad-start-line', 'GET  / HTTP/1.1\r\n\r\n'],
  'a chunk size that is no number': [
    'bad-chunk',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n',
  ],
  'a chunk longer than its size': [
    'bad-chunk',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
  ],
  'a chunk size beyond numbers': [
    'bad-chunk',
    `POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n${'f'.repeat(14)}\r\n`,
  ],
  'a body that is cut off': ['truncated', 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nabc'],
  'a head that is cut off': ['truncated', 'GET / HTT'],
};
for (const [name, [code, text]] of Object.entries(REFUSED))
  test(`refuses ${name}`, () => {
    const events = request(text);
    assert.equal(events.at(-1), `fault ${code}`);
  });

test('refuses a head that is too long and one with too many fields', () => {
  const long = `GET / HTTP/1.1\r\na: ${'x'.repeat(HTTP1_LIMITS.headBytesMax)}\r\n\r\n`;
  assert.deepEqual(request(long), ['fault head-too-long']);
  assert.deepEqual(decode('request', split(Buffer.from(long), 1000)), ['fault head-too-long']);
  assert.deepEqual(request(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(HTTP1_LIMITS.fieldCountMax + 1)}\r\n`), [
    'fault too-many-fields',
  ]);
});

function split(bytes: Buffer, size: number): Buffer[] {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

const token = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
  .filter((name) => !names.id(Buffer.from(name), 0, name.length));
const field = fc.tuple(token, fc.stringMatching(/^[ -~]{0,20}$/)).map(([name, value]) => `${name}: ${value}\r\n`);
const fields = fc.array(field, { maxLength: 5 }).map((lines) => lines.join(''));
const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const chunked = fc.tuple(fc.array(payload.filter((text) => text !== '')), fields).map(([chunks, trailers]) => {
  const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `transfer-encoding: chunked\r\n\r\n${framed}0\r\n${trailers}\r\n`;
});
const byLength = payload.map((text) => `content-length: ${text.length}\r\n\r\n${text}`);
/** A response without framing fields would last until the connection closes. */
const body = (line: string) =>
  line.startsWith('HTTP') ? fc.oneof(chunked, byLength) : fc.oneof(chunked, byLength, fc.constant('\r\n'));
const message = (line: string) => fc.tuple(fields, body(line)).map(([head, rest]) => `${line}\r\n${head}${rest}`);
const noise = fc.tuple(fc.nat(2000), fc.constantFrom('\r', '\n', '\0', ' ', ':', 'x', '0'));

for (const [kind, line] of [
  ['request', 'POST /x HTTP/1.1\r\nhost: h'],
  ['response', 'HTTP/1.1 200 OK'],
] as const)
  test(`any split of ${kind}s gives the same events, for good and for damaged bytes`, () => {
    fc.assert(
      fc.property(
        fc.array(message(line), { minLength: 1, maxLength: 4 }),
        fc.option(noise),
        fc.array(fc.nat(60)),
        (messages, damage, sizes) => {
          let text = messages.join('');
          if (damage) text = text.slice(0, damage[0]) + damage[1] + text.slice(damage[0] + 1);
          const bytes = Buffer.from(text, 'latin1');
          const pieces = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          pieces.push(bytes.subarray(at));
          const whole = decode(kind, [bytes]);
          assert.deepEqual(decode(kind, pieces), whole);
          assert.deepEqual(decode(kind, split(bytes, 1)), whole);
          if (!damage) assert.equal(whole.filter((event) => event === 'end').length, messages.length);
        },
      ),
      { numRuns: 150 },
    );
  });
