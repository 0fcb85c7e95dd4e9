import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity, quantityNumber } from './quantity.ts';
import { canonicalMicroTime, durationText, parseDuration } from './times.ts';

const CASES: Readonly<Record<string, string | undefined>> = {
  '1000m': '1',
  '0.5': '500m',
  '1024Ki': '1Mi',
  '1.5Gi': '1536Mi',
  '0.5Ki': '512',
  '1e3': '1e3',
  '10000': '10k',
  '1.1Ki': '1126400m',
  '0.1n': '1n',
  '-1.5': '-1500m',
  '0': '0',
  '': undefined,
  '1 Gi': undefined,
  '1.2.3': undefined,
};

test('quantities have one spelling', () => {
  for (const [text, want] of Object.entries(CASES)) assert.equal(canonicalQuantity(text), want, text);
});

test('the canonical spelling keeps the value and is its own canonical spelling', () => {
  const suffix = fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e3', 'E-2');
  fc.assert(
    fc.property(
      fc.integer({ min: -5000, max: 5000 }),
      fc.integer({ min: 0, max: 999 }),
      suffix,
      (whole, part, unit) => {
        const text = `${whole}.${part}${unit}`;
        const canonical = canonicalQuantity(text) ?? assert.fail(text);
        assert.equal(canonicalQuantity(canonical), canonical);
        const [want, got] = [quantityNumber(text), quantityNumber(canonical)];
        assert.ok(Math.abs(want - got) <= 1e-9 * Math.max(1, Math.abs(want)), `${text} ${canonical}`);
      },
    ),
  );
});

test('MicroTime has six decimals whatever came', () => {
  assert.equal(canonicalMicroTime('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000000Z');
  assert.equal(canonicalMicroTime('2026-01-02T03:04:05.123456789Z'), '2026-01-02T03:04:05.123456Z');
  assert.equal(canonicalMicroTime('yesterday'), undefined);
});

test('durations print as in Go', () => {
  const cases = { '90m1.5s': '1h30m1.5s', '200ms': '200ms', '1h': '1h0m0s', '0': '0s', '-1.5us': '-1.5µs' };
  for (const [text, want] of Object.entries(cases)) assert.equal(durationText(parseDuration(text) ?? 0n), want);
  assert.equal(parseDuration('5'), undefined);
});

test('a quantity as a number takes numbers as they are, absence as none, and tells what is no quantity', () => {
  const cases = { '250m': 0.25, '64Mi': 67_108_864, '1.5Gi': 1_610_612_736, '2e3': 2000, '100n': 1e-7, '-1k': -1000 };
  for (const [text, want] of Object.entries(cases)) assert.equal(quantityNumber(text), want, text);
  assert.equal(quantityNumber(undefined), 0);
  assert.equal(quantityNumber(3), 3);
  assert.ok(Number.isNaN(quantityNumber('much')));
});

test('powers and texts beyond all sense are refused at once instead of being computed', () => {
  assert.equal(canonicalQuantity('1e999999999'), undefined);
  assert.equal(canonicalQuantity('1e-999999999'), undefined);
  assert.equal(canonicalQuantity('9'.repeat(100_000)), undefined);
  assert.equal(canonicalQuantity('1e003'), '1e3');
});
