import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { Each, either, forEach, joined, markText, merged, not, when } from '#model/template';
import { openTree } from './open-values.ts';
import { printTemplate } from './print.ts';
import { valuesYaml } from './values-yaml.ts';

const DEFAULTS = {
  name: 'x',
  count: 3,
  on: true,
  labels: {} as Record<string, string>,
  items: [] as string[],
  'odd-key': { inner: '' },
};
const values = openTree(DEFAULTS, '', new Set(['labels']));
const print = (...objects: unknown[]): string[] => printTemplate(objects).trimEnd().split('\n');
const object = (spec: Record<string, unknown>): AnyObject => ({ kind: 'A', spec }) as unknown as AnyObject;

test('open values are expressions, quoted as JSON; numbers and truths stand for themselves', () => {
  const { name, count, on, 'odd-key': odd } = values;
  assert.deepEqual(
    print(object({ a: `${name}:${count}`, b: count, c: not(on), d: `${count}`, e: odd.inner, f: 'no {{' })),
    [
      '---',
      'kind: A',
      'spec:',
      '  a: {{ printf "%v:%v" .Values.name (int64 .Values.count) | toJson }}',
      '  b: {{ int64 .Values.count }}',
      '  c: {{ not .Values.on }}',
      '  d: {{ toString (int64 .Values.count) | toJson }}',
      '  e: {{ index .Values "odd-key" "inner" | toJson }}',
      '  f: {{ "no {{" | toJson }}',
    ],
  );
});

test('conditions become blocks around keys, items and whole objects', () => {
  const { on, name, items } = values;
  const spec = { a: 1, ...when(on, { b: [2] }), list: ['x', ...when(name, ['y']), ...items] };
  assert.deepEqual(print(...when(on, [object(spec)])), [
    '{{- if .Values.on }}',
    '---',
    'kind: A',
    'spec:',
    '  a: 1',
    '  list:',
    '  - x',
    '  {{- if .Values.name }}',
    '  - "y"',
    '  {{- end }}',
    '  {{- range .Values.items }}',
    '  - {{ toJson . }}',
    '  {{- end }}',
    '  {{- if .Values.on }}',
    '  b:',
    '  - 2',
    '  {{- end }}',
    '{{- end }}',
  ]);
});

test('what may be empty is an expression, which is {} or [] then and not null', () => {
  const { on, labels, items } = values;
  assert.deepEqual(print(object({ a: { ...when(on, { b: 1 }) }, c: merged({ d: 'e' }, labels), f: items })).slice(3), [
    '  a: {{ mergeOverwrite (dict) (ternary (dict "b" 1) (dict) (not (not .Values.on))) | toJson }}',
    '  c: {{ mergeOverwrite (dict) (dict "d" "e") .Values.labels | toJson }}',
    '  f: {{ .Values.items | toJson }}',
  ]);
});

test('alternatives are if and else, and lists as texts are joined by the template', () => {
  const { on, items } = values;
  assert.deepEqual(print(object({ a: either(on, { b: 1 }, { c: 2 }), d: joined(items, ',') })).slice(3), [
    '  {{- if .Values.on }}',
    '  a:',
    '    b: 1',
    '  {{- else }}',
    '  a:',
    '    c: 2',
    '  {{- end }}',
    '  d: {{ join "," .Values.items | toJson }}',
  ]);
});

test('a map of the user’s among fixed keys is refused: which wins would be open', () => {
  assert.throws(() => print(object({ a: 1, ...values.labels })), /use merged\(\)/);
});

test('values.yaml explains each value', () => {
  assert.equal(
    valuesYaml(DEFAULTS, { name: 'Whose.', 'odd-key': 'Odd.', labels: 'Theirs.' }, new Set(['labels'])),
    '# Whose.\nname: "x"\ncount: 3\non: true\n# Theirs.\nlabels: {}\nitems: []\n# Odd.\nodd-key:\n  inner: ""\n',
  );
});

test('what is made of each item stands inside a range, where values are still those of the root', () => {
  const item = { name: markText('$entry.name'), ...openTree({ count: 1 }, '', new Set(), '$merged') };
  const each = new Each('.Values.items', '$entry', item, ['$merged := merge $entry']);
  const objects = forEach([each] as unknown as (typeof item)[], ({ name, count }) => [
    object({ a: name, b: count, c: values.name }),
    ...when(values.on, [object({ d: 1 })]),
  ]);
  assert.deepEqual(print(...when(values.name, objects)), [
    '{{- if .Values.name }}',
    '{{- range $entry := .Values.items }}',
    '{{- $merged := merge $entry }}',
    '{{- with $ }}',
    '---',
    'kind: A',
    'spec:',
    '  a: {{ $entry.name | toJson }}',
    '  b: {{ int64 $merged.count }}',
    '  c: {{ .Values.name | toJson }}',
    '{{- if .Values.on }}',
    '---',
    'kind: A',
    'spec:',
    '  d: 1',
    '{{- end }}',
    '{{- end }}',
    '{{- end }}',
    '{{- end }}',
  ]);
});
