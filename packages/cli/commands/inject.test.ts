import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeIo } from '../io.fake.ts';
import { run } from '../run.ts';

const APP = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: app, ports: [{containerPort: 53, protocol: UDP}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
a: b
`;

async function inject(words: string[], stdin: string) {
  const io = new FakeIo({ stdin });
  const code = await run(['inject', ...words, '-'], io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

test('every document is followed by a separator, and the report tells of each', async () => {
  const { code, stdout, stderr } = await inject(['--ignore-cluster', '--opaque-ports', '9'], APP);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.split('---\n').length, 4);
  assert.equal(
    stderr,
    '\n‼ deployment/web uses "protocol: UDP"\n\ndeployment "web" injected\nservice "web" annotated\ndocument missing "kind" field, skipped\n\n',
  );
  assert.match(stdout, /config\.linkerd\.io\/opaque-ports: "9"/);
});

test('--verbose names the rules that hold', async () => {
  const { stderr } = await inject(['--verbose'], APP);
  assert.deepEqual(stderr.split('\n').slice(1, 7), [
    '√ pods do not use host networking',
    '√ pods do not have a 3rd party proxy or initContainer already injected',
    '√ pods are not annotated to disable injection',
    '√ at least one resource can be injected or annotated',
    '‼ deployment/web uses "protocol: UDP"',
    '√ pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled',
  ]);
});

test('nothing to do, a URL without TLS, and a flag that is no value', async () => {
  assert.match((await inject([], 'kind: ConfigMap\nmetadata: {name: x}\n')).stderr, /‼ no supported objects found\n/);
  const io = new FakeIo();
  assert.equal(await run(['inject', 'http://example.com/app.yaml'], io), 1);
  assert.equal(io.stderr, 'http://example.com/app.yaml: only https URLs are read\n');
  const bad = await inject(['--ignore-cluster', '--proxy-cpu-request', 'lots'], APP);
  assert.deepEqual(
    [bad.code, bad.stdout, bad.stderr],
    [1, '', '--proxy-cpu-request: expected a quantity such as 100m or 64Mi, got "lots"\n'],
  );
});

test('by hand and without a look at the cluster, it says what is missing', async () => {
  const { code, stdout, stderr } = await inject(['--manual', '--ignore-cluster'], APP);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: without a look at the cluster the trust anchors are not known/);
  assert.match(stdout, /name: linkerd-proxy\n/);
});
