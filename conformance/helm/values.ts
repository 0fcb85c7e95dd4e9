/** Sets of values for the comparison of charts and command line: named ones, and drawn ones that change about half of everything. */

type Tree = { [key: string]: unknown };

/** Values that only mean something out of a few, or of a form. */
const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  'identity.issuer.scheme': ['kubernetes.io/tls'],
  webhookFailurePolicy: ['Fail'],
  imagePullPolicy: ['Always'],
  'image.pullPolicy': ['Always'],
  'proxy.defaultInboundPolicy': ['deny', 'cluster-authenticated', 'audit'],
  'proxyInit.iptablesMode': ['legacy', ''],
  iptablesMode: ['legacy', ''],
  'proxyInit.closeWaitTimeoutSecs': [0],
  'proxy.logHTTPHeaders': ['insecure'],
  'deploymentStrategy.rollingUpdate.maxUnavailable': [1],
  'proxy.runtime.workers.maximumCPURatio': [0.25],
  'proxy.tracing.collector.endpoint': ['collector.tracing:4317'],
  controllerGID: [-1, 0, 1_000_650_000],
  'proxy.gid': [-1, 0, 1_000_650_000],
  proxyGID: [-1, 0, 1_000_650_000],
  ignoreInboundPorts: ['25, 4000-4100'],
  ignoreOutboundPorts: ['443'],
  portsToRedirect: ['80,8080'],
  'gateway.serviceSelector': ['mirror.linkerd.io/exported=true'],
  'gateway.terminationGracePeriodSeconds': [30, '60', 0],
  remoteMirrorServiceAccountName: ['one', ' one , two', ['one', 'two']],
  'localServiceMirror.excludedLabels': ['a,b', ['a', 'b/*']],
  'localServiceMirror.excludedAnnotations': [[], ['c']],
};
/** Always as given: trust, certificates and what goes with them. */
const KEPT =
  /^(cliVersion|identityTrustAnchorsPEM|identity\.issuer\.tls|(proxyInjector|profileValidator|policyValidator)\.(crtPEM|keyPEM|caBundle|externalSecret|injectCaFrom|injectCaFromSecret)|proxy\.tracing\.collector)/;
const MAPS: readonly Tree[] = [{}, { team: 'blue', 'example.com/a': 'x: "y"' }];
const LISTS: Readonly<Record<string, readonly unknown[]>> = {
  imagePullSecrets: [{ name: 'registry' }],
  tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
  'gateway.tolerations': [{ operator: 'Exists' }],
  'gateway.loadBalancerSourceRanges': ['192.0.2.0/24'],
  'controllerDefaults.tolerations': [{ operator: 'Exists' }],
  controllers: [
    { link: { ref: { name: 'east' } }, gateway: { enabled: false }, tolerations: [{ key: 'x' }] },
    {
      link: { ref: { name: 'north' } },
      replicas: 2,
      nodeSelector: { disk: 'ssd' },
      logLevel: '',
      enablePodAntiAffinity: true,
    },
    {
      link: { ref: { name: 'south' } },
      resources: { cpu: { limit: '1' } },
      podAnnotations: { a: 'b' },
      enablePodAntiAffinity: false,
    },
  ],
  'policyController.probeNetworks': ['10.0.0.0/8'],
  'proxy.additionalEnv': [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  ],
  'proxy.experimentalEnv': [{ name: 'C', value: 'say "x"' }],
};
/** A text with everything that a template or YAML could stumble over. */
const NASTY = `a"b'c <&> é {{ .x }}: # %v \\ end`;

/** Numbers below 1 from a seed: a linear congruential generator, so that a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What to change of the defaults, drawn from a seed. `openMaps`: paths of maps with the user's keys. */
export function drawValues(defaults: object, openMaps: ReadonlySet<string>, seed: number): Tree {
  const random = randomOf(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const draw = (tree: Tree, prefix: string): Tree => {
    const result: Tree = {};
    for (const [key, value] of Object.entries(tree)) {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      if (KEPT.test(path)) continue;
      const isMap = openMaps.has(path);
      if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isMap) {
        const inner = draw(value as Tree, path);
        if (Object.keys(inner).length > 0) result[key] = inner;
      } else if (random() < 0.5) result[key] = changed(value, path, isMap);
    }
    return result;
  };
  const changed = (value: unknown, path: string, isMap: boolean): unknown => {
    if (CHOICES[path]) return pick(CHOICES[path]);
    if (/esources\./.test(path)) return path.includes('.cpu') ? '250m' : '64Mi';
    if (isMap) return path.endsWith('elector') ? { matchLabels: { a: 'b' } } : pick(MAPS);
    if (Array.isArray(value)) return random() < 0.3 ? [] : LISTS[path];
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'number') return value + 1;
    return random() < 0.2 ? '' : NASTY;
  };
  return draw(defaults as Tree, '');
}
