import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyObject, CustomResourceDefinition, JSONSchemaProps } from '#api/kube';
import { Cel } from '../cel/index.ts';
import { serverSideApply } from '../patch/index.ts';
import { compileVersion } from './index.ts';

const cel = new Cel();

function compiled(spec: Record<string, JSONSchemaProps>, extra: Partial<JSONSchemaProps> = {}, version: object = {}) {
  const schema: JSONSchemaProps = {
    type: 'object',
    properties: { spec: { type: 'object', properties: spec, ...extra } },
  };
  const crd: CustomResourceDefinition = {
    metadata: { name: 'ks.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'ks', kind: 'K' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
    },
  };
  return compileVersion(crd, 'v1', cel);
}

const object = (spec: unknown, metadata: Record<string, unknown> = {}): AnyObject =>
  ({ apiVersion: 'example.com/v1', kind: 'K', metadata: { name: 'a', ...metadata }, spec }) as AnyObject;

type Spec = Record<string, JSONSchemaProps>;
const faults = (schema: Spec, spec: unknown, old?: unknown, extra: Partial<JSONSchemaProps> = {}) => {
  const version = compiled(schema, extra);
  const { object: normal } = version.normalize(object(spec));
  return version
    .validate(normal, old === undefined ? undefined : object(old))
    .map((cause) => `${cause.field}: ${cause.message}`);
};

/** Each text was seen from apiextensions-apiserver 0.34. */
const TEXTS: readonly (readonly [Spec, unknown, readonly string[]])[] = [
  [
    { i: { type: 'integer' } },
    { i: 'x' },
    ['spec.i: Invalid value: "string": spec.i in body must be of type integer: "string"'],
  ],
  [
    { i: { type: 'integer' } },
    { i: 1.5 },
    ['spec.i: Invalid value: "number": spec.i in body must be of type integer: "number"'],
  ],
  [{ n: { type: 'number' } }, { n: 1 }, []],
  [
    { s: { type: 'array', items: { type: 'string' } } },
    { s: ['a', 1] },
    ['spec.s[1]: Invalid value: "integer": spec.s[1] in body must be of type string: "integer"'],
  ],
  [
    { x: { 'x-kubernetes-int-or-string': true } },
    { x: true },
    ['spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"'],
  ],
  [
    { i: { type: 'integer', maximum: 10 } },
    { i: 11 },
    ['spec.i: Invalid value: 11: spec.i in body should be less than or equal to 10'],
  ],
  [
    { i: { type: 'integer', minimum: 1, exclusiveMinimum: true } },
    { i: 1 },
    ['spec.i: Invalid value: 1: spec.i in body should be greater than 1'],
  ],
  [
    { f: { type: 'number', maximum: 1e6 } },
    { f: 1000000.5 },
    ['spec.f: Invalid value: 1.0000005e+06: spec.f in body should be less than or equal to 1e+06'],
  ],
  [
    { s: { type: 'string', pattern: '^a+$' } },
    { s: 'b' },
    [`spec.s: Invalid value: "b": spec.s in body should match '^a+$'`],
  ],
  [{ s: { type: 'string', pattern: 'b' } }, { s: 'abc' }, []],
  [{ s: { type: 'string', maxLength: 4 } }, { s: '😀😀😀😀' }, []],
  [{ s: { type: 'string', maxLength: 4 } }, { s: 'abcde' }, ['spec.s: Too long: may not be more than 4 bytes']],
  [
    { s: { type: 'string', minLength: 2 } },
    { s: 'a' },
    ['spec.s: Invalid value: "a": spec.s in body should be at least 2 chars long'],
  ],
  [
    { s: { type: 'string', enum: ['A', 'B'] } },
    { s: 'C' },
    ['spec.s: Unsupported value: "C": supported values: "A", "B"'],
  ],
  [
    { s: { type: 'string', format: 'date-time' } },
    { s: 'x' },
    ['spec.s: Invalid value: "x": spec.s in body must be of type date-time: "x"'],
  ],
  [{ s: { type: 'string', format: 'unheard-of' } }, { s: 'x' }, []],
  [
    { l: { type: 'array', maxItems: 1, items: { type: 'integer' } } },
    { l: [1, 2] },
    ['spec.l: Too many: 2: must have at most 1 item'],
  ],
  [
    { m: { type: 'object', minProperties: 1, additionalProperties: { type: 'integer' } } },
    { m: {} },
    ['spec.m: Invalid value: 0: spec.m in body should have at least 1 properties'],
  ],
  [
    { o: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
    { o: {} },
    ['spec.o.a: Required value'],
  ],
  [
    { a: { type: 'integer', anyOf: [{ minimum: 10 }, { maximum: 2 }] } },
    { a: 5 },
    [
      '<nil>: Invalid value: "": "spec.a" must validate at least one schema (anyOf)',
      'spec.a: Invalid value: 5: spec.a in body should be greater than or equal to 10',
    ],
  ],
  [
    { o: { type: 'string', oneOf: [{ pattern: 'a' }, { pattern: 'b' }] } },
    { o: 'ab' },
    ['<nil>: Invalid value: "": "spec.o" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
  ],
  [
    { n: { type: 'string', not: { pattern: 'x' } } },
    { n: 'x' },
    ['<nil>: Invalid value: "": "spec.n" must not validate the schema (not)'],
  ],
  [
    {
      m: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
      },
    },
    { m: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
    ['spec.m[2]: Duplicate value: {"name":"a"}'],
  ],
  [
    { s: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } } },
    { s: ['a', 'a'] },
    ['spec.s[1]: Duplicate value: "a"'],
  ],
  [
    { e: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true } },
    { e: { kind: 'Pod' } },
    ['spec.e.apiVersion: Required value: must not be empty'],
  ],
];

test('says what is wrong in the words of kube-openapi', () => {
  for (const [schema, spec, want] of TEXTS)
    assert.deepEqual(faults(schema, spec), want, JSON.stringify([schema, spec]));
});

test('drops undeclared fields, tells their paths and keeps what is to be preserved', () => {
  const version = compiled({
    known: { type: 'object', properties: { a: { type: 'string' } } },
    open: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { k: { type: 'object', properties: {} } },
    },
    list: { type: 'array', items: { type: 'object', properties: { x: { type: 'string' } } } },
  });
  const spec = { known: { a: '1', b: 2 }, open: { q: { w: 1 }, k: { z: 1 } }, list: [{ x: 'y', y: 1 }], gone: [1] };
  const { object: normal, unknownFields } = version.normalize({
    ...object(spec, { colour: 'red' }),
    extra: 1,
  } as AnyObject);
  assert.deepEqual(normal, object({ known: { a: '1' }, open: { q: { w: 1 }, k: {} }, list: [{ x: 'y' }] }));
  assert.deepEqual(unknownFields, [
    'spec.known.b',
    'spec.open.k.z',
    'spec.list[0].y',
    'spec.gone',
    'extra',
    'metadata.colour',
  ]);
});

test('fills defaults, also for nulls that are not allowed, and leaves its argument alone', () => {
  const version = compiled({
    a: { type: 'string', default: 'x' },
    n: { type: 'string', nullable: true, default: 'q' },
    o: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 3 } } },
    l: { type: 'array', items: { type: 'object', properties: { c: { type: 'boolean', default: false } } } },
    gone: { type: 'string' },
  });
  const sent = Object.freeze(
    object(Object.freeze({ a: null, n: null, l: Object.freeze([{}, { c: true }]), gone: null })),
  );
  assert.deepEqual(version.normalize(sent).object['spec'], {
    a: 'x',
    n: null,
    l: [{ c: false }, { c: true }],
    o: { b: 3 },
  });
});

const rule = (text: string, more: object = {}): Partial<JSONSchemaProps> => ({
  'x-kubernetes-validations': [{ rule: text, ...more }],
});

test('runs rules with their messages, reasons and paths', () => {
  const schema: Spec = {
    a: { type: 'integer' },
    b: { type: 'integer' },
    l: { type: 'array', items: { type: 'integer', ...rule('self != 7', { message: 'seven' }) } },
  };
  const spec = { a: 3, b: 2, l: [1, 7] };
  assert.deepEqual(faults(schema, spec, undefined, rule('self.a <= self.b')), [
    'spec: Invalid value: "object": failed rule: self.a <= self.b',
    'spec.l[1]: Invalid value: "integer": seven',
  ]);
  assert.deepEqual(
    faults(
      schema,
      { a: 3, b: 2 },
      undefined,
      rule('self.a <= self.b', {
        messageExpression: "'a=' + string(self.a)",
        reason: 'FieldValueForbidden',
        fieldPath: '.a',
      }),
    ),
    ['spec.a: Forbidden: a=3'],
  );
  assert.deepEqual(faults(schema, { a: 3 }, undefined, rule('self.b > 1', { message: 'm' })), [
    'spec: Invalid value: "object": no such key: b evaluating rule: m',
  ]);
});

test('rules see dates, durations, doubles and escaped names as Kubernetes types them', () => {
  const schema: Spec = {
    at: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    ratio: { type: 'number' },
    namespace: { type: 'string' },
    'a-b': { type: 'string' },
    tags: { type: 'object', additionalProperties: { type: 'string' } },
  };
  const spec = { at: '2024-01-01T00:00:00Z', wait: '90s', ratio: 2, namespace: 'n', 'a-b': 'c', tags: { 'x-y': 'z' } };
  const text = [
    'self.at < timestamp("2025-01-01T00:00:00Z")',
    'self.wait == duration("1m30s")',
    'type(self.ratio) == double',
    'self.__namespace__ == "n"',
    'self.a__dash__b == "c"',
    'self.tags["x-y"] == "z"',
  ].join(' && ');
  assert.deepEqual(faults(schema, spec, undefined, rule(text)), []);
});

test('transition rules need a past, unless they are content without', () => {
  const fixed: Spec = { f: { type: 'string', ...rule('self == oldSelf', { message: 'immutable' }) } };
  assert.deepEqual(faults(fixed, { f: 'a' }), []);
  assert.deepEqual(faults(fixed, { f: 'b' }, {}), []);
  assert.deepEqual(faults(fixed, { f: 'b' }, { f: 'a' }), ['spec.f: Invalid value: "string": immutable']);
  const growing: Spec = {
    n: {
      type: 'integer',
      ...rule('!oldSelf.hasValue() || oldSelf.value() < self', { optionalOldSelf: true, message: 'must grow' }),
    },
  };
  assert.deepEqual(faults(growing, { n: 1 }), []);
  assert.deepEqual(faults(growing, { n: 1 }, { n: 2 }), ['spec.n: Invalid value: "integer": must grow']);
});

test('items of keyed lists have their past found by key', () => {
  const schema: Spec = {
    m: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, v: { type: 'integer', ...rule('self >= oldSelf') } },
      },
    },
  };
  const old = {
    m: [
      { name: 'a', v: 5 },
      { name: 'b', v: 1 },
    ],
  };
  assert.deepEqual(
    faults(
      schema,
      {
        m: [
          { name: 'b', v: 0 },
          { name: 'a', v: 5 },
        ],
      },
      old,
    ),
    ['spec.m[0].v: Invalid value: "integer": failed rule: self >= oldSelf'],
  );
});

test('does not judge again what did not change', () => {
  const schema: Spec = {
    short: { type: 'string', maxLength: 2, ...rule("self.startsWith('a')") },
    other: { type: 'string' },
  };
  assert.deepEqual(faults(schema, { short: 'xxxx', other: 'new' }, { short: 'xxxx', other: 'old' }), []);
  assert.equal(faults(schema, { short: 'yyyy' }, { short: 'xxxx' }).length, 2);
});

test('rules wait until the object has the right shape', () => {
  const causes = faults({ a: { type: 'string' } }, {}, undefined, { required: ['a'], ...rule('self.a == "x"') });
  assert.deepEqual(causes, [
    'spec.a: Required value',
    '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  ]);
});

test('prints declared columns, else the age', () => {
  const declared = compiled(
    {},
    {},
    {
      additionalPrinterColumns: [
        { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
        { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
        { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts' },
        { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
    },
  );
  const shown = {
    ...object({ replicas: 3, hosts: ['a'] }, { creationTimestamp: '2024-01-01T00:00:00Z' }),
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const now = Date.parse('2024-01-01T00:01:00Z');
  assert.deepEqual(declared.row(shown as AnyObject, now), ['a', 'True', 3, '["a"]', '60s']);
  assert.deepEqual(declared.row(object({}), now), ['a', null, null, null, null]);
  assert.deepEqual(
    declared.columns.map(({ name, priority }) => [name, priority]),
    [
      ['Name', undefined],
      ['Ready', undefined],
      ['Replicas', 1],
      ['Hosts', undefined],
      ['Since', undefined],
    ],
  );
  assert.deepEqual(
    compiled({}).columns.map(({ name }) => name),
    ['Name', 'Age'],
  );
});

test('merge rules follow the schema: keyed lists merge, open parts are granular maps with atomic lists', () => {
  const version = compiled({
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, n: { type: 'string' } },
      },
    },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  });
  const apply = (live: AnyObject | undefined, spec: unknown, manager: string) =>
    serverSideApply(live, object(spec), {
      manager,
      force: false,
      nowIso: '2024-01-01T00:00:00Z',
      schema: version.schema,
      gvk: { group: 'example.com', version: 'v1', kind: 'K' },
    }).object;
  const one = apply(undefined, { ports: [{ port: 80 }], open: { a: { x: 1 }, l: [1] } }, 'one');
  const both = apply(one, { ports: [{ port: 80, protocol: 'TCP', n: 'web' }], open: { a: { y: 2 } } }, 'two');
  assert.deepEqual(both['spec'], {
    ports: [{ port: 80, protocol: 'TCP', n: 'web' }],
    open: { a: { x: 1, y: 2 }, l: [1] },
  });
  assert.throws(() => apply(both, { open: { l: [2] } }, 'two'), /conflict with "one": \.spec\.open\.l/);
  assert.throws(() => apply(both, { prots: [] }, 'two'), /\.spec\.prots: field not declared in schema/);
});

test('a negative number of replicas is refused through the scale path', () => {
  const version = compiled(
    { replicas: { type: 'integer' } },
    {},
    {
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
      },
    },
  );
  assert.deepEqual(
    version.validate(object({ replicas: -1 })).map(({ message }) => message),
    ['Invalid value: -1: should be a non-negative integer'],
  );
  assert.deepEqual(version.subresources, { status: true, scale: true });
});

const RICH: Spec = {
  a: { type: 'string', default: 'x', enum: ['x', 'y'] },
  n: { type: 'integer', nullable: true, minimum: 0 },
  o: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 3 }, c: { type: 'string' } } },
  l: {
    type: 'array',
    maxItems: 2,
    items: {
      type: 'object',
      required: ['k'],
      properties: { k: { type: 'string' }, v: { type: 'boolean', default: false } },
    },
  },
  m: { type: 'object', additionalProperties: { type: 'integer', maximum: 5 } },
  w: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};
const leaf = fc.oneof(fc.constantFrom<unknown>('x', 'z', 0, -1, 9, 1.5, true, null));
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'n', 'o', 'l', 'm', 'w', 'b', 'k', 'v', 'q'), tie('value'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
})).value;

test('whatever is sent: normal form is stable, fits its own past, and unknown fields are gone for good', () => {
  const version = compiled(RICH, rule('!has(self.n) || self.n != 9'));
  fc.assert(
    fc.property(anything, (spec) => {
      const first = version.normalize(object(spec));
      const again = version.normalize(first.object);
      assert.deepEqual(again.object, first.object);
      assert.deepEqual(again.unknownFields, []);
      assert.deepEqual(version.applyDefaults(first.object), first.object);
      assert.deepEqual(version.validate(first.object, first.object), []);
      for (const { reason, message, field } of version.validate(first.object)) assert.ok(reason && message && field);
    }),
  );
});
