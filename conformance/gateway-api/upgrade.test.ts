/** The Gateway API's definitions are upgraded under a running control plane: versions go that it was watching. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installGatewayApiTools } from '../../tools/gateway-api-tools.mjs';
import { eventually, type Lab, requireProgram, startLab } from '../harness/index.ts';

const MINUTE_MS = 60_000;

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west', '--nodes', '1', '--mesh']);
  },
  { timeout: 4 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const SERVICE = '---\n{apiVersion: v1, kind: Service, metadata: {name: bytes}, spec: {ports: [{port: 443}]}}';
const route = (version: string, name: string, backend: string): string => `
apiVersion: gateway.networking.k8s.io/${version}
kind: TLSRoute
metadata: {name: ${name}}
spec:
  hostnames: [${name}.example.com]
  parentRefs: [{group: "", kind: Service, name: bytes, port: 443}]
  rules: [{backendRefs: [{name: ${backend}, port: 443}]}]
`;

/** What the policy service says of the references of a route, in words such as `True` or `BackendNotFound`. */
async function resolves(version: string, name: string, wanted: string): Promise<void> {
  const path = '{.status.parents[0].conditions[?(@.type=="ResolvedRefs")].reason}';
  let seen = '';
  await eventually(`${name} in ${version}: ${wanted}`, 20_000, async () => {
    seen = await lab.ok(`kubectl get tlsroutes.${version}.gateway.networking.k8s.io ${name} -o jsonpath='${path}'`);
    return seen === wanted ? true : undefined;
  }).catch((error: Error) => assert.fail(`${error.message}; seen: ${seen}`));
}

/** As a release before v1 had it. */
const ONLY_V1ALPHA2 = JSON.stringify(
  [0, 1].map((at) => ({ op: 'replace', path: `/spec/versions/${at}/served`, value: false })),
);

test('routes are followed from the version that goes to the one that comes', { timeout: 3 * MINUTE_MS }, async () => {
  const { crds } = installGatewayApiTools();
  await lab.ok(`kubectl patch crd tlsroutes.gateway.networking.k8s.io --type=json -p '${ONLY_V1ALPHA2}'`);
  const newest = await lab.sh('kubectl get tlsroutes.v1.gateway.networking.k8s.io');
  assert.notEqual(newest.code, 0, 'v1 is still served: nothing was tried');
  await lab.ok('kubectl apply -f -', { input: `${SERVICE}\n---${route('v1alpha2', 'old', 'bytes')}` });
  await resolves('v1alpha2', 'old', 'ResolvedRefs');
  await lab.ok(`kubectl apply --server-side --force-conflicts -f '${crds}'`);
  const gone = await lab.sh('kubectl get tlsroutes.v1alpha2.gateway.networking.k8s.io');
  assert.notEqual(gone.code, 0, 'the older version is still served: nothing was tried');
  await lab.ok('kubectl apply -f -', { input: route('v1', 'new', 'nowhere') });
  await resolves('v1', 'new', 'BackendNotFound');
  await lab.ok('kubectl apply -f -', { input: route('v1', 'old', 'nowhere') });
  await resolves('v1', 'old', 'BackendNotFound');
});
