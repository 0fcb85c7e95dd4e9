import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type AnyObject,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  NAMESPACES,
  NODES,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeIo, fakeContext } from '../io.fake.ts';
import type { Category, CategoryResult } from './check.ts';
import { cniCategory } from './cni.ts';
import { configCategory } from './config.ts';
import { dataPlaneCategory } from './data-plane.ts';
import { runCategories } from './engine.ts';
import { alwaysChecking, programsOn, runExtensionChecks } from './extension-run.ts';
import { resultsJson } from './print.ts';
import { CheckSubject } from './subject.ts';
import { behind, versionCategory } from './versions.ts';

const SHOP = { 'linkerd.io/inject': 'enabled', 'config.linkerd.io/proxy-uuid': '1' };
const MESHED = { app: 'web', 'linkerd.io/control-plane-ns': 'linkerd' };

function podOf(name: string, annotations: Record<string, string>, labels: Record<string, string> = {}): AnyObject {
  return {
    metadata: { name, namespace: 'shop', labels: { ...MESHED, ...labels }, annotations },
    spec: {
      containers: [{ name: 'app', ports: [{ name: 'sql', containerPort: 3306 }] }],
      initContainers: [{ name: 'linkerd-proxy', image: 'cr.l5d.io/linkerd/proxy:v1' }],
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'app', ready: true }],
      initContainerStatuses: [{ name: 'linkerd-proxy', ready: true }],
    },
  } as unknown as AnyObject;
}

const serviceOf = (name: string, annotations: Record<string, string>, ports: object[], labels = {}): AnyObject =>
  ({
    metadata: { name, namespace: 'shop', annotations, labels },
    spec: { selector: { app: 'web' }, ports },
  }) as unknown as AnyObject;

async function run(client: FakeKubeClient, categories: (subject: CheckSubject) => Category[]) {
  const subject = new CheckSubject(fakeContext(client, new FakeIo()));
  return runCategories(categories(subject), { deadlineMs: 0 });
}
const errorOf = (results: readonly CategoryResult[], description: string) => {
  const found = results.flatMap((each) => each.results).find((each) => each.description === description);
  assert.ok(found, `there is a line "${description}"`);
  return found.error ?? '';
};

test('what is annotated in vain, as a label, or on one side only, is found', async () => {
  const client = new FakeKubeClient();
  client.seed(NAMESPACES, { metadata: { name: 'shop', annotations: SHOP } });
  const opaque = { 'config.linkerd.io/opaque-ports': 'sql', 'config.linkerd.io/proxy-cpu-request': 'much' };
  client.seed(
    PODS,
    podOf('web-1', opaque),
    podOf('web-2', opaque, { 'config.linkerd.io/skip-inbound-ports': '22' }),
    podOf('web-3', opaque),
    podOf('web-4', opaque),
  );
  client.seed(
    SERVICES,
    serviceOf('db', {}, [{ port: 3306, targetPort: 'sql' }]),
    serviceOf('agreed', { 'config.linkerd.io/opaque-ports': '33' }, [{ port: 33, targetPort: 3306 }]),
    serviceOf('odd', { 'config.linkerd.io/opaque-ports': '80' }, [{ port: 80 }], { 'linkerd.io/inject': 'enabled' }),
    serviceOf('export', { 'mirror.linkerd.io/exported': 'true', 'balancer.weft.dev/zone-weights': '?' }, []),
  );
  const results = await run(client, (subject) => [dataPlaneCategory(subject, { cliVersion: 'v1' })]);
  assert.deepEqual(
    results.flatMap((each) => each.results).filter(({ result }) => result === 'error'),
    [],
  );
  assert.equal(
    errorOf(results, 'data plane pod labels are configured correctly'),
    'Some labels on data plane pods should be annotations:\n* shop/web-2: config.linkerd.io/skip-inbound-ports must be an annotation',
  );
  assert.match(
    errorOf(results, 'data plane service labels are configured correctly'),
    /shop\/odd: linkerd\.io\/inject must be an annotation/,
  );
  assert.match(
    errorOf(results, 'data plane service annotations are configured correctly'),
    /shop\/export: mirror\.linkerd\.io\/exported must be a label/,
  );
  assert.equal(
    errorOf(results, 'opaque ports are properly annotated'),
    'Opaque ports that only one side knows:\n' +
      '* pods of service shop/db say port 3306 is opaque; the service does not say so of port 3306\n' +
      '* service shop/odd says port 80 is opaque; its pods do not say so of port 80',
  );
  assert.equal(
    errorOf(results, 'data plane annotations are understood'),
    'Some annotations have no effect:\n' +
      '* config.linkerd.io/proxy-uuid: not known; did you mean config.linkerd.io/proxy-uid?; ignored (namespace shop)\n' +
      '* balancer.weft.dev/zone-weights: expected zones with numbers, such as a=1,b=0.5, got "?"; ignored (service shop/export)\n' +
      '* config.linkerd.io/proxy-cpu-request: expected a quantity such as 100m or 64Mi, got "much"; ignored (pod shop/web-1, pod shop/web-2, pod shop/web-3 and 1 more)',
  );
  assert.equal(errorOf(results, 'data plane and cli versions match'), '');
});

test('versions are compared with the release that is expected, and only then', async () => {
  const client = new FakeKubeClient();
  client.seed(PODS, podOf('web-1', {}));
  const versions = { cliVersion: 'v2', latestVersion: 'v3' };
  const results = await run(client, (subject) => [versionCategory(versions), dataPlaneCategory(subject, versions)]);
  assert.equal(errorOf(results, 'cli is up-to-date'), 'is running version v2 but the latest version is v3');
  assert.match(errorOf(results, 'data plane is up-to-date'), /version v3:\n\* shop\/web-1 \(v1\)/);
  assert.match(errorOf(results, 'data plane and cli versions match'), /version v2:\n\* shop\/web-1 \(v1\)/);
  assert.deepEqual((await run(client, () => [versionCategory({ cliVersion: 'v2' })]))[0]?.results, []);
  assert.equal(
    behind('edge-26.8.1', 'edge-26.8.2'),
    'is running version edge-26.8.1 but the latest edge version is edge-26.8.2',
  );
  assert.match(behind('stable-2.1', 'edge-26.8.2') ?? '', /mismatched channels/);
  assert.equal(behind('edge-26.8.2', 'edge-26.8.2'), undefined);
});

function withValues(values: string): FakeKubeClient {
  const client = new FakeKubeClient();
  client.seed(CONFIG_MAPS, {
    metadata: { name: 'linkerd-config', namespace: 'linkerd' },
    data: { values },
  } as AnyObject);
  return client;
}

test('the CNI plug-in is looked at where it is in use', async () => {
  const off = await run(withValues('cniEnabled: false'), (subject) => [cniCategory(subject, false)]);
  assert.deepEqual(off[0]?.results, []);
  const client = withValues('cniEnabled: true');
  const bare = await run(client, (subject) => [cniCategory(subject, false)]);
  assert.equal(
    errorOf(bare, 'cni plugin ConfigMap exists'),
    'ConfigMap linkerd-cni-config not found in namespace linkerd-cni',
  );
  const named = (name: string, namespace?: string) => ({ metadata: { name, ...(namespace && { namespace }) } });
  client.seed(CONFIG_MAPS, named('linkerd-cni-config', 'linkerd-cni'));
  client.seed(CLUSTER_ROLES, named('linkerd-cni'));
  client.seed(CLUSTER_ROLE_BINDINGS, named('linkerd-cni'));
  client.seed(SERVICE_ACCOUNTS, named('linkerd-cni', 'linkerd-cni'));
  client.seed(DAEMON_SETS, {
    ...named('linkerd-cni', 'linkerd-cni'),
    status: { numberReady: 1, desiredNumberScheduled: 2 },
  } as AnyObject);
  const partly = await run(client, (subject) => [cniCategory(subject, false)]);
  assert.equal(errorOf(partly, 'cni plugin pod is running on all nodes'), 'number ready: 1, number scheduled: 2');
});

test('Docker wants the init container to be root', async () => {
  const client = withValues('proxyInit: {runAsRoot: false}');
  client.seed(NODES, {
    metadata: { name: 'n1' },
    status: { nodeInfo: { containerRuntimeVersion: 'docker://20' } },
  } as AnyObject);
  const category = (subject: CheckSubject) => [
    { ...configCategory(subject), checks: configCategory(subject).checks.slice(-1) },
  ];
  const line = 'proxy-init container runs as root user if docker container runtime is used';
  assert.match(errorOf(await run(client, category), line), /need proxyInit\.runAsRoot=true:\n\* n1/);
});

test('extensions on PATH say what they are, and their results are shown', { timeout: 10_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-extensions-'));
  const program = (name: string, body: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  try {
    program(
      'linkerd-good',
      `[ "$1" = _extension-metadata ] && echo '{"name":"linkerd-good","checks":"always"}' && exit
echo '{"success":false,"categories":[{"category_name":"linkerd-good","checks":[{"description":"'"$*"'","result":"error","error":"no","hint":"h"}]}]}'; exit 1`,
    );
    program('linkerd-odd', 'echo nonsense');
    writeFileSync(join(folder, 'linkerd-not-executable'), '');
    const path = `/nowhere:${folder}`;
    assert.deepEqual([...programsOn(path).keys()], ['good', 'odd']);
    assert.deepEqual(await alwaysChecking(path), [{ name: 'good', file: join(folder, 'linkerd-good') }]);
    const results = async (name: string, file?: string) =>
      (await runExtensionChecks({ name, ...(file && { file }) }, ['--proxy'], 5_000))[0];
    assert.deepEqual(await results('good', join(folder, 'linkerd-good')), {
      name: 'linkerd-good',
      results: [{ description: 'check --output=json --proxy', result: 'error', error: 'no', hint: 'h', items: [] }],
    });
    const odd = await results('odd', join(folder, 'linkerd-odd'));
    assert.match(odd?.results[0]?.error ?? '', /expected JSON, got "nonsense/);
    const missing = await results('gone');
    assert.deepEqual(JSON.parse(resultsJson([missing ?? assert.fail()])).categories[0].checks[0], {
      description: 'Linkerd extension command linkerd-gone exists',
      hint: 'docs/reference/checks.md#extensions',
      error: 'exec: "linkerd-gone": executable file not found in $PATH',
      result: 'warning',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
