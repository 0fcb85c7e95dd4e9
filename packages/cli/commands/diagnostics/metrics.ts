import { createHash } from 'node:crypto';
import { get } from 'node:http';
import type { Command } from 'commander';
import type { Pod } from '#api/kube';
import { type ForwardTarget, listenForward } from '#kube/port-forward';
import { hasProxy, phaseOf } from '../../checks/pods.ts';
import { type CliContext, type Connection, UserError } from '../../context.ts';
import { podsOf } from '../../resources/index.ts';
import { readDuration } from '../duration.ts';

const ADMIN_PORT = 4191;
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

export function registerMetrics(group: Command, context: CliContext): void {
  group
    .command('proxy-metrics')
    .argument('<resource>', 'TYPE/NAME, such as deploy/web or po/web-1')
    .option('-n, --namespace <namespace>', "Namespace of the resource (default: the kubeconfig context's)")
    .option('--obfuscate', 'Replace names that may be confidential by hashes')
    .description('Fetch metrics directly from the proxies of a resource')
    .action(async (resource: string, flags: { namespace?: string; obfuscate?: boolean }) => {
      const connection = await context.connect();
      const namespace = flags.namespace ?? connection.namespace;
      const pods = (await podsOf(connection.client, namespace, resource)).filter(
        (pod) => hasProxy(pod) && phaseOf(pod) === 'Running',
      );
      if (pods.length === 0) throw new UserError(`no running pod of ${resource} in namespace ${namespace} has a proxy`);
      for (const [at, pod] of pods.entries()) {
        const name = pod.metadata.name ?? '';
        context.io.out(`#\n# POD ${name} (${at + 1} of ${pods.length})\n#\n`);
        try {
          const port = portNamed(pod, 'linkerd-admin') ?? ADMIN_PORT;
          const text = await scrape(connection, { namespace, pod: name, port }, SCRAPE_TIMEOUT_MS);
          context.io.out(flags.obfuscate ? obfuscate(text) : text);
        } catch (error) {
          context.io.out(`# ERROR: ${(error as Error).message}\n`);
          context.exitCode = 1;
        }
      }
    });
  group
    .command('controller-metrics')
    .alias('cp-metrics')
    .option('-w, --wait <duration>', 'Time allowed to fetch the metrics of a container', '30s')
    .description('Fetch metrics directly from the containers of the control plane')
    .action((flags: { wait: string }) => controllerMetrics(context, readDuration('--wait', flags.wait)));
}

async function controllerMetrics(context: CliContext, waitMs: number): Promise<void> {
  const connection = await context.connect();
  const { linkerdNamespace: namespace } = context.flags;
  const pods = await podsOf(connection.client, namespace, { labelSelector: 'linkerd.io/control-plane-component' });
  if (pods.length === 0) throw new UserError(`no pods of a control plane in namespace ${namespace}`);
  const all = pods
    .filter((each) => phaseOf(each) === 'Running')
    .flatMap((pod) => adminPorts(pod).map((admin) => ({ ...admin, pod: pod.metadata.name ?? '' })));
  for (const [at, { pod, container, port }] of all.entries()) {
    context.io.out(`#\n# POD ${pod} (${at + 1} of ${all.length})\n`);
    try {
      const text = await scrape(connection, { namespace, pod, port }, waitMs);
      context.io.out(`# CONTAINER ${container} \n#\n${text}`);
    } catch (error) {
      context.io.out(`# ERROR ${(error as Error).message}\n`);
      context.exitCode = 1;
    }
  }
}

interface Ports {
  name: string;
  ports?: { name?: string; containerPort: number }[];
}
const containers = (pod: Pod): Ports[] => {
  const spec = (pod as unknown as { spec?: { containers?: Ports[]; initContainers?: Ports[] } }).spec;
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
};
const portNamed = (pod: Pod, name: string): number | undefined =>
  containers(pod)
    .flatMap(({ ports }) => ports ?? [])
    .find((port) => port.name === name)?.containerPort;
const adminPorts = (pod: Pod): { container: string; port: number }[] =>
  containers(pod).flatMap(({ name, ports = [] }) =>
    ports
      .filter((port) => port.name?.endsWith('admin'))
      .map(({ containerPort }) => ({ container: name, port: containerPort })),
  );

async function scrape(connection: Connection, target: ForwardTarget, timeoutMs: number): Promise<string> {
  let failure: Error | undefined;
  const forward = await listenForward(connection.access, target, (error) => {
    failure = error;
  });
  try {
    return await fetchText(forward.port, timeoutMs);
  } catch (error) {
    throw failure ?? error;
  } finally {
    forward.close();
  }
}

const SCRAPE_TIMEOUT_MS = 30_000;

function fetchText(port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/metrics', agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > RESPONSE_BYTES_MAX) response.destroy(new Error('the metrics are too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`/metrics answered ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

const CONFIDENTIAL = ['authority', 'client_id', 'server_id', 'target_addr', 'dst_service', 'dst_namespace'];
const LABEL = new RegExp(`\\b(${CONFIDENTIAL.join('|')})="((?:[^"\\\\]|\\\\.)*)"`, 'g');

/** Replaces values of labels that name things by the first four bytes of their hash. */
export const obfuscate = (text: string): string =>
  text.replaceAll(LABEL, (_match, label: string, value: string) => {
    const hash = createHash('sha256').update(value).digest('hex').slice(0, 8);
    return `${label}="${hash}"`;
  });
