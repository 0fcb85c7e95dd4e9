import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { reviewProfile } from './index.ts';

function review(spec: unknown, name = 'web.shop.svc.cluster.local', more: object = {}): string {
  const answer = reviewProfile({
    uid: 'u',
    kind: { group: 'linkerd.io', version: 'v1alpha2', kind: 'ServiceProfile' },
    resource: { group: 'linkerd.io', version: 'v1alpha2', resource: 'serviceprofiles' },
    operation: 'CREATE',
    object: {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name },
      spec,
      ...more,
    } as AnyObject,
  });
  return answer.allowed ? 'allowed' : answer.message;
}
const route = (fields: object) => ({ routes: [{ name: 'r', condition: { method: 'GET' }, ...fields }] });

test('allows profiles that proxies can follow', () => {
  const full = {
    routes: [
      {
        name: 'GET /a',
        condition: { all: [{ method: 'GET' }, { any: [{ pathRegex: '/a' }, { not: { pathRegex: '/b' } }] }] },
        responseClasses: [{ condition: { status: { min: 500, max: 599 } }, isFailure: true }],
        isRetryable: true,
        timeout: '1m30s',
      },
    ],
    retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: '10s' },
    dstOverrides: [{ authority: 'a.b.svc.cluster.local', weight: '500m' }],
  };
  for (const spec of [full, {}, { routes: [] }]) assert.equal(review(spec), 'allowed');
});

test('allows the regular expressions of proxies that read another dialect', () => {
  for (const pathRegex of [
    '(?i)/a',
    '/(?P<id>[0-9]+)',
    '/(?i:a)b',
    '/a\\-b',
    '/[^/]*\\.json',
    '/\\p{Greek}',
    '/[[:alpha:]]+',
  ])
    assert.equal(review(route({ condition: { pathRegex } })), 'allowed', pathRegex);
});

test('refuses the rest, and says where and what was expected', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /spec: is missing/],
    [{ route: [] }, /spec\.route: unknown field; known are routes/],
    [{ routes: {} }, /spec\.routes: expected a list/],
    [{ routes: [{ condition: { method: 'GET' } }] }, /routes\[0\]\.name: is missing/],
    [{ routes: [{ name: 'r' }] }, /routes\[0\]\.condition: is missing/],
    [route({ condition: {} }), /condition: a condition must set a field/],
    [route({ condition: { all: [{}] } }), /condition\.all\[0\]: a condition must set a field/],
    [route({ condition: { not: [] } }), /condition\.not: expected an object/],
    [route({ condition: { path: '/' } }), /condition\.path: unknown field/],
    [route({ condition: { pathRegex: '/(' } }), /condition\.pathRegex: "\/\(" is no regular expression/],
    [route({ condition: { all: [{ pathRegex: '*' }] } }), /all\[0\]\.pathRegex: "\*" is no regular expression/],
    [route({ timeout: '10' }), /timeout: expected a duration such as 300ms or 1m30s, got "10"/],
    [route({ isRetryable: 'yes' }), /isRetryable: expected true or false/],
    [route({ responseClasses: [{}] }), /responseClasses\[0\]\.condition: is missing/],
    [
      route({ responseClasses: [{ condition: { status: { min: 99 } } }] }),
      /status\.min: expected a status from 100 to 599/,
    ],
    [
      route({ responseClasses: [{ condition: { status: { min: 500, max: 400 } } }] }),
      /max \(400\) is below min \(500\)/,
    ],
    [{ retryBudget: { retryRatio: -1, ttl: '1s' } }, /retryRatio: expected a number of at least 0/],
    [{ retryBudget: { retryRatio: 1 } }, /retryBudget\.ttl: is missing/],
    [{ retryBudget: { ttl: 'soon' } }, /retryBudget\.ttl: expected a duration/],
    [{ opaquePorts: ['25'] }, /annotate the Service/],
  ];
  for (const [spec, message] of cases) assert.match(review(spec), message, JSON.stringify(spec));
  assert.match(review({}, 'Web'), /metadata\.name: expected a DNS name/);
  assert.match(review({}, 'web.x', { sepc: {} }), /sepc: unknown field/);
  let deep: object = { method: 'GET' };
  for (let i = 0; i < 200; i += 1) deep = { not: deep };
  assert.match(review(route({ condition: deep })), /nested deeper than 100/);
});
