import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '#api/kube';
import { encodeRules } from './encode.ts';
import { backendsOf } from './endpoints.ts';
import { buildRules } from './rules.ts';

const node = { name: 'west-1', ip: '172.30.0.1', zone: 'west-a', podCidr: '10.42.0.0/24' };
const serviceCidr = '10.96.0.0/16';

const service = (spec: object = {}): Service => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});

type Given = { ip: string; node?: string; ready?: boolean; ending?: boolean; zone?: string };

const slice = (endpoints: readonly Given[]): EndpointSlice => ({
  metadata: { namespace: 'shop', name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: endpoints.map(({ ip, node: nodeName = 'west-1', ready = true, ending = false, zone }) => ({
    addresses: [ip],
    nodeName,
    conditions: { ready: ready && !ending, serving: ready, terminating: ending },
    ...(zone && { hints: { forZones: [{ name: zone }] } }),
  })),
});

const rulesOf = (of: Service, endpoints: readonly Given[]) =>
  buildRules({
    services: [of],
    slices: [slice(endpoints)],
    hostPorts: [],
    node,
    podCidrs: ['10.42.0.0/24', '10.42.1.0/24'],
  });

const ipsOf = (of: Service, endpoints: readonly Given[]): string[] =>
  backendsOf(of, of.spec!.ports![0]!, [slice(endpoints)], node).map(({ ip }) => ip);

test('ready endpoints are used, sorted and once', () => {
  assert.deepEqual(
    ipsOf(service(), [
      { ip: '10.42.0.3' },
      { ip: '10.42.0.2' },
      { ip: '10.42.0.3' },
      { ip: '10.42.0.4', ready: false },
    ]),
    ['10.42.0.2', '10.42.0.3'],
  );
});

test('when none is ready, those that end but still serve are used', () => {
  assert.deepEqual(
    ipsOf(service(), [
      { ip: '10.42.0.2', ending: true },
      { ip: '10.42.0.3', ready: false },
    ]),
    ['10.42.0.2'],
  );
});

test('zone hints narrow the choice only when all endpoints have one and the zone has one', () => {
  const here = { ip: '10.42.0.2', zone: 'west-a', podCidr: '10.42.0.0/24' };
  const there = { ip: '10.42.1.2', zone: 'west-b' };
  assert.deepEqual(ipsOf(service(), [here, there]), ['10.42.0.2']);
  assert.deepEqual(ipsOf(service(), [here, { ip: '10.42.1.2' }]), ['10.42.0.2', '10.42.1.2']);
  assert.deepEqual(ipsOf(service(), [there]), ['10.42.1.2']);
});

test('a service with endpoints has a verdict, one without is refused', () => {
  const full = rulesOf(service(), [{ ip: '10.42.0.2' }, { ip: '10.42.1.2', node: 'west-2' }]);
  assert.match(full.vips[0] ?? '', /^10\.96\.0\.9 \. tcp \. 80 : goto in-/);
  const [body] = [...full.chains.values()];
  assert.ok(
    body?.includes(
      'meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.42.0.2 . 8080, 1 : 10.42.1.2 . 8080 }',
    ),
  );
  assert.deepEqual(rulesOf(service(), []).refused, ['10.96.0.9 . tcp . 80 : goto refuse']);
});

test('only endpoints of this node can meet themselves', () => {
  const rules = rulesOf(service(), [{ ip: '10.42.0.2' }, { ip: '10.42.1.2', node: 'west-2' }]);
  assert.deepEqual(rules.hairpins, ['10.42.0.2 . 10.42.0.2']);
});

test('internalTrafficPolicy Local keeps to this node and refuses when it has none', () => {
  const local = service({ internalTrafficPolicy: 'Local' });
  const rules = rulesOf(local, [{ ip: '10.42.0.2' }, { ip: '10.42.1.2', node: 'west-2' }]);
  assert.deepEqual([...rules.chains.values()][0]?.at(-1), 'meta l4proto tcp dnat to 10.42.0.2:8080');
  assert.equal(rulesOf(local, [{ ip: '10.42.1.2', node: 'west-2' }]).refused.length, 1);
});

test('node ports and balancer addresses have their own chain; policy Local keeps the client address', () => {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 }];
  const outside: Service = {
    ...service({ type: 'LoadBalancer', ports }),
    status: { loadBalancer: { ingress: [{ ip: '172.31.0.5' }] } },
  };
  const rules = rulesOf(outside, [{ ip: '10.42.0.2' }]);
  assert.match(rules.nodePorts[0] ?? '', /^tcp \. 30080 : goto ex-/);
  assert.ok(rules.vips.some((element) => /^172\.31\.0\.5 \. tcp \. 80 : goto ex-/.test(element)));
});

const balancer = (spec: object = {}): Service => ({
  ...service({ type: 'LoadBalancer', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 }], ...spec }),
  status: { loadBalancer: { ingress: [{ ip: '172.31.0.5' }, { ip: '172.31.0.6' }, { hostname: 'gateway.test' }] } },
});
const chainsOf = (chains: ReadonlyMap<string, readonly string[]>, kind: string) =>
  [...chains].filter(([name]) => name.startsWith(`${kind}-`)).map(([, rules]) => rules);

test('policy Local sends outsiders to endpoints of this node under their own address, insiders to all', () => {
  const rules = rulesOf(balancer({ externalTrafficPolicy: 'Local' }), [
    { ip: '10.42.0.2' },
    { ip: '10.42.1.2', node: 'west-2' },
  ]);
  assert.deepEqual(chainsOf(rules.chains, 'lo'), [['meta l4proto tcp dnat to 10.42.0.2:8080']]);
  const [outside, masquerade, all] = chainsOf(rules.chains, 'ex')[0] ?? [];
  assert.match(outside ?? '', /^iifname "eth0" ip saddr != \{ 10\.42\.0\.0\/24, 10\.42\.1\.0\/24 \} goto lo-/);
  assert.match(masquerade ?? '', /mark set/);
  assert.match(all ?? '', /10\.42\.0\.2 .* 10\.42\.1\.2/);
});

test('policy Local without endpoints of this node drops outsiders; without any endpoint everybody is refused', () => {
  const local = balancer({ externalTrafficPolicy: 'Local' });
  assert.deepEqual(chainsOf(rulesOf(local, [{ ip: '10.42.1.2', node: 'west-2' }]).chains, 'lo'), [['drop']]);
  const none = rulesOf(local, []);
  assert.equal(none.refused.length, 3);
  assert.deepEqual(none.refusedNodePorts, ['tcp . 30080 : goto refuse']);
});

test('source ranges guard every address of a load balancer, and no other frontend', () => {
  const rules = rulesOf(balancer({ loadBalancerSourceRanges: ['10.43.0.0/16', ' 172.30.1.0/24', 'fd00::/8'] }), [
    { ip: '10.42.0.2' },
  ]);
  assert.deepEqual(
    rules.guarded.map((element) => element.split(' : ')[0]),
    ['172.31.0.5 . tcp . 80', '172.31.0.6 . tcp . 80'],
  );
  assert.deepEqual(chainsOf(rules.chains, 'fw'), [['ip saddr { 10.43.0.0/16, 172.30.1.0/24 } accept', 'drop']]);
  assert.deepEqual(rulesOf(balancer(), [{ ip: '10.42.0.2' }]).guarded, []);
});

test('client affinity remembers the backend in a set that outlives changes', () => {
  const sticky = service({ sessionAffinity: 'ClientIP' });
  const before = rulesOf(sticky, [{ ip: '10.42.0.2' }, { ip: '10.42.0.3' }]);
  const after = rulesOf(sticky, [{ ip: '10.42.0.2' }]);
  assert.equal(before.affinities.size, 2);
  const script = encodeRules(after, { serviceCidr, before });
  const [kept] = after.affinities.keys();
  const gone = [...before.affinities.keys()].find((name) => name !== kept);
  assert.ok(!script.includes(`delete set ip lab-services ${kept}`));
  assert.ok(script.includes(`delete set ip lab-services ${gone}`));
  assert.ok(!script.includes('delete table'));
});

test('the first script starts from nothing', () => {
  assert.match(
    encodeRules(rulesOf(service(), []), { serviceCidr, before: undefined }),
    /^add table ip lab-services\ndelete table/,
  );
});
