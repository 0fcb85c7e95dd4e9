import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inClusterAccess } from './in-cluster.ts';
import { accessOf, parseKubeConfig, readKubeConfig, resolveContext } from './kubeconfig.ts';
import { loadAccess } from './load.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const CONFIG = `
apiVersion: v1
kind: Config
current-context: west
clusters:
- name: west
  cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: ${base64('CA PEM')}}
- name: east
  cluster: {server: "https://10.0.0.2:6443/k8s", certificate-authority: pki/ca.crt, insecure-skip-tls-verify: true, tls-server-name: api.east}
contexts:
- name: west
  context: {cluster: west, user: admin, namespace: shop}
- name: east
  context: {cluster: east, user: reader}
- name: broken
  context: {cluster: nowhere, user: admin}
users:
- name: admin
  user: {client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}}
- name: reader
  user: {tokenFile: token}
- name: plugin
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./none}}
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-kubeconfig-'));
});
after(() => rm(folder, { recursive: true }));

test('the current context is used unless another is named', () => {
  const config = parseKubeConfig(CONFIG, '/etc/x');
  assert.equal(resolveContext(config).namespace, 'shop');
  assert.equal(resolveContext(config, 'east').namespace, 'default');
});

test('errors name what is missing and what there is', () => {
  const config = parseKubeConfig(CONFIG, '/');
  assert.throws(() => resolveContext(config, 'north'), /context "north" does not exist; there are: west, east, broken/);
  assert.throws(() => resolveContext(config, 'broken'), /cluster "nowhere" of context "broken" does not exist/);
  assert.throws(() => resolveContext(parseKubeConfig('', '/')), /names no current context/);
  assert.throws(() => parseKubeConfig('- a', '/'), /must be a YAML mapping/);
});

test('inline certificates become TLS material', async () => {
  const access = accessOf(resolveContext(parseKubeConfig(CONFIG, '/')));
  const { version, ...tls } = await access.tls();
  assert.deepEqual(tls, { ca: 'CA PEM', cert: 'CERT', key: 'KEY' });
  assert.equal(version, (await access.tls()).version);
  assert.deepEqual(await access.headers(), {});
});

test('files are relative to the kubeconfig, and a token file is read again when refused', async () => {
  await writeFile(join(folder, 'config'), CONFIG.replace('pki/ca.crt', 'ca.crt'));
  await writeFile(join(folder, 'ca.crt'), 'FILE CA');
  await writeFile(join(folder, 'token'), 'first\n');
  const access = accessOf(resolveContext(await readKubeConfig([join(folder, 'config')]), 'east'), {
    'impersonate-user': 'jane',
  });
  const { version: _, ...tls } = await access.tls();
  assert.deepEqual(tls, { ca: 'FILE CA', servername: 'api.east', rejectUnauthorized: false });
  assert.deepEqual(await access.headers(), { 'impersonate-user': 'jane', authorization: 'Bearer first' });
  await writeFile(join(folder, 'token'), 'second');
  assert.equal((await access.headers())['authorization'], 'Bearer first');
  assert.equal((await access.headers(true))['authorization'], 'Bearer second');
});

test('of several files the first that names an entry wins, and missing ones are skipped', async () => {
  const first = join(folder, 'first');
  await writeFile(first, 'contexts: [{name: west, context: {cluster: west, user: admin, namespace: first}}]');
  await writeFile(join(folder, 'second'), CONFIG);
  const config = await readKubeConfig([join(folder, 'missing'), first, join(folder, 'second')]);
  assert.equal(resolveContext(config).namespace, 'first');
  await assert.rejects(readKubeConfig([join(folder, 'missing')]), /cannot read kubeconfig .*missing/);
});

test('an exec plug-in supplies a token until it expires or is refused', async () => {
  const counter = join(folder, 'count');
  const script = `echo x >> ${counter}; n=$(wc -l < ${counter}); echo '{"kind":"ExecCredential","status":{"token":"t'$n'"}}'`;
  const config = parseKubeConfig(CONFIG, folder);
  config.users.set('admin', { exec: { command: '/bin/sh', args: ['-c', script] } });
  const access = accessOf(resolveContext(config));
  assert.equal((await access.headers())['authorization'], 'Bearer t1');
  assert.equal((await access.headers())['authorization'], 'Bearer t1');
  assert.equal((await access.headers(true))['authorization'], 'Bearer t2');
});

test('an exec plug-in that fails says which and how', async () => {
  const config = parseKubeConfig(CONFIG, folder);
  config.users.set('admin', { exec: { command: '/bin/sh', args: ['-c', 'exit 3'], installHint: 'get it there' } });
  const access = accessOf(resolveContext(config));
  await assert.rejects(access.headers(), /credential plug-in \/bin\/sh: ended with exit code 3\nget it there/);
});

test('inside a pod the service account is used when nothing else is named', async () => {
  await writeFile(join(folder, 'ca.crt'), 'POD CA');
  await writeFile(join(folder, 'token'), 'pod-token');
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const access = inClusterAccess(env, folder);
  assert.equal(access.server, 'https://10.96.0.1:443');
  assert.equal((await access.tls()).ca, 'POD CA');
  assert.equal((await access.headers())['authorization'], 'Bearer pod-token');
  assert.equal((await loadAccess({}, env)).context, 'in-cluster');
});
