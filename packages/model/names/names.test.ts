import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  identityOf,
  isCertifiable,
  parseAuthority,
  parseContextToken,
  parseServiceAccountUser,
  parseServiceName,
  parseWorkloadToken,
  serviceFqdn,
} from './index.ts';

test('reads authorities with and without a port', () => {
  assert.deepEqual(parseAuthority('web.a.svc.cluster.local:8080'), { host: 'web.a.svc.cluster.local', port: 8080 });
  assert.deepEqual(parseAuthority('web'), { host: 'web', port: 80 });
  assert.deepEqual(parseAuthority('10.0.0.1:443'), { host: '10.0.0.1', port: 443 });
  assert.deepEqual(parseAuthority('[fd00::1]:443'), { host: 'fd00::1', port: 443 });
  for (const bad of ['', ':80', 'web:', 'web:0', 'web:65536', 'web:http', 'a:b:c', 'fd00::1'])
    assert.equal(parseAuthority(bad), undefined, bad);
});

test('reads names of services and of their instances, and nothing else', () => {
  const domain = 'cluster.local';
  assert.deepEqual(parseServiceName('web.a.svc.cluster.local', domain), { name: 'web', namespace: 'a' });
  assert.deepEqual(parseServiceName('db-0.db.a.svc.cluster.local', domain), {
    instance: 'db-0',
    name: 'db',
    namespace: 'a',
  });
  for (const bad of [
    'web',
    'web.a',
    'web.a.svc',
    'web.a.svc.other',
    'a.svc.cluster.local',
    'x.y.web.a.svc.cluster.local',
  ])
    assert.equal(parseServiceName(bad, domain), undefined, bad);
  assert.equal(serviceFqdn({ name: 'web', namespace: 'a' }, domain), 'web.a.svc.cluster.local');
});

test('builds identities, with the default service account where none is named', () => {
  const domain = { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' };
  assert.equal(
    identityOf({ serviceAccount: '', namespace: 'a' }, domain),
    'default.a.serviceaccount.identity.linkerd.cluster.local',
  );
  assert.ok(isCertifiable(identityOf({ serviceAccount: 'web', namespace: 'a' }, domain)));
  assert.ok(!isCertifiable('Web.a.serviceaccount.identity.linkerd.cluster.local'));
  assert.ok(!isCertifiable('*.a'));
});

test('reads the user names of service accounts only', () => {
  assert.deepEqual(parseServiceAccountUser('system:serviceaccount:a:web'), { namespace: 'a', serviceAccount: 'web' });
  for (const bad of [
    'web',
    'system:node:x',
    'system:serviceaccount:a',
    'system:serviceaccount:a:b:c',
    'system:serviceaccount:a:b.c',
  ])
    assert.equal(parseServiceAccountUser(bad), undefined, bad);
});

test('reads tokens as the injector writes them, in the old form, and takes anything else for empty', () => {
  assert.deepEqual(parseContextToken('{"ns":"a", "nodeName":"n1", "pod":"web-1"}\n'), {
    ns: 'a',
    nodeName: 'n1',
    pod: 'web-1',
  });
  const gateway = { ns: 'a', nodeName: '', pod: 'p', services: 'x=y' };
  assert.deepEqual(parseContextToken(JSON.stringify(gateway)), gateway);
  assert.equal(parseContextToken('{"services":1}').services, '', 'what is no text selects nothing');
  assert.equal(parseWorkloadToken('{"ns":"a","pod":"p","services":"x=y"}')?.services, 'x=y');
  assert.deepEqual(parseContextToken('ns:a'), { ns: 'a', nodeName: '', pod: '' });
  assert.deepEqual(parseContextToken('{"ns":3'), { ns: '', nodeName: '', pod: '' });
  assert.deepEqual(parseWorkloadToken('{"ns":"a", "pod":"web-1"}\n'), { namespace: 'a', kind: 'pod', name: 'web-1' });
  assert.deepEqual(parseWorkloadToken('a:web-1'), { namespace: 'a', kind: 'pod', name: 'web-1' });
  assert.equal(parseWorkloadToken('{"ns":"a","external_workload":"vm"}')?.kind, 'external-workload');
  for (const bad of [
    '',
    'a',
    '{}',
    '{"ns":"a"}',
    '{"pod":"x"}',
    '{"ns":"a","pod":"x","external_workload":"y"}',
    'null',
  ])
    assert.equal(parseWorkloadToken(bad), undefined, bad);
});
