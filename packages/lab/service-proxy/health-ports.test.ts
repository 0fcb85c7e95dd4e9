import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api/kube';
import { healthOf } from './health-ports.ts';

const node = { name: 'west-1', ip: '172.30.0.1', zone: 'a', podCidr: '10.42.0.0/24' };

const slice = (...nodeNames: string[]): EndpointSlice => ({
  metadata: { namespace: 'shop', name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [
    { name: 'a', port: 8080, protocol: 'TCP' },
    { name: 'b', port: 8081, protocol: 'TCP' },
  ],
  endpoints: nodeNames.map((nodeName, at) => ({ addresses: [`10.42.0.${at}`], nodeName, conditions: { ready: true } })),
});

const service = (healthCheckNodePort?: number): Service => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ...(healthCheckNodePort !== undefined && { healthCheckNodePort }),
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  },
});

test('a node counts its own endpoints, each once whatever its ports', () => {
  const health = healthOf([service(30_500)], [slice('west-1', 'west-2', 'west-1')], node);
  assert.deepEqual([...health], [[30_500, { namespace: 'shop', name: 'web', localEndpoints: 2 }]]);
});

test('a node without endpoints says so; a Service without such a port is not asked about', () => {
  assert.equal(healthOf([service(30_500)], [slice('west-2')], node).get(30_500)?.localEndpoints, 0);
  assert.equal(healthOf([service()], [slice('west-1')], node).size, 0);
});
