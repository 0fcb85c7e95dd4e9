import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { Registry } from '#runtime/metrics';
import { TcpCounters } from './tcp-scope.ts';

test('what is counted behind the release of an endpoint goes with its other series', () => {
  let nowMs = 0;
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 1_000, retainMs: 1_000 }, () => nowMs);
  for (let i = 0; i < 10; i++) {
    const scope = new TcpCounters(metrics, { direction: 'outbound', peer: 'dst', target_ip: `10.0.0.${i}` });
    scope.opened();
    // Connections of an endpoint that has gone finish what is under way.
    scope.release();
    scope.closed('ECONNRESET');
  }
  const series = (): number => metrics.render().match(/^tcp_\w+\{.*target_ip="10/gm)?.length ?? 0;
  assert.equal(series(), 50);
  nowMs = 2_000;
  assert.equal(series(), 0);
});
