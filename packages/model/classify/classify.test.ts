import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  GRPC,
  isFailure,
  isGrpcContent,
  isOverload,
  isPenalized,
  ResponseClasses,
  type ResponseCondition,
} from './index.ts';

test('HTTP responses fail from 500 on, whatever a stray gRPC status says', () => {
  for (const status of [200, 302, 404, 429, 499]) assert.equal(isFailure(status, 14, false), false, `${status}`);
  for (const status of [500, 503, 599]) assert.equal(isFailure(status, 0, false), true, `${status}`);
});

test('gRPC responses fail by their status alone; a missing one counts as UNKNOWN', () => {
  const failing = [2, 4, 7, 13, 14, 15];
  for (let code = 0; code <= 16; code++) assert.equal(isFailure(200, code, true), failing.includes(code), `${code}`);
  assert.equal(isFailure(200, -1, true), true);
  assert.equal(isFailure(503, GRPC.ok, true), false);
  assert.equal(isFailure(200, 1_000, true), false);
});

test('penalties are for errors, refusals and overload, not for what the caller did wrong', () => {
  for (const status of [429, 500, 503, 599]) assert.equal(isPenalized(status, -1), true);
  for (const status of [200, 400, 404]) assert.equal(isPenalized(status, -1), false);
  for (const code of [2, 4, 8, 13, 14, 15]) assert.equal(isPenalized(200, code), true);
  for (const code of [0, 1, 3, 5, 7, 12, 16]) assert.equal(isPenalized(200, code), false);
  assert.equal(isOverload(429, -1) && isOverload(200, 8) && !isOverload(503, 14), true);
});

test('gRPC is told by the content type of the request', () => {
  assert.equal(isGrpcContent('application/grpc+proto'), true);
  assert.equal(isGrpcContent('application/json'), false);
  assert.equal(isGrpcContent(undefined), false);
});

test('the first response class that matches decides, the default decides the rest', () => {
  const classes = new ResponseClasses([
    { condition: { kind: 'status', from: 404, to: 404 }, isFailure: true },
    {
      condition: {
        kind: 'all',
        of: [
          { kind: 'any', of: [{ kind: 'status', from: 500, to: 599 }] },
          { kind: 'not', of: { kind: 'status', from: 503, to: 503 } },
        ],
      },
      isFailure: false,
    },
  ]);
  const failures = [200, 404, 500, 502, 503].filter((status) => classes.isFailure(status, -1, false));
  assert.deepEqual(failures, [404, 503]);
});

test('not is the opposite, all and any obey the laws of De Morgan', () => {
  const { condition } = fc.letrec<{ condition: ResponseCondition }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small' },
      fc.tuple(fc.nat(600), fc.nat(200)).map(([from, span]) => ({ kind: 'status' as const, from, to: from + span })),
      fc.array(tie('condition'), { maxLength: 3 }).map((of) => ({ kind: 'any' as const, of })),
      tie('condition').map((of) => ({ kind: 'not' as const, of })),
    ),
  }));
  const holds = (one: ResponseCondition, status: number) =>
    new ResponseClasses([{ condition: one, isFailure: true }]).isFailure(status, 0, true);
  fc.assert(
    fc.property(fc.array(condition, { maxLength: 3 }), fc.nat(600), (of, status) => {
      const negated = of.map((inner) => ({ kind: 'not' as const, of: inner }));
      assert.equal(holds({ kind: 'all', of }, status), !holds({ kind: 'any', of: negated }, status));
    }),
  );
});
