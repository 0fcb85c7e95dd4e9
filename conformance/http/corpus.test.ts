import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWERS, answerTo } from './answers/corpus.ts';
import { finalResponse } from './answers/run.ts';
import { FACES } from './faces.ts';
import { parseReport } from './h2spec.ts';
import { block, HpackDecoder, indexing } from './hpack.ts';
import { HTTP1_CORPUS } from './http1/corpus/index.ts';
import { HTTP2_CORPUS } from './http2/corpus/index.ts';
import { content, FLAG, FrameReader, frame, TYPE } from './http2/frames.ts';
import { parseRequest } from './origin/http1.ts';
import { emptyRecord, ofCase } from './origin/record.ts';

const ALL = [...HTTP1_CORPUS, ...HTTP2_CORPUS];

test('the corpus has more than 300 requests that must be refused, each with its own bytes and a rule', () => {
  const refused = ALL.filter(({ expect }) => expect === 'refuse');
  assert.ok(refused.length >= 300, String(refused.length));
  assert.equal(new Set(ALL.map(({ id }) => id)).size, ALL.length);
  for (const { rule, id } of ALL) assert.match(rule, /^(RFC \d+ [\dA-Z.]+|spec of the proxy)$/, id);
});

test('every response of the corpus is found by the path that asks for it', () => {
  for (const each of ANSWERS) assert.equal(answerTo(`/answer/${each.id}`), each);
  assert.equal(answerTo('/answer/none'), undefined);
});

test('no two cases of HTTP/1 send the same', () => {
  const sent = new Map<string, string>();
  for (const { id, writes } of HTTP1_CORPUS) {
    const bytes = writes.join('|').replaceAll(id, '');
    assert.equal(sent.get(bytes), undefined, id);
    sent.set(bytes, id);
  }
});

test('every face has an origin port of its own', () => {
  assert.equal(new Set(FACES.map(({ originPort }) => originPort)).size, FACES.length);
});

test('the origin takes what strict servers refuse', () => {
  const parsed = parseRequest('POST /a HTTP/1.1\nTransfer-Encoding : xchunked\n\n2;x\nab\n0\n\nGET');
  assert.ok(typeof parsed === 'object');
  assert.deepEqual([parsed.request.method, parsed.request.path, parsed.request.body], ['POST', '/a', 'ab']);
  assert.equal(parseRequest('POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab'), 'more');
  assert.equal(parseRequest('POST / HTTP/1.1\r\ncontent-length: x\r\n\r\nab'), 'garbage');
});

test('a late request of another case is not counted', () => {
  const record = { ...emptyRecord(), begun: [{ path: '/c/a-1' }, { path: '/c/a-2/x' }, { path: '' }] };
  assert.deepEqual(ofCase(record, 'a-1').begun, [{ path: '/c/a-1' }, { path: '' }]);
});

test('a response is complete only where its framing says so', () => {
  const body = (text: string, isHead = false, ended = false) => finalResponse(text, isHead, ended)?.body;
  assert.equal(body('HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokx'), 'ok');
  assert.equal(body('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok'), undefined);
  assert.equal(body('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'), 'ok');
  assert.equal(body('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n'), undefined);
  assert.equal(body('HTTP/1.1 200 OK\r\n\r\nok'), undefined);
  assert.equal(body('HTTP/1.1 200 OK\r\n\r\nok', false, true), 'ok');
  assert.equal(body('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n', true), '');
});

test('frames and header blocks made by hand are read back', () => {
  const made = frame(
    TYPE.headers,
    FLAG.endHeaders | FLAG.padded,
    3,
    Buffer.concat([Buffer.from([2]), block([['a', 'b']]), indexing('c', 'd'), Buffer.alloc(2)]),
  );
  const [read] = new FrameReader().push(made);
  assert.ok(read);
  const hpack = new HpackDecoder();
  assert.deepEqual(hpack.decode(content(read)), [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  assert.deepEqual(hpack.decode(Buffer.from([0xbe, 0x82])), [
    ['c', 'd'],
    [':method', 'GET'],
  ]);
});

test('Huffman code is read as in RFC 7541 appendix C.4.1', () => {
  const request = Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex');
  assert.deepEqual(new HpackDecoder().decode(request).at(-1), [':authority', 'www.example.com']);
});

test("h2spec's report is read with its failures", () => {
  const xml = `<testsuites><testsuite name="6.1. DATA" package="http2/6.1" id="6.1" tests="2" skipped="0" failures="0" errors="1">
    <testcase package="http2/6.1" classname="Sends a &#34;bad&#34; frame" time="1">
      <error>GOAWAY
Timeout</error></testcase>
    <testcase package="http2/6.1" classname="Sends another" time="1"></testcase></testsuite>
    <testsuite name="x" package="y" id="z" tests="0" skipped="0" failures="0" errors="0"></testsuite></testsuites>`;
  assert.deepEqual(parseReport(xml), {
    sections: [{ id: 'http2/6.1', title: '6.1. DATA', tests: 2, failed: 1, skipped: 0 }],
    failures: ['http2/6.1 Sends a "bad" frame: GOAWAY Timeout'],
  });
  assert.throws(() => parseReport('<testsuites/>'), /reported no test/);
});
