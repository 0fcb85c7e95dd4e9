import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ANNOTATIONS,
  type AnnotationRow,
  PortSet,
  parseBool,
  parseGoDuration,
  parseQuantity,
  readAnnotations,
} from './index.ts';

const rows = Object.values<AnnotationRow>(ANNOTATIONS);

test('no key stands twice, and every row says what it expects and does', () => {
  assert.equal(new Set(rows.map((row) => row.key)).size, rows.length);
  for (const row of rows)
    assert.ok(row.expects && row.doc.endsWith('.') && /^[a-z.]+\.io\/[a-z-]+$/.test(row.key), row.key);
});

test('reads known annotations, reports malformed ones and leaves the rest alone', () => {
  const { values, bad } = readAnnotations({
    'linkerd.io/inject': 'enabled',
    'config.linkerd.io/proxy-uid': '2103',
    'config.linkerd.io/opaque-ports': '3306,my-sql,4000-4010',
    'config.linkerd.io/inbound-port': 'http',
    'config.linkerd.io/default-inbound-policy': 'allow',
    'example.com/other': '!',
  });
  assert.deepEqual(values, { inject: 'enabled', proxyUid: 2103, opaquePorts: '3306,my-sql,4000-4010' });
  assert.deepEqual(
    bad.map((each) => each.key),
    ['config.linkerd.io/inbound-port', 'config.linkerd.io/default-inbound-policy'],
  );
  assert.match(bad[0]?.message ?? '', /expected a port from 0 to 65535, got "http"; ignored/);
});

test('port lists hold numbers, ranges and names that the object declares', () => {
  const ports = PortSet.parse('25, 3000-3010,sql,gone', (name) => (name === 'sql' ? [5432, 5433] : []));
  assert.deepEqual(
    [25, 2999, 3000, 3010, 3011, 5433].map((port) => ports?.has(port)),
    [true, false, true, true, false, true],
  );
  assert.equal(String(ports), '25,3000-3010,5432,5433');
  assert.equal(PortSet.parse('')?.has(0), false);
  for (const bad of ['70000', '20-10', 'a_b', '1-', '-1', '1-2-3']) assert.equal(PortSet.parse(bad), undefined, bad);
});

test('a set holds exactly the ports of its ranges', () => {
  const port = fc.integer({ min: 0, max: 65535 });
  fc.assert(
    fc.property(port, port, port, (a, b, probe) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      return PortSet.parse(`${low}-${high}`)?.has(probe) === (low <= probe && probe <= high);
    }),
  );
});

test('reads values as Go does', () => {
  assert.deepEqual(['1', 'T', 'False', 'yes', ''].map(parseBool), [true, true, false, undefined, undefined]);
  assert.deepEqual(['1h30m', '1.5s', '250ms', '0', '-2s', '10', '', '1x', '1s '].map(parseGoDuration), [
    5_400_000,
    1500,
    250,
    0,
    -2000,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['100m', '2', '64Mi', '1e3', '.5', '1.5Gi', 'x', '1KB'].map(parseQuantity), [
    0.1,
    2,
    67108864,
    1000,
    0.5,
    1610612736,
    undefined,
    undefined,
  ]);
});
