import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResponseClasses } from '../classify/index.ts';
import {
  backoffMs,
  ProfileRetry,
  parseGrpcConditions,
  parseHttpConditions,
  RETRY_BUDGET_DEFAULT,
  RetryBudget,
  RetryPolicy,
  readRetryHeaders,
  readTimeoutHeaders,
} from './index.ts';

const reader = (headers: Record<string, string>) => (name: string) => headers[name];
const base = new RetryPolicy({
  limit: 3,
  bytesMax: 1_000,
  perTryMs: 50,
  backoff: undefined,
  statuses: [{ from: 500, to: 599 }],
  grpcCodes: [14],
});

test('conditions are names, codes and ranges; nonsense between them is left out', () => {
  assert.deepEqual(parseHttpConditions('5xx, gateway-error,429,400-404,9-8,700,abc,504-500'), [
    { from: 500, to: 599 },
    { from: 502, to: 504 },
    { from: 429, to: 429 },
    { from: 400, to: 404 },
  ]);
  assert.deepEqual(parseHttpConditions('constructor'), []);
  assert.deepEqual(parseGrpcConditions('cancelled,INTERNAL, not-found,unavailable'), [1, 13, 14]);
});

test('a policy knows by HTTP status or gRPC status what to retry', () => {
  assert.equal(base.retryable(503, -1), true);
  assert.equal(base.retryable(404, -1), false);
  assert.equal(base.retryable(200, 14), true);
  assert.equal(base.retryable(200, 46), false);
  assert.equal(base.retryable(200, -1), false);
});

test('every status of a range that was written is retried, and no other', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.nat(99),
      fc.integer({ min: 100, max: 599 }),
      (start, span, status) => {
        const end = Math.min(599, start + span);
        const statuses = parseHttpConditions(`${start}-${end}`);
        const policy = new RetryPolicy({ ...base, statuses });
        assert.equal(policy.retryable(status, -1), status >= start && status <= end);
      },
    ),
  );
});

test('headers replace what the route says, one by one', () => {
  const changed = readRetryHeaders(reader({ 'l5d-retry-limit': '7', 'l5d-retry-http': '404' }), base)!;
  assert.equal(changed.limit, 7);
  assert.equal(changed.perTryMs, 50);
  assert.equal(changed.bytesMax, 1_000);
  assert.equal(changed.retryable(404, -1), true);
  assert.equal(changed.retryable(503, -1), false);
  assert.equal(changed.retryable(200, 14), true);
  assert.equal(readRetryHeaders(reader({ 'l5d-retry-limit': 'many' }), base), base);
});

test('without a policy of the route any retry header makes one: one retry, 64 KiB, 25 to 250 ms', () => {
  assert.equal(readRetryHeaders(reader({ 'l5d-timeout': '1s' }), undefined), undefined);
  const made = readRetryHeaders(reader({ 'l5d-retry-timeout': '2s' }), undefined)!;
  assert.deepEqual(
    { ...made },
    {
      limit: 1,
      bytesMax: 65_536,
      perTryMs: 2_000,
      backoff: { minMs: 25, maxMs: 250, jitter: 1 },
      statuses: [],
      grpcCodes: [],
    },
  );
});

test('the newer name of the request timeout wins unless it cannot be read', () => {
  assert.deepEqual(readTimeoutHeaders(reader({})), {});
  const both = { 'l5d-request-timeout': '2s', 'l5d-timeout': '1s', 'l5d-response-timeout': '500ms' };
  assert.deepEqual(readTimeoutHeaders(reader(both)), { requestMs: 2_000, responseMs: 500 });
  assert.deepEqual(readTimeoutHeaders(reader({ ...both, 'l5d-request-timeout': 'soon' })), {
    requestMs: 1_000,
    responseMs: 500,
  });
});

test('waits double up to the longest, with chance on top', () => {
  const backoff = { minMs: 25, maxMs: 250, jitter: 1 };
  assert.deepEqual(
    [1, 2, 3, 4, 5, 60].map((retry) => backoffMs(backoff, retry, 0)),
    [25, 50, 100, 200, 250, 250],
  );
  assert.equal(backoffMs(backoff, 1, 0.5), 37.5);
});

test('an idle budget holds its reserve, and no more', () => {
  const budget = new RetryBudget(RETRY_BUDGET_DEFAULT, 0);
  const spend = (nowMs: number): number => {
    let spent = 0;
    while (budget.withdraw(nowMs)) spent++;
    return spent;
  };
  assert.equal(spend(0), 100);
  assert.equal(spend(9_000), 0);
  assert.equal(spend(10_000), 100);
  assert.equal(spend(1e7), 100);
});

test('requests pay for their share of retries until they expire', () => {
  const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0, ttlMs: 1_000 }, 0);
  assert.equal(budget.withdraw(0), false);
  for (let i = 0; i < 4; i++) budget.deposit(0);
  assert.equal(budget.withdraw(10), true);
  assert.equal(budget.withdraw(20), true);
  assert.equal(budget.withdraw(30), false);
  for (let i = 0; i < 4; i++) budget.deposit(1_000);
  assert.equal(budget.withdraw(2_000), false);
});

test('in no window of its lifetime does a budget give more than the reserve and the share of the requests', () => {
  const step = fc.record({ afterMs: fc.nat(300), retry: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 2, ttlMs: 1_000 }, 0);
      let nowMs = 0;
      let requests = 0;
      let retries = 0;
      for (const { afterMs, retry } of steps) {
        nowMs += afterMs;
        if (!retry) {
          budget.deposit(nowMs);
          requests++;
        } else if (budget.withdraw(nowMs)) retries++;
        const reserves = 2 * (1 + Math.ceil(nowMs / 900));
        assert.ok(retries <= reserves + requests * 0.2 + 1e-9, `${retries} of ${requests} by ${nowMs}`);
      }
    }),
  );
});

test('routes of a profile retry what their classes call a failure, while the budget pays', () => {
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 0, ttlMs: 1_000 }, 0);
  const classes = new ResponseClasses([{ condition: { kind: 'status', from: 404, to: 404 }, isFailure: true }]);
  const retry = new ProfileRetry(classes, budget, () => 0);
  assert.deepEqual(
    [404, 500, 200].map((status) => retry.retryable(status, -1)),
    [true, true, false],
  );
  assert.equal(retry.retryable(200, 14), true);
  assert.equal(retry.withdraw(), false);
  retry.deposit();
  assert.equal(retry.withdraw(), true);
});
