import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  joinAttributes,
  newSpanId,
  parseAttributeLines,
  parseAttributeList,
  parseB3,
  parseGrpcTrace,
  parseTraceparent,
  withGrpcTraceSpan,
  withTraceparentSpan,
} from './index.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const hex = (digits: number) =>
  fc
    .uint8Array({ minLength: digits / 2, maxLength: digits / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))
    .filter((text) => !/^0*$/.test(text));

test('reads a traceparent of version 00', () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true });
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-02`)?.sampled, false);
});

test('refuses what is no traceparent of version 00', () => {
  for (const text of [
    '',
    `01-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-x`,
    `00-${TRACE}_${SPAN}-01`,
    `00-${TRACE}-${SPAN}-zz`,
  ])
    assert.equal(parseTraceparent(text), undefined, text);
});

test('another span id changes nothing else of a traceparent', () => {
  fc.assert(
    fc.property(hex(32), hex(16), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, spanId, next, flags) => {
      const before = `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
      const after = withTraceparentSpan(before, next);
      assert.deepEqual(parseTraceparent(after), { traceId, spanId: next, sampled: flags % 2 === 1 });
      assert.equal(after.slice(52), before.slice(52));
    }),
  );
});

test('reads and changes the binary form of gRPC', () => {
  fc.assert(
    fc.property(hex(32), hex(16), hex(16), fc.boolean(), fc.boolean(), (traceId, spanId, next, sampled, padded) => {
      const bytes = Buffer.from(`0000${traceId}01${spanId}02${sampled ? '01' : '00'}`, 'hex');
      const text = padded ? bytes.toString('base64') : bytes.toString('base64').replace(/=+$/, '');
      assert.deepEqual(parseGrpcTrace(text), { traceId, spanId, sampled });
      assert.deepEqual(parseGrpcTrace(withGrpcTraceSpan(text, next)), { traceId, spanId: next, sampled });
    }),
  );
  assert.equal(parseGrpcTrace('AAAA'), undefined);
  assert.equal(parseGrpcTrace(Buffer.from(`0100${TRACE}01${SPAN}0201`, 'hex').toString('base64')), undefined);
});

test('reads B3 with short and long trace ids', () => {
  assert.deepEqual(parseB3(TRACE, SPAN, '1'), { traceId: TRACE, spanId: SPAN, sampled: true });
  assert.equal(parseB3(SPAN.toUpperCase(), SPAN, undefined)?.traceId, `0000000000000000${SPAN}`);
  assert.equal(parseB3(TRACE, SPAN, '0')?.sampled, false);
  assert.equal(parseB3(TRACE, undefined, '1'), undefined);
  assert.equal(parseB3('xyz', SPAN, '1'), undefined);
});

test('span ids are 16 digits and never zero', () => {
  assert.equal(
    newSpanId(() => 0),
    '0000000000000001',
  );
  assert.match(
    newSpanId(() => 0.999_999),
    /^[0-9a-f]{16}$/,
  );
});

test('attributes of a later source win', () => {
  const file = parseAttributeLines('app="web"\nbad\nk8s.pod.name=web-1\nquoted="a \\"b\\""\n');
  const list = parseAttributeList('app=other,zone=a%2Cb, =x,broken,odd=%zz');
  assert.deepEqual(Object.fromEntries(joinAttributes([['service.name', 'x']], file, list)), {
    'service.name': 'x',
    app: 'other',
    'k8s.pod.name': 'web-1',
    quoted: 'a "b"',
    zone: 'a,b',
    odd: '%zz',
  });
});
