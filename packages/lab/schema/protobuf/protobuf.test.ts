import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtins, DEFAULTS, DecodeFault, toNormalForm, validateBuiltin } from '../index.ts';
import { decodeProtobuf, isProtobuf } from './index.ts';

interface Fixture {
  kind: string;
  protobuf: string;
  json: unknown;
}
const fixtures = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures.gen.json'), 'utf8')) as Fixture[];

/** Go writes null for absent times and lists; the normal form leaves them out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (child === null ? [] : [[key, withoutNulls(child)]])),
  );
}

test('a random object of every kind decodes to what Go writes as JSON', () => {
  for (const { kind, protobuf, json } of fixtures)
    assert.deepEqual(decodeProtobuf(Buffer.from(protobuf, 'base64')), withoutNulls(json), kind);
  assert.ok(fixtures.length > 60);
});

test('what Go writes as JSON is already in normal form', () => {
  for (const { kind, json } of fixtures) {
    const [apiVersion = '', name = ''] = kind.split(' ');
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const type = (builtins.findKind(group, version, name) ?? builtins.findKind('meta.k8s.io', 'v1', name))?.type;
    const { object, unknownFields } = toNormalForm(type ?? kind, json);
    assert.deepEqual(object, withoutNulls(json), kind);
    assert.deepEqual(unknownFields, [], kind);
  }
});

test('bytes cut short at any place are refused or decode, but never crash otherwise', () => {
  const body = Buffer.from(fixtures.find(({ kind }) => kind === 'v1 Pod')?.protobuf ?? '', 'base64');
  for (let end = 0; end < body.length; end += 7)
    try {
      decodeProtobuf(body.subarray(0, end));
    } catch (fault) {
      assert.ok(fault instanceof DecodeFault, String(fault));
    }
});

test('kinds without a table are refused by name', () => {
  const link = Buffer.concat([
    Buffer.from('k8s\0'),
    Buffer.from([10, 4 + 2 + 5, 10, 3]),
    Buffer.from('a/v'),
    Buffer.from([18, 4]),
    Buffer.from('Link'),
  ]);
  assert.ok(isProtobuf(link));
  assert.throws(() => decodeProtobuf(link), /no kind "Link" is registered for version "a\/v"/);
});

test('defaults settle at once, and random objects are refused in words, never by an exception', () => {
  for (const { kind, json } of fixtures) {
    const [apiVersion = '', name = ''] = kind.split(' ');
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const type = builtins.findKind(group, version, name)?.type;
    if (!type) continue;
    const once = toNormalForm(type, json, { defaults: DEFAULTS }).object;
    assert.deepEqual(toNormalForm(type, once, { defaults: DEFAULTS }).object, once, kind);
    for (const cause of validateBuiltin(type, once, once)) assert.ok(cause.message !== '' && cause.reason !== '', kind);
    const empty = toNormalForm(type, {}, { defaults: DEFAULTS }).object;
    assert.ok(Array.isArray(validateBuiltin(type, empty, once)), kind);
  }
});
