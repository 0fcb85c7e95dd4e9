import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AnyObject, CustomResourceDefinition } from '#api/kube';
import { Cel } from '#lab/cel';
import { compileVersion } from '#lab/crd';
import { customResourceDefinition, GATEWAY_ANNOTATIONS, GATEWAY_API_VERSION, GATEWAY_CRDS } from './index.ts';

const cel = new Cel();

const definitionOf = (kind: string): CustomResourceDefinition => {
  const source = GATEWAY_CRDS.find((each) => each.kind === kind) ?? assert.fail(kind);
  return customResourceDefinition(source, {}) as unknown as CustomResourceDefinition;
};

/** What is wrong with a spec, as an API server with our definitions says it. */
function faults(kind: string, version: string, spec: object): string[] {
  const compiled = compileVersion(definitionOf(kind), version, cel);
  const apiVersion = `gateway.networking.k8s.io/${version}`;
  const { object, unknownFields } = compiled.normalize({
    apiVersion,
    kind,
    metadata: { name: 'r' },
    spec,
  } as AnyObject);
  return [...unknownFields, ...compiled.validate(object).map(({ field, message }) => `${field}: ${message}`)];
}

test('the definitions are of the release whose suite the mesh is tested with', () => {
  const root = join(import.meta.dirname, '..', '..', '..', '..');
  const pinned = readFileSync(join(root, 'conformance', 'gateway-api', 'suite', 'go.mod'), 'utf8');
  assert.match(pinned, new RegExp(`sigs\\.k8s\\.io/gateway-api ${GATEWAY_API_VERSION}\n`));
  assert.equal(GATEWAY_ANNOTATIONS['gateway.networking.k8s.io/bundle-version'], GATEWAY_API_VERSION);
});

test('former versions are served beside v1, which is stored', () => {
  const versions = (kind: string) =>
    definitionOf(kind).spec.versions.map(
      ({ name, served, storage, deprecated }) =>
        `${name}${served ? '' : ' not served'}${storage ? ' stored' : ''}${deprecated ? ' deprecated' : ''}`,
    );
  assert.deepEqual(versions('HTTPRoute'), ['v1 stored', 'v1beta1']);
  assert.deepEqual(versions('GRPCRoute'), ['v1 stored']);
  assert.deepEqual(versions('TLSRoute'), ['v1 stored', 'v1alpha3 deprecated', 'v1alpha2 deprecated']);
  assert.deepEqual(versions('TCPRoute'), ['v1 stored', 'v1alpha2 deprecated']);
});

test('a redirect may have any of the five codes, and no other', () => {
  const redirect = (statusCode: number) => ({
    rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode } }] }],
  });
  for (const code of [301, 302, 303, 307, 308]) assert.deepEqual(faults('HTTPRoute', 'v1', redirect(code)), []);
  assert.match(faults('HTTPRoute', 'v1', redirect(304)).join(), /statusCode: Unsupported value: 304/);
});

test('a TLSRoute names its hosts from v1alpha3 on', () => {
  const rules = [{ backendRefs: [{ name: 'web', port: 443 }] }];
  assert.deepEqual(faults('TLSRoute', 'v1alpha2', { rules }), []);
  for (const version of ['v1', 'v1alpha3']) {
    assert.match(faults('TLSRoute', version, { rules }).join(), /spec\.hostnames: Required value/);
    assert.match(faults('TLSRoute', version, { rules, hostnames: ['10.0.0.1'] }).join(), /names, not addresses/);
    assert.deepEqual(faults('TLSRoute', version, { rules, hostnames: ['*.example.com'] }), []);
  }
});
