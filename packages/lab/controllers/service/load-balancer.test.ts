import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../kinds/index.ts';
import { ADDRESSES_ANNOTATION, reconcileLoadBalancers } from './load-balancer.ts';

const POOL = '172.31.7.0/29';

interface Given {
  spec?: Partial<Service['spec']>;
  asked?: string;
  has?: readonly string[];
}

const service = (name: string, { spec = {}, asked, has = [] }: Given = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name,
    namespace: 'default',
    ...(asked !== undefined && { annotations: { [ADDRESSES_ANNOTATION]: asked } }),
  },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  status: { loadBalancer: { ingress: has.map((ip) => ({ ip })) } },
});

/** What is written: name -> addresses, or the event's text. */
function written(...services: Service[]): Record<string, unknown> {
  const { writes } = reconcileLoadBalancers({ services }, POOL);
  return Object.fromEntries(
    writes.map((write) => {
      if (write.verb === 'event') return [write.note.about.name, write.note.message];
      assert.equal(write.verb, 'patch');
      const { status } = (write as { merge: Pick<Service, 'status'> }).merge;
      return [(write as { name: string }).name, (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip)];
    }),
  );
}

test('a Service gets one address, or as many as it asks for', () => {
  assert.deepEqual(written(service('a'), service('b', { asked: '2' })), {
    a: ['172.31.7.1'],
    b: ['172.31.7.2', '172.31.7.3'],
  });
});

test('certain addresses are given when they are free, else none, and the event says which', () => {
  const asked = '172.31.7.5, 172.31.7.4';
  assert.deepEqual(written(service('a', { asked })), { a: ['172.31.7.5', '172.31.7.4'] });
  const taken = written(service('a', { asked }), service('b', { has: ['172.31.7.4'] }));
  assert.deepEqual(taken, { a: "Address 172.31.7.4 is taken or not in the lab's pool 172.31.7.0/29" });
});

test('asking for more keeps what is there, for less gives back the last', () => {
  assert.deepEqual(written(service('a', { asked: '2', has: ['172.31.7.3'] })), { a: ['172.31.7.3', '172.31.7.1'] });
  assert.deepEqual(written(service('a', { asked: '1', has: ['172.31.7.3', '172.31.7.1'] })), { a: ['172.31.7.3'] });
  assert.deepEqual(written(service('a', { asked: '2', has: ['172.31.7.3', '172.31.7.1'] })), {});
});

test('what cannot be meant is said', () => {
  for (const asked of ['0', '17', 'two', '10.0.0', '172.31.7.1,'])
    assert.match(String(written(service('a', { asked }))['a']), /^Annotation lab\/load-balancer-addresses /, asked);
});

test('our class is ours, another is left alone with all its addresses', () => {
  assert.deepEqual(written(service('a', { spec: { loadBalancerClass: 'lab/load-balancer' } })), { a: ['172.31.7.1'] });
  assert.deepEqual(written(service('a', { spec: { loadBalancerClass: 'example.com/x' }, has: ['192.0.2.1'] })), {});
});

test('a full pool is said, and what others hold stays', () => {
  const held = ['1', '2', '3', '4', '5', '6'].map((n) => `172.31.7.${n}`);
  assert.deepEqual(written(service('a', { asked: '6', has: held }), service('b')), {
    b: "All addresses of the lab's pool 172.31.7.0/29 are taken",
  });
});
