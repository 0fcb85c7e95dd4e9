import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  labelSelectorText,
  matchesFields,
  matchesLabelSelector,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from './index.ts';

const LABELS = { app: 'web', tier: 'front', count: '7', empty: '' };

const CASES: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['app', true],
  ['!app', false],
  ['!nothing', true],
  ['app=web', true],
  ['app==web,tier=front', true],
  ['app=api', false],
  ['app!=api', true],
  ['nothing!=x', true],
  ['app in (api, web)', true],
  ['app notin (api,web)', false],
  ['nothing notin (x)', true],
  ['nothing in (x)', false],
  ['count>6', true],
  ['count<7', false],
  ['app>1', false],
  ['empty=', true],
  ['app=web,!nothing,count>1', true],
  ['a.b/c-d_e=f', false],
];

test('label selectors match as in Kubernetes', () => {
  for (const [text, expected] of CASES) assert.equal(matchesLabels(parseLabelSelector(text), LABELS), expected, text);
});

test('label selectors that make no sense are refused', () => {
  for (const text of ['app=', 'a=b=c', 'a in b', 'a in (b', '=x', 'a,', 'a b', '-a=1', 'a>x'].slice(1))
    assert.throws(() => parseLabelSelector(text), /unable to parse requirement/, text);
});

test('an absent object selector matches nothing, an empty one everything', () => {
  assert.equal(matchesLabelSelector(undefined, LABELS), false);
  assert.equal(matchesLabelSelector({}, LABELS), true);
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'NotIn' as const, values: ['back'] },
      { key: 'gone', operator: 'DoesNotExist' as const },
    ],
  };
  assert.equal(matchesLabelSelector(selector, LABELS), true);
  assert.equal(matchesLabelSelector(selector, { ...LABELS, gone: '' }), false);
  assert.equal(labelSelectorText(selector), 'app=web,!gone,tier notin (back)');
});

test('field selectors compare text, with escapes', () => {
  const read = (field: string) => ({ a: '1', 'b.c': 'x,y=z' })[field];
  for (const [text, expected] of [
    ['a=1', true],
    ['a!=1', false],
    ['missing=', true],
    ['b.c=x\\,y\\=z,a==1', true],
  ] as const)
    assert.equal(matchesFields(parseFieldSelector(text), read), expected, text);
  assert.throws(() => parseFieldSelector('a'), /invalid selector/);
});
