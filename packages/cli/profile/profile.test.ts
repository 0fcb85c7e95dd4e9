import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { profileFromOpenApi, profileFromProto, profileTemplate } from './index.ts';
import type { ProfileRoute } from './profile.ts';

const NAME = { service: 'web', namespace: 'shop', clusterDomain: 'cluster.local' };
const routesOf = (profile: object) => (profile as { spec: { routes: ProfileRoute[] } }).spec.routes;

test('an OpenAPI document gives a route for each method of each path, paths in order', () => {
  const profile = profileFromOpenApi(
    `
swagger: "2.0"
basePath: /api/
paths:
  /users/{id}/posts.json:
    post: {x-linkerd-retryable: true, x-linkerd-timeout: 60s}
    get:
      responses: {"503": {}, "200": {}, default: {}}
  /about: {get: {}}
`,
    NAME,
  );
  assert.deepEqual(profile, {
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: { name: 'web.shop.svc.cluster.local', namespace: 'shop' },
    spec: {
      routes: [
        { name: 'GET /api/about', condition: { method: 'GET', pathRegex: '/api/about' } },
        {
          name: 'GET /api/users/{id}/posts.json',
          condition: { method: 'GET', pathRegex: '/api/users/[^/]*/posts\\.json' },
          responseClasses: [
            { condition: { status: { min: 200, max: 200 } } },
            { condition: { status: { min: 503, max: 503 } }, isFailure: true },
          ],
        },
        {
          name: 'POST /api/users/{id}/posts.json',
          condition: { method: 'POST', pathRegex: '/api/users/[^/]*/posts\\.json' },
          isRetryable: true,
          timeout: '60s',
        },
      ],
    },
  });
});

test('OpenAPI 3 has its base path from the first server, and JSON is YAML', () => {
  const document = { openapi: '3.0.0', servers: [{ url: 'https://example.com/v2' }], paths: { '/a': { put: {} } } };
  assert.equal(routesOf(profileFromOpenApi(JSON.stringify(document), NAME))[0]?.name, 'PUT /v2/a');
  assert.throws(() => profileFromOpenApi('just text', NAME), /expected a document with "swagger" or "openapi"/);
  assert.throws(() => profileFromOpenApi('a: [', NAME), /^Error: Error parsing OpenAPI spec/);
});

test('a protobuf file gives a route for each method', () => {
  const text = `
syntax = "proto3"; // service Commented { rpc Out (A) returns (B); }
package a.b;
/* rpc Hidden (A) returns (B); */
import "x{.proto";
message A { message Inner { string service = 1; } }
service Votes {
  option deprecated = false;
  rpc Add (A) returns (stream B);
  rpc Get (A) returns (B) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Set (A) returns (B) { option (idempotency_level) = IDEMPOTENT; }
  rpc Odd (A) returns (B) { option idempotency_level = IDEMPOTENCY_UNKNOWN; }
}
service Other { rpc One (A) returns (B) {} }
`;
  assert.deepEqual(
    routesOf(profileFromProto(text, NAME)).map(({ name, condition, isRetryable }) => [
      name,
      condition.method,
      condition.pathRegex,
      isRetryable ?? false,
    ]),
    [
      ['Add', 'POST', '/a\\.b\\.Votes/Add', false],
      ['Get', 'POST', '/a\\.b\\.Votes/Get', true],
      ['Set', 'POST', '/a\\.b\\.Votes/Set', true],
      ['Odd', 'POST', '/a\\.b\\.Votes/Odd', false],
      ['One', 'POST', '/a\\.b\\.Other/One', false],
    ],
  );
  assert.throws(() => profileFromProto('service A { rpc', NAME), /a brace is not closed/);
});

test('the template is a profile', () => {
  const profile = parse(profileTemplate(NAME)) as { metadata: { name: string } };
  assert.equal(profile.metadata.name, 'web.shop.svc.cluster.local');
  assert.equal(routesOf(profile)[0]?.condition.pathRegex, '/authors/\\d+');
});
