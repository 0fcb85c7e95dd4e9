/** The containers and volumes that injection adds. */
import type { Capabilities, Container, Probe, ResourceRequirements, Volume, VolumeMount } from '#api/kube';
import { INIT_CONTAINER, PROXY_CONTAINER } from '#model/names';
import { type ProxyPlace, proxyEnv } from './proxy-env.ts';
import type { InjectorValues, ResourceValues } from './values.ts';

/** What is taken over from the application's first container. */
export interface FromPod {
  capabilities?: Capabilities;
  /** Where its service account's token is mounted. */
  serviceAccountMount?: VolumeMount;
}

const END_ENTITY = { name: 'linkerd-identity-end-entity', mountPath: '/var/run/linkerd/identity/end-entity' };
const TOKEN = { name: 'linkerd-identity-token', mountPath: '/var/run/secrets/tokens' };
const XTABLES = { name: 'linkerd-proxy-init-xtables-lock', mountPath: '/run' };
/** A day: proxies ask for certificates as often at the latest. */
const TOKEN_SECONDS = 86_400;
/** Nobody; the init container needs capabilities, not root. */
const INIT_UID = 65_534;

/** The proxy. As a native sidecar it is an init container that keeps running. */
export function proxyContainer(values: InjectorValues, place: ProxyPlace, from: FromPod): Container {
  const { proxy } = values;
  const { livenessProbe: live, readinessProbe: ready } = proxy;
  const resources = toResources(proxy.resources);
  return {
    name: PROXY_CONTAINER,
    image: imageOf(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    env: proxyEnv(values, place),
    ports: [
      { name: 'linkerd-proxy', containerPort: proxy.ports.inbound },
      { name: 'linkerd-admin', containerPort: proxy.ports.admin },
    ],
    livenessProbe: adminProbe(values, '/live', live?.initialDelaySeconds ?? 10, live?.timeoutSeconds ?? 1),
    readinessProbe: adminProbe(values, '/ready', ready?.initialDelaySeconds ?? 2, ready?.timeoutSeconds ?? 1),
    ...(proxy.nativeSidecar && proxy.await && { startupProbe: startupProbe(values) }),
    ...(resources && { resources }),
    securityContext: {
      allowPrivilegeEscalation: false,
      ...(from.capabilities && { capabilities: from.capabilities }),
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: proxy.uid,
      ...(proxy.gid >= 0 && { runAsGroup: proxy.gid }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...lifecycle(values),
    volumeMounts: [
      END_ENTITY,
      ...(values.identity.serviceAccountTokenProjection ? [TOKEN] : []),
      ...(from.serviceAccountMount ? [from.serviceAccountMount] : []),
    ],
    ...(proxy.nativeSidecar && { restartPolicy: 'Always' }),
  };
}

function imageOf({ proxy, linkerdVersion }: InjectorValues): string {
  return `${proxy.image.name}:${proxy.image.version || linkerdVersion}`;
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
  if (proxy.nativeSidecar || (!proxy.await && !proxy.waitBeforeExitSeconds)) return {};
  const exec = (...command: string[]) => ({ exec: { command } });
  return {
    lifecycle: {
      ...(proxy.await && {
        postStart: exec('/usr/lib/linkerd/linkerd-await', '--timeout=2m', `--port=${proxy.ports.admin}`),
      }),
      ...(proxy.waitBeforeExitSeconds && { preStop: exec('/bin/sleep', `${proxy.waitBeforeExitSeconds}`) }),
    },
  };
}

/** Redirects the pod's traffic to the proxy. */
export function initContainer(values: InjectorValues, from: FromPod): Container {
  const { proxyInit, proxy } = values;
  if (proxyInit.closeWaitTimeoutSecs && !proxyInit.runAsRoot)
    throw new Error('proxyInit.runAsRoot must be set to use a close-wait timeout');
  const privileged = Boolean(proxyInit.closeWaitTimeoutSecs) || proxyInit.privileged;
  const { add = [], drop = [] } = from.capabilities ?? {};
  const dropped = drop.filter((capability) => capability !== 'NET_ADMIN' && capability !== 'NET_RAW');
  const resources = toResources(proxy.resources);
  return {
    name: INIT_CONTAINER,
    image: imageOf(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    command: ['/usr/lib/linkerd/linkerd2-proxy-init'],
    args: initArgs(values),
    ...(resources && { resources }),
    securityContext: {
      allowPrivilegeEscalation: privileged,
      capabilities: {
        add: [...new Set(['NET_ADMIN', 'NET_RAW', ...add])],
        ...(dropped.length > 0 && { drop: dropped }),
      },
      privileged,
      runAsNonRoot: !proxyInit.runAsRoot,
      runAsUser: proxyInit.runAsRoot ? 0 : proxyInit.runAsUser || INIT_UID,
      runAsGroup: proxyInit.runAsRoot ? 0 : proxyInit.runAsGroup || INIT_UID,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [proxyInit.xtMountPath ?? XTABLES, ...(from.serviceAccountMount ? [from.serviceAccountMount] : [])],
  };
}

function initArgs({ proxyInit, proxy, disableIPv6 }: InjectorValues): string[] {
  const { mode, args } = FIREWALLS[proxyInit.iptablesMode || 'legacy'] ?? {};
  if (!mode || !args)
    throw new Error(`proxyInit.iptablesMode: expected nft or legacy, got "${proxyInit.iptablesMode}"`);
  const { control, admin, inbound, outbound } = proxy.ports;
  const ignored = [control, admin, ...(proxyInit.ignoreInboundPorts ? [proxyInit.ignoreInboundPorts] : [])];
  const option = (name: string, value: string | number | undefined) => (value ? [name, String(value)] : []);
  return [
    ...args,
    ...(disableIPv6 ? ['--ipv6=false'] : []),
    ...option('--incoming-proxy-port', inbound),
    ...option('--outgoing-proxy-port', outbound),
    ...option('--proxy-uid', proxy.uid),
    ...(proxy.gid >= 0 ? ['--proxy-gid', String(proxy.gid)] : []),
    ...option('--inbound-ports-to-ignore', ignored.join(',')),
    ...option('--outbound-ports-to-ignore', proxyInit.ignoreOutboundPorts),
    ...option('--timeout-close-wait-secs', proxyInit.closeWaitTimeoutSecs),
    ...option('--log-format', proxyInit.logFormat),
    ...option('--log-level', proxyInit.logLevel),
    ...option('--subnets-to-ignore', proxyInit.skipSubnets),
  ];
}

const FIREWALLS: Record<string, { mode: string; args: string[] }> = {
  nft: { mode: 'nft', args: ['--firewall-bin-path', 'iptables-nft', '--firewall-save-bin-path', 'iptables-nft-save'] },
  legacy: { mode: 'legacy', args: [] },
};

/** With the CNI plugin: proves that the redirection is in place before anything else runs. */
export function validatorContainer(values: InjectorValues): Container {
  const { networkValidator: settings = {}, proxy, disableIPv6 } = values;
  const connect = settings.connectAddr || (disableIPv6 ? '1.1.1.1:20001' : '[fd00::1]:20001');
  const listen = settings.listenAddr || `${disableIPv6 ? '0.0.0.0' : '[::]'}:${proxy.ports.outbound}`;
  return {
    name: 'linkerd-network-validator',
    image: imageOf(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    command: ['/usr/lib/linkerd/linkerd2-network-validator'],
    args: [
      '--log-format',
      settings.logFormat || 'plain',
      '--log-level',
      settings.logLevel || 'debug',
      '--connect-addr',
      connect,
      '--listen-addr',
      listen,
      '--timeout',
      settings.timeout || '10s',
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
  return [
    ...(values.cniEnabled ? [] : [{ name: (values.proxyInit.xtMountPath ?? XTABLES).name, emptyDir: {} }]),
    { name: END_ENTITY.name, emptyDir: { medium: 'Memory' } },
    ...(values.identity.serviceAccountTokenProjection ? [token] : []),
  ];
}

function toResources(values: ResourceValues | undefined): ResourceRequirements | undefined {
  const bounds = (bound: 'limit' | 'request') => {
    const entries = Object.entries(values ?? {}).flatMap(([kind, value]) =>
      value?.[bound] ? [[kind, value[bound]]] : [],
    );
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  };
  const limits = bounds('limit');
  const requests = bounds('request');
  return limits || requests ? { ...(limits && { limits }), ...(requests && { requests }) } : undefined;
}
