/** The core of the Gateway API's conformance for meshes; `npm run conformance -- gateway-api` asks for all that is claimed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { installGatewayApiTools } from '../../tools/gateway-api-tools.mjs';
import { eventually, type Lab, requireProgram } from '../harness/index.ts';
import { CORE_TESTS } from './claims.ts';
import { startGatewayLab } from './lab.ts';
import { failureText, readTests, runSuite, type SuiteRun } from './run-suite.ts';

const MINUTE_MS = 60_000;
const LIMIT_MINUTES = 6;

let lab: Lab;
let run: SuiteRun;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    const tools = installGatewayApiTools();
    lab = await startGatewayLab(tools);
    run = await runSuite(lab, tools, { only: CORE_TESTS, limitMinutes: LIMIT_MINUTES });
  },
  { timeout: (LIMIT_MINUTES + 4) * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

describe('the Gateway API for meshes', () => {
  for (const name of CORE_TESTS)
    test(`passes ${name}`, () => assert.equal(run.tests.get(name)?.outcome, 'passed', failureText(run)));
});

const GRPC_HEADERS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: headers, namespace: gateway-conformance-mesh}
spec:
  parentRefs: [{group: "", kind: Service, name: echo, port: 7070}]
  rules:
  - matches: [{method: {service: proto.EchoTestService, method: Echo}}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier:
        set: [{name: X-Set, value: new}]
        add: [{name: X-Add, value: second}]
        remove: [X-Remove]
    backendRefs: [{name: echo-v2, port: 7070}]
`;

test('a GRPCRoute changes what its calls say', { timeout: MINUTE_MS }, async () => {
  await lab.ok('kubectl apply -f -', { input: GRPC_HEADERS });
  const call = "client grpc://echo:7070 -H 'X-Set: old' -H 'X-Add: first' -H 'X-Remove: gone' -H 'X-Kept: yes'";
  const seen = await eventually('the call leads where the route says', 15_000, async () => {
    const answer = await lab.ok(`kubectl -n gateway-conformance-mesh exec deploy/echo-v1 -c echo -- ${call}`);
    return /^Hostname=echo-v2-/m.test(answer) ? answer : undefined;
  });
  const headers = [...seen.matchAll(/^RequestHeader=(x-.*)$/gm)].map(([, header]) => header);
  assert.deepEqual(headers, ['x-add:first', 'x-add:second', 'x-kept:yes', 'x-set:new']);
  await lab.ok('kubectl delete -f -', { input: GRPC_HEADERS });
});

const ROUTES = ['TLSRoute', 'TCPRoute']
  .map(
    (kind) => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {name: bytes, namespace: gateway-conformance-mesh}
spec:
  parentRefs: [{group: "", kind: Service, name: echo-v1, port: ${kind === 'TLSRoute' ? 443 : 9090}}]
  ${kind === 'TLSRoute' ? 'hostnames: [echo.example.com]' : ''}
  rules: [{backendRefs: [{name: echo-v2, port: ${kind === 'TLSRoute' ? 443 : 9090}}]}]
`,
  )
  .join('---');

describe("the Gateway API's own definitions", () => {
  test('routes of every kind are judged in the versions that they serve', { timeout: MINUTE_MS }, async () => {
    await lab.ok('kubectl apply -f -', { input: ROUTES });
    const columns = '{.status.parents[*].conditions[*].type}={.status.parents[*].conditions[*].status}';
    for (const kind of ['tlsroute', 'tcproute'])
      await eventually(`${kind} is accepted`, 15_000, async () => {
        const told = await lab.ok(
          `kubectl -n gateway-conformance-mesh get ${kind}.v1.gateway.networking.k8s.io bytes -o jsonpath='${columns}'`,
        );
        return told === 'Accepted ResolvedRefs=True True' ? true : undefined;
      });
    const ask = 'exec 3<>/dev/tcp/echo-v1/9090; echo hello >&3; head -1 <&3';
    const answer = await lab.ok(
      `kubectl -n gateway-conformance-mesh exec deploy/echo-v1 -c echo -- timeout 10 bash -c '${ask}'`,
    );
    assert.match(answer, /^Hostname=echo-v2-/);
  });

  test('their admission policy keeps older and experimental ones away', { timeout: MINUTE_MS }, async () => {
    const mark = (key: string, value: string) =>
      lab.sh(
        `kubectl annotate --overwrite crd httproutes.gateway.networking.k8s.io gateway.networking.k8s.io/${key}=${value}`,
      );
    const older = await mark('bundle-version', 'v1.2.1');
    assert.equal(older.code, 1);
    assert.match(older.stderr, /Installing CRDs with version before v1\.5\.0 is prohibited/);
    const experimental = await mark('channel', 'experimental');
    assert.equal(experimental.code, 1);
    assert.match(experimental.stderr, /Installing experimental CRDs on top of standard channel CRDs is prohibited/);
  });
});

test('tests are read from what is printed, those of the suite and not their cases', () => {
  const printed = [
    'asks: MeshBasic [Mesh]',
    'asks: MeshPorts [Mesh HTTPRoute]',
    'asks: MeshFrontend [Mesh HTTPRoute]',
    'asks: MeshTrafficSplit [Mesh]',
    '--- FAIL: TestMesh (3.00s)',
    '    --- PASS: TestMesh/MeshBasic (1.25s)',
    '        --- PASS: TestMesh/MeshBasic/one_case (1.25s)',
    '    --- FAIL: TestMesh/MeshPorts (1.50s)',
    '    --- SKIP: TestMesh/MeshFrontend (0.00s)',
  ].join('\n');
  assert.deepEqual(
    [...readTests(printed)],
    [
      ['MeshBasic', { outcome: 'passed', features: ['Mesh'] }],
      ['MeshPorts', { outcome: 'failed', features: ['Mesh', 'HTTPRoute'] }],
      ['MeshFrontend', { outcome: 'skipped', features: ['Mesh', 'HTTPRoute'] }],
      ['MeshTrafficSplit', { outcome: 'failed', features: ['Mesh'] }],
    ],
  );
});
