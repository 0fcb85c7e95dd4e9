import { lookup } from 'node:dns/promises';
import { get } from 'node:http';
import type { ControlMetrics } from '#control/process';
import type { Gauge } from '#runtime/metrics';
import type { GatewayMetrics } from './gateway.ts';

/** All IP addresses of a host name, as the system resolves it. */
export async function lookupHost(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** A GET on a connection of its own, so that it says something about now. Rejects unless the answer is 200. */
export function httpProbe(url: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`the answer was ${response.statusCode}`));
      });
    });
    request.once('error', (error) =>
      reject(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? new Error(`no answer within ${timeoutMs} ms`)
          : error,
      ),
    );
  });
}

const GAUGES = ['gateway_enabled', 'gateway_alive', 'gateway_latency'] as const;

/** The series of one cluster; those that say how it is now exist from when it is known until it is gone. */
export function gatewayMetrics(metrics: ControlMetrics, cluster: string): GatewayMetrics {
  const labels = { target_cluster_name: cluster };
  const held = new Map<(typeof GAUGES)[number], Gauge>();
  const set = (name: (typeof GAUGES)[number], value: number): void => {
    const gauge = held.get(name) ?? metrics.gauge(name, labels);
    held.set(name, gauge);
    gauge.set(value);
  };
  return {
    enabled: () => set('gateway_enabled', 1),
    alive: (alive) => set('gateway_alive', alive ? 1 : 0),
    probed(succeeded, latencyMs) {
      metrics.count('gateway_probes', { ...labels, probe_successful: String(succeeded) });
      if (!succeeded) return;
      set('gateway_latency', Math.round(latencyMs));
      metrics.observe('gateway_probe_latency_ms', labels, latencyMs);
    },
    repaired: () => metrics.count('service_mirror_endpoint_repairs', labels),
    gone() {
      for (const [name, gauge] of held) {
        gauge.set(0);
        metrics.release(name, labels);
      }
      held.clear();
    },
  };
}
