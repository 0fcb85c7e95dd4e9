/** Annotations of a workload laid over the values: one line an annotation. */
import type { Container, EnvVar } from '#api/kube';
import {
  ANNOTATIONS,
  type AnnotationName,
  type AnnotationValues,
  type BadAnnotation,
  parsePortList,
  parseQuantity,
  readAnnotations,
  TRACE_ATTRIBUTE_PREFIX,
} from '#model/annotations';
import type { InjectorValues } from './values.ts';

/** What is rendered for one pod. */
export interface Settings {
  values: InjectorValues;
  /** Beside the values: what only annotations say. */
  debug: boolean;
  /** Annotations that these values leave without effect. */
  bad: BadAnnotation[];
}

type Apply<N extends AnnotationName> = (
  settings: Settings,
  value: NonNullable<AnnotationValues[N]>,
  pod: PodPorts,
) => void;

/** What names of ports are looked up in. */
export type PodPorts = readonly Container[];

const resource =
  (kind: 'cpu' | 'memory' | 'ephemeral-storage', bound: 'limit' | 'request') =>
  ({ values }: Settings, value: string): void => {
    const resources = { ...values.proxy.resources };
    resources[kind] = { ...resources[kind], [bound]: value };
    values.proxy.resources = resources;
  };
const workers = (settings: Settings, change: Record<string, number>) => {
  const { proxy } = settings.values;
  proxy.cores = 0;
  proxy.runtime = { workers: { ...proxy.runtime?.workers, ...change } };
};
const wholeCores = (quantity: string) => Math.max(1, Math.ceil(parseQuantity(quantity) ?? 1));
const ms = (value: number) => `${Math.round(value)}ms`;
const seconds = (value: number) => `${Math.round(value / 1000)}s`;

const OVERRIDES: { readonly [N in AnnotationName]?: Apply<N> } = {
  inject: ({ values }, value) => {
    values.proxy.isIngress = value === 'ingress';
  },
  proxyImage: ({ values }, value) => {
    values.proxy.image.name = value;
  },
  proxyVersion: ({ values }, value) => {
    values.proxy.image.version = value;
  },
  imagePullPolicy: ({ values }, value) => {
    values.proxy.image.pullPolicy = value;
  },
  controlPort: ({ values }, value) => {
    values.proxy.ports.control = value;
  },
  adminPort: ({ values }, value) => {
    values.proxy.ports.admin = value;
  },
  inboundPort: ({ values }, value) => {
    values.proxy.ports.inbound = value;
  },
  outboundPort: ({ values }, value) => {
    values.proxy.ports.outbound = value;
  },
  skipInboundPorts: ({ values }, value, pod) => {
    values.proxyInit.ignoreInboundPorts = resolvePorts(value, pod);
  },
  skipOutboundPorts: ({ values }, value, pod) => {
    values.proxyInit.ignoreOutboundPorts = resolvePorts(value, pod);
  },
  skipSubnets: ({ values }, value) => {
    values.proxyInit.skipSubnets = value.replace(/\s/g, '');
  },
  opaquePorts: ({ values }, value, pod) => {
    values.proxy.opaquePorts = resolvePorts(value, pod);
  },
  proxyCpuRequest: (settings, value) => {
    resource('cpu', 'request')(settings, value);
    workers(settings, { minimum: wholeCores(value) });
  },
  proxyCpuLimit: (settings, value) => {
    resource('cpu', 'limit')(settings, value);
    workers(settings, { maximum: wholeCores(value) });
  },
  proxyCpuRatioLimit: (settings, value) => workers(settings, { maximumCPURatio: value }),
  proxyMemoryRequest: resource('memory', 'request'),
  proxyMemoryLimit: resource('memory', 'limit'),
  proxyEphemeralStorageRequest: resource('ephemeral-storage', 'request'),
  proxyEphemeralStorageLimit: resource('ephemeral-storage', 'limit'),
  proxyUid: ({ values }, value) => {
    values.proxy.uid = value;
  },
  proxyGid: ({ values }, value) => {
    values.proxy.gid = value;
  },
  proxyLogLevel: ({ values }, value) => {
    values.proxy.logLevel = value;
  },
  proxyLogFormat: ({ values }, value) => {
    values.proxy.logFormat = value;
  },
  proxyLogHttpHeaders: ({ values }, value) => {
    values.proxy.logHTTPHeaders = value;
  },
  accessLog: ({ values }, value) => {
    values.proxy.accessLog = value;
  },
  enableExternalProfiles: ({ values }, value) => {
    values.proxy.enableExternalProfiles = value;
  },
  proxyRequireIdentityInboundPorts: ({ values }, value, pod) => {
    values.proxy.requireIdentityOnInboundPorts = resolvePorts(value, pod);
  },
  proxyMetricsHostnameLabels: ({ values }, value) => {
    values.proxy.metrics = { hostnameLabels: value };
  },
  proxyOutboundConnectTimeout: ({ values }, value) => {
    values.proxy.outboundConnectTimeout = ms(value);
  },
  proxyInboundConnectTimeout: ({ values }, value) => {
    values.proxy.inboundConnectTimeout = ms(value);
  },
  proxyOutboundDiscoveryCacheUnusedTimeout: ({ values }, value) => {
    values.proxy.outboundDiscoveryCacheUnusedTimeout = seconds(value);
  },
  proxyInboundDiscoveryCacheUnusedTimeout: ({ values }, value) => {
    values.proxy.inboundDiscoveryCacheUnusedTimeout = seconds(value);
  },
  proxyDisableOutboundProtocolDetectTimeout: ({ values }, value) => {
    values.proxy.disableOutboundProtocolDetectTimeout = value;
  },
  proxyDisableInboundProtocolDetectTimeout: ({ values }, value) => {
    values.proxy.disableInboundProtocolDetectTimeout = value;
  },
  proxyAwait: ({ values }, value) => {
    values.proxy.await = value;
  },
  defaultInboundPolicy: ({ values }, value) => {
    values.proxy.defaultInboundPolicy = value;
  },
  shutdownGracePeriod: ({ values }, value) => {
    values.proxy.shutdownGracePeriod = ms(value);
  },
  proxyAdminShutdown: ({ values }, value) => {
    values.proxy.enableShutdownEndpoint = value;
  },
  waitBeforeExitSeconds: ({ values }, value) => {
    values.proxy.waitBeforeExitSeconds = value;
  },
  proxyAdditionalEnv: ({ values }, value) => {
    values.proxy.additionalEnv = mergeEnv(values.proxy.additionalEnv ?? [], value as readonly EnvVar[]);
  },
  enableGateway: ({ values }, value) => {
    values.proxy.isGateway = value;
  },
  gatewayServices: ({ values }, value) => {
    values.proxy.gatewayServices = value;
  },
  trustedGateways: ({ values }, value) => {
    values.proxy.trustedGateways = value;
  },
  enableDebugSidecar: (settings, value) => {
    settings.debug = value;
  },
  debugImage: ({ values }, value) => {
    values.debugContainer = { image: { ...values.debugContainer?.image, name: value } };
  },
  debugImageVersion: ({ values }, value) => {
    values.debugContainer = { image: { ...values.debugContainer?.image, version: value } };
  },
  debugImagePullPolicy: ({ values }, value) => {
    values.debugContainer = { image: { ...values.debugContainer?.image, pullPolicy: value } };
  },
  closeWaitTimeout: ({ values, bad }, value) => {
    if (values.proxyInit.runAsRoot) values.proxyInit.closeWaitTimeoutSecs = Math.round(value / 1000);
    else {
      const { key } = ANNOTATIONS.closeWaitTimeout;
      bad.push({ key, value: `${value}ms`, message: `${key}: expected proxyInit.runAsRoot to be set; ignored` });
    }
  },
};

type Texts = Readonly<Record<string, string>>;

/** What annotations and labels of one pod say, as they stand and as they were read. */
export interface PodSays {
  annotations: Texts;
  labels: Texts;
  values: AnnotationValues;
  ports: PodPorts;
}

/** The values as they are for one pod. The input is not changed. */
export function applyAnnotations(values: InjectorValues, pod: PodSays): Settings {
  const settings: Settings = { values: structuredClone(values), debug: false, bad: [] };
  for (const [name, value] of Object.entries(pod.values)) {
    const apply = OVERRIDES[name as AnnotationName] as Apply<AnnotationName> | undefined;
    apply?.(settings, value, pod.ports);
  }
  const native = nativeSidecar(pod);
  if (native !== undefined) settings.values.proxy.nativeSidecar = native;
  if (values.proxy.tracing)
    settings.values.proxy.tracing = { ...values.proxy.tracing, labels: spanLabels(values, pod) };
  return settings;
}

/** Those of some annotations that change anything in pods of an installation with these values. */
export function effectiveAnnotations(values: InjectorValues, annotations: Texts): Record<string, string> {
  const says = (texts: Texts): PodSays => ({
    annotations: texts,
    labels: {},
    values: readAnnotations(texts).values,
    ports: [],
  });
  const shown = (texts: Texts) => JSON.stringify(applyAnnotations(values, says(texts)));
  const without = shown({});
  return Object.fromEntries(Object.entries(annotations).filter(([key, text]) => shown({ [key]: text }) !== without));
}

const NATIVE_NAMES = ['nativeSidecar', 'nativeSidecarBeta', 'nativeSidecarAlpha'] as const;

/** Former keys count only where the present one is not set at all. */
function nativeSidecar({ annotations, values }: PodSays): boolean | undefined {
  const name = NATIVE_NAMES.find((each) => annotations[ANNOTATIONS[each].key] !== undefined);
  return name && values[name];
}

/** Attributes of spans: of the installation, the application's name from its labels, then what annotations say. */
function spanLabels({ proxy }: InjectorValues, { annotations, labels }: PodSays): Texts {
  const application = labels['app.kubernetes.io/instance'] ?? labels['app.kubernetes.io/name'];
  const own = Object.entries(annotations)
    .filter(([key]) => key.startsWith(TRACE_ATTRIBUTE_PREFIX))
    .map(([key, value]) => [key.slice(TRACE_ATTRIBUTE_PREFIX.length), value]);
  return {
    ...proxy.tracing?.labels,
    ...(application !== undefined && { 'service.name': application }),
    ...Object.fromEntries(own),
  };
}

/** A list of ports with the names of container ports replaced by their numbers; names that no container has are left out. */
export function resolvePorts(text: string, containers: PodPorts): string {
  const numbers = (name: string) =>
    containers
      .flatMap((each) => each.ports ?? [])
      .filter((port) => port.name === name)
      .map((port) => port.containerPort);
  return (parsePortList(text) ?? [])
    .flatMap((spec) =>
      'name' in spec
        ? numbers(spec.name).map(String)
        : [spec.low === spec.high ? `${spec.low}` : `${spec.low}-${spec.high}`],
    )
    .join(',');
}

/** Later variables replace earlier ones of their name. */
export function mergeEnv(base: readonly EnvVar[], over: readonly EnvVar[]): EnvVar[] {
  const byName = new Map(base.map((each) => [each.name, each]));
  for (const each of over) byName.set(each.name, each);
  return [...byName.values()];
}
