import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ANNOTATIONS,
  type AnnotationRow,
  annotationSchema,
  badServiceAnnotations,
  PortSet,
  parseBool,
  parseGoDuration,
  parseQuantity,
  readAnnotations,
} from './index.ts';
import { KINDS } from './kinds.ts';

const rows = Object.values<AnnotationRow>(ANNOTATIONS);

test('no key stands twice, and every row says what it expects and does', () => {
  assert.equal(new Set(rows.map((row) => row.key)).size, rows.length);
  for (const row of rows)
    assert.ok(row.expects && row.doc.endsWith('.') && /^[a-z.]+\.(io|dev)\/[a-z-]+$/.test(row.key), row.key);
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
  assert.match(bad[0]?.message ?? '', /expected a port from 1 to 65535, got "http"; ignored/);
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

test('a key of ours that the table lacks is named, with the one that was most likely meant', () => {
  const { bad } = readAnnotations({
    'config.linkerd.io/skip-inboud-ports': '22',
    'config.linkerd.io/something-else-altogether': 'x',
    'config.linkerd.io/admission-webhooks': 'disabled',
    'config.example.com/x': '',
  });
  assert.deepEqual(
    bad.map(({ message }) => message),
    [
      'config.linkerd.io/skip-inboud-ports: not known; did you mean config.linkerd.io/skip-inbound-ports?; ignored',
      'config.linkerd.io/something-else-altogether: not known; ignored',
    ],
  );
});

test('a Service is asked for its opaque ports and zone weights', () => {
  const messages = badServiceAnnotations({
    'config.linkerd.io/opaque-ports': '70000',
    'balancer.weft.dev/zone-weights': 'a',
    'config.linkerd.io/proxy-uid': 'not read on Services',
  }).map(({ key }) => key);
  assert.deepEqual(messages, ['config.linkerd.io/opaque-ports', 'balancer.weft.dev/zone-weights']);
  assert.deepEqual(badServiceAnnotations({ 'config.linkerd.io/opaque-ports': '' }), []);
});

/** For each kind of value: some that are one, and some that are none. */
const EXAMPLES: { readonly [K in keyof typeof KINDS]: readonly [good: string[], bad: string[]] } = {
  text: [['x'], ['']],
  bool: [
    ['true', '0', 'T'],
    ['yes', ''],
  ],
  toggle: [['enabled', 'disabled'], ['true']],
  port: [
    ['1', '65535'],
    ['0', '65536', 'http', '-1'],
  ],
  count: [
    ['0', '30'],
    ['-1', '1.5', 's'],
  ],
  userId: [['2102'], ['0', '-1', 'root']],
  groupId: [
    ['0', '2102', '-1'],
    ['-2', 'staff'],
  ],
  duration: [
    ['0', '1m30s', '.5s', '250ms'],
    ['-1s', '5', 'soon', ''],
  ],
  ports: [
    ['', '25', '25, 3000-3010,sql'],
    ['70000', '3-1', 'a_b'],
  ],
  identities: [
    ['linkerd-gateway.linkerd-multicluster', 'a.b, spiffe://root/x', ''],
    ['a"b', '$(x)', 'a;b'],
  ],
  quantity: [
    ['100m', '64Mi', '1e3', '.5'],
    ['-1', '1KB', ''],
  ],
  fraction: [
    ['0.5', '.1'],
    ['0', '1', 'half', ''],
  ],
  networks: [
    ['10.0.0.0/8, fd00::/8', '192.168.1.1', ''],
    ['10.0.0.0/33', '1.2.3.256', 'a,b', '10.0.0.0/8/8'],
  ],
  accessLog: [['apache', 'json', '%PROTOCOL%'], ['%NOPE%']],
  defaultPolicy: [
    ['deny', 'audit', 'all-authenticated'],
    ['all', ''],
  ],
  headerLogs: [['off', 'insecure', ''], ['on']],
  envVars: [
    ['[]', ' [{"name":"A","value":"b"}]'],
    ['{}', '[{}]', 'A=b'],
  ],
};

test('kinds read what they should, and the schema refuses nothing that is read', () => {
  for (const [name, [good, bad]] of Object.entries(EXAMPLES)) {
    const kind = KINDS[name as keyof typeof KINDS];
    for (const text of good) {
      assert.notEqual(kind.parse(text), undefined, `${name}: ${text}`);
      assert.ok(allows(kind.schema, text), `${name}: the schema refuses ${text}`);
    }
    for (const text of bad) assert.equal(kind.parse(text), undefined, `${name}: ${text}`);
  }
});

function allows(schema: (typeof KINDS)[keyof typeof KINDS]['schema'], text: string): boolean {
  if ('enum' in schema) return (schema.enum as readonly string[]).includes(text);
  return 'pattern' in schema ? new RegExp(schema.pattern).test(text) : text.length >= schema.minLength;
}

test('the schema knows the keys of the table and no others of ours', () => {
  const schema = annotationSchema() as {
    properties: Record<string, unknown>;
    propertyNames: { not: { pattern: string } };
  };
  assert.deepEqual(Object.keys(schema.properties).sort(), rows.map(({ key }) => key).sort());
  const refused = new RegExp(schema.propertyNames.not.pattern);
  for (const { key } of rows) assert.ok(!refused.test(key), key);
  assert.ok(refused.test('config.linkerd.io/proxy-uids') && !refused.test('example.com/x'));
});

test('flags of inject are distinct', () => {
  const flags = rows.flatMap(({ flag }) => (flag ? [flag.split(' ')[0]] : []));
  assert.equal(new Set(flags).size, flags.length);
  assert.ok(flags.includes('--proxy-uid') && flags.includes('--require-identity-on-inbound-ports'));
});
