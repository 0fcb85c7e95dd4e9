/** Helm 3 against a fake-nodes cluster: releases with hooks, waits, three-way merges, failures that are taken back, tests. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { helmPath } from '../../tools/clients.mjs';
import { type Result, run } from '../harness/index.ts';
import { type FakeNodesCluster, OUTCOME_LABEL, STUCK_LABEL, startFakeNodesCluster } from '../kubernetes/cluster.ts';

const CHART: Readonly<Record<string, string>> = {
  'Chart.yaml': `apiVersion: v2
name: shop
version: 1.2.3
appVersion: "9"
kubeVersion: ">=1.28.0"
`,
  'values.yaml': `replicas: 1
image: one:1
stuck: false
`,
  'crds/baskets.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: baskets.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: baskets, singular: basket, kind: Basket}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`,
  'templates/app.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}{{ if .Values.stuck }}, ${STUCK_LABEL}: "yes"{{ end }}}}
    spec: {containers: [{name: main, image: "{{ .Values.image }}", env: [{name: A, value: "1"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-facts}
data:
  kube: {{ .Capabilities.KubeVersion.Version }}
  deployments: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  found: {{ (lookup "v1" "Namespace" "" "default").metadata.name }}
  revision: {{ .Release.Revision | quote }}
---
apiVersion: shop.example.com/v1
kind: Basket
metadata: {name: {{ .Release.Name }}}
spec: {size: {{ .Values.replicas }}}
`,
  'templates/hooks.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-before
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {${OUTCOME_LABEL}: {{ .Values.before | default "Succeeded" }}}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "one:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-gone
  annotations: {helm.sh/hook: post-delete}
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  labels: {${OUTCOME_LABEL}: Succeeded}
  annotations: {helm.sh/hook: test}
spec: {restartPolicy: Never, containers: [{name: main, image: "one:1"}]}
`,
};

let cluster: FakeNodesCluster;
let folder: string;
let program: string;

before(async () => {
  program = helmPath();
  cluster = await startFakeNodesCluster();
  folder = mkdtempSync(join(tmpdir(), 'weft-helm-'));
  for (const [name, text] of Object.entries(CHART)) {
    const path = join(folder, 'shop', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
});
after(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(cluster.failures, []);
});

const k = (command: string, input?: string): Promise<string> => cluster.kubectl(command, input);

function tryHelm(command: string): Promise<Result> {
  const env = {
    KUBECONFIG: cluster.kubeconfig,
    HOME: folder,
    HELM_CACHE_HOME: join(folder, 'cache'),
    HELM_CONFIG_HOME: join(folder, 'config'),
    HELM_DATA_HOME: join(folder, 'data'),
  };
  return run('bash', ['-c', `cd '${folder}' && '${program}' ${command}`], { env });
}

async function helm(command: string): Promise<string> {
  const { code, stdout, stderr } = await tryHelm(command);
  if (code !== 0) throw new Error(`helm ${command}\nexited ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

const history = async (): Promise<string[]> => {
  const rows = JSON.parse(await helm('history shop -o json')) as { revision: number; status: string }[];
  return rows.map(({ revision, status }) => `${revision} ${status}`);
};

test('a release is installed behind its hooks, waits until it is ready, and is kept in a secret', async () => {
  const out = JSON.parse(await helm('install shop ./shop --wait --timeout 60s -o json')) as {
    info: { status: string };
  };
  assert.equal(out.info.status, 'deployed');
  assert.equal(await k(`get deployment shop -o 'jsonpath={.status.availableReplicas}'`), '1');
  assert.equal(await k(`get job shop-before -o 'jsonpath={.status.succeeded}'`), '1');
  assert.equal(await k(`get basket shop -o 'jsonpath={.spec.size}'`), '1');
  const facts = JSON.parse(await k(`get configmap shop-facts -o 'jsonpath={.data}'`)) as Record<string, string>;
  assert.match(facts['kube'] ?? '', /^v1\./);
  assert.deepEqual([facts['deployments'], facts['found'], facts['revision']], ['true', 'default', '1']);
  const secrets = await k(
    `get secrets -l owner=helm,name=shop,status=deployed -o 'jsonpath={.items[*].type} {.items[*].metadata.name}'`,
  );
  assert.equal(secrets, 'helm.sh/release.v1 sh.helm.release.v1.shop.v1');
  assert.match(await helm('list'), /^shop\s+default\s+1\s.*deployed\s+shop-1\.2\.3\s+9/m);
  assert.match(await helm('status shop --show-resources'), /deployment/i);
});

test('an upgrade changes what the chart changed and keeps what others added', async () => {
  await k('annotate deployment shop kept=yes');
  await k('set env deployment/shop B=2');
  await helm('upgrade shop ./shop --set replicas=2,image=one:2 --wait --timeout 60s');
  const deployment = JSON.parse(await k('get deployment shop -o json'));
  const [container] = deployment.spec.template.spec.containers;
  assert.equal(deployment.metadata.annotations.kept, 'yes');
  assert.equal(deployment.spec.replicas, 2);
  assert.equal(container.image, 'one:2');
  assert.deepEqual(container.env.map(({ name }: { name: string }) => name).sort(), ['A', 'B']);
  assert.equal(await k(`get basket shop -o 'jsonpath={.spec.size}'`), '2');
  assert.deepEqual(await history(), ['1 superseded', '2 deployed']);
});

test('an upgrade that does not become ready fails, and is taken back where that was asked', async () => {
  const stuck = await tryHelm(
    'upgrade shop ./shop --reuse-values --set stuck=true,image=one:3 --wait --timeout 3s --atomic',
  );
  assert.notEqual(stuck.code, 0);
  assert.match(stuck.stderr, /rolled back due to atomic being set/);
  assert.deepEqual(await history(), ['1 superseded', '2 superseded', '3 failed', '4 deployed']);
  await k('rollout status deployment/shop --timeout=20s');
  assert.equal(await k(`get deployment shop -o 'jsonpath={.spec.template.spec.containers[0].image}'`), 'one:2');
});

test('a hook that fails stops an upgrade before anything was changed', async () => {
  const failed = await tryHelm('upgrade shop ./shop --reuse-values --set before=Failed,replicas=7 --timeout 20s');
  assert.match(failed.stderr, /pre-upgrade hooks failed: [\s\S]*job shop-before failed: BackoffLimitExceeded/);
  assert.equal(await k(`get deployment shop -o 'jsonpath={.spec.replicas}'`), '2');
});

test('a rollback brings an old revision back', async () => {
  await helm('rollback shop 1 --wait --timeout 60s');
  assert.equal(
    await k(`get deployment shop -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}'`),
    '1 one:1',
  );
  assert.equal((await history()).at(-1), '6 deployed');
});

test("a release's test pod is run to its end", async () => {
  assert.match(await helm('test shop --timeout 20s'), /Phase:\s+Succeeded/);
});

test('what somebody else owns is not taken over', async () => {
  await k('create service clusterip mine --tcp=80');
  const refused = await tryHelm('install mine ./shop --skip-crds');
  assert.match(refused.stderr, /Service "mine" in namespace "default" exists and cannot be imported/);
});

test('a chart is rendered and judged by the server without being installed', async () => {
  assert.match(await helm('install other ./shop --dry-run=server --skip-crds'), /found: default/);
  assert.equal(await k('get deployment other -o name --ignore-not-found'), '');
});

test('an installation that the server refuses leaves nothing where that was asked', async () => {
  const refused = await tryHelm(`install other ./shop --atomic --skip-crds --set-json 'replicas="many"'`);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /cannot be handled as a Deployment.*spec\.replicas/);
  const left = await k('get configmap,deployment,service,secret,basket -o name | grep other');
  assert.equal(left, 'configmap/other-gone\n', 'but for what its last hook made');
});

test('a release is uninstalled with all that it made, and its last hook runs', async () => {
  await helm('uninstall shop --wait --timeout 60s');
  assert.equal(await k('get deployment,service,basket -l app=shop -o name --ignore-not-found'), '');
  assert.equal(await k('get deployment shop -o name --ignore-not-found'), '');
  await cluster.waitFor('get pods -l app=shop -o name', '');
  assert.equal((await k('get configmap shop-gone -o name')).trim(), 'configmap/shop-gone');
  assert.equal(await k('get secrets -l owner=helm,name=shop -o name'), '');
});
