import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authorization, defaultMeta } from '../discover/index.ts';
import { auditFields } from './audit.ts';

const SERVER = { ...defaultMeta('web'), group: 'policy.linkerd.io', kind: 'server' };
const by = (name: string): Authorization => ({ meta: defaultMeta(name), networks: [], clients: 'any' });
const fields = (name: string, tls: { terminated: boolean; identity: string | undefined }) =>
  auditFields({ server: SERVER, route: defaultMeta('probe'), authorization: by(name), tls, addr: '10.0.0.7' });

test('a client that is let in by an audit is named with server, route and authorization', () => {
  assert.deepEqual(fields('audit', { terminated: true, identity: 'a.b' }), {
    'server.group': 'policy.linkerd.io',
    'server.kind': 'server',
    'server.name': 'web',
    'route.group': '',
    'route.kind': 'default',
    'route.name': 'probe',
    'client.tls': 'a.b',
    'client.ip': '10.0.0.7',
    'authz.group': '',
    'authz.kind': 'default',
    'authz.name': 'audit',
  });
  assert.equal(fields('audit', { terminated: true, identity: undefined })?.['client.tls'], 'anonymous');
  assert.equal(fields('audit', { terminated: false, identity: undefined })?.['client.tls'], 'none');
});

test('other authorizations say nothing, not even one of that name', () => {
  assert.equal(fields('all-unauthenticated', { terminated: false, identity: undefined }), undefined);
  const own = { ...by('audit'), meta: { ...defaultMeta('audit'), kind: 'authorizationpolicy' } };
  const tls = { terminated: false, identity: undefined };
  assert.equal(auditFields({ server: SERVER, authorization: own, tls, addr: '' }), undefined);
});
