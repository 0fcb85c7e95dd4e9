import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNOTATIONS, type AnnotationName } from '#model/annotations';
import { inject, injected } from './injected.fake.ts';

const SPEC = {
  containers: [
    {
      name: 'app',
      ports: [
        { name: 'sql', containerPort: 5432 },
        { name: 'http', containerPort: 80 },
      ],
      readinessProbe: { httpGet: { port: 9 } },
      livenessProbe: { httpGet: { port: 'http' } },
    },
  ],
};
const ROOT = { proxyInit: { runAsRoot: true } };
const NO_NATIVE = { [ANNOTATIONS.nativeSidecar.key]: 'false' };
const DEBUG = { [ANNOTATIONS.enableDebugSidecar.key]: 'true' };

type Injected = ReturnType<typeof injected>;
const argument = (name: string) => (seen: Injected) => seen.init?.args?.[seen.init.args.indexOf(name) + 1];
const env = (name: string) => (seen: Injected) => seen.env(name);
const debug = ({ pod }: Injected) => pod.spec.containers.find(({ name }) => name === 'linkerd-debug');
const probe = ({ proxy }: Injected) => proxy.livenessProbe?.httpGet?.port;
const hook = ({ proxy }: Injected) => proxy.lifecycle?.preStop?.exec?.command?.join(' ');
const native = ({ proxy }: Injected) => proxy.restartPolicy === 'Always';
const DETECT = 'DETECT_TIMEOUT';

interface Case {
  value: string;
  see(seen: Injected): unknown;
  is: unknown;
  /** What stands beside the annotation. */
  others?: Record<string, string>;
  values?: object;
}
const seen = (value: string, see: Case['see'], is: unknown, more: Partial<Case> = {}): Case => ({
  value,
  see,
  is,
  ...more,
});

/** For every row of the catalogue, what a value of it changes. */
const EFFECTS: { readonly [N in AnnotationName]: readonly Case[] } = {
  inject: [seen('ingress', env('INGRESS_MODE'), 'true'), seen('enabled', env('INGRESS_MODE'), undefined)],
  proxyImage: [
    seen('example/proxy', ({ proxy }) => proxy.image, 'example/proxy:v1'),
    seen('example/proxy', ({ init }) => init?.image, 'example/proxy:v1'),
  ],
  proxyVersion: [
    seen('v9', ({ proxy }) => proxy.image, 'cr.l5d.io/linkerd/proxy:v9'),
    seen('v9', ({ pod }) => pod.metadata.annotations?.['linkerd.io/proxy-version'], 'v9'),
  ],
  imagePullPolicy: [
    seen('Always', ({ proxy }) => proxy.imagePullPolicy, 'Always'),
    seen('Always', ({ init }) => init?.imagePullPolicy, 'Always'),
    seen('Sometimes', ({ proxy }) => proxy.imagePullPolicy, 'IfNotPresent'),
  ],
  controlPort: [
    seen('5190', env('CONTROL_LISTEN_ADDR'), '0.0.0.0:5190'),
    seen('5190', argument('--inbound-ports-to-ignore'), '5190,4191,4567,4568'),
  ],
  adminPort: [
    seen('5191', env('ADMIN_LISTEN_ADDR'), '0.0.0.0:5191'),
    seen('5191', probe, 5191),
    seen('5191', ({ proxy }) => proxy.ports?.[1]?.containerPort, 5191),
  ],
  inboundPort: [
    seen('5143', env('INBOUND_LISTEN_ADDR'), '0.0.0.0:5143'),
    seen('5143', argument('--incoming-proxy-port'), '5143'),
  ],
  outboundPort: [
    seen('5140', env('OUTBOUND_LISTEN_ADDRS'), '127.0.0.1:5140'),
    seen('5140', argument('--outgoing-proxy-port'), '5140'),
  ],
  podInboundPorts: [seen('1', env('INBOUND_PORTS'), '5432,80,9')],
  skipInboundPorts: [seen('22,sql', argument('--inbound-ports-to-ignore'), '4190,4191,22,5432')],
  skipOutboundPorts: [seen('443,1-9', argument('--outbound-ports-to-ignore'), '443,1-9')],
  skipSubnets: [seen('10.0.0.0/8, 192.168.0.0/16', argument('--subnets-to-ignore'), '10.0.0.0/8,192.168.0.0/16')],
  opaquePorts: [
    seen('sql,9000-9010', env('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION'), '5432,9000-9010'),
    seen('', env('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION'), undefined),
  ],
  proxyCpuRequest: [
    seen('1500m', env('CORES'), '2'),
    seen('1500m', env('CORES_MIN'), '2'),
    seen('1500m', ({ proxy }) => proxy.resources?.requests, { cpu: '1500m' }),
  ],
  proxyCpuLimit: [
    seen('2500m', env('CORES_MAX'), '3'),
    seen('2500m', ({ proxy }) => proxy.resources?.limits, { cpu: '2500m' }),
  ],
  proxyCpuRatioLimit: [seen('0.5', env('CORES_MAX_RATIO'), '0.5'), seen('1.5', env('CORES_MAX_RATIO'), undefined)],
  proxyMemoryRequest: [seen('32Mi', ({ proxy }) => proxy.resources?.requests, { memory: '32Mi' })],
  proxyMemoryLimit: [
    seen('64Mi', ({ proxy }) => proxy.resources?.limits, { memory: '64Mi' }),
    seen('64Mi', ({ init }) => init?.resources?.limits, { memory: '64Mi' }),
  ],
  proxyEphemeralStorageRequest: [seen('1Gi', ({ proxy }) => proxy.resources?.requests, { 'ephemeral-storage': '1Gi' })],
  proxyEphemeralStorageLimit: [seen('2Gi', ({ proxy }) => proxy.resources?.limits, { 'ephemeral-storage': '2Gi' })],
  proxyUid: [
    seen('3000', argument('--proxy-uid'), '3000'),
    seen('3000', ({ proxy }) => proxy.securityContext?.runAsUser, 3000),
    seen('me', argument('--proxy-uid'), '2102'),
  ],
  proxyGid: [
    seen('3000', argument('--proxy-gid'), '3000'),
    seen('3000', ({ proxy }) => proxy.securityContext?.runAsGroup, 3000),
    seen('-1', ({ proxy }) => proxy.securityContext?.runAsGroup, undefined),
  ],
  proxyLogLevel: [seen('debug', env('LOG'), 'debug,[{headers}]=off,[{request}]=off')],
  proxyLogFormat: [seen('json', env('LOG_FORMAT'), 'json')],
  proxyLogHttpHeaders: [
    seen('insecure', env('LOG'), 'warn,linkerd=info'),
    seen('off', env('LOG'), 'warn,linkerd=info,[{headers}]=off,[{request}]=off'),
  ],
  accessLog: [
    seen('apache', env('ACCESS_LOG'), 'apache'),
    seen('%PROTOCOL% %REQ(X-A)%', env('ACCESS_LOG'), '%PROTOCOL% %REQ(X-A)%'),
  ],
  enableExternalProfiles: [
    seen('true', env('DESTINATION_PROFILE_SUFFIXES'), '.'),
    seen('false', env('DESTINATION_PROFILE_SUFFIXES'), 'svc.cluster.local.'),
  ],
  proxyRequireIdentityInboundPorts: [seen('http', env('INBOUND_PORTS_REQUIRE_IDENTITY'), '80')],
  proxyMetricsHostnameLabels: [seen('true', env('OUTBOUND_METRICS_HOSTNAME_LABELS'), 'true')],
  proxyOutboundConnectTimeout: [seen('2s', env('OUTBOUND_CONNECT_TIMEOUT'), '2000ms')],
  proxyInboundConnectTimeout: [seen('250ms', env('INBOUND_CONNECT_TIMEOUT'), '250ms')],
  proxyOutboundDiscoveryCacheUnusedTimeout: [seen('1m30s', env('OUTBOUND_DISCOVERY_IDLE_TIMEOUT'), '90s')],
  proxyInboundDiscoveryCacheUnusedTimeout: [seen('2m', env('INBOUND_DISCOVERY_IDLE_TIMEOUT'), '120s')],
  proxyDisableOutboundProtocolDetectTimeout: [
    seen('true', env(`OUTBOUND_${DETECT}`), '365d'),
    seen('true', env(`INBOUND_${DETECT}`), undefined),
  ],
  proxyDisableInboundProtocolDetectTimeout: [
    seen('true', env(`INBOUND_${DETECT}`), '365d'),
    seen('true', env(`OUTBOUND_${DETECT}`), undefined),
  ],
  proxyAwait: [
    seen('disabled', ({ proxy }) => proxy.startupProbe, undefined),
    seen('disabled', ({ pod }) => pod.spec.containers.map(({ name }) => name).join(), 'app,linkerd-proxy', {
      others: NO_NATIVE,
    }),
    seen('enabled', ({ pod }) => pod.spec.containers.map(({ name }) => name).join(), 'linkerd-proxy,app', {
      others: NO_NATIVE,
    }),
  ],
  defaultInboundPolicy: [
    seen('deny', env('INBOUND_DEFAULT_POLICY'), 'deny'),
    seen('maybe', env('INBOUND_DEFAULT_POLICY'), 'all-unauthenticated'),
  ],
  shutdownGracePeriod: [seen('5s', env('SHUTDOWN_GRACE_PERIOD'), '5000ms')],
  proxyAdminShutdown: [
    seen('enabled', env('SHUTDOWN_ENDPOINT_ENABLED'), 'true'),
    seen('disabled', env('SHUTDOWN_ENDPOINT_ENABLED'), 'false'),
  ],
  nativeSidecar: [seen('false', native, false), seen('true', native, true)],
  nativeSidecarBeta: [
    seen('false', native, false),
    seen('false', native, true, { others: { [ANNOTATIONS.nativeSidecar.key]: 'true' } }),
    // What stands under the present key counts, even if nobody can read it.
    seen('false', native, true, { others: { [ANNOTATIONS.nativeSidecar.key]: 'perhaps' } }),
  ],
  nativeSidecarAlpha: [
    seen('false', native, false),
    seen('false', native, true, { others: { [ANNOTATIONS.nativeSidecarBeta.key]: 'true' } }),
  ],
  waitBeforeExitSeconds: [seen('5', hook, '/bin/sleep 5', { others: NO_NATIVE }), seen('5', hook, undefined)],
  proxyAdditionalEnv: [
    seen('[{"name":"A","value":"\\"b\\""}]', ({ proxy }) => proxy.env?.at(-1), { name: 'A', value: '"b"' }),
    seen(
      '[{"name":"A","value":"pod"}]',
      ({ proxy }) => proxy.env?.filter(({ name }) => name === 'A'),
      [{ name: 'A', value: 'pod' }],
      { values: { proxy: { additionalEnv: [{ name: 'A', value: 'installation' }] } } },
    ),
  ],
  enableGateway: [seen('true', env('INBOUND_GATEWAY_SUFFIXES'), 'svc.cluster.local.')],
  gatewayServices: [
    seen(
      'a=b',
      env('DESTINATION_CONTEXT'),
      `{"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)", "services":"a=b"}\n`,
    ),
    seen('"', env('POLICY_WORKLOAD'), `{"ns":"$(_pod_ns)", "pod":"$(_pod_name)", "services":"\\""}\n`),
  ],
  trustedGateways: [
    seen('gateway.mc', env('INBOUND_TRUSTED_GATEWAYS'), 'gateway.mc'),
    seen('', env('INBOUND_TRUSTED_GATEWAYS'), undefined, { values: { proxy: { trustedGateways: 'gateway.mc' } } }),
  ],
  enableDebugSidecar: [
    seen('true', (all) => debug(all)?.image, 'cr.l5d.io/linkerd/debug:v1'),
    seen('false', debug, undefined),
  ],
  debugImage: [seen('tools', (all) => debug(all)?.image, 'tools:v1', { others: DEBUG })],
  debugImageVersion: [seen('v7', (all) => debug(all)?.image, 'cr.l5d.io/linkerd/debug:v7', { others: DEBUG })],
  debugImagePullPolicy: [seen('Never', (all) => debug(all)?.imagePullPolicy, 'Never', { others: DEBUG })],
  closeWaitTimeout: [
    seen('10s', argument('--timeout-close-wait-secs'), '10', { values: ROOT }),
    seen('10s', ({ init }) => init?.securityContext?.privileged, true, { values: ROOT }),
    seen('10s', ({ init }) => init?.securityContext?.runAsUser, 0, { values: ROOT }),
    seen('10s', ({ init }) => init?.args?.includes('--timeout-close-wait-secs'), false),
  ],
};

for (const [name, cases] of Object.entries(EFFECTS)) {
  const { key } = ANNOTATIONS[name as AnnotationName];
  test(`${key} has its effect`, () => {
    for (const { value, see, is, others, values } of cases) {
      const options = values ? { values } : {};
      const pod = injected({ metadata: { annotations: { ...others, [key]: value } }, spec: SPEC }, options);
      assert.deepEqual(see(pod), is, `${key}: ${value}`);
    }
  });
}

test('namespaces speak for their pods where rows say so, and only there', () => {
  for (const row of Object.values(ANNOTATIONS)) {
    const [value = ''] = EFFECTS_VALUES.get(row.key) ?? [];
    const namespace = { 'linkerd.io/inject': 'enabled', [row.key]: value };
    const { pod } = injected({ spec: SPEC }, { namespace, values: ROOT });
    assert.equal(pod.metadata.annotations?.[row.key], row.inherited ? namespace[row.key] : undefined, row.key);
  }
});
const EFFECTS_VALUES = new Map(
  Object.entries(EFFECTS).map(([name, cases]) => [
    ANNOTATIONS[name as AnnotationName].key,
    cases.map(({ value }) => value),
  ]),
);

test('an annotation without effect is reported and changes nothing', () => {
  const badOf = (annotations: Record<string, string>) => {
    const result = inject({ metadata: { annotations } });
    assert.ok(result.inject);
    return result.bad.map(({ message }) => message);
  };
  assert.deepEqual(badOf({ [ANNOTATIONS.proxyUid.key]: 'me' }), [
    'config.linkerd.io/proxy-uid: expected the number of a user other than root, got "me"; ignored',
  ]);
  assert.deepEqual(badOf({ [ANNOTATIONS.closeWaitTimeout.key]: '10s' }), [
    'config.linkerd.io/close-wait-timeout: expected proxyInit.runAsRoot to be set; ignored',
  ]);
  assert.deepEqual(badOf({ 'config.linkerd.io/proxy-uuid': '1' }), [
    'config.linkerd.io/proxy-uuid: not known; did you mean config.linkerd.io/proxy-uid?; ignored',
  ]);
  const invalid = inject({ metadata: { annotations: { 'linkerd.io/inject': 'yes' } } });
  assert.match(invalid.bad[0]?.message ?? '', /got "yes"; the pod gets no proxy$/);
});

test('additional variables of values, namespace and pod add up', () => {
  const key = ANNOTATIONS.proxyAdditionalEnv.key;
  const list = (...pairs: [string, string][]) => JSON.stringify(pairs.map(([name, value]) => ({ name, value })));
  const { proxy } = injected(
    { metadata: { annotations: { [key]: list(['C', 'pod']) } } },
    {
      namespace: { 'linkerd.io/inject': 'enabled', [key]: list(['B', 'namespace'], ['C', 'namespace']) },
      values: {
        proxy: {
          additionalEnv: [
            { name: 'A', value: 'values' },
            { name: 'B', value: 'values' },
          ],
        },
      },
    },
  );
  assert.deepEqual(
    proxy.env?.slice(-3).map(({ name, value }) => `${name}=${value}`),
    ['A=values', 'B=namespace', 'C=pod'],
  );
});

const TRACING = {
  proxy: {
    tracing: {
      enabled: true,
      traceServiceName: 'linkerd-proxy',
      labels: { 'k8s.pod.ip': '$(_pod_ip)' },
      collector: {
        endpoint: 'collector.tracing:4317',
        meshIdentity: { serviceAccountName: 'collector', namespace: 'tracing' },
      },
    },
  },
};

test('with tracing the proxy is told where spans go and what they say', () => {
  const {
    env: of,
    pod,
    proxy,
  } = injected(
    {
      metadata: {
        annotations: { 'resource.opentelemetry.io/team': 'a\nb' },
        labels: { 'app.kubernetes.io/name': 'shop', 'app.kubernetes.io/instance': 'web' },
      },
    },
    { values: TRACING },
  );
  assert.equal(of('TRACE_COLLECTOR_SVC_ADDR'), 'collector.tracing:4317');
  assert.equal(of('TRACE_COLLECTOR_SVC_NAME'), 'collector.tracing.serviceaccount.identity.linkerd.cluster.local');
  assert.equal(of('TRACE_SERVICE_NAME'), 'linkerd-proxy');
  assert.equal(of('TRACE_PROTOCOL'), 'opentelemetry');
  assert.equal(of('TRACE_EXTRA_ATTRIBUTES'), 'k8s.pod.ip=$(_pod_ip)\nservice.name=web\nteam=a b\n');
  const mount = proxy.volumeMounts?.find(({ name }) => name === 'linkerd-podinfo')?.mountPath;
  assert.equal(of('TRACE_ATTRIBUTES_PATH'), `${mount}/labels`);
  assert.deepEqual(pod.spec.volumes?.find(({ name }) => name === 'linkerd-podinfo')?.downwardAPI?.items, [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
  ]);
  assert.equal(injected().env('TRACE_COLLECTOR_SVC_ADDR'), undefined);
});

test('tracing without a collector is refused', () => {
  const values = (tracing: object) => ({ values: { proxy: { tracing: { enabled: true, ...tracing } } } });
  assert.throws(() => inject({}, values({})), /collector\.endpoint must be set/);
  assert.throws(() => inject({}, values({ collector: { endpoint: 'a:1' } })), /serviceAccountName and a namespace/);
});
