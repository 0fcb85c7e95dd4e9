/** Our definitions of the Gateway API's routes admit and refuse what those of its release do (experimental channel). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { AnyObject, CustomResourceDefinition } from '#api/kube';
import { customResourceDefinition, GATEWAY_CRDS } from '#cli/manifests';
import { Cel } from '#lab/cel';
import { compileVersion } from '#lab/crd';
import { installGatewayApiTools } from '../../tools/gateway-api-tools.mjs';

const GROUP = 'gateway.networking.k8s.io';
const KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute'] as const;
type RouteKind = (typeof KINDS)[number];

const cel = new Cel();
const ours = new Map<string, CustomResourceDefinition>();
const published = new Map<string, CustomResourceDefinition>();
before(() => {
  const { experimentalCrds: crds } = installGatewayApiTools();
  for (const source of GATEWAY_CRDS) {
    ours.set(source.kind, customResourceDefinition(source, {}) as unknown as CustomResourceDefinition);
    const file = join(crds, `${GROUP}_${source.plural}.yaml`);
    published.set(source.kind, parse(readFileSync(file, 'utf8')) as CustomResourceDefinition);
  }
});

/** What an API server says against a spec of version v1. */
function faults(crd: CustomResourceDefinition | undefined, kind: RouteKind, spec: object): string[] {
  assert.ok(crd);
  const compiled = compileVersion(crd, 'v1', cel);
  const { object, unknownFields } = compiled.normalize({
    apiVersion: `${GROUP}/v1`,
    kind,
    metadata: { name: 'r', namespace: 'shop' },
    spec,
  } as AnyObject);
  return [
    ...unknownFields.map((field) => `${field}: unknown`),
    ...compiled.validate(object).map(({ field, message }) => `${field}: ${message}`),
  ];
}

const many = <T>(count: number, item: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => item(at));
const web = (more: object = {}) => ({ name: 'web', port: 80, ...more });
const http = (rule: object) => ({ rules: [rule] });
const path = (value: string, type = 'PathPrefix') => http({ matches: [{ path: { type, value } }] });
const filters = (...list: object[]) => http({ filters: list });
const redirect = (requestRedirect: object) => ({ type: 'RequestRedirect', requestRedirect });
const rewrite = (urlRewrite: object) => ({ type: 'URLRewrite', urlRewrite });
const prefix = { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } };
const mirror = (more: object) => ({ type: 'RequestMirror', requestMirror: { backendRef: web(), ...more } });
const setHeader = (value: string) => ({
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { set: [{ name: 'x-a', value }] },
});
const cors = (fields: object) => ({ type: 'CORS', cors: fields });
const parents = (...refs: object[]) => ({
  parentRefs: refs.map((ref) => ({ kind: 'Service', group: '', name: 'web', ...ref })),
});
const call = (method: object) => http({ matches: [{ method }] });
const bytes = (more: object = {}) => ({ rules: [{ backendRefs: [web()] }], ...more });
const named = (...hostnames: string[]) => bytes({ hostnames });

/** Kind, spec, and whether it is admitted. */
const CASES: readonly [what: string, kind: RouteKind, spec: object, admitted: boolean][] = [
  ['nothing at all', 'HTTPRoute', {}, true],
  ['no rules', 'HTTPRoute', { rules: [] }, false],
  ['17 rules', 'HTTPRoute', { rules: many(17, () => ({})) }, false],
  ['128 matches', 'HTTPRoute', { rules: many(2, () => ({ matches: many(64, () => ({})) })) }, true],
  ['129 matches', 'HTTPRoute', { rules: [...many(2, () => ({ matches: many(64, () => ({})) })), {}] }, false],
  ['rules of different names', 'HTTPRoute', { rules: [{ name: 'a' }, { name: 'b.c' }, {}] }, true],
  ['rules of one name', 'HTTPRoute', { rules: [{ name: 'a' }, { name: 'a' }] }, false],
  ['a rule with a name that is none', 'HTTPRoute', http({ name: 'a..b' }), false],
  ['one parent twice by port', 'HTTPRoute', parents({ port: 80 }, { port: 81 }), true],
  ['one parent twice', 'HTTPRoute', parents({}, {}), false],
  ['one parent on all ports and on one', 'HTTPRoute', parents({}, { port: 80 }), false],
  ['parents of two namespaces', 'HTTPRoute', parents({}, { namespace: 'other' }), true],
  ['a hostname with a wildcard inside', 'HTTPRoute', { hostnames: ['a.*.com'] }, false],
  ['17 hostnames', 'HTTPRoute', { hostnames: many(17, (at) => `h${at}.com`) }, false],
  ['a relative path', 'HTTPRoute', path('x'), false],
  ['a path with //', 'HTTPRoute', path('/a//b'), false],
  ['a path with /../', 'HTTPRoute', path('/a/../b'), false],
  ['a path that ends with /.', 'HTTPRoute', path('/a/.'), false],
  ['a path with an encoded slash', 'HTTPRoute', path('/a%2Fb'), false],
  ['a path with a blank', 'HTTPRoute', path('/a b'), false],
  ['a path with encoded bytes', 'HTTPRoute', path('/a%20b', 'Exact'), true],
  ['a pattern with anything', 'HTTPRoute', path('^/a//[ #]', 'RegularExpression'), true],
  ['a header with text', 'HTTPRoute', filters(setHeader('a b')), true],
  ['a header that ends with a blank', 'HTTPRoute', filters(setHeader('a ')), false],
  ['two filters of headers', 'HTTPRoute', filters(setHeader('a'), setHeader('b')), false],
  ['two mirrors', 'HTTPRoute', filters(mirror({}), mirror({})), true],
  ['a mirror of half', 'HTTPRoute', filters(mirror({ fraction: { numerator: 1, denominator: 2 } })), true],
  ['a mirror of more than all', 'HTTPRoute', filters(mirror({ fraction: { numerator: 3, denominator: 2 } })), false],
  ['a mirror of two shares', 'HTTPRoute', filters(mirror({ percent: 1, fraction: { numerator: 1 } })), false],
  ['a mirror to a Service without port', 'HTTPRoute', filters(mirror({ backendRef: { name: 'web' } })), false],
  ...[301, 302, 303, 307, 308, 300, 304].map((statusCode): [string, RouteKind, object, boolean] => [
    `a redirect with ${statusCode}`,
    'HTTPRoute',
    filters(redirect({ statusCode })),
    statusCode !== 300 && statusCode !== 304,
  ]),
  ['a redirect to a wildcard', 'HTTPRoute', filters(redirect({ hostname: '*.example.com' })), false],
  ['a redirect beside backends', 'HTTPRoute', http({ filters: [redirect({})], backendRefs: [web()] }), false],
  ['a redirect and a rewrite', 'HTTPRoute', filters(redirect({}), rewrite({ hostname: 'a.b' })), false],
  ['a rewrite of a prefix', 'HTTPRoute', filters(rewrite(prefix)), true],
  [
    'a rewrite of which prefix?',
    'HTTPRoute',
    http({ matches: [{ path: { type: 'Exact', value: '/a' } }], filters: [rewrite(prefix)] }),
    false,
  ],
  [
    'a rewrite of which of two prefixes?',
    'HTTPRoute',
    http({ matches: [{}, {}], backendRefs: [web({ filters: [rewrite(prefix)] })] }),
    false,
  ],
  ['a modifier without its path', 'HTTPRoute', filters(rewrite({ path: { type: 'ReplaceFullPath' } })), false],
  ['a filter without its field', 'HTTPRoute', filters({ type: 'URLRewrite' }), false],
  ['a filter that nobody knows', 'HTTPRoute', filters({ type: 'Other' }), false],
  ['cross-origin requests', 'HTTPRoute', filters(cors({ allowOrigins: ['https://*.a.com:8443'] })), true],
  ['all origins and one', 'HTTPRoute', filters(cors({ allowOrigins: ['*', 'https://a.com'] })), false],
  ['an origin without scheme', 'HTTPRoute', filters(cors({ allowOrigins: ['a.com'] })), false],
  ['time-outs', 'HTTPRoute', http({ timeouts: { request: '1s', backendRequest: '500ms' } }), true],
  ['an attempt longer than all', 'HTTPRoute', http({ timeouts: { request: '1s', backendRequest: '2s' } }), false],
  ['a time-out that is none', 'HTTPRoute', http({ timeouts: { request: '1.5s' } }), false],
  ['a Service without port', 'HTTPRoute', http({ backendRefs: [{ name: 'web' }] }), false],
  ['a call by service', 'GRPCRoute', call({ service: 'shop.v1.Cart' }), true],
  ['a call by nothing', 'GRPCRoute', call({}), false],
  ['a call of a service that is none', 'GRPCRoute', call({ service: 'shop/Cart' }), false],
  ['a call of a method that is none', 'GRPCRoute', call({ method: 'Get-It' }), false],
  ['a call by a pattern', 'GRPCRoute', call({ type: 'RegularExpression', method: 'Get-.*' }), true],
  ['no rules of calls', 'GRPCRoute', { rules: [] }, true],
  ['a redirect of calls', 'GRPCRoute', filters(redirect({})), false],
  ['two filters of calls', 'GRPCRoute', filters(setHeader('a'), setHeader('b')), false],
  ['connections by name', 'TLSRoute', named('a.example.com', '*.example.org'), true],
  ['connections by no name', 'TLSRoute', bytes(), false],
  ['connections by address', 'TLSRoute', named('10.0.0.1'), false],
  ['connections to nowhere', 'TLSRoute', { hostnames: ['a.b'], rules: [{}] }, false],
  ['connections', 'TCPRoute', bytes(), true],
  ['connections by two rules', 'TCPRoute', { rules: many(2, () => ({ backendRefs: [web()] })) }, false],
  ['connections without rules', 'TCPRoute', { rules: [] }, false],
];

describe('definitions of the Gateway API, ours and the published ones', () => {
  for (const [what, kind, spec, admitted] of CASES)
    test(`${kind} with ${what} is ${admitted ? 'admitted' : 'refused'}`, () => {
      const [own, theirs] = [ours, published].map((definitions) => faults(definitions.get(kind), kind, spec));
      const told = JSON.stringify({ own, theirs });
      assert.equal(theirs?.length === 0, admitted, `the published one: ${told}`);
      assert.equal(own?.length === 0, admitted, `ours: ${told}`);
    });

  test('they have the same versions and fields', () => {
    for (const kind of KINDS) {
      const [own, theirs] = [ours, published].map((definitions) => {
        const { versions } = definitions.get(kind)!.spec;
        return versions
          .flatMap(({ name, served, storage, schema }) => [
            `${name}${served ? ' served' : ''}${storage ? ' stored' : ''}`,
            ...fieldsOf(schema?.openAPIV3Schema as Schema, name),
          ])
          .sort();
      });
      assert.deepEqual(own, theirs, kind);
    }
  });
});

interface Schema {
  properties?: Readonly<Record<string, Schema>>;
  items?: Schema;
}

const fieldsOf = ({ properties = {}, items }: Schema, at: string): string[] => [
  ...Object.entries(properties).flatMap(([name, inner]) => [`${at}.${name}`, ...fieldsOf(inner, `${at}.${name}`)]),
  ...(items ? fieldsOf(items, `${at}[]`) : []),
];
