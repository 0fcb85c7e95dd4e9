import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNameTable, FIELD, FIELD_CACHE_LIMITS, Field, FieldCache, isAuthority } from './index.ts';

const names = createNameTable(['x-known', 'host']);
const bytes = (text: string) => Buffer.from(text, 'latin1');

/** The field of a line `name: value`, as a decoder finds it. */
function fieldIn(cache: FieldCache, name: string, value: string): Field {
  const line = bytes(`..${name}: ${value}..`);
  return cache.field(line, 2, 2 + name.length, 4 + name.length, 4 + name.length + value.length);
}

test('names are found in any case, by bytes and by text', () => {
  const id = (name: string) => names.id(bytes(`.${name}.`), 1, 1 + name.length);
  assert.equal(id('HOST'), FIELD.host);
  assert.equal(id('host'), FIELD.host);
  assert.equal(id('X-Known'), names.idOf('x-known'));
  assert.equal(names.name(names.idOf('x-known')), 'x-known');
  assert.deepEqual(['hos', 'hosts', 'x-unknown', ''].map(id), [0, 0, 0, 0]);
  assert.equal(names.find('x-unknown'), 0);
  assert.throws(() => names.idOf('x-unknown'), /x-unknown/);
});

test('the same bytes give the same field, however they are given', () => {
  const cache = new FieldCache(names);
  const field = fieldIn(cache, 'X-Known', 'Value');
  assert.deepEqual(field, new Field(names.idOf('x-known'), 'x-known', 'Value'));
  assert.equal(fieldIn(cache, 'x-known', 'Value'), field);
  assert.equal(cache.fieldOf('x-known', 'Value'), field);
  assert.equal(cache.fieldNamed(field.id, 'x-known', bytes('Value'), 0, 5), field);
  assert.notEqual(fieldIn(cache, 'x-known', 'value'), field);
  assert.notEqual(cache.fieldOf('x-knownv', 'alue'), field);
});

test('a field is what it was made from, whatever else went through the cache', () => {
  const name = fc.stringMatching(/^[A-Za-z][a-z0-9-]{0,3}$/);
  const value = fc.oneof(
    fc.stringMatching(/^[ -~]{0,3}$/),
    fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets).toString('latin1')),
  );
  const cache = new FieldCache(names);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value, fc.nat(2)), { size: '+2' }), (fields) => {
      for (const [each, its, way] of fields) {
        const lower = each.toLowerCase();
        let field = fieldIn(cache, each, its);
        if (way === 1) field = cache.fieldOf(lower, its);
        if (way === 2) field = cache.fieldNamed(names.find(lower), lower, bytes(its), 0, its.length);
        assert.deepEqual(field, new Field(names.find(lower), lower, its));
      }
    }),
  );
});

test('fields that return stay while any number of others pass', () => {
  const cache = new FieldCache(names);
  cache.fieldOf('x-known', 'stays');
  const stays = cache.fieldOf('x-known', 'stays');
  for (let i = 0; i < 20_000; i++) fieldIn(cache, 'x-request-id', `id-${i}`);
  assert.equal(fieldIn(cache, 'x-known', 'stays'), stays);
});

test('long values and names are not kept', () => {
  const cache = new FieldCache(names);
  for (const [name, value] of [
    ['x-known', 'v'.repeat(FIELD_CACHE_LIMITS.valueBytesMax + 1)],
    ['n'.repeat(FIELD_CACHE_LIMITS.nameBytesMax + 1), 'v'],
  ] as const) {
    assert.notEqual(fieldIn(cache, name, value), fieldIn(cache, name, value));
    assert.deepEqual(fieldIn(cache, name, value), cache.fieldOf(name, value));
  }
});

test('an authority is a host with an optional port', () => {
  const cases: Record<string, boolean> = {
    'web.test': true,
    'web.test:80': true,
    'web.test:': true,
    '10.0.0.1:8080': true,
    '[fd00::1]': true,
    '[fd00::1]:80': true,
    'a_b-c~d': true,
    '': true,
    ':80': false,
    '[fd00::1': false,
    '[]': false,
    'fd00::1': false,
    'a b': false,
    'a@b': false,
    'a/b': false,
    'a,b': false,
    'a:80:80': false,
    'a:123456': false,
    'a\\b': false,
    é: false,
  };
  for (const [text, expected] of Object.entries(cases))
    assert.equal(isAuthority(bytes(`.${text}.`), 1, 1 + text.length), expected, text);
});
