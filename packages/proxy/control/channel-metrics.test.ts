import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { GrpcError } from '#runtime/grpc';
import { parseMetrics, Registry } from '#runtime/metrics';
import { CallMetrics } from './call-metrics.ts';
import { ChannelMetrics } from './index.ts';

function make() {
  const clock = new FakeClock();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 20_000, retainMs: 10 }, () => clock.nowMs());
  const service = { addr: { host: 'policy.linkerd.', port: 8090 } };
  const watch = new ChannelMetrics('policy', service, { clock, metrics, connectTimeoutMs: 1_000 });
  const value = (name: string, labels: Record<string, string> = {}): number => {
    const family = parseMetrics(metrics.render()).get(`control_policy_balancer_${name.replace(/_(sum|count)$/, '')}`);
    const found = family?.samples.find(
      (one) =>
        one.name === `control_policy_balancer_${name}` &&
        one.labels['addr'] === 'policy.linkerd:8090' &&
        Object.entries(labels).every(([key, text]) => one.labels[key] === text),
    );
    return found?.value ?? Number.NaN;
  };
  return { clock, watch, value };
}

test('calls that wait for the first connection are counted, and for how long', () => {
  const { clock, watch, value } = make();
  watch.asked();
  watch.resolved(2);
  assert.equal(value('queue_length'), 1);
  assert.equal(value('endpoints', { endpoint_state: 'pending' }), 2);
  clock.advance(500);
  watch.connected();
  watch.asked();
  assert.equal(value('queue_length'), 0);
  assert.equal(value('queue_requests_total'), 2);
  assert.equal(value('queue_latency_seconds_count'), 2);
  assert.equal(value('queue_latency_seconds_sum'), 0.5);
  assert.equal(value('endpoints', { endpoint_state: 'ready' }), 2);
  assert.equal(value('p2c_updates_total', { op: 'Reset' }), 1);
});

test('the gate is shut while no address can be reached', () => {
  const { clock, watch, value } = make();
  clock.advance(1_000);
  watch.resolved(1);
  watch.failed();
  watch.failed();
  assert.equal(value('queue_gate_shut_total'), 1);
  assert.equal(value('queue_gate_shut_time_seconds'), 1_700_000_001);
  assert.equal(value('queue_gate_open_time_seconds'), 0);
  watch.connected();
  assert.equal(value('queue_gate_open_total'), 2);
  watch.lost();
  assert.equal(value('endpoints', { endpoint_state: 'ready' }), 0);
  assert.equal(value('queue_gate_shut_total'), 1);
});

test('an answer that there is nothing is a success, as it is for requests of applications; labels say names without their last dot', async () => {
  const clock = new FakeClock();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 20_000, retainMs: 10 }, () => clock.nowMs());
  const service = { addr: { host: 'policy.linkerd.', port: 8090 }, name: 'policy' };
  const calls = new CallMetrics(service, { metrics, clock, channel: { asked: () => undefined } });
  for (const code of ['NOT_FOUND', 'UNAVAILABLE'] as const)
    await assert.rejects(calls.timed(() => Promise.reject(new GrpcError(code, 'no'))));
  const seen = parseMetrics(metrics.render())
    .get('control_response_total')
    ?.samples.map(({ labels }) => [labels['addr'], labels['grpc_status'], labels['classification']]);
  assert.deepEqual(seen, [
    ['policy.linkerd:8090', '5', 'success'],
    ['policy.linkerd:8090', '14', 'failure'],
  ]);
});
