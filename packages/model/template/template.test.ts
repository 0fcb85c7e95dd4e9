import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  all,
  any,
  atLeast,
  call,
  either,
  equals,
  forEach,
  goOf,
  joined,
  markText,
  merged,
  not,
  orElse,
  Splat,
  Unknown,
  when,
  whole,
} from './index.ts';

const flag = new Unknown('.Values.flag', 'boolean') as unknown as boolean;
const count = new Unknown('.Values.count', 'number') as unknown as number;
const name = markText('.Values.name');
const labels = { [Symbol('labels')]: new Splat('.Values.labels') } as unknown as Record<string, string>;
const items = [new Splat('.Values.items')] as unknown as string[];

test('over known values the words are what they say', () => {
  assert.deepEqual({ a: 1, ...when(true, { b: 2 }), ...when(0, { c: 3 }) }, { a: 1, b: 2 });
  assert.deepEqual(['a', ...when('x', ['b']), ...when('', ['c'])], ['a', 'b']);
  assert.equal(`a${when({}, 'b')}${when([1], 'c')}`, 'ac');
  assert.equal(either('', 'yes', 'no'), 'no');
  assert.equal(orElse('', 'other'), 'other');
  assert.equal(orElse<number>(0, 7), 7);
  assert.equal(all(true, 'x', not(false), equals(1, 1), atLeast(2, 2)), true);
  assert.equal(any(false, '', equals('a', 'b')), false);
  assert.deepEqual(merged({ a: '1' }, { a: '2' }), { a: '2' });
  assert.equal(joined(['a', 'b'], ','), 'a,b');
  assert.equal(joined('a,b', ','), 'a,b');
  assert.deepEqual(
    forEach(['a', 'b'], (item) => [item, `${item}${whole('2')}`]),
    ['a', 'a2', 'b', 'b2'],
  );
  assert.equal(
    call('b64enc', (text: string) => text.toUpperCase(), 'a'),
    'A',
  );
});

test('over later values they are expressions of Go’s templates', () => {
  assert.equal(goOf(`${name}:${count}%`), '(printf "%v:%v%%" .Values.name (int64 .Values.count))');
  assert.equal(
    goOf(`a${when(flag, `,${name}`)}`),
    '(printf "a%v" (ternary (printf ",%v" .Values.name) "" (not (not .Values.flag))))',
  );
  assert.equal(
    goOf(all(flag, not(name), atLeast(count, 0))),
    '(and .Values.flag (not .Values.name) (ge (int64 .Values.count) 0))',
  );
  assert.equal(goOf(`${count}`), '(toString (int64 .Values.count))', 'a number that is a text stays one');
  assert.equal(goOf(orElse(name, 'x')), '(default "x" .Values.name)');
  assert.equal(
    goOf({ a: name, ...when(flag, { b: count }) }),
    '(mergeOverwrite (dict "a" .Values.name) (ternary (dict "b" (int64 .Values.count)) (dict) (not (not .Values.flag))))',
  );
  assert.equal(
    goOf(['a', ...items, ...when(flag, ['b'])]),
    '(concat (list "a") .Values.items (ternary (list "b") (list) (not (not .Values.flag))))',
  );
  assert.equal(goOf(merged({ a: '1' }, labels)), '(mergeOverwrite (dict) (dict "a" "1") .Values.labels)');
  assert.equal(goOf(joined(items, ',')), '(join "," .Values.items)');
  assert.equal(goOf(call('b64enc', (text: string) => text, name)), '(b64enc .Values.name)');
});

test('what cannot be decided yet cannot be used as if it could', () => {
  assert.throws(() => count > 1, /compare it with atLeast/);
  assert.throws(() => items.join(','), /use joined/);
});
