import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap, Secret, Service } from '#api/kube';
import { ConfigError, type ConfigReader, containerEnv, expand } from './env.ts';
import type { BoundPod } from './types.ts';

const place = { podIp: '10.42.0.7', nodeIp: '172.30.0.1', nodeAllocatable: { cpu: 2, memory: 1024 } };

function reader(parts: { maps?: ConfigMap[]; secrets?: Secret[]; services?: Service[] } = {}): ConfigReader {
  const named = <T extends { metadata: { name?: string } }>(list: T[] | undefined, name: string): T | undefined =>
    list?.find(({ metadata }) => metadata.name === name);
  return {
    configMap: (_namespace, name) => named(parts.maps, name),
    secret: (_namespace, name) => named(parts.secrets, name),
    services: (namespace) => (parts.services ?? []).filter(({ metadata }) => metadata.namespace === namespace),
  };
}

function podWith(container: object, spec: object = {}): BoundPod {
  return {
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u1', labels: { app: 'web' } },
    spec: { nodeName: 'west-1', containers: [{ name: 'c', ...container }], ...spec },
  };
}

function envOf(container: object, config = reader(), spec: object = {}): Record<string, string> {
  const pod = podWith(container, spec);
  return Object.fromEntries(containerEnv(pod, pod.spec.containers[0]!, { config, place, imageEnv: {} }));
}

test('references expand to earlier variables, unknown ones stay, $$ escapes', () => {
  const known = new Map([['A', '1']]);
  assert.equal(expand('$(A)-$(B)-$$(A)-$A', known), '1-$(B)-$(A)-$A');
});

test('text without a dollar is never changed', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('$')),
      (text) => expand(text, new Map()) === text,
    ),
  );
});

test('a variable sees those before it, not those behind', () => {
  const env = envOf({
    env: [
      { name: 'A', value: '$(B)' },
      { name: 'B', value: 'b' },
      { name: 'C', value: '$(B)c' },
    ],
  });
  assert.equal(env['A'], '$(B)');
  assert.equal(env['C'], 'bc');
});

test('field references know pod, node and addresses before the container starts', () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const env = envOf({
    env: [
      field('IP', 'status.podIPs'),
      field('HOST', 'status.hostIP'),
      field('APP', "metadata.labels['app']"),
      field('NODE', 'spec.nodeName'),
    ],
  });
  assert.deepEqual([env['IP'], env['HOST'], env['APP'], env['NODE']], ['10.42.0.7', '172.30.0.1', 'web', 'west-1']);
});

test('resource references count in their divisor and fall back to what the node has', () => {
  const ref = (name: string, resource: string, divisor?: string) => ({
    name,
    valueFrom: { resourceFieldRef: { resource, ...(divisor && { divisor }) } },
  });
  const env = envOf({
    resources: { limits: { memory: '64Mi' }, requests: { cpu: '250m' } },
    env: [ref('M', 'limits.memory', '1Mi'), ref('C', 'requests.cpu', '1m'), ref('N', 'limits.cpu')],
  });
  assert.deepEqual([env['M'], env['C'], env['N']], ['64', '250', '2']);
});

test('a missing key is an error that names it, unless it is optional', () => {
  const maps = [{ metadata: { name: 'm' }, data: { k: 'v' } }];
  const ref = (key: string, optional?: boolean) => ({
    env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'm', key, ...(optional && { optional }) } } }],
  });
  assert.equal(envOf(ref('k'), reader({ maps }))['X'], 'v');
  assert.throws(() => envOf(ref('q'), reader({ maps })), /couldn't find key q in ConfigMap shop\/m/);
  assert.throws(
    () => envOf(ref('k'), reader()),
    (error) => error instanceof ConfigError && /configmap "m" not found/.test(error.message),
  );
  assert.equal('X' in envOf(ref('q', true), reader({ maps })), false);
});

test('envFrom decodes secrets, prefixes names and skips what is no name', () => {
  const secrets = [{ metadata: { name: 's' }, data: { user: Buffer.from('ann').toString('base64'), '1st': 'eA==' } }];
  const env = envOf(
    { envFrom: [{ prefix: 'P_', secretRef: { name: 's' } }, { secretRef: { name: 's' } }] },
    reader({ secrets }),
  );
  assert.equal(env['P_user'], 'ann');
  assert.equal(env['P_1st'], 'x');
  assert.equal('1st' in env, false);
});

test('services of the namespace become link variables; kubernetes always does', () => {
  const service = (namespace: string, name: string, clusterIP: string): Service => ({
    metadata: { namespace, name },
    spec: { clusterIP, ports: [{ name: 'http', port: 80 }] },
  });
  const services = [
    service('shop', 'my-web', '10.96.0.9'),
    service('default', 'kubernetes', '10.96.0.1'),
    service('default', 'x', '10.96.0.3'),
  ];
  const env = envOf({}, reader({ services }));
  assert.equal(env['MY_WEB_SERVICE_HOST'], '10.96.0.9');
  assert.equal(env['MY_WEB_SERVICE_PORT_HTTP'], '80');
  assert.equal(env['MY_WEB_PORT_80_TCP_ADDR'], '10.96.0.9');
  assert.equal(env['KUBERNETES_SERVICE_HOST'], '10.96.0.1');
  assert.equal('X_SERVICE_HOST' in env, false);
  const off = envOf({}, reader({ services }), { enableServiceLinks: false });
  assert.equal('MY_WEB_SERVICE_HOST' in off, false);
  assert.equal(off['KUBERNETES_SERVICE_HOST'], '10.96.0.1');
});
