import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseClasses } from '#model/classify';
import { PROXY_METRICS } from '#model/metrics';
import { parseMetrics, Registry } from '#runtime/metrics';
import { Outcome } from '../http/index.ts';
import {
  ByName,
  EndpointScope,
  InboundRouteScope,
  type Metrics,
  OutboundRouteScope,
  ProfileRouteScope,
  profileRouteLabels,
  TcpCounters,
  transferCost,
} from './index.ts';

const time = { nowMs: 0 };
const registry = (): Metrics => new Registry(PROXY_METRICS, { seriesMax: 20_000, retainMs: 10 }, () => time.nowMs);

function outcome(changes: Partial<Outcome>): Outcome {
  return Object.assign(new Outcome(), { startMs: 0, responseStartMs: 2, endMs: 7, status: 200 }, changes);
}

/** The series of a family as `label=value …` -> value. */
function series(metrics: Metrics, name: string, labels: readonly string[]): Record<string, number> {
  const samples = parseMetrics(metrics.render()).get(name)?.samples ?? [];
  const kept = samples.filter((sample) => sample.name === name || sample.name === `${name}_count`);
  return Object.fromEntries(
    kept.map((sample) => [labels.map((label) => sample.labels[label] ?? '-').join(' '), sample.value]),
  );
}

const RESPONSE = ['status_code', 'classification', 'grpc_status', 'error'];

test('responses are classified by HTTP status, gRPC by its own status, and what broke off is a failure', () => {
  const metrics = registry();
  const scope = new EndpointScope(metrics, { direction: 'inbound' });
  const grpc = { isGrpc: true };
  for (const one of [
    outcome({}),
    outcome({}),
    outcome({ status: 404 }),
    outcome({ status: 503 }),
    outcome({ ...grpc, grpcStatus: 0 }),
    outcome({ ...grpc, grpcStatus: 5 }),
    outcome({ ...grpc, grpcStatus: 14 }),
    outcome({ ...grpc, grpcStatus: 14 }),
    outcome({ ...grpc, grpcStatus: 123 }),
    outcome({ ...grpc, grpcStatus: -1 }),
    outcome({ fault: 'upstream-reset' }),
    outcome({ status: 0, fault: 'client-gone' }),
  ])
    scope.ended(one);
  assert.deepEqual(series(metrics, 'response_total', RESPONSE), {
    '200 success  ': 2,
    '404 success  ': 1,
    '503 failure  ': 1,
    '200 success 0 ': 1,
    '200 success 5 ': 1,
    '200 failure 14 ': 2,
    '200 failure 2 ': 1,
    '200 failure  ': 1,
    '200 failure  IO': 1,
    ' failure  CANCEL': 1,
  });
  assert.deepEqual(series(metrics, 'response_latency_ms', ['status_code']), { 200: 9, 404: 1, 503: 1, '': 1 });
});

test('gRPC routes have families of their own, with names of statuses', () => {
  const metrics = registry();
  const inbound = new InboundRouteScope(metrics, { route_name: 'r' }, 'grpc');
  inbound.started();
  inbound.ended(outcome({ isGrpc: true, grpcStatus: 7 }));
  inbound.ended(outcome({ isGrpc: true }));
  assert.deepEqual(series(metrics, 'inbound_grpc_requests_total', ['route_name']), { r: 1 });
  assert.deepEqual(series(metrics, 'inbound_grpc_statuses_total', ['status']), { PERMISSION_DENIED: 1, '': 1 });
  const outbound = new OutboundRouteScope(metrics, { route_name: 'r' }, 'grpc');
  outbound.ended(outcome({ isGrpc: true, grpcStatus: 0 }));
  outbound.ended(outcome({ isGrpc: true, grpcStatus: 14, fault: 'fail-fast' }));
  assert.deepEqual(series(metrics, 'outbound_grpc_route_request_statuses_total', ['grpc_status', 'error']), {
    'OK ': 1,
    'UNAVAILABLE FAIL_FAST': 1,
  });
});

test('retries are counted by what came of them', () => {
  const metrics = registry();
  const scope = new OutboundRouteScope(metrics, { route_name: 'r' });
  for (const what of ['retry', 'retry', 'success', 'limit', 'overflow'] as const) scope.retried(what);
  const counted = ['requests', 'successes', 'limit_exceeded', 'overflow'].map(
    (name) => series(metrics, `outbound_http_route_retry_${name}_total`, ['route_name'])['r'],
  );
  assert.deepEqual(counted, [2, 1, 1, 1]);
});

test('a profile says which of its responses are failures, and its attempts are counted apart', () => {
  const metrics = registry();
  const classes = new ResponseClasses([{ condition: { kind: 'status', from: 404, to: 404 }, isFailure: true }]);
  const scope = new ProfileRouteScope(metrics, profileRouteLabels('outbound', 'web.a:80', { route: 'GET /' }), classes);
  scope.started();
  for (let i = 0; i < 2; i++) scope.attempts.started();
  scope.attempts.ended(outcome({ status: 503 }));
  scope.attempts.ended(outcome({ status: 404 }));
  scope.ended(outcome({ status: 404 }));
  scope.retryable(false);
  scope.retryable(true);
  const labels = ['dst', 'rt_route'];
  assert.deepEqual(series(metrics, 'route_request_total', labels), { 'web.a:80 GET /': 1 });
  assert.deepEqual(series(metrics, 'route_actual_request_total', labels), { 'web.a:80 GET /': 2 });
  const how = ['status_code', 'classification'];
  assert.deepEqual(series(metrics, 'route_response_total', how), { '404 failure': 1 });
  assert.deepEqual(series(metrics, 'route_actual_response_total', how), { '503 failure': 1, '404 failure': 1 });
  assert.deepEqual(series(metrics, 'route_retryable_total', ['skipped']), { '-': 1, no_budget: 1 });
});

test('what nobody counts into goes after a while, and the number of sets made and dropped tells of it', () => {
  const metrics = registry();
  const http = new EndpointScope(metrics, { direction: 'outbound', target_ip: '10.0.0.1' });
  const tcp = new TcpCounters(metrics, { direction: 'outbound', peer: 'dst', target_ip: '10.0.0.1' });
  http.started();
  http.ended(outcome({}));
  tcp.opened();
  tcp.closed('ECONNRESET');
  http.release();
  tcp.release();
  time.nowMs += 10;
  assert.doesNotMatch(metrics.render(), /10\.0\.0\.1/);
  assert.deepEqual(series(metrics, 'stack_drop_total', ['direction', 'protocol', 'name']), {
    'outbound http endpoint': 1,
    'outbound tcp endpoint': 1,
  });
});

test('bytes are counted by the zone of the endpoint too', () => {
  const metrics = registry();
  const tcp = new TcpCounters(metrics, { peer: 'dst' }, transferCost(metrics, 'remote'));
  tcp.wrote(10);
  tcp.read(3);
  assert.deepEqual(series(metrics, 'outbound_tcp_transfer_cost_bytes_total', ['op', 'zone_locality']), {
    'Send Remote': 10,
    'Recv Remote': 3,
  });
});

test('scopes by name are bounded', () => {
  const released: string[] = [];
  const scopes = new ByName((name) => ({ release: () => released.push(name) }));
  for (let i = 0; i < 1_001; i++) scopes.get(`${i}`);
  assert.equal(scopes.get('5'), scopes.get('5'));
  assert.deepEqual(released, ['0']);
});
