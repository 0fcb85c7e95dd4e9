import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenApiV2 } from './index.ts';
import { DEPLOYMENTS, LINKS, PODS } from './served.fake.ts';

type Json = Record<string, unknown>;

function build(): OpenApiV2 {
  const openApi = new OpenApiV2('v1');
  openApi.update([PODS, DEPLOYMENTS, LINKS]);
  return openApi;
}

test('every reference of the document is in it, and no keyword of OpenAPI 3', () => {
  const { body } = build().json();
  const { definitions } = JSON.parse(body) as { definitions: Json };
  for (const [, name = ''] of body.matchAll(/"#\/definitions\/([^"]+)"/g)) assert.ok(definitions[name], name);
  assert.ok(!/"(oneOf|anyOf|nullable)"|components\/schemas/.test(body));
});

test('the document is written anew only when the served set changes', () => {
  const openApi = build();
  const before = openApi.protobuf();
  openApi.update([PODS, DEPLOYMENTS, LINKS]);
  assert.equal(openApi.protobuf().body, before.body);
  openApi.update([PODS]);
  assert.notEqual(openApi.protobuf().hash, before.hash);
});

test('a CRD that says null or int-or-string is left open, and its property names are no keywords', () => {
  const properties = {
    not: { type: 'string' },
    maybe: { type: 'object', nullable: true, properties: { a: { type: 'string' } } },
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
  };
  const openApi = new OpenApiV2('v1');
  openApi.update([{ ...LINKS, openApiSchema: { type: 'object', properties } }]);
  const { definitions } = JSON.parse(openApi.json().body) as { definitions: Record<string, { properties: Json }> };
  const link = definitions['io.linkerd.multicluster.v1alpha3.Link']?.properties ?? {};
  assert.deepEqual(
    [link['not'], link['maybe'], link['port']],
    [{ type: 'string' }, {}, { 'x-kubernetes-int-or-string': true }],
  );
});

/** Fields of a message: number, and bytes of length-delimited ones. */
function fieldsOf(bytes: Uint8Array): { number: number; bytes: Uint8Array }[] {
  const fields: { number: number; bytes: Uint8Array }[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? assert.fail('ends early');
      value += (byte % 128) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    const end = wire === 2 ? varint() + at : wire === 1 ? at + 8 : at;
    fields.push({ number: Math.floor(key / 8), bytes: bytes.subarray(at, end) });
    at = end;
  }
  return fields;
}

test('the protobuf form names the same paths and definitions as the JSON', () => {
  const openApi = build();
  const json = JSON.parse(openApi.json().body) as { paths: Json; definitions: Json };
  const document = fieldsOf(openApi.protobuf().body);
  const namesIn = (field: number, entry: number) => {
    const container = document.find(({ number }) => number === field)?.bytes ?? assert.fail();
    const entries = fieldsOf(container).filter(({ number }) => number === entry);
    return entries.map(({ bytes }) => Buffer.from(fieldsOf(bytes)[0]?.bytes ?? []).toString());
  };
  assert.deepEqual(namesIn(8, 2), Object.keys(json.paths));
  assert.deepEqual(namesIn(9, 1), Object.keys(json.definitions));
});
