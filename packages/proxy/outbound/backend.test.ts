import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldCache } from '#wire/fields';
import { NAMES, Outcome } from '../http/index.ts';
import { endpoint } from '../testing/index.ts';
import { breakerResult, retryAfterMs } from './backend.ts';
import { isSameConnection, isSameStanding } from './same-endpoint.ts';

function outcome(changes: Partial<Outcome>): Outcome {
  return Object.assign(new Outcome(), { status: 200, ...changes });
}

test('a breaker sees failures in responses, in endpoints that broke off and in those that took too long', () => {
  const seen = [
    outcome({}),
    outcome({ status: 404 }),
    outcome({ status: 500 }),
    outcome({ status: 429 }),
    outcome({ isGrpc: true, grpcStatus: 14 }),
    outcome({ isGrpc: true, grpcStatus: 8 }),
    outcome({ isGrpc: true, grpcStatus: 5 }),
    outcome({ status: 502, fault: 'upstream-reset' }),
    outcome({ status: 504, fault: 'request-timeout' }),
    outcome({ status: 0, fault: 'client-gone' }),
  ].map(breakerResult);
  assert.deepEqual(seen, [
    ...['success', 'success', 'failure', 'overload'],
    ...['failure', 'overload', 'success'],
    ...['failure', 'failure', 'none'],
  ]);
});

test('a server says by seconds, a date or milliseconds of gRPC when it wants to be asked again', () => {
  const cache = new FieldCache(NAMES);
  const asked = (...fields: (readonly [string, string])[]) =>
    retryAfterMs(
      {
        version: 11,
        status: 503,
        upgrade: '',
        fields: fields.map(([name, value]) => cache.fieldOf(name, value)),
        contentLength: 0,
      },
      Date.UTC(2024, 0, 1),
    );
  assert.equal(asked(), 0);
  assert.equal(asked(['retry-after', '7']), 7_000);
  assert.equal(asked(['retry-after', 'Mon, 01 Jan 2024 00:00:30 GMT']), 30_000);
  assert.equal(asked(['retry-after', 'Sun, 31 Dec 2023 00:00:00 GMT']), 0);
  assert.equal(asked(['retry-after', 'soon']), 0);
  assert.equal(asked(['retry-after', '7'], ['grpc-retry-pushback-ms', '1500']), 1_500);
  assert.equal(asked(['grpc-retry-pushback-ms', '-1']), 0);
});

test('any difference in what is known about an endpoint but its place among others means new connections', () => {
  const tls = { identity: 'a', serverName: 'a' };
  const base = endpoint(1, { tls });
  const moved = { ...base, weight: 2, priority: 1, locality: 'local' as const };
  assert.ok(isSameConnection(base, moved) && !isSameStanding(base, moved));
  assert.ok(isSameConnection(base, { ...base, tls: { ...tls }, labels: { ...base.labels } }));
  for (const change of [
    { tls: undefined },
    { tls: { ...tls, serverName: 'b' } },
    { h2: true },
    { opaque: true },
    { inboundPort: 4143 },
    { labels: { ...base.labels, pod: 'p' } },
    { labels: {} },
    { authorityOverride: { authority: 'a:1', host: 'a', port: 1 } },
    { http2: { keepAlive: undefined, windows: undefined, adaptiveWindows: true } as never },
  ])
    assert.ok(!isSameConnection(base, { ...base, ...change }), JSON.stringify(change));
});
