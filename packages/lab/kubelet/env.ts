import type { ConfigMap, Secret, Service } from '#api/kube';
import { fieldValue, type PodPlace, resourceValue } from './field-ref.ts';
import type { AnyContainer, BoundPod } from './types.ts';

/** Reads of the pod's own namespace that an environment or a volume needs. */
export interface ConfigReader {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  services(namespace: string): readonly Service[];
}

/** A reference that cannot be resolved: the container waits with `CreateContainerConfigError` and this message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const REFERENCE = /\$(\$|\(([^)]*)\))/g;

/** Replaces `$(NAME)` by values known so far and `$$` by `$`; unknown names stay as written. */
export function expand(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (whole, first: string, name: string) =>
    first === '$' ? '$' : (known.get(name) ?? whole),
  );
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** A container's whole environment in Kubernetes' order: services, envFrom, env; later ones win. */
export function containerEnv(
  pod: BoundPod,
  container: AnyContainer,
  deps: { config: ConfigReader; place: PodPlace; imageEnv: Readonly<Record<string, string>> },
): Map<string, string> {
  const env = new Map<string, string>(Object.entries(deps.imageEnv));
  env.set('HOSTNAME', hostnameOf(pod));
  const services = serviceEnv(pod, deps.config);
  for (const [name, value] of services) env.set(name, value);
  const own = new Map(services);
  for (const [name, value] of envFrom(pod, container, deps.config)) {
    env.set(name, value);
    own.set(name, value);
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? sourceValue(pod, container, variable.valueFrom, deps)
      : expand(variable.value ?? '', own);
    if (value === undefined) continue;
    env.set(variable.name, value);
    own.set(variable.name, value);
  }
  return env;
}

/** The name a pod's hostname shows. */
export const hostnameOf = (pod: BoundPod): string => (pod.spec.hostname || pod.metadata.name || '').slice(0, 63);

type EnvSource = NonNullable<NonNullable<AnyContainer['env']>[number]['valueFrom']>;

function sourceValue(
  pod: BoundPod,
  container: AnyContainer,
  source: EnvSource,
  deps: { config: ConfigReader; place: PodPlace },
): string | undefined {
  const namespace = pod.metadata.namespace ?? '';
  if (source.fieldRef) {
    const value = fieldValue(pod, source.fieldRef.fieldPath, deps.place);
    if (value === undefined) throw new ConfigError(`unsupported fieldPath: ${source.fieldRef.fieldPath}`);
    return value;
  }
  if (source.resourceFieldRef) {
    const { containerName } = source.resourceFieldRef;
    return resourceValue(
      containerName ? containerNamed(pod, containerName) : container,
      source.resourceFieldRef,
      deps.place,
    );
  }
  if (source.configMapKeyRef) {
    const { name = '', key, optional } = source.configMapKeyRef;
    const map = deps.config.configMap(namespace, name);
    return keyValue({ kind: 'configmap', namespace, name, key, optional }, map && (map.data ?? {}), (text) => text);
  }
  if (source.secretKeyRef) {
    const { name = '', key, optional } = source.secretKeyRef;
    const secret = deps.config.secret(namespace, name);
    return keyValue({ kind: 'secret', namespace, name, key, optional }, secret && (secret.data ?? {}), decodeBase64);
  }
  return '';
}

function keyValue(
  ref: { kind: 'configmap' | 'secret'; namespace: string; name: string; key: string; optional: boolean | undefined },
  data: Record<string, string> | undefined,
  decode: (text: string) => string,
): string | undefined {
  const text = data?.[ref.key];
  if (text !== undefined) return decode(text);
  if (ref.optional) return undefined;
  if (!data) throw new ConfigError(`${ref.kind} "${ref.name}" not found`);
  const kind = ref.kind === 'secret' ? 'Secret' : 'ConfigMap';
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${ref.namespace}/${ref.name}`);
}

const decodeBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

function containerNamed(pod: BoundPod, name: string): AnyContainer | undefined {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((container) => container.name === name);
}

function* envFrom(pod: BoundPod, container: AnyContainer, config: ConfigReader): Generator<[string, string]> {
  const namespace = pod.metadata.namespace ?? '';
  for (const source of container.envFrom ?? []) {
    const reference = source.configMapRef ?? source.secretRef;
    const name = reference?.name ?? '';
    const data = source.configMapRef
      ? wrap(config.configMap(namespace, name))?.data
      : mapValues(wrap(config.secret(namespace, name))?.data, decodeBase64);
    if (!data && !reference?.optional)
      throw new ConfigError(`${source.configMapRef ? 'configmap' : 'secret'} "${name}" not found`);
    for (const [key, value] of Object.entries(data ?? {})) {
      const variable = `${source.prefix ?? ''}${key}`;
      if (ENV_NAME.test(variable)) yield [variable, value];
    }
  }
}

/** An object that exists but holds nothing counts as empty, not as absent. */
const wrap = (object: { data?: Record<string, string> } | undefined) => object && { data: object.data ?? {} };

function mapValues(
  data: Record<string, string> | undefined,
  change: (value: string) => string,
): Record<string, string> | undefined {
  return data && Object.fromEntries(Object.entries(data).map(([key, value]) => [key, change(value)]));
}

/** Docker-link style variables of the namespace's services, and of `default/kubernetes` always. */
export function serviceEnv(pod: BoundPod, config: ConfigReader): Map<string, string> {
  const env = new Map<string, string>();
  const master = config.services('default').filter((service) => service.metadata.name === 'kubernetes');
  const own = pod.spec.enableServiceLinks === false ? [] : config.services(pod.metadata.namespace ?? '');
  for (const service of [...own, ...master]) for (const [name, value] of linksOf(service)) env.set(name, value);
  return env;
}

function* linksOf(service: Service): Generator<[string, string]> {
  const ip = service.spec?.clusterIP;
  if (!ip || ip === 'None') return;
  const prefix = (service.metadata.name ?? '').toUpperCase().replaceAll('-', '_');
  const [first] = service.spec?.ports ?? [];
  if (!first) return;
  yield [`${prefix}_SERVICE_HOST`, ip];
  yield [`${prefix}_SERVICE_PORT`, String(first.port)];
  for (const port of service.spec?.ports ?? [])
    if (port.name) yield [`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port)];
  const url = (port: { protocol?: string; port: number }) =>
    `${(port.protocol ?? 'TCP').toLowerCase()}://${ip}:${port.port}`;
  yield [`${prefix}_PORT`, url(first)];
  for (const port of service.spec?.ports ?? []) {
    const protocol = port.protocol ?? 'TCP';
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    yield [link, url(port)];
    yield [`${link}_PROTO`, protocol.toLowerCase()];
    yield [`${link}_PORT`, String(port.port)];
    yield [`${link}_ADDR`, ip];
  }
}
