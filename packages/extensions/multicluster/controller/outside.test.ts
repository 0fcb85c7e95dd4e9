import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createControlMetrics } from '#control/process';
import { gatewayMetrics } from './outside.ts';

/** Longer than series stay that nobody holds. */
const LONG_AFTERWARDS_MS = 24 * 3_600_000;

test('the gauges of a gateway stay while it is followed, however often they are set, and go when it is gone', () => {
  let nowMs = 0;
  const metrics = createControlMetrics(() => nowMs);
  const gateway = gatewayMetrics(metrics, 'east');
  gateway.enabled();
  for (const alive of [true, false, true]) gateway.alive(alive);
  for (const latencyMs of [3, 4]) gateway.probed(true, latencyMs);
  nowMs = LONG_AFTERWARDS_MS;
  assert.match(metrics.render(), /gateway_alive\{target_cluster_name="east"\} 1/);
  gateway.gone();
  assert.match(metrics.render(), /gateway_alive\{target_cluster_name="east"\} 0/);
  nowMs += LONG_AFTERWARDS_MS;
  assert.doesNotMatch(metrics.render(), /gateway_(enabled|alive|latency)\{/);
});
