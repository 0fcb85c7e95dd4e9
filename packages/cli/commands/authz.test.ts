import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/kube';
import { authorizations, type Policies } from './authz.ts';

const pod = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } },
  spec: {
    containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 80 }] }],
    initContainers: [{ name: 'linkerd-proxy', ports: [{ name: 'linkerd-admin', containerPort: 4191 }] }],
  },
} as unknown as Pod;
const server = (name: string, port: number | string, app = 'web') => ({
  metadata: { name, labels: { of: app } },
  spec: { port, podSelector: { matchLabels: { app } } },
});
const policy = (name: string, kind: string, target: string, group = 'policy.linkerd.io') => ({
  metadata: { name },
  spec: { targetRef: { group, kind, name: target }, requiredAuthenticationRefs: [] },
});
const POLICIES: Policies = {
  servers: [server('http', 'http'), server('admin', 4191), server('absent', 9), server('db', 'http', 'db')],
  serverAuthorizations: [
    { metadata: { name: 'by-name' }, spec: { server: { name: 'http' }, client: {} } },
    { metadata: { name: 'by-label' }, spec: { server: { selector: { matchLabels: { of: 'web' } } }, client: {} } },
    { metadata: { name: 'dangling' }, spec: { server: { name: 'gone' }, client: {} } },
  ],
  authorizationPolicies: [
    policy('all', 'Namespace', 'shop', ''),
    policy('one', 'Server', 'admin'),
    policy('routed', 'HTTPRoute', 'get'),
    policy('lost', 'HTTPRoute', 'gone'),
    policy('foreign', 'HTTPRoute', 'get', 'gateway.networking.k8s.io'),
  ],
  routes: [
    {
      metadata: { name: 'get' },
      spec: {
        parentRefs: [
          { group: 'policy.linkerd.io', kind: 'Server', name: 'http' },
          { group: '', kind: 'Service', name: 'web' },
        ],
      },
    },
  ],
};

test('every policy of every Server that selects a declared port of the pods is a row', () => {
  const warnings: string[] = [];
  const rows = authorizations(POLICIES, [pod], (text) => warnings.push(text));
  assert.deepEqual(
    rows.map((row) => [row.route, row.server, row.authorizationPolicy, row.serverAuthorization].join()),
    [
      ',http,,by-name',
      ',http,,by-label',
      ',admin,,by-label',
      ',http,all,',
      ',admin,all,',
      ',admin,one,',
      'get,http,routed,',
    ],
  );
  assert.deepEqual(warnings, [
    'ServerAuthorization/dangling is for Server/gone, which does not exist',
    'AuthorizationPolicy/lost is for HTTPRoute/gone, which does not exist',
  ]);
  assert.deepEqual(
    authorizations(POLICIES, [], () => {}),
    [],
  );
});
