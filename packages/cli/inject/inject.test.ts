import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { effectiveAnnotations } from '#control/injector';
import { defaultValues } from '../manifests/index.ts';
import { annotationFlags } from './flags.ts';
import { injectAll, uninjectAll } from './inject.ts';

const deployment = (podSpec: object = {}, podMetadata: object = {}): AnyObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'bb', namespace: 'mc-demo' },
  spec: { template: { metadata: podMetadata, spec: { containers: [{ name: 'c', image: 'i' }], ...podSpec } } },
});
interface Template {
  metadata: { annotations?: Record<string, string> };
}
const templateOf = (object: AnyObject | undefined): Template => {
  assert.ok(object);
  return (object['spec'] as { template: Template }).template;
};
const inject = (...objects: AnyObject[]) => injectAll(objects, { mode: 'enabled', annotations: {} });

test('workloads are injected, namespaces annotated, everything else passes through unchanged', () => {
  const service: AnyObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bb' }, spec: { ports: [] } };
  const namespace: AnyObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mc-demo' } };
  const input = [namespace, deployment(), service];
  const before = structuredClone(input);
  const { objects, reports } = inject(...input);
  assert.deepEqual(input, before);
  assert.deepEqual(
    reports.map(({ kind, name, done }) => [kind, name, done]),
    [
      ['namespace', 'mc-demo', 'annotated'],
      ['deployment', 'bb', 'injected'],
      ['service', 'bb', undefined],
    ],
  );
  assert.deepEqual(templateOf(objects[1]).metadata.annotations, { 'linkerd.io/inject': 'enabled' });
  assert.deepEqual(objects[2], service);
});

test('cron jobs, pods and lists are reached, too', () => {
  const pod: AnyObject = { kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] } };
  const cron: AnyObject = {
    kind: 'CronJob',
    metadata: { name: 'c' },
    spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } },
  };
  const { reports } = inject({ kind: 'List', metadata: {}, items: [pod, cron] });
  assert.deepEqual(
    reports.map(({ kind, done }) => [kind, done]),
    [
      ['pod', 'injected'],
      ['cronjob', 'injected'],
    ],
  );
});

test('host networking and foreign sidecars are errors that name the reasons', () => {
  const udp = { containers: [{ name: 'c', ports: [{ protocol: 'UDP' }] }, { name: 'istio-proxy' }] };
  assert.deepEqual(inject(deployment({ hostNetwork: true })).errors, [
    'failed to inject deployment/bb: hostNetwork is enabled',
  ]);
  assert.deepEqual(inject(deployment(udp)).errors, [
    'failed to inject deployment/bb: pod has a sidecar injected already, UDP port(s) configured on pod spec',
  ]);
});

test('a workload annotated to stay out stays out, and UDP alone is only remarked', () => {
  const out = inject(deployment({}, { annotations: { 'linkerd.io/inject': 'disabled' } }));
  assert.deepEqual([out.reports[0]?.disabled, out.reports[0]?.done], [true, undefined]);
  const udp = inject(deployment({ containers: [{ name: 'c', ports: [{ protocol: 'UDP' }] }] }));
  assert.deepEqual([udp.reports[0]?.udp, udp.reports[0]?.done, udp.errors], [true, 'injected', []]);
});

test('flags become annotations; on a service only opaque ports', () => {
  const annotations = annotationFlags({ skipInboundPorts: '22', opaquePorts: '3306', nativeSidecar: true });
  assert.deepEqual(annotations, {
    'config.linkerd.io/skip-inbound-ports': '22',
    'config.linkerd.io/opaque-ports': '3306',
    'config.linkerd.io/proxy-enable-native-sidecar': 'true',
  });
  const service: AnyObject = { kind: 'Service', metadata: { name: 'bb' } };
  const { objects } = injectAll([service], { mode: 'ingress', annotations });
  assert.deepEqual(objects[0]?.metadata.annotations, { 'config.linkerd.io/opaque-ports': '3306' });
});

test('uninject takes back what injection made and leaves config annotations', () => {
  const injected = deployment(
    {
      containers: [{ name: 'c' }, { name: 'linkerd-proxy' }],
      initContainers: [{ name: 'linkerd-init' }],
      volumes: [{ name: 'linkerd-identity-token' }],
    },
    {
      annotations: { 'linkerd.io/inject': 'enabled', 'config.linkerd.io/proxy-uid': '1' },
      labels: { 'linkerd.io/workload-ns': 'x' },
    },
  );
  const { objects, reports } = uninjectAll([injected]);
  assert.deepEqual(templateOf(objects[0]), {
    metadata: { annotations: { 'config.linkerd.io/proxy-uid': '1' } },
    spec: { containers: [{ name: 'c' }] },
  });
  assert.deepEqual(reports, [{ kind: 'deployment', name: 'bb', done: 'uninjected' }]);
  assert.deepEqual(uninjectAll([deployment()]).reports, [{ kind: 'deployment', name: 'bb' }]);
});

test('flags that are no values are refused, with what they should be', () => {
  const refused = (flags: Record<string, string>, text: RegExp) => assert.throws(() => annotationFlags(flags), text);
  refused({ proxyUid: 'root' }, /--proxy-uid: expected the number of a user other than root, got "root"/);
  refused({ defaultInboundPolicy: 'open' }, /--default-inbound-policy: expected one of "all-unauthenticated"/);
  refused(
    { proxyMemoryRequest: '64Mi', proxyMemoryLimit: '32Mi' },
    /--proxy-memory-limit: expected at least the request/,
  );
  assert.deepEqual(
    annotationFlags({ registry: 'example.com/mesh', proxyCpu: '1', requireIdentityOnInboundPorts: '80' }),
    {
      'config.linkerd.io/proxy-image': 'example.com/mesh/proxy',
      'config.linkerd.io/debug-image': 'example.com/mesh/debug',
      'config.linkerd.io/proxy-require-identity-inbound-ports': '80',
      'config.linkerd.io/proxy-cpu-request': '1',
    },
  );
});

test('only what changes anything is written', () => {
  const values = defaultValues();
  const given = { 'config.linkerd.io/proxy-uid': '2102', 'config.linkerd.io/admin-port': '5191' };
  assert.deepEqual(effectiveAnnotations(values, given), { 'config.linkerd.io/admin-port': '5191' });
  values.proxy.ports.admin = 5191;
  assert.deepEqual(effectiveAnnotations(values, given), {});
});

test('--manual writes what the injector would, into every kind of template', () => {
  const values = { ...defaultValues(), identityTrustAnchorsPEM: 'PEM' };
  const manual = { values, controlPlaneNamespace: 'linkerd', createdBy: 'linkerd/cli test' };
  const cron: AnyObject = {
    kind: 'CronJob',
    metadata: { name: 'c' },
    spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'c' }] } } } } },
  };
  const annotations = { 'config.linkerd.io/skip-outbound-ports': '22' };
  const { objects, reports, errors } = injectAll([deployment(), cron], { mode: 'ingress', annotations, manual });
  assert.deepEqual([errors, reports.map(({ done }) => done)], [[], ['injected', 'injected']]);
  const template = templateOf(objects[0]) as unknown as {
    metadata: { annotations: Record<string, string>; labels: Record<string, string> };
    spec: {
      initContainers: { name: string; args?: string[]; env?: { name: string; value?: string }[] }[];
      volumes: { name: string }[];
    };
  };
  assert.deepEqual(
    template.spec.initContainers.map(({ name }) => name),
    ['linkerd-init', 'linkerd-proxy'],
  );
  assert.equal(template.metadata.annotations['linkerd.io/created-by'], 'linkerd/cli test');
  assert.equal(template.metadata.annotations['linkerd.io/inject'], undefined);
  assert.equal(template.metadata.annotations['config.linkerd.io/skip-outbound-ports'], '22');
  assert.equal(template.metadata.labels['linkerd.io/proxy-deployment'], 'bb');
  const [init, proxy] = template.spec.initContainers;
  assert.ok(init?.args?.join(' ').includes('--outbound-ports-to-ignore 22'));
  assert.ok(proxy?.env?.some(({ name, value }) => name === 'LINKERD2_PROXY_INGRESS_MODE' && value === 'true'));
  const labels = JSON.stringify(objects[1]);
  assert.match(labels, /"linkerd.io\/proxy-cronjob":"c"/);
  const back = uninjectAll(objects).objects[0];
  assert.deepEqual(templateOf(back), {
    metadata: { annotations },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
});

test('a part of the control plane is injected only by hand', () => {
  const component = deployment({}, { labels: { 'linkerd.io/control-plane-component': 'identity' } });
  assert.deepEqual(inject(component).errors, ['--manual must be set when injecting control plane components']);
});

test('without projected tokens, pods must mount that of their account', () => {
  const input = [deployment({ automountServiceAccountToken: false })];
  const { errors } = injectAll(input, { mode: 'enabled', annotations: {}, tokenProjection: false });
  assert.match(errors[0] ?? '', /^failed to inject deployment\/bb: automountServiceAccountToken set to "false"/);
  assert.deepEqual(injectAll(input, { mode: 'enabled', annotations: {} }).errors, []);
});
