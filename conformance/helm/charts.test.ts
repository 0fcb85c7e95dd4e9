/** The charts, rendered by Helm itself, have the same objects as what the command line prints, for equal values. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import type { AnyObject } from '#api/kube';
import { type Io, run as runCommand } from '#cli';
import { createCertificate, createTrust, createWebhookCertificate } from '#cli/certificates';
import { CNI_OPEN_MAPS, CRD_DEFAULTS, defaultCniValues, defaultValues, OPEN_MAPS } from '#cli/manifests';
import { defaultMulticluster, MULTICLUSTER_OPEN_MAPS } from '#cli/manifests/multicluster';
import { parseManifests } from '#cli/output';
import { helmPath } from '../../tools/clients.mjs';
import { repository, run } from '../harness/index.ts';
import { drawValues } from './values.ts';

type Tree = { [key: string]: unknown };
const DRAWN = 12;
const CLI_VERSION = 'linkerd/cli equal';
/** Helm built from its module has an old idea of the present version. */
const KUBERNETES = ['--kube-version', '1.34.0'];

let program: string;
let folder: string;
/** Trust and webhook certificates, which would differ from render to render. */
let given: Tree;

before(async () => {
  program = helmPath();
  folder = mkdtempSync(join(tmpdir(), 'weft-charts-'));
  const trust = await createTrust('identity.linkerd.cluster.local');
  const hook = async (service: string) => {
    const { certificate, key } = await createWebhookCertificate(service, 'linkerd');
    return { crtPEM: certificate, keyPEM: key };
  };
  given = {
    cliVersion: CLI_VERSION,
    identityTrustAnchorsPEM: trust.anchors,
    identity: { issuer: { tls: { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key } } },
    proxy: {
      tracing: { collector: { endpoint: 'c.t:4317', meshIdentity: { serviceAccountName: 'c', namespace: 't' } } },
    },
    proxyInjector: await hook('linkerd-proxy-injector'),
    profileValidator: await hook('linkerd-sp-validator'),
    policyValidator: await hook('linkerd-policy-validator'),
  };
});
after(() => rmSync(folder, { recursive: true, force: true }));

function merged(...trees: readonly Tree[]): Tree {
  const result: Tree = {};
  for (const tree of trees)
    for (const [key, value] of Object.entries(tree)) {
      const before = result[key];
      const both = [before, value].every((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
      result[key] = both ? merged(before as Tree, value as Tree) : value;
    }
  return result;
}

let files = 0;
function valuesFile(values: Tree): string {
  files += 1;
  const path = join(folder, `values-${files}.json`);
  writeFileSync(path, JSON.stringify(values));
  return path;
}

async function helmTemplate(chart: string, namespace: string, args: readonly string[]) {
  const env = { HOME: folder, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
  const place = [join(repository, 'charts', chart), '-n', namespace, ...KUBERNETES];
  return run(program, ['template', 'weft', ...place, ...args], { env });
}

async function helmObjects(chart: string, namespace: string, args: readonly string[]): Promise<AnyObject[]> {
  const { code, stdout, stderr } = await helmTemplate(chart, namespace, args);
  assert.equal(code, 0, stderr);
  return parseManifests(stdout, chart);
}

async function command(argv: readonly string[]) {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    stdin: () => Promise.resolve(''),
    env: {},
    isTty: false,
    colors: false,
  };
  return { code: await runCommand([...argv], io), ...said };
}

async function cliObjects(argv: readonly string[]): Promise<AnyObject[]> {
  const { code, out, err } = await command([...argv, '-o', 'json']);
  assert.equal(code, 0, err);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnyObject);
}

const keyOf = ({ kind, metadata }: AnyObject): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
/** Helm makes the namespace itself and keeps values in its release. */
const MC = 'linkerd-multicluster';
const CLI_ONLY = new Set([
  `Namespace//${MC}`,
  'Namespace//linkerd',
  'Namespace//linkerd-cni',
  'Secret/linkerd/linkerd-config-overrides',
]);
const CRD_KEYS = Object.keys(CRD_DEFAULTS).filter((key) => key !== 'cliVersion');

/** Objects by name; texts that are YAML or JSON are compared by what they say. */
function comparable(objects: readonly AnyObject[]): Record<string, unknown> {
  const entries = objects.flatMap((object) => {
    if (CLI_ONLY.has(keyOf(object))) return [];
    const data = object['data'] as Record<string, string> | undefined;
    if (object.metadata.name !== 'linkerd-config') return [[keyOf(object), object] as const];
    const values = parse(data?.['values'] ?? '') as Tree;
    for (const key of CRD_KEYS) delete values[key];
    return [[keyOf(object), { ...object, data: { ...data, values } }] as const];
  });
  assert.equal(new Set(entries.map(([key]) => key)).size, entries.length, 'no object twice');
  return Object.fromEntries(entries);
}

function assertSame(helm: readonly AnyObject[], cli: readonly AnyObject[]): void {
  const [left, right] = [comparable(helm), comparable(cli)];
  assert.deepEqual(Object.keys(left).sort(), Object.keys(right).sort());
  for (const [key, object] of Object.entries(left)) assert.deepEqual(object, right[key], key);
}

async function compareControlPlane(changes: Tree, cliArgs: string[] = [], helmArgs: string[] = []): Promise<void> {
  const file = valuesFile(merged(given, changes));
  assertSame(
    await helmObjects('linkerd-control-plane', 'linkerd', [...helmArgs, '-f', file]),
    await cliObjects(['install', '--ignore-cluster', ...cliArgs, '-f', file]),
  );
}

test('the control plane by its defaults', () => compareControlPlane({}));

test('the control plane in high availability', () =>
  compareControlPlane({}, ['--ha'], ['-f', join(repository, 'charts/linkerd-control-plane/values-ha.yaml')]));

test('the control plane behind the CNI plug-in, with IPv6 and without native sidecars', () =>
  compareControlPlane({ cniEnabled: true, disableIPv6: false, proxy: { nativeSidecar: false } }));

test('trust that somebody else keeps', async () => {
  const outside = { identity: { externalCA: true, issuer: { scheme: 'kubernetes.io/tls' } } };
  await compareControlPlane(outside);
  await compareControlPlane({ ...outside, identityTrustAnchorsPEM: '' });
});

test('certificates of webhooks that somebody else keeps', async () => {
  await compareControlPlane({
    proxyInjector: { crtPEM: '', keyPEM: '', externalSecret: true, injectCaFrom: 'linkerd/injector' },
    profileValidator: { crtPEM: '', keyPEM: '', externalSecret: true, caBundle: 'bundle' },
    policyValidator: { injectCaFromSecret: 'linkerd/policy' },
  });
});

test('spans, PodMonitors, and what else is off by default', () =>
  compareControlPlane({
    proxy: {
      tracing: {
        enabled: true,
        labels: { b: 'two\nlines', a: '$(_pod_ip)' },
      },
      cores: 3,
    },
    podMonitor: { enabled: true, labels: { release: 'prometheus' } },
    proxyInit: { runAsRoot: true, closeWaitTimeoutSecs: 7 },
  }));

for (let seed = 1; seed <= DRAWN; seed += 1)
  test(`the control plane with values drawn from seed ${seed}`, () =>
    compareControlPlane(drawValues(defaultValues(), OPEN_MAPS, seed)));

test('definitions with and without those of the Gateway API', async () => {
  for (const values of [
    {},
    { installGatewayAPI: true },
    { installGatewayAPI: true, enableTlsRoutes: false },
    { installGatewayAPI: true, enableHttpRoutes: false, enableTcpRoutes: false },
  ]) {
    const file = valuesFile({ cliVersion: CLI_VERSION, ...values });
    const cli = await cliObjects(['install', '--crds', '--ignore-cluster', '-f', file]);
    assertSame(await helmObjects('linkerd-crds', 'linkerd', ['-f', file]), cli);
  }
});

test('the CNI plug-in', async () => {
  const sets: Tree[] = [{}, { repairController: { enabled: true }, ignoreInboundPorts: '25, 4000-4100' }];
  for (let seed = 1; seed <= DRAWN; seed += 1) sets.push(drawValues(defaultCniValues(), CNI_OPEN_MAPS, seed));
  for (const values of sets) {
    const file = valuesFile({ cliVersion: CLI_VERSION, ...values });
    assertSame(
      await helmObjects('linkerd2-cni', 'linkerd-cni', ['-f', file]),
      await cliObjects(['install-cni', '-f', file]),
    );
  }
});

async function compareMulticluster(changes: Tree, cliArgs: string[] = [], helmArgs: string[] = []): Promise<void> {
  const file = valuesFile({ createdBy: CLI_VERSION, ...changes });
  assertSame(
    await helmObjects(MC, MC, [...helmArgs, '-f', file]),
    await cliObjects(['multicluster', 'install', '--ignore-cluster', ...cliArgs, '-f', file]),
  );
}

test('the multicluster extension by its defaults, without gateway, and at one port', async () => {
  await compareMulticluster({});
  await compareMulticluster({ gateway: { enabled: false }, remoteMirrorServiceAccount: false, installMcsApi: false });
  await compareMulticluster({ gateway: { probe: { port: 4143 }, serviceSelector: 'a in (b, c),!d' } });
});

test('the multicluster extension in high availability, with controllers of Links', () =>
  compareMulticluster(
    {
      controllers: [
        { link: { ref: { name: 'east' } } },
        { link: { ref: { name: 'bare' } }, gateway: { enabled: false } },
      ],
    },
    ['--ha'],
    ['-f', join(repository, `charts/${MC}/values-ha.yaml`)],
  ));

for (let seed = 1; seed <= DRAWN; seed += 1)
  test(`the multicluster extension with values drawn from seed ${seed}`, () => {
    const { namespace: _namespace, cniEnabled: _cniEnabled, ...defaults } = defaultMulticluster();
    return compareMulticluster(drawValues(defaults, MULTICLUSTER_OPEN_MAPS, seed));
  });

test('without certificates Helm makes its own, and what the API server trusts is what is served', async () => {
  const { identity, identityTrustAnchorsPEM } = given;
  const file = valuesFile({ identity, identityTrustAnchorsPEM });
  const objects = await helmObjects('linkerd-control-plane', 'linkerd', ['-f', file]);
  for (const service of ['linkerd-proxy-injector', 'linkerd-sp-validator', 'linkerd-policy-validator']) {
    const find = (name: string) => objects.find(({ metadata }) => metadata.name === name) ?? assert.fail(name);
    const secret = find(`${service}-k8s-tls`)['data'] as Record<string, string>;
    const [hook] = find(`${service}-webhook-config`)['webhooks'] as { clientConfig: { caBundle: string } }[];
    assert.equal(hook?.clientConfig.caBundle, secret['tls.crt']);
    assert.match(Buffer.from(secret['tls.crt'] ?? '', 'base64').toString(), /BEGIN CERTIFICATE/);
    assert.match(Buffer.from(secret['tls.key'] ?? '', 'base64').toString(), /PRIVATE KEY/);
  }
  assert.match(JSON.stringify(objects), /"linkerd.io\/created-by":"linkerd\/helm /);
});

test('what cannot work is refused by both, in the same words', async () => {
  const other = await createCertificate({ commonName: 'x', days: 1 });
  const cases: [Tree, RegExp][] = [
    [{ webhookFailurePolicy: 'Maybe' }, /webhookFailurePolicy: expected Ignore or Fail/],
    [{ controllerReplicas: 0 }, /controllerReplicas: expected 1 or more/],
    [{ kubeAPI: { clientBurst: 0 } }, /kubeAPI.clientBurst: expected 1 or more/],
    [{ proxy: { defaultInboundPolicy: 'nobody' } }, /proxy.defaultInboundPolicy: expected one of/],
    [{ proxyInit: { iptablesMode: 'ebpf' } }, /proxyInit.iptablesMode: expected nft or legacy/],
    [{ proxyInit: { closeWaitTimeoutSecs: 3 } }, /proxyInit.runAsRoot must be set/],
    [
      { proxyInjector: { crtPEM: other.certificate, keyPEM: '' } },
      /proxyInjector: crtPEM and keyPEM must be given together/,
    ],
    [{ policyValidator: { externalSecret: true } }, /policyValidator.externalSecret needs policyValidator.caBundle/],
    [
      { profileValidator: { caBundle: 'a', injectCaFrom: 'b/c' } },
      /profileValidator: only one of caBundle, injectCaFrom and injectCaFromSecret/,
    ],
  ];
  for (const [changes, expected] of cases) {
    const file = valuesFile(merged(given, changes));
    const helm = await helmTemplate('linkerd-control-plane', 'linkerd', ['-f', file]);
    assert.notEqual(helm.code, 0, JSON.stringify(changes));
    assert.match(helm.stderr, expected);
    const cli = await command(['install', '--ignore-cluster', '-f', file]);
    assert.equal(cli.code, 1);
    assert.match(cli.err, expected);
  }
  const none = await helmTemplate('linkerd-control-plane', 'linkerd', []);
  assert.match(none.stderr, /identityTrustAnchorsPEM is needed/);
});

test('what has no effect is warned of by both, in the same words', async () => {
  // Helm shows the notes of a chart only when it installs it: here an object holds them.
  const copy = join(folder, 'notes');
  cpSync(join(repository, 'charts', 'linkerd-control-plane'), copy, { recursive: true });
  renameSync(join(copy, 'templates', 'NOTES.txt'), join(copy, 'notes.txt'));
  const holder = 'kind: Notes\nmetadata: {name: notes}\ntext: {{ tpl (.Files.Get "notes.txt") . | toJson }}\n';
  writeFileSync(join(copy, 'templates', 'notes.yaml'), holder);
  const warnings = async (changes: Tree) => {
    const file = valuesFile(merged(given, changes));
    const args = ['template', 'weft', copy, '-n', 'linkerd', ...KUBERNETES, '-f', file];
    const { stdout, stderr, code } = await run(program, [...args, '--show-only', 'templates/notes.yaml'], {
      env: { HOME: folder },
    });
    assert.equal(code, 0, stderr);
    const [notes] = parseManifests(stdout, 'notes');
    const cli = await command(['install', '--ignore-cluster', '-f', file]);
    return [String(notes?.['text']), cli.err].map((text) =>
      text.split('\n').filter((line) => line.startsWith('warning: ')),
    );
  };
  assert.deepEqual(await warnings({}), [[], []]);
  const [helm, cli] = await warnings({ disableHeartBeat: false, enableEndpointSlices: false });
  assert.equal(cli?.length, 2);
  assert.deepEqual(helm, cli);
});

test('Helm finds nothing to blame in the charts', async () => {
  const file = valuesFile(given);
  for (const chart of ['linkerd-crds', 'linkerd-control-plane', 'linkerd2-cni', MC]) {
    const args = ['lint', '--strict', join(repository, 'charts', chart), '-f', file, ...KUBERNETES];
    const { code, stdout, stderr } = await run(program, args, { env: { HOME: folder } });
    assert.equal(code, 0, stdout + stderr);
  }
});
