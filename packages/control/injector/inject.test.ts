import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchService, readValues, renderSidecar } from './index.ts';
import { inject, injected } from './injected.fake.ts';
import { valuesOf } from './values.fake.ts';

const reasons = (...args: Parameters<typeof inject>) => {
  const result = inject(...args);
  return result.inject ? 'injected' : result.reasons.join();
};

test('decides by the annotations of pod and namespace', () => {
  const at = (namespace: string | undefined, pod: string | undefined) => {
    const result = inject(
      { metadata: pod === undefined ? {} : { annotations: { 'linkerd.io/inject': pod } } },
      { namespace: namespace === undefined ? {} : { 'linkerd.io/inject': namespace } },
    );
    return result.inject ? result.annotationAt : result.reasons.join();
  };
  assert.equal(at('enabled', undefined), 'namespace');
  assert.equal(at('ingress', undefined), 'namespace');
  assert.equal(at('enabled', 'ingress'), 'workload');
  assert.equal(at(undefined, 'enabled'), 'workload');
  assert.equal(at('disabled', 'enabled'), 'workload');
  assert.equal(at('enabled', 'disabled'), 'injection_disable_annotation_present');
  assert.equal(at(undefined, undefined), 'injection_enable_annotation_absent');
  assert.equal(at('disabled', 'disabled'), 'injection_enable_annotation_absent');
  assert.equal(at('yes', 'enabled'), 'invalid_inject_annotation_at_ns');
  assert.equal(at('enabled', 'yes'), 'invalid_inject_annotation_at_workload');
});

test('leaves out pods that cannot have a proxy, with all the reasons', () => {
  assert.equal(reasons({ spec: { hostNetwork: true } }), 'host_network_enabled');
  const proxied = { containers: [{ name: 'x', image: 'cr.l5d.io/linkerd/proxy:1' }] };
  assert.equal(reasons({ spec: proxied }), 'sidecar_already_exists');
  assert.equal(reasons({ spec: { initContainers: [{ name: 'linkerd-init' }] } }), 'sidecar_already_exists');
  assert.equal(
    reasons({ spec: { hostNetwork: true, initContainers: [{ name: 'linkerd-proxy' }] } }),
    'host_network_enabled,sidecar_already_exists',
  );
  const legacy = { identity: { serviceAccountTokenProjection: false } };
  assert.equal(
    reasons({ spec: { automountServiceAccountToken: false } }, { values: legacy }),
    'disabled_automount_service_account_token_account',
  );
  assert.equal(reasons({ spec: { automountServiceAccountToken: false } }), 'injected');
});

test('puts the init container first and the proxy second, as a native sidecar', () => {
  const { pod, proxy, init } = injected({ spec: { initContainers: [{ name: 'migrate' }] } });
  assert.deepEqual(
    pod.spec.initContainers?.map(({ name }) => name),
    ['linkerd-init', 'linkerd-proxy', 'migrate'],
  );
  assert.equal(proxy.restartPolicy, 'Always');
  assert.deepEqual(proxy.startupProbe, {
    httpGet: { path: '/ready', port: 4191 },
    initialDelaySeconds: 0,
    periodSeconds: 1,
    failureThreshold: 120,
  });
  assert.equal(proxy.lifecycle, undefined);
  assert.equal(proxy.image, 'cr.l5d.io/linkerd/proxy:v1');
  assert.equal(proxy.securityContext?.runAsUser, 2102);
  assert.deepEqual(init?.args, [
    '--firewall-bin-path',
    'iptables-nft',
    '--firewall-save-bin-path',
    'iptables-nft-save',
    '--ipv6=false',
    '--incoming-proxy-port',
    '4143',
    '--outgoing-proxy-port',
    '4140',
    '--proxy-uid',
    '2102',
    '--inbound-ports-to-ignore',
    '4190,4191,4567,4568',
    '--outbound-ports-to-ignore',
    '4567,4568',
  ]);
  assert.deepEqual(init?.securityContext?.capabilities, { add: ['NET_ADMIN', 'NET_RAW'] });
  assert.equal(init?.securityContext?.runAsUser, 65534);
});

test('mounts the volumes that it adds, and the token of the application', () => {
  const mount = {
    name: 'kube-api-access-x',
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    readOnly: true,
  };
  const { pod, proxy, init } = injected({ spec: { containers: [{ name: 'app', volumeMounts: [mount] }] } });
  const volumes = pod.spec.volumes?.map(({ name }) => name) ?? [];
  assert.deepEqual(volumes, [
    'linkerd-proxy-init-xtables-lock',
    'linkerd-identity-end-entity',
    'linkerd-identity-token',
  ]);
  assert.deepEqual(pod.spec.volumes?.[2]?.projected?.sources?.[0]?.serviceAccountToken, {
    path: 'linkerd-identity-token',
    expirationSeconds: 86400,
    audience: 'identity.l5d.io',
  });
  for (const container of [proxy, init])
    for (const { name } of container?.volumeMounts ?? [])
      assert.ok(name === mount.name || volumes.includes(name), name);
  assert.ok(proxy.volumeMounts?.some(({ name }) => name === mount.name));
});

test('as an ordinary container the proxy comes first and lets the application wait', () => {
  const off = { 'config.linkerd.io/proxy-enable-native-sidecar': 'false' };
  const { pod, proxy } = injected({
    metadata: { annotations: { ...off, 'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '5' } },
  });
  assert.deepEqual(
    pod.spec.containers.map(({ name }) => name),
    ['linkerd-proxy', 'app'],
  );
  assert.deepEqual(proxy.lifecycle?.postStart?.exec?.command, [
    '/usr/lib/linkerd/linkerd-await',
    '--timeout=2m',
    '--port=4191',
  ]);
  assert.deepEqual(proxy.lifecycle?.preStop?.exec?.command, ['/bin/sleep', '5']);
  assert.equal(proxy.startupProbe, undefined);
  const last = injected({ metadata: { annotations: { ...off, 'config.linkerd.io/proxy-await': 'disabled' } } });
  assert.deepEqual(
    last.pod.spec.containers.map(({ name }) => name),
    ['app', 'linkerd-proxy'],
  );
});

test('writes annotations and labels, of the namespace too, with any characters', () => {
  const { pod } = injected(
    { metadata: { annotations: { 'config.linkerd.io/proxy-log-level': 'info' }, labels: { app: 'web' } } },
    {
      owner: { kind: 'deployment', name: 'web' },
      namespace: {
        'linkerd.io/inject': 'enabled',
        'config.linkerd.io/proxy-log-level': 'debug',
        'config.linkerd.io/access-log': 'json',
        'config.linkerd.io/enable-gateway': 'true',
        'config.linkerd.io/proxy-additional-env': '[{"name":"A","value":"\\"quoted\\""}]',
        'example.com/other': 'x',
      },
    },
  );
  const annotations = pod.metadata.annotations ?? {};
  assert.equal(annotations['config.linkerd.io/proxy-log-level'], 'info');
  assert.equal(annotations['config.linkerd.io/access-log'], 'json');
  assert.equal(annotations['config.linkerd.io/enable-gateway'], undefined);
  assert.equal(annotations['example.com/other'], undefined);
  assert.equal(annotations['linkerd.io/proxy-version'], 'v1');
  assert.match(annotations['linkerd.io/trust-root-sha256'] ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(pod.metadata.labels, {
    app: 'web',
    'linkerd.io/control-plane-ns': 'linkerd',
    'linkerd.io/workload-ns': 'shop',
    'linkerd.io/proxy-deployment': 'web',
  });
  const proxy = pod.spec.initContainers?.[1];
  assert.equal(proxy?.env?.at(-1)?.value, '"quoted"');
});

test('gives the proxy the environment that it needs to find the control plane and itself', () => {
  const { env, proxy } = injected();
  assert.equal(env('DESTINATION_SVC_ADDR'), 'linkerd-dst-headless.linkerd.svc.cluster.local.:8086');
  assert.equal(env('POLICY_SVC_ADDR'), 'linkerd-policy.linkerd.svc.cluster.local.:8090');
  assert.equal(env('IDENTITY_SVC_ADDR'), 'linkerd-identity-headless.linkerd.svc.cluster.local.:8080');
  assert.equal(env('IDENTITY_LOCAL_NAME'), '$(_pod_sa).$(_pod_ns).serviceaccount.identity.linkerd.cluster.local');
  assert.equal(
    env('DESTINATION_SVC_NAME'),
    'linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local',
  );
  assert.equal(env('POLICY_WORKLOAD'), '{"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}\n');
  assert.equal(env('INBOUND_LISTEN_ADDR'), '0.0.0.0:4143');
  assert.equal(env('INBOUND_PORTS'), '8080');
  assert.equal(env('INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION'), '25,3306');
  assert.equal(env('INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL'), '10s');
  assert.match(env('LOG') ?? '', /=off$/);
  // Variables are used only after they are defined: $(…) is expanded in order.
  const names = proxy.env?.map(({ name }) => name) ?? [];
  assert.equal(new Set(names).size, names.length);
  for (const [at, { value = '' }] of (proxy.env ?? []).entries())
    for (const [, used = ''] of value.matchAll(/\$\((\w+)\)/g))
      assert.ok(names.indexOf(used) < at && names.includes(used), used);
});

test('with the CNI plugin a validator takes the place of the init container', () => {
  const { pod, init } = injected({}, { values: { cniEnabled: true } });
  assert.equal(init, undefined);
  assert.deepEqual(
    pod.spec.initContainers?.map(({ name }) => name),
    ['linkerd-network-validator', 'linkerd-proxy'],
  );
  assert.ok(!pod.spec.volumes?.some(({ name }) => name.includes('xtables')));
});

test('refuses settings that contradict each other', () => {
  const closeWait = { proxyInit: { closeWaitTimeoutSecs: 10 } };
  assert.throws(() => inject({}, { values: closeWait }), /runAsRoot must be set/);
  assert.throws(() => inject({}, { values: { proxyInit: { iptablesMode: 'pf' } } }), /expected nft or legacy/);
});

test('marks the opaque ports of pods and Services that do not say', () => {
  const sql = { spec: { containers: [{ name: 'db', ports: [{ containerPort: 3306 }, { containerPort: 80 }] }] } };
  assert.equal(injected(sql).pod.metadata.annotations?.['config.linkerd.io/opaque-ports'], '3306');
  const plain = inject(sql, { namespace: {} });
  assert.deepEqual(plain.patch, [
    { op: 'add', path: '/metadata/annotations', value: { 'config.linkerd.io/opaque-ports': '3306' } },
  ]);
  assert.deepEqual(inject({}, { namespace: {} }).patch, []);
  const service = (ports: object[], annotations?: Record<string, string>) => ({
    metadata: { name: 'x', ...(annotations && { annotations }) },
    spec: { ports: ports as { port: number }[] },
  });
  const patched = (
    ...[ports, annotations, namespace = {}]: [object[], Record<string, string>?, Record<string, string>?]
  ) => patchService(service(ports, annotations), namespace, '25,3306')[0]?.value;
  assert.deepEqual(patched([{ port: 80, targetPort: 3306 }, { port: 25 }, { port: 3306, targetPort: 'sql' }]), {
    'config.linkerd.io/opaque-ports': '80,25',
  });
  assert.equal(patched([{ port: 25 }], { 'config.linkerd.io/opaque-ports': '1' }), undefined);
  assert.equal(patched([{ port: 80 }], { a: 'b' }, { 'config.linkerd.io/opaque-ports': '7000' }), '7000');
  assert.equal(patched([{ port: 80 }]), undefined);
});

test('renders the sidecars of the control plane, which finds itself on localhost', () => {
  const values = valuesOf({ proxyInit: { ignoreOutboundPorts: '443,6443' } });
  const pod = { containers: [{ name: 'destination', ports: [{ containerPort: 8086 }] }] };
  const { proxy, init, volumes } = renderSidecar(values, {
    controlPlaneNamespace: 'linkerd',
    component: 'linkerd-destination',
    anchorsFromConfigMap: true,
    pod,
  });
  const env = (name: string) => proxy.env?.find((each) => each.name === `LINKERD2_PROXY_${name}`);
  assert.equal(env('DESTINATION_SVC_ADDR')?.value, 'localhost.:8086');
  assert.equal(env('POLICY_SVC_ADDR')?.value, 'localhost.:8090');
  assert.match(env('IDENTITY_SVC_ADDR')?.value ?? '', /^linkerd-identity-headless/);
  assert.deepEqual(env('IDENTITY_TRUST_ANCHORS')?.valueFrom?.configMapKeyRef, {
    name: 'linkerd-identity-trust-roots',
    key: 'ca-bundle.crt',
  });
  assert.ok(init.args?.includes('443,6443'));
  assert.equal(volumes.length, 3);
});

test('reads values from YAML and says what they lack', () => {
  assert.throws(() => readValues('a: 1'), /lack clusterDomain, clusterNetworks, proxy, proxyInit, identity/);
  assert.throws(() => readValues('just text'), /no YAML map/);
  assert.equal(
    readValues('{clusterDomain: c.l, clusterNetworks: "", proxy: {}, proxyInit: {}, identity: {}}').clusterDomain,
    'c.l',
  );
});
