import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { memoryLog, Store } from '#lab/store';
import { type Attributes, Authorizer, bootstrapRbac, type PolicyRule, refusal, type UserInfo } from './index.ts';

const GROUP = 'rbac.authorization.k8s.io';
const SA: UserInfo = {
  name: 'system:serviceaccount:apps:bot',
  groups: ['system:serviceaccounts', 'system:authenticated'],
};

function setUp(rules: PolicyRule[], binding: 'RoleBinding' | 'ClusterRoleBinding' = 'ClusterRoleBinding'): Authorizer {
  const store = new Store(memoryLog());
  const put = (resource: string, object: AnyObject) =>
    store.create(
      `${GROUP}/${resource}`,
      { name: object.metadata.name ?? '', namespace: object.metadata.namespace },
      object,
    );
  put('clusterroles', { metadata: { name: 'r' }, rules });
  put(`${binding.toLowerCase()}s`, {
    metadata: { name: 'b', ...(binding === 'RoleBinding' && { namespace: 'apps' }) },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'r' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'apps', name: 'bot', apiGroup: '' }],
  });
  return new Authorizer(store);
}

type Resource = Omit<Extract<Attributes, { group: string }>, 'user'>;
const get = (fields: Partial<Resource>): Attributes => ({
  user: SA,
  verb: 'get',
  group: '',
  resource: 'pods',
  ...fields,
});

test('a rule covers its verbs, groups, resources, subresources and names, and nothing more', () => {
  const authorizer = setUp([
    { verbs: ['get'], apiGroups: [''], resources: ['pods', 'pods/log', '*/scale'], resourceNames: [] },
    { verbs: ['update'], apiGroups: ['apps'], resources: ['*'], resourceNames: ['one'] },
    { verbs: ['get'], nonResourceURLs: ['/metrics', '/logs/*'] },
  ]);
  const allowed = (fields: Partial<Resource>) => authorizer.authorize(get(fields)).allowed;
  assert.equal(allowed({}), true);
  assert.equal(allowed({ subresource: 'log' }), true);
  assert.equal(allowed({ subresource: 'exec' }), false);
  assert.equal(allowed({ resource: 'things', subresource: 'scale' }), true);
  assert.equal(allowed({ verb: 'list' }), false);
  assert.equal(allowed({ group: 'apps' }), false);
  assert.equal(allowed({ group: 'apps', verb: 'update', resource: 'deployments', name: 'one' }), true);
  assert.equal(allowed({ group: 'apps', verb: 'update', resource: 'deployments', name: 'two' }), false);
  assert.equal(allowed({ group: 'apps', verb: 'update', resource: 'deployments' }), false);
  assert.equal(authorizer.authorize({ user: SA, verb: 'get', path: '/logs/a/b' }).allowed, true);
  assert.equal(authorizer.authorize({ user: SA, verb: 'get', path: '/other' }).allowed, false);
});

test('a binding in a namespace grants there only', () => {
  const authorizer = setUp([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], 'RoleBinding');
  assert.equal(authorizer.authorize(get({ namespace: 'apps' })).allowed, true);
  assert.equal(authorizer.authorize(get({ namespace: 'other' })).allowed, false);
  assert.equal(authorizer.authorize(get({})).allowed, false);
  assert.equal(
    authorizer.authorize(get({ namespace: 'apps' })).reason,
    'RBAC: allowed by RoleBinding "b/apps" of ClusterRole "r" to ServiceAccount "bot/apps"',
  );
});

test('refusals read as in Kubernetes', () => {
  assert.equal(
    refusal(get({ namespace: 'n', subresource: 'log' })),
    'User "system:serviceaccount:apps:bot" cannot get resource "pods/log" in API group "" in the namespace "n"',
  );
  assert.equal(
    refusal({ user: SA, verb: 'get', path: '/x' }),
    'User "system:serviceaccount:apps:bot" cannot get path "/x"',
  );
});

test('a new cluster lets anybody signed in discover the API and review himself, and nobody read Secrets', () => {
  const store = new Store(memoryLog());
  for (const { resource, object } of bootstrapRbac())
    store.create(
      `${GROUP}/${resource}`,
      { name: object.metadata.name ?? '', namespace: object.metadata.namespace },
      object,
    );
  const authorizer = new Authorizer(store);
  assert.equal(authorizer.authorize({ user: SA, verb: 'get', path: '/apis/apps/v1' }).allowed, true);
  const review = { group: 'authorization.k8s.io', verb: 'create', resource: 'selfsubjectaccessreviews' };
  assert.equal(authorizer.authorize(get(review)).allowed, true);
  assert.equal(authorizer.authorize(get({ resource: 'secrets' })).allowed, false);
  const root = { name: 'root', groups: ['system:masters'] };
  assert.equal(authorizer.authorize({ ...get({ resource: 'secrets' }), user: root }).allowed, true);
});
