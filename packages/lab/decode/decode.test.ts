import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyError, decodeObject, encodeJson, parseJson, parseYaml, strictFault } from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const fault = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  return 'no error';
};

test('reads all JSON that JSON.parse reads, to the same value', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, duplicates } = parseJson(text);
      assert.deepEqual(JSON.parse(encodeJson(value)), JSON.parse(JSON.stringify(JSON.parse(text))));
      assert.deepEqual(duplicates, []);
    }),
  );
});

test('refuses all text that JSON.parse refuses', () => {
  const fragment = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-',
    '0',
    '.',
    'e',
    'true',
    'nul',
    '\\',
    '"',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 8 }), (parts) => {
      const text = parts.join('');
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false; // the reference refuses it
      }
      assert.equal(fault(() => parseJson(text)) === 'no error', valid, text);
    }),
    { numRuns: 500 },
  );
});

test('reports repeated keys with their paths, and the last one counts', () => {
  const { value, duplicates } = parseJson('{"a":1,"spec":{"list":[{"x":1},{"y":1,"y":2}]},"a":3,"a":4}');
  assert.deepEqual(duplicates, ['duplicate field "spec.list[1].y"', 'duplicate field "a"']);
  assert.deepEqual(value, { a: 4, spec: { list: [{ x: 1 }, { y: 2 }] } });
});

test('keeps every digit of an int64', () => {
  const text = '{"max":9223372036854775807,"min":-9223372036854775808,"safe":9007199254740991,"huge":1e400,"small":-0}';
  const { value } = parseJson(text.replace('1e400', '92233720368547758070'));
  assert.deepEqual(value, {
    max: 9223372036854775807n,
    min: -9223372036854775808n,
    safe: 9007199254740991,
    huge: Number('92233720368547758070'),
    small: 0,
  });
  assert.equal(encodeJson({ a: [9223372036854775807n], b: undefined, c: 'x' }), '{"a":[9223372036854775807],"c":"x"}');
});

test('words faults as Go does', () => {
  const cases: Record<string, string> = {
    '': 'unexpected end of JSON input',
    '{"a":': 'unexpected end of JSON input',
    '{a}': "invalid character 'a' looking for beginning of object key string",
    '{"a" 1}': "invalid character '1' after object key",
    '{"a":1 "b"}': `invalid character '"' after object key:value pair`,
    '[1 2]': "invalid character '2' after array element",
    '{} x': "invalid character 'x' after top-level value",
    nul: 'unexpected end of JSON input',
    trux: "invalid character 'x' in literal true (expecting 'e')",
    '"\\q"': "invalid character 'q' in string escape code",
    '"a\nb"': "invalid character '\\n' in string literal",
    "'a'": "invalid character '\\'' looking for beginning of value",
    '-x': "invalid character 'x' in numeric literal",
  };
  for (const [text, want] of Object.entries(cases))
    assert.equal(
      fault(() => parseJson(text)),
      want,
      text,
    );
});

test('limits nesting', () => {
  assert.equal(
    fault(() => parseJson('['.repeat(5000))),
    'exceeded max depth',
  );
  assert.equal(
    fault(() => parseJson(`${'['.repeat(900)}${']'.repeat(900)}`)),
    'no error',
  );
});

test('keys named like prototype members are data', () => {
  const { value, duplicates } = parseJson('{"__proto__":{"x":1},"constructor":2}');
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
  assert.deepEqual(duplicates, []);
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});

test('reads YAML 1.1 as Go does', () => {
  const text = [
    'a: yes',
    'b: off',
    'mode: 0644',
    'date: 2024-01-02',
    'port: 80:80',
    'big: 9223372036854775807',
    'base: &base {x: 1}',
    'merged: {<<: *base, z: 2}',
    '1: one',
    'text: "yes"',
    'tilde: ~',
  ].join('\n');
  assert.deepEqual(parseYaml(text).value, {
    a: true,
    b: false,
    mode: 420,
    date: '2024-01-02',
    port: '80:80',
    big: 9223372036854775807n,
    base: { x: 1 },
    merged: { x: 1, z: 2 },
    1: 'one',
    text: 'yes',
    tilde: null,
  });
});

test('reports repeated YAML keys with their lines, and reads the first document only', () => {
  const { value, duplicates } = parseYaml('---\na: 1\nb:\n  c: 1\n  c: 2\n---\nother: 1\n');
  assert.deepEqual(value, { a: 1, b: { c: 2 } });
  assert.deepEqual(duplicates, ['line 5: key "c" already set in map']);
});

test('refuses YAML that breaks off, infinities and alias bombs', () => {
  assert.match(
    fault(() => parseYaml('a: [1')),
    /^yaml: line 1: /,
  );
  assert.equal(
    fault(() => parseYaml('a: .inf')),
    'json: unsupported value: +Inf',
  );
  const layers = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`);
  assert.match(
    fault(() => parseYaml(['a0: &a0 [x]', ...layers].join('\n'))),
    /alias/,
  );
});

test('an object needs kind and apiVersion, and gets metadata', () => {
  const { object, duplicates } = decodeObject(
    bytes('{"kind":"ConfigMap","apiVersion":"v1","data":{"a":"1","a":"2"}}'),
    'json',
    'ConfigMap',
  );
  assert.deepEqual(object, { kind: 'ConfigMap', apiVersion: 'v1', metadata: {}, data: { a: '2' } });
  assert.deepEqual(duplicates, ['duplicate field "data.a"']);
  assert.equal(
    fault(() => decodeObject(bytes('{"apiVersion":"v1"}'), 'json', 'Pod')),
    `the object provided is unrecognized (must be of type Pod): Object 'Kind' is missing in '{"apiVersion":"v1"}' ({"apiVersion":"v1"})`,
  );
  assert.equal(
    fault(() => decodeObject(bytes('nonsense'), 'json', 'Pod')),
    "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: invalid character 'o' in literal null (expecting 'u') (6e6f6e73656e7365)",
  );
  assert.match(
    fault(() => decodeObject(bytes('{"kind":"Pod","apiVersion":"v1","metadata":[]}'), 'json', 'Pod')),
    /^Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal array into Go struct field Pod\.metadata/,
  );
});

test('words strict faults as Kubernetes does', () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} };
  const error = strictFault(object, 'ConfigMap', ['unknown field "dta"', 'duplicate field "data.a"']);
  assert.ok(error instanceof BodyError);
  assert.equal(
    error.status.message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", duplicate field "data.a"',
  );
  assert.equal(error.status.code, 400);
});
