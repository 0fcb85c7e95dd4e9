import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostsFile, resolvConf } from './etc-files.ts';
import type { BoundPod } from './types.ts';

const dns = { nameserver: '10.96.0.10', clusterDomain: 'cluster.local' };
const podWith = (spec: object): BoundPod => ({
  metadata: { name: 'web-0', namespace: 'shop' },
  spec: { containers: [{ name: 'c' }], ...spec },
});

test('the default looks in the own namespace first', () => {
  assert.equal(
    resolvConf(podWith({}), dns),
    'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
  );
});

test('policy None has only what dnsConfig says', () => {
  const dnsConfig = { nameservers: ['1.1.1.1'], searches: ['x.y'], options: [{ name: 'ndots', value: '1' }] };
  assert.equal(
    resolvConf(podWith({ dnsPolicy: 'None', dnsConfig }), dns),
    'search x.y\nnameserver 1.1.1.1\noptions ndots:1\n',
  );
});

test('dnsConfig adds to the cluster settings and overrides options', () => {
  const dnsConfig = { searches: ['x.y'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] };
  const text = resolvConf(podWith({ dnsConfig }), dns);
  assert.match(text, /cluster\.local x\.y\n/);
  assert.match(text, /options ndots:2 edns0\n/);
});

test('hosts names the pod fully when it has a subdomain, and its aliases', () => {
  const text = hostsFile(
    podWith({ subdomain: 'web', hostAliases: [{ ip: '9.9.9.9', hostnames: ['a', 'b'] }] }),
    '10.0.0.5',
    'cluster.local',
  );
  assert.match(text, /^10\.0\.0\.5\tweb-0\.web\.shop\.svc\.cluster\.local\tweb-0$/m);
  assert.match(text, /^9\.9\.9\.9\ta\tb$/m);
});
