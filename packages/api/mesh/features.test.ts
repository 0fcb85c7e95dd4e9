import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { destination, FEATURES, outbound, parseFeatures } from './index.ts';

test('a proxy that names no features has none, and unknown names are left out', () => {
  assert.deepEqual([...parseFeatures(undefined)], []);
  assert.deepEqual([...parseFeatures('request-mirror, teleport,delay')].sort(), ['delay', 'request-mirror']);
  assert.deepEqual([...parseFeatures(FEATURES.join(','))], [...FEATURES]);
});

test("own fields have numbers far from the contract's, and pass unread through those who do not know them", () => {
  const own = [
    outbound.HttpRoute_FilterSchema,
    outbound.GrpcRoute_FilterSchema,
    destination.WeightedAddrSchema,
  ].flatMap((schema) =>
    schema.fields.filter(({ number }) => number > 100).map(({ name, number }) => `${name}=${number}`),
  );
  assert.deepEqual(own.sort(), [
    'delay=1003',
    'delay=1003',
    'path_rewrite=1001',
    'priority=1001',
    'request_mirror=1002',
    'request_mirror=1002',
  ]);
  const bytes = toBinary(
    destination.WeightedAddrSchema,
    create(destination.WeightedAddrSchema, { priority: 2, weight: 7 }),
  );
  // Field 1001 as a varint: tag (1001 << 3 | 0) in two bytes.
  assert.equal(Buffer.from(bytes).toString('hex'), '1807c83e02');
  assert.equal(fromBinary(destination.WeightedAddrSchema, bytes).priority, 2);
});
