import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api/kube';
import { BalancerRoutes, balancerRoutes } from './balancer-routes.ts';

const nodes = [1, 2, 3].map((n) => ({
  name: `west-${n}`,
  ip: `172.30.0.${n}`,
  zone: 'a',
  podCidr: `10.42.${n - 1}.0/24`,
  cable: `n0-${n}`,
}));

const service = (spec: object = {}): Service => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  status: { loadBalancer: { ingress: [{ ip: '172.31.0.5' }] } },
});

const sliceOn = (...names: string[]): EndpointSlice => ({
  metadata: { namespace: 'shop', name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: names.map((nodeName, at) => ({ addresses: [`10.42.0.${at + 2}`], nodeName, conditions: { ready: true } })),
});

const routesOf = (of: Service, ...onNodes: string[]) =>
  [...balancerRoutes([of], [sliceOn(...onNodes)], nodes)].map(([ip, used]) => [ip, ...used.map(({ name }) => name)]);

test('with policy Local an address leads to the nodes that have endpoints', () => {
  assert.deepEqual(routesOf(service(), 'west-2', 'west-3', 'west-2'), [['172.31.0.5', 'west-2', 'west-3']]);
  assert.deepEqual(routesOf(service()), []);
});

test('with policy Cluster any node will do', () => {
  assert.deepEqual(routesOf(service({ externalTrafficPolicy: 'Cluster' }), 'west-2'), []);
});

test('client affinity keeps to one node', () => {
  assert.deepEqual(routesOf(service({ sessionAffinity: 'ClientIP' }), 'west-2', 'west-3'), [['172.31.0.5', 'west-2']]);
});

test('routes follow by differences, after a first flush', async () => {
  const ran: string[][] = [];
  const options = { netPath: '/run/netns/root', cidr: '172.31.0.0/24', rootAddress: '172.30.255.1' };
  const routes = new BalancerRoutes(options, async (lines) => void ran.push([...lines]));
  const follow = (...onNodes: string[]) => routes.apply(balancerRoutes([service()], [sliceOn(...onNodes)], nodes));
  await follow('west-2');
  await follow('west-2');
  await follow('west-2', 'west-3');
  await follow();
  const route = 'route replace 172.31.0.5/32 proto 99 src 172.30.255.1';
  assert.deepEqual(ran, [
    ['route flush root 172.31.0.0/24 proto 99', `${route} nexthop via 172.30.0.2 dev n0-2 onlink`],
    [`${route} nexthop via 172.30.0.2 dev n0-2 onlink nexthop via 172.30.0.3 dev n0-3 onlink`],
    ['route del 172.31.0.5/32 proto 99'],
  ]);
});

test('after a refusal everything is done anew', async () => {
  const ran: string[][] = [];
  let isRefused = true;
  const options = { netPath: '/run/netns/root', cidr: '172.31.0.0/24', rootAddress: '172.30.255.1' };
  const routes = new BalancerRoutes(options, async (lines) => {
    if (isRefused) throw new Error('refused');
    ran.push([...lines]);
  });
  const wanted = balancerRoutes([service()], [sliceOn('west-2')], nodes);
  await assert.rejects(routes.apply(wanted));
  isRefused = false;
  await routes.apply(wanted);
  assert.equal(ran[0]?.length, 2);
});
