import { type KubeObject, NAMESPACES, type Namespace, PODS, type Pod, SERVICES } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import {
  applyRules,
  CAPTURE_DEFAULTS,
  type CniPod,
  type CniSettings,
  cniCaptureOptions,
  isCaptured,
  type Run,
} from '#proxy/capture';

/** What the plug-in works with. */
export interface CniDeps {
  /** Connects by a kubeconfig file of the node's. */
  connect(kubeconfig: string): Promise<KubeClient>;
  run: Run;
  /** One line for the node's log. */
  log(text: string): void;
}

/** What the runtime reads: the exit code and standard output. */
export interface CniAnswer {
  exitCode: 0 | 1;
  stdout: string;
}

/** The network configuration as far as it is ours. */
interface CniConfig {
  cniVersion?: string;
  name?: string;
  prevResult?: unknown;
  kubernetes?: { kubeconfig?: string };
  linkerd?: CniSettings;
}

/** Versions of the CNI specification whose chained plug-ins get and return `prevResult` alike. */
const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
/** Error codes of the specification. */
const CODES = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  io: 5,
  decoding: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
} as const;
const FALLBACK_API_PORTS = [443, 6443];

class CniError extends Error {
  readonly code: number;

  constructor(code: keyof typeof CODES, message: string) {
    super(message);
    this.code = CODES[code];
  }
}

/** Answers one call of a container runtime. Never throws: a failure is an answer, too, and the pod does not start. */
export async function cniPlugin(env: NodeJS.ProcessEnv, stdin: string, deps: CniDeps): Promise<CniAnswer> {
  let version = '0.3.1';
  try {
    const command = env['CNI_COMMAND'];
    if (command === 'VERSION') return ok({ cniVersion: VERSIONS.at(-1), supportedVersions: VERSIONS });
    const config = decode(stdin);
    version = config.cniVersion ?? version;
    if (!VERSIONS.includes(version))
      throw new CniError('incompatibleVersion', `cniVersion ${version} is not known; known are ${VERSIONS.join(', ')}`);
    if (command === 'ADD') return ok(await add(config, env, deps));
    // Rules go with their network namespace; there is nothing to undo.
    if (['DEL', 'CHECK', 'GC', 'STATUS'].includes(command ?? '')) return { exitCode: 0, stdout: '' };
    throw new CniError('invalidEnvironment', `CNI_COMMAND ${JSON.stringify(command)} is not known`);
  } catch (error) {
    const code = error instanceof CniError ? error.code : CODES.io;
    const msg = error instanceof Error ? error.message : String(error);
    deps.log(`error: ${msg}`);
    return { exitCode: 1, stdout: JSON.stringify({ cniVersion: version, code, msg: `linkerd-cni: ${msg}` }) };
  }
}

const ok = (result: unknown): CniAnswer => ({ exitCode: 0, stdout: JSON.stringify(result) });

function decode(stdin: string): CniConfig {
  try {
    return JSON.parse(stdin) as CniConfig;
  } catch (error) {
    throw new CniError('decoding', `the network configuration is no JSON: ${(error as Error).message}`);
  }
}

/** Captures the pod's traffic and returns what the plug-ins before returned. */
async function add(config: CniConfig, env: NodeJS.ProcessEnv, deps: CniDeps): Promise<unknown> {
  const { prevResult } = config;
  if (prevResult === undefined || prevResult === null)
    throw new CniError(
      'invalidConfig',
      'there is no prevResult: this plug-in must come after the one that makes the network',
    );
  const netns = env['CNI_NETNS'];
  if (!netns) throw new CniError('invalidEnvironment', 'CNI_NETNS is not set');
  const args = parseArgs(env['CNI_ARGS'] ?? '');
  const name = args['K8S_POD_NAME'];
  const namespace = args['K8S_POD_NAMESPACE'];
  if (!name || !namespace) return prevResult; // not a pod
  const kubeconfig = config.kubernetes?.kubeconfig;
  if (!kubeconfig) throw new CniError('invalidConfig', 'kubernetes.kubeconfig is not set');
  const client = await deps.connect(kubeconfig);
  try {
    await capture(config.linkerd ?? {}, { name, namespace, netns }, client, deps);
  } finally {
    client.close();
  }
  return prevResult;
}

async function capture(
  settings: CniSettings,
  { name, namespace, netns }: { name: string; namespace: string; netns: string },
  client: KubeClient,
  deps: CniDeps,
): Promise<void> {
  const pod = cniPod(await getPod(client, name, namespace));
  if (!isCaptured(pod)) return;
  const { metadata } = await client.get<Namespace>(NAMESPACES, namespace);
  const place = {
    pod,
    namespaceAnnotations: metadata.annotations ?? {},
    apiServerPorts: await apiServerPorts(client),
    netns,
  };
  const { options, problems } = cniCaptureOptions(settings, place, CAPTURE_DEFAULTS);
  for (const problem of problems) deps.log(`${namespace}/${name}: ${problem}`);
  await applyRules(options, deps.run);
  deps.log(`${namespace}/${name}: connections go through the proxy`);
}

async function getPod(client: KubeClient, name: string, namespace: string): Promise<Pod> {
  try {
    return await client.get<Pod>(PODS, name, namespace);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CniError('tryAgainLater', `pod ${namespace}/${name} is not known to the API server`);
  }
}

function cniPod({ metadata, spec }: Pod): CniPod {
  return {
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    containers: (spec?.containers ?? []) as CniPod['containers'],
    initContainers: (spec?.initContainers ?? []) as CniPod['initContainers'],
  };
}

async function apiServerPorts(client: KubeClient): Promise<number[]> {
  interface Ported extends KubeObject {
    spec?: { ports?: { port: number; targetPort?: number | string }[] };
  }
  try {
    const { spec } = await client.get<Ported>(SERVICES, 'kubernetes', 'default');
    const ports = (spec?.ports ?? []).flatMap(({ port, targetPort }) => [port, targetPort ?? port]);
    const numbers = [...new Set(ports.filter((port) => typeof port === 'number'))];
    return numbers.length > 0 ? numbers : FALLBACK_API_PORTS;
  } catch (error) {
    if (isNotFound(error)) return FALLBACK_API_PORTS;
    throw error;
  }
}

/** `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web`. */
function parseArgs(text: string): Record<string, string> {
  const pairs = text.split(';').map((pair) => pair.split(/=(.*)/s));
  return Object.fromEntries(pairs.flatMap(([key = '', value]) => (value === undefined ? [] : [[key, value]])));
}
