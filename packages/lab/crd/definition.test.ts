import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition, JSONSchemaProps } from '#api/kube';
import { Cel } from '../cel/index.ts';
import { defaultDefinition, isEstablished, reconcileStatus, validateDefinition } from './index.ts';

const cel = new Cel();
const NOW = '2024-01-01T00:00:00Z';

const withSpec = (properties: Record<string, JSONSchemaProps>): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
});

function definition(
  schema: JSONSchemaProps = withSpec({ a: { type: 'string' } }),
  spec: Partial<CustomResourceDefinition['spec']> = {},
  metadata: CustomResourceDefinition['metadata'] = { name: 'ks.example.com' },
): CustomResourceDefinition {
  return {
    metadata,
    spec: {
      group: 'example.com',
      names: { plural: 'ks', kind: 'K' },
      scope: 'Cluster',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      ...spec,
    },
  };
}

const faults = (crd: CustomResourceDefinition, old?: CustomResourceDefinition) =>
  validateDefinition(defaultDefinition(crd), cel, old && defaultDefinition(old)).map(
    ({ field, message }) => `${field}: ${message}`,
  );

const ROOT = 'spec.validation.openAPIV3Schema';
const A = `${ROOT}.properties[spec].properties[a]`;

/** Schema of field `a` -> texts, as seen from apiextensions-apiserver 0.34. */
const SCHEMAS: readonly (readonly [JSONSchemaProps, readonly string[]])[] = [
  [{ type: 'string' }, []],
  [{}, [`${A}.type: Required value: must not be empty for specified object fields`]],
  [{ type: 'array' }, [`${A}.items: Required value: must be specified`]],
  [{ type: 'array', items: {} }, [`${A}.items.type: Required value: must not be empty for specified array items`]],
  [
    { type: 'foo' },
    [
      `${A}.type: Unsupported value: "foo": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
  ],
  [
    { type: 'string', anyOf: [{ type: 'integer' }, { description: 'x' }] },
    [
      `${A}.anyOf[0].type: Forbidden: must be empty to be structural`,
      `${A}.anyOf[1].description: Forbidden: must be empty to be structural`,
    ],
  ],
  [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, []],
  [
    { type: 'object', properties: { x: { type: 'string' } }, additionalProperties: { type: 'string' } },
    [`${A}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
  ],
  [
    { type: 'string', uniqueItems: true },
    [`${A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
  ],
  [
    { type: 'string', pattern: '(' },
    [
      `${A}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
    ],
  ],
  [{ type: 'string', default: 5 }, [`${A}.default: Invalid value: "integer": must be of type string: "integer"`]],
  [
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'map' },
    [
      `${A}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      `${A}.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
    ],
  ],
];

test('refuses schemas that are not structural, in the words of Kubernetes', () => {
  for (const [schema, want] of SCHEMAS) {
    const texts = faults(definition(withSpec({ a: schema })));
    // The path inside a default's own fault is worded by another layer.
    const plain = texts.map((text) => text.replace(/: spec\.\S+ in body|: {2}in body/, ':'));
    assert.deepEqual(plain, want, JSON.stringify(schema));
  }
});

test('refuses rules that cannot run, and shows where', () => {
  const ruled = (rule: string): JSONSchemaProps => ({
    type: 'object',
    properties: { b: { type: 'string', maxLength: 5 }, list: { type: 'array', items: { type: 'string' } } },
    'x-kubernetes-validations': [{ rule }],
  });
  const texts: Record<string, string> = {
    "self.zzz == 'a'": "compilation failed: ERROR: <input>:1:5: undefined field 'zzz'\n | self.zzz == 'a'\n | ....^",
    'self.b == 5':
      "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(string, int)'\n | self.b == 5\n | .......^",
    "self.b + 'x'": 'cel expression must evaluate to a bool',
    'foo == self.b':
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == self.b\n | ^",
    'self.list.all(x, x.y > 1)':
      "compilation failed: ERROR: <input>:1:19: type 'string' does not support field selection\n | self.list.all(x, x.y > 1)\n | ..................^",
  };
  for (const [rule, want] of Object.entries(texts)) {
    const [text = ''] = faults(definition(withSpec({ a: ruled(rule) })));
    assert.ok(text.startsWith(`${A}.x-kubernetes-validations[0].rule: Invalid value: `) && text.endsWith(want), text);
  }
  for (const rule of [
    "has(self.b) && self.b.startsWith('x')",
    "self.list.filter(x, x != 'a').size() < 3",
    'self.?b.hasValue()',
  ])
    assert.deepEqual(faults(definition(withSpec({ a: ruled(rule) }))), [], rule);
});

test('a transition rule needs a part of the object that has a past', () => {
  const items: JSONSchemaProps = { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] };
  const [text] = faults(definition(withSpec({ a: { type: 'array', items } })));
  assert.match(
    text ?? '',
    /oldSelf cannot be used on the uncorrelatable portion of the schema within spec\.validation/,
  );
});

test('fills in singular, list kind and conversion', () => {
  const { spec } = defaultDefinition(definition());
  assert.deepEqual(spec.names, { plural: 'ks', kind: 'K', singular: 'k', listKind: 'KList' });
  assert.deepEqual(spec.conversion, { strategy: 'None' });
});

test('names what an empty definition lacks', () => {
  const empty = { metadata: { name: 'x' } } as unknown as CustomResourceDefinition;
  const fields = validateDefinition(defaultDefinition(empty), cel).map(({ field }) => field);
  for (const field of ['spec.group', 'spec.scope', 'spec.versions', 'spec.names.plural', 'spec.names.kind'])
    assert.ok(fields.includes(field), field);
});

test('checks names, versions, group and approval', () => {
  const named = (name: string, annotations?: Record<string, string>) => ({ name, ...(annotations && { annotations }) });
  assert.deepEqual(faults(definition(undefined, {}, named('wrong'))), [
    'metadata.name: Invalid value: "wrong": must be spec.names.plural+"."+spec.group',
  ]);
  assert.deepEqual(faults(definition(undefined, { scope: 'X' })), [
    'spec.scope: Unsupported value: "X": supported values: "Cluster", "Namespaced"',
  ]);
  const twice = definition();
  twice.spec.versions = [...twice.spec.versions, ...twice.spec.versions];
  assert.equal(faults(twice).length, 2);
  assert.match(faults(twice)[1] ?? '', /must have exactly one version marked as storage version$/);
  const protectedGroup = { group: 'x.k8s.io' };
  assert.match(
    faults(definition(undefined, protectedGroup, named('ks.x.k8s.io')))[0] ?? '',
    /^metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups/,
  );
  const approved = { 'api-approved.kubernetes.io': 'https://example.com/1' };
  assert.deepEqual(faults(definition(undefined, protectedGroup, named('ks.x.k8s.io', approved))), []);
});

test('faults of a schema that differs between versions stand at the version', () => {
  const crd = definition();
  crd.spec.versions.push({
    name: 'v2',
    served: true,
    storage: false,
    schema: { openAPIV3Schema: withSpec({ b: {} }) },
  });
  assert.deepEqual(faults(crd), [
    'spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[b].type: Required value: must not be empty for specified object fields',
  ]);
});

test('keeps group and plural, and once established kind and scope, as they are', () => {
  const old: CustomResourceDefinition = {
    ...definition(),
    status: { conditions: [{ type: 'Established', status: 'True' }], storedVersions: ['v0'] },
  };
  const changed = definition(undefined, { scope: 'Namespaced', names: { plural: 'ks', kind: 'Q' } });
  const texts = faults(changed, old);
  assert.deepEqual(texts.slice(0, 2), [
    'spec.scope: Invalid value: "Namespaced": field is immutable',
    'spec.names.kind: Invalid value: "Q": field is immutable',
  ]);
  assert.match(texts[2] ?? '', /^status\.storedVersions\[0\]: Invalid value: "v0": missing from spec\.versions/);
});

test('a new CRD without rivals is accepted and established, and its status settles', () => {
  const crd = defaultDefinition(definition());
  const status = reconcileStatus(crd, [], NOW);
  assert.deepEqual(status, {
    conditions: [
      {
        type: 'NamesAccepted',
        status: 'True',
        reason: 'NoConflicts',
        message: 'no conflicts found',
        lastTransitionTime: NOW,
      },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
        lastTransitionTime: NOW,
      },
    ],
    acceptedNames: { plural: 'ks', kind: 'K', singular: 'k', listKind: 'KList' },
    storedVersions: ['v1'],
  });
  assert.deepEqual(reconcileStatus({ ...crd, status }, [crd], '2025-01-01T00:00:00Z'), status);
});

test('a CRD whose names are taken is not established until they are free', () => {
  const first = defaultDefinition(definition());
  const owner = { ...first, status: reconcileStatus(first, [], NOW) };
  const rival = defaultDefinition(
    definition(
      undefined,
      { names: { plural: 'others', kind: 'K', shortNames: ['k'] } },
      { name: 'others.example.com' },
    ),
  );
  const refused = reconcileStatus(rival, [owner], NOW);
  assert.deepEqual(
    refused.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['NamesAccepted', 'False', 'ListKindConflict', '"KList" is already in use'],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ],
  );
  assert.equal(isEstablished({ ...rival, status: refused }), false);
  const elsewhere = { ...owner, spec: { ...owner.spec, group: 'other.com' } };
  assert.equal(
    isEstablished({ ...rival, status: reconcileStatus({ ...rival, status: refused }, [elsewhere], NOW) }),
    true,
  );
});
