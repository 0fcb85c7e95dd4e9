/** The containers and volumes that injection adds. */
import type { Capabilities, Container, Probe, ResourceRequirements, Volume, VolumeMount } from '#api/kube';
import { INIT_CONTAINER, PROXY_CONTAINER } from '#model/names';
import { all, any, atLeast, either, equals, isUnknown, not, orElse, when } from '#model/template';
import { POD_INFO_PATH, type ProxyPlace, proxyEnv } from './proxy-env.ts';
import type { InjectorValues, ResourceValues } from './values.ts';

/** What is taken over from the application's first container. */
export interface FromPod {
  capabilities?: Capabilities;
  /** Where its service account's token is mounted. */
  serviceAccountMount?: VolumeMount;
}

const END_ENTITY = { name: 'linkerd-identity-end-entity', mountPath: '/var/run/linkerd/identity/end-entity' };
const TOKEN = { name: 'linkerd-identity-token', mountPath: '/var/run/secrets/tokens' };
/** Labels and annotations of the pod, for the attributes of its spans. */
const POD_INFO = { name: 'linkerd-podinfo', mountPath: POD_INFO_PATH };
const XTABLES = { name: 'linkerd-proxy-init-xtables-lock', mountPath: '/run' };
/** A day: proxies ask for certificates as often at the latest. */
const TOKEN_SECONDS = 86_400;
/** Nobody; the init container needs capabilities, not root. */
const INIT_UID = 65_534;

/** The proxy. As a native sidecar it is an init container that keeps running. */
export function proxyContainer(values: InjectorValues, place: ProxyPlace, from: FromPod): Container {
  const { proxy } = values;
  const { livenessProbe: live, readinessProbe: ready } = proxy;
  return {
    name: PROXY_CONTAINER,
    image: imageOf(values),
    imagePullPolicy: orElse(proxy.image.pullPolicy, values.imagePullPolicy),
    env: proxyEnv(values, place),
    ports: [
      { name: 'linkerd-proxy', containerPort: proxy.ports.inbound },
      { name: 'linkerd-admin', containerPort: proxy.ports.admin },
    ],
    livenessProbe: adminProbe(values, '/live', live?.initialDelaySeconds ?? 10, live?.timeoutSeconds ?? 1),
    readinessProbe: adminProbe(values, '/ready', ready?.initialDelaySeconds ?? 2, ready?.timeoutSeconds ?? 1),
    ...when(all(proxy.nativeSidecar, proxy.await), { startupProbe: startupProbe(values) }),
    ...resourcesField(proxy.resources),
    securityContext: {
      allowPrivilegeEscalation: false,
      ...(from.capabilities && { capabilities: from.capabilities }),
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: proxy.uid,
      ...when(atLeast(proxy.gid, 0), { runAsGroup: proxy.gid }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...lifecycle(values),
    volumeMounts: [
      END_ENTITY,
      ...when(values.identity.serviceAccountTokenProjection, [TOKEN]),
      ...when(proxy.tracing?.enabled ?? false, [POD_INFO]),
      ...(from.serviceAccountMount ? [from.serviceAccountMount] : []),
    ],
    ...when(proxy.nativeSidecar, { restartPolicy: 'Always' as const }),
  };
}

function imageOf({ proxy, linkerdVersion }: InjectorValues): string {
  return `${proxy.image.name}:${orElse(proxy.image.version, linkerdVersion)}`;
}

function adminProbe(
  { proxy }: InjectorValues,
  path: string,
  initialDelaySeconds: number,
  timeoutSeconds: number,
): Probe {
  return { httpGet: { path, port: proxy.ports.admin }, initialDelaySeconds, timeoutSeconds };
}

function startupProbe({ proxy }: InjectorValues): Probe {
  const { initialDelaySeconds = 0, periodSeconds = 1, failureThreshold = 120 } = proxy.startupProbe ?? {};
  return { httpGet: { path: '/ready', port: proxy.ports.admin }, initialDelaySeconds, periodSeconds, failureThreshold };
}

/** A proxy beside the application makes it wait by its start hook; a native sidecar has its startup probe for that. */
function lifecycle({ proxy }: InjectorValues): Pick<Container, 'lifecycle'> {
  const exec = (...command: string[]) => ({ exec: { command } });
  const { await: waits, waitBeforeExitSeconds: lasts, ports } = proxy;
  return when(all(not(proxy.nativeSidecar), any(waits, lasts)), {
    lifecycle: {
      ...when(waits, {
        postStart: exec('/usr/lib/linkerd/linkerd-await', '--timeout=2m', `--port=${ports.admin}`),
      }),
      ...when(lasts, { preStop: exec('/bin/sleep', `${lasts}`) }),
    },
  });
}

/** Redirects the pod's traffic to the proxy. */
export function initContainer(values: InjectorValues, from: FromPod): Container {
  const { proxyInit, proxy } = values;
  if (!isUnknown(proxyInit.runAsRoot) && proxyInit.closeWaitTimeoutSecs && !proxyInit.runAsRoot)
    throw new Error('proxyInit.runAsRoot must be set to use a close-wait timeout');
  const privileged = any(proxyInit.closeWaitTimeoutSecs, proxyInit.privileged);
  const { add = [], drop = [] } = from.capabilities ?? {};
  const dropped = drop.filter((capability) => capability !== 'NET_ADMIN' && capability !== 'NET_RAW');
  return {
    name: INIT_CONTAINER,
    image: imageOf(values),
    imagePullPolicy: orElse(proxy.image.pullPolicy, values.imagePullPolicy),
    command: ['/usr/lib/linkerd/linkerd2-proxy-init'],
    args: initArgs(values),
    ...resourcesField(proxy.resources),
    securityContext: {
      allowPrivilegeEscalation: privileged,
      capabilities: {
        add: [...new Set(['NET_ADMIN', 'NET_RAW', ...add])],
        ...(dropped.length > 0 && { drop: dropped }),
      },
      privileged,
      runAsNonRoot: not(proxyInit.runAsRoot),
      runAsUser: either(proxyInit.runAsRoot, 0, orElse(proxyInit.runAsUser, INIT_UID)),
      runAsGroup: either(proxyInit.runAsRoot, 0, orElse(proxyInit.runAsGroup, INIT_UID)),
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [proxyInit.xtMountPath ?? XTABLES, ...(from.serviceAccountMount ? [from.serviceAccountMount] : [])],
  };
}

function initArgs({ proxyInit, proxy, disableIPv6 }: InjectorValues): string[] {
  const { iptablesMode = '', ignoreInboundPorts: ignored } = proxyInit;
  if (!isUnknown(iptablesMode) && !IPTABLES_MODES.has(iptablesMode))
    throw new Error(`proxyInit.iptablesMode: expected nft or legacy, got "${iptablesMode}"`);
  const { control, admin, inbound, outbound } = proxy.ports;
  const option = (name: string, value: string | number | undefined) => when(value, [name, `${value}`]);
  return [
    ...when(equals(iptablesMode, 'nft'), NFT_ARGS),
    ...when(disableIPv6, ['--ipv6=false']),
    '--incoming-proxy-port',
    `${inbound}`,
    '--outgoing-proxy-port',
    `${outbound}`,
    ...option('--proxy-uid', proxy.uid),
    ...when(atLeast(proxy.gid, 0), ['--proxy-gid', `${proxy.gid}`]),
    '--inbound-ports-to-ignore',
    `${control},${admin}${when(ignored, `,${ignored}`)}`,
    ...option('--outbound-ports-to-ignore', proxyInit.ignoreOutboundPorts),
    ...option('--timeout-close-wait-secs', proxyInit.closeWaitTimeoutSecs),
    ...option('--log-format', proxyInit.logFormat),
    ...option('--log-level', proxyInit.logLevel),
    ...option('--subnets-to-ignore', proxyInit.skipSubnets),
  ];
}

/** No mode means the one of old kernels. */
const IPTABLES_MODES: ReadonlySet<string> = new Set(['nft', 'legacy', '']);
const NFT_ARGS = ['--firewall-bin-path', 'iptables-nft', '--firewall-save-bin-path', 'iptables-nft-save'];

/** With the CNI plugin: proves that the redirection is in place before anything else runs. */
export function validatorContainer(values: InjectorValues): Container {
  const { networkValidator: settings = {}, proxy, disableIPv6 } = values;
  const connect = orElse(settings.connectAddr, either(disableIPv6, '1.1.1.1:20001', '[fd00::1]:20001'));
  const listen = orElse(settings.listenAddr, `${either(disableIPv6, '0.0.0.0', '[::]')}:${proxy.ports.outbound}`);
  return {
    name: 'linkerd-network-validator',
    image: imageOf(values),
    imagePullPolicy: orElse(proxy.image.pullPolicy, values.imagePullPolicy),
    command: ['/usr/lib/linkerd/linkerd2-network-validator'],
    args: [
      '--log-format',
      orElse(settings.logFormat, 'plain'),
      '--log-level',
      orElse(settings.logLevel, 'debug'),
      '--connect-addr',
      connect,
      '--listen-addr',
      listen,
      '--timeout',
      orElse(settings.timeout, '10s'),
    ],
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: INIT_UID,
      runAsGroup: INIT_UID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** Network tools beside the application. */
export function debugContainer(values: InjectorValues): Container {
  const { name = 'cr.l5d.io/linkerd/debug', version, pullPolicy } = values.debugContainer?.image ?? {};
  return {
    name: 'linkerd-debug',
    image: `${name}:${version || values.linkerdVersion}`,
    imagePullPolicy: pullPolicy || values.imagePullPolicy,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** The volumes that the added containers mount. */
export function proxyVolumes(values: InjectorValues): Volume[] {
  const token: Volume = {
    name: TOKEN.name,
    projected: {
      sources: [
        {
          serviceAccountToken: {
            path: 'linkerd-identity-token',
            expirationSeconds: TOKEN_SECONDS,
            audience: 'identity.l5d.io',
          },
        },
      ],
    },
  };
  const item = (path: string) => ({ path, fieldRef: { fieldPath: `metadata.${path}` } });
  const podInfo: Volume = { name: POD_INFO.name, downwardAPI: { items: [item('labels'), item('annotations')] } };
  return [
    ...when(not(values.cniEnabled), [{ name: (values.proxyInit.xtMountPath ?? XTABLES).name, emptyDir: {} }]),
    { name: END_ENTITY.name, emptyDir: { medium: 'Memory' } },
    ...when(values.proxy.tracing?.enabled ?? false, [podInfo]),
    ...when(values.identity.serviceAccountTokenProjection, [token]),
  ];
}

/** `resources`, where any amount is set. */
export function resourcesField(values: ResourceValues | undefined): { resources?: ResourceRequirements } {
  const kinds = Object.entries(values ?? {});
  const isSet = (bound: 'limit' | 'request') => any(...kinds.map(([, value]) => value?.[bound]));
  const amounts = (bound: 'limit' | 'request'): Record<string, string> =>
    Object.assign({}, ...kinds.map(([kind, value]) => when(value?.[bound], { [kind]: value?.[bound] })));
  return when(any(isSet('limit'), isSet('request')), {
    resources: {
      ...when(isSet('limit'), { limits: amounts('limit') }),
      ...when(isSet('request'), { requests: amounts('request') }),
    },
  });
}
