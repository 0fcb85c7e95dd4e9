import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNameTable, FIELD, Field, FieldCache } from '../fields/index.ts';
import { Output } from '../output/index.ts';
import { huffmanBytes, huffmanDecode, huffmanDecodedMax, huffmanEncode } from './huffman.ts';
import { HPACK_LIMITS, HpackDecoder, HpackEncoder, MALFORMED } from './index.ts';

const names = createNameTable(['x-known']);

function decodeAll(decoder: HpackDecoder, block: Buffer): Field[] | 'broken' {
  const fields: Field[] = [];
  return decoder.decode(block, 0, block.length, { field: (field) => fields.push(field) }) ? fields : 'broken';
}

function encodeAll(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  const out = new Output();
  encoder.begin(out);
  for (const field of fields) encoder.field(field, out);
  return out.take(Number.MAX_SAFE_INTEGER) ?? Buffer.alloc(0);
}

const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'latin1'))));
const show = (fields: Field[] | 'broken') =>
  fields === 'broken'
    ? fields
    : fields.map((field) => `${field.id === MALFORMED ? '!' : ''}${field.name}=${field.value}`);
const decodeNew = (block: Buffer) => show(decodeAll(new HpackDecoder(new FieldCache(names), 4096), block));

test('any text survives Huffman coding', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const text = Buffer.from(octets).toString('latin1');
      const coded = Buffer.alloc(huffmanBytes(text) + 1);
      assert.equal(huffmanEncode(text, coded, 0), coded.length - 1);
      const out = Buffer.alloc(huffmanDecodedMax(coded.length));
      const end = huffmanDecode(coded, 0, coded.length - 1, out, 0);
      assert.equal(out.toString('latin1', 0, end), text);
    }),
  );
});

test('refuses Huffman padding that is too long, of zeros, or the end of string', () => {
  const out = Buffer.alloc(100);
  const decode = (...octets: number[]) => huffmanDecode(Buffer.from(octets), 0, octets.length, out, 0);
  // 00000 is "0", then three bits of padding.
  assert.equal(decode(0x07), 1);
  assert.equal(decode(0x00), -1);
  assert.equal(decode(0x07, 0xff), -1);
  assert.equal(decode(0xff, 0xff, 0xff, 0xff), -1);
  // 1111111010 is "!": ten bits, six of padding.
  assert.equal(decode(0xfe, 0x3f), 1);
});

const nameText = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((name) => names.find(name) === 0);
const valueText = fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/);
const message = fc.array(fc.tuple(nameText, valueText, fc.boolean()), { maxLength: 12 });

test('blocks decode to what was encoded, whatever table sizes change in between', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(message, fc.option(fc.nat(6000)), fc.nat(3)), { maxLength: 8 }), (steps) => {
      const cache = new FieldCache(names);
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(new FieldCache(names), 6000);
      for (const [texts, tableSize, repeats] of steps) {
        if (tableSize !== null) encoder.setPeerLimit(tableSize);
        const fields = texts.map(([name, value, never]) =>
          never ? new Field(0, name, value, true) : cache.fieldOf(name, value),
        );
        for (let i = 0; i <= repeats; i++) {
          const decoded = decodeAll(decoder, encodeAll(encoder, fields));
          assert.deepEqual(decoded, fields);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a field costs one octet from its third time on, and is the same object', () => {
  const cache = new FieldCache(names);
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(new FieldCache(names), 4096);
  const fields = [cache.fieldOf('x-known', 'a value'), cache.fieldOf('x-other', 'b')];
  encodeAll(encoder, []);
  decodeAll(decoder, encodeAll(encoder, fields));
  const second = decodeAll(decoder, encodeAll(encoder, fields));
  const block = encodeAll(encoder, fields);
  assert.equal(block.length, 2);
  const third = decodeAll(decoder, block);
  assert.ok(second !== 'broken' && third !== 'broken');
  assert.equal(third[0], second[0]);
  assert.equal(third[0]?.id, names.idOf('x-known'));
});

test('values that never return leave the table alone', () => {
  const cache = new FieldCache(names);
  const encoder = new HpackEncoder();
  const stable = cache.fieldOf('x-known', 'stable');
  for (let i = 0; i < 500; i++) encodeAll(encoder, [stable, new Field(0, 'x-request-id', `id-${i}`)]);
  assert.equal(encodeAll(encoder, [stable])[0], 0x80 | 62);
});

test('secrets and fields marked so are sent as never indexed, every time', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(new FieldCache(names), 4096);
  const cache = new FieldCache(names);
  const fields = [
    cache.fieldOf('authorization', 'x'),
    cache.fieldOf('cookie', 'short'),
    new Field(0, 'x-a', 'b', true),
  ];
  for (let i = 0; i < 3; i++) {
    const block = encodeAll(encoder, fields);
    const decoded = decodeAll(decoder, block);
    assert.ok(decoded !== 'broken');
    assert.deepEqual(
      decoded.map((field) => field.neverIndexed),
      [true, true, true],
    );
    assert.equal(block[0]! & 0xf0, 0x10);
  }
});

test('the table forgets its oldest entries', () => {
  const decoder = new HpackDecoder(new FieldCache(names), 100);
  const insert = (name: string, value: string) => bytes(0x40, name.length, name, value.length, value);
  assert.deepEqual(show(decodeAll(decoder, insert('aa', 'bb'))), ['aa=bb']);
  assert.deepEqual(show(decodeAll(decoder, bytes(0xbe))), ['aa=bb']);
  assert.deepEqual(show(decodeAll(decoder, insert('cc', 'dd'))), ['cc=dd']);
  assert.deepEqual(show(decodeAll(decoder, bytes(0xbe, 0xbf))), ['cc=dd', 'aa=bb']);
  assert.deepEqual(show(decodeAll(decoder, insert('ee', 'ff'))), ['ee=ff']);
  assert.equal(decodeAll(decoder, bytes(0xc0)), 'broken');
});

test('a field larger than the table empties it', () => {
  const decoder = new HpackDecoder(new FieldCache(names), 50);
  decodeAll(decoder, bytes(0x40, 1, 'a', 1, 'b'));
  assert.deepEqual(show(decodeAll(decoder, bytes(0x40, 1, 'a', 20, 'x'.repeat(20)))), [`a=${'x'.repeat(20)}`]);
  assert.equal(decodeAll(decoder, bytes(0xbe)), 'broken');
});

const BROKEN: Record<string, Buffer> = {
  'index 0': bytes(0x80),
  'an index behind the table': bytes(0xbe),
  'a name index behind the table': bytes(0x7e, 1, 'a'),
  'an integer beyond all limits': bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  'an integer that never ends': bytes(0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
  'a cut integer': bytes(0xff),
  'a cut name': bytes(0x40, 5, 'abc'),
  'a missing value': bytes(0x40, 1, 'a'),
  'a cut value': bytes(0x40, 1, 'a', 3, 'b'),
  'a bad Huffman code': bytes(0x40, 0x81, 0x00, 0),
  'a table size update behind a field': bytes(0x82, 0x20),
  'a third table size update': bytes(0x20, 0x20, 0x20),
  'a table size beyond what was offered': bytes(0x3f, 0xe2, 0x1f),
};
for (const [name, block] of Object.entries(BROKEN))
  test(`refuses a block with ${name}`, () => assert.equal(decodeNew(block), 'broken'));

test('accepts two table size updates at the start, the largest size included', () => {
  assert.deepEqual(decodeNew(bytes(0x20, 0x3f, 0xe1, 0x1f, 0x82)), [':method=GET']);
});

const MALFORMED_FIELDS: Record<string, [string, string]> = {
  'an upper-case name': ['X-A', 'b'],
  'an empty name': ['', 'b'],
  'a name with a space': ['x a', 'b'],
  'a connection field': ['connection', 'close'],
  'a transfer-encoding': ['transfer-encoding', 'chunked'],
  'a te that offers codings': ['te', 'gzip'],
  'a line feed in a value': ['x-a', 'b\nc'],
  'a NUL in a value': ['x-a', 'b\0c'],
  'a space before a value': ['x-a', ' b'],
  'a tab behind a value': ['x-a', 'b\t'],
  'an unknown pseudo-header': [':unknown', 'b'],
  'an upper-case pseudo-header': [':Path', '/'],
  'a path that is none': [':path', 'a'],
  'a path with a space': [':path', '/a b'],
  'an empty path': [':path', ''],
  'a status of two digits': [':status', '20'],
  'an authority with a user': [':authority', 'a@b'],
  'a scheme with a space': [':scheme', 'ht tp'],
  'a content-length that is no number': ['content-length', '1x'],
  'a method with a space': [':method', 'GE T'],
};
for (const [title, [name, value]] of Object.entries(MALFORMED_FIELDS))
  test(`marks ${title}, from the table too`, () => {
    const decoder = new HpackDecoder(new FieldCache(names), 4096);
    const [first] = decodeAll(decoder, bytes(0x40, name.length, name, value.length, value)) as Field[];
    const [second] = decodeAll(decoder, bytes(0xbe)) as Field[];
    assert.equal(first?.id, MALFORMED);
    assert.equal(second?.id, MALFORMED);
  });

test('a name whose value was malformed may be used again with a good value', () => {
  const decoder = new HpackDecoder(new FieldCache(names), 4096);
  assert.deepEqual(show(decodeAll(decoder, bytes(0x40, 3, 'x-a', 2, ' b'))), ['!x-a= b']);
  assert.deepEqual(show(decodeAll(decoder, bytes(0x7e, 1, 'c'))), ['x-a=c']);
  assert.equal(decodeNew(bytes(0x5c, 2, '12'))[0], 'content-length=12');
  assert.equal(decodeNew(bytes(0x80 | 28))[0], '!content-length=');
});

test('names and values mix coded and plain texts', () => {
  const code = (text: string) => {
    const out = Buffer.alloc(huffmanBytes(text));
    huffmanEncode(text, out, 0);
    return [0x80 | out.length, out.toString('latin1')] as const;
  };
  const plain = (text: string) => [text.length, text] as const;
  for (const name of [code('x-known'), plain('x-known')])
    for (const value of [code('some value'), plain('some value')])
      for (const kind of [0x00, 0x10, 0x40]) {
        const fields = decodeAll(new HpackDecoder(new FieldCache(names), 4096), bytes(kind, ...name, ...value));
        assert.deepEqual(fields, [new Field(names.idOf('x-known'), 'x-known', 'some value', kind === 0x10)]);
      }
});

test('the decoder takes any bytes without an exception', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder(new FieldCache(names), 4096);
      for (const block of blocks) if (decodeAll(decoder, Buffer.from(block)) === 'broken') return;
    }),
    { numRuns: 500 },
  );
});

test('the limits leave room for what RFC 7541 demands', () => {
  assert.ok(HPACK_LIMITS.integerMax >= 16_384 && FIELD[':status'] > 0);
});
