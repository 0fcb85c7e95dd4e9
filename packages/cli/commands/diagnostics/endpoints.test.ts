import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointRow, tables } from './endpoints.ts';

const row = (namespace: string, pod: string, ip: string, cluster?: string): EndpointRow => ({
  namespace,
  ip,
  port: 8080,
  pod,
  service: `web.${namespace}`,
  cluster,
  priority: cluster ? 1 : 0,
  weight: 10_000,
  labels: {},
});

test('each namespace has a table, all of the same shape', () => {
  assert.equal(
    tables([row('a', 'web-1', '10.0.0.1'), row('longer-namespace', 'web-long-name', '10.0.0.22')]),
    `NAMESPACE          IP         PORT   POD             SERVICE
a                  10.0.0.1   8080   web-1           web.a

NAMESPACE          IP          PORT   POD             SERVICE
longer-namespace   10.0.0.22   8080   web-long-name   web.longer-namespace
`,
  );
});

test('on request columns say which cluster an endpoint is in, its level and its weight', () => {
  assert.equal(
    tables([row('a', 'web-1', '10.0.0.1'), row('a', 'web-2', '10.1.0.1', 'east')], true),
    `NAMESPACE   IP         PORT   POD     SERVICE   CLUSTER   LEVEL   WEIGHT
a           10.0.0.1   8080   web-1   web.a     local     0       1
a           10.1.0.1   8080   web-2   web.a     east      1       1
`,
  );
});
