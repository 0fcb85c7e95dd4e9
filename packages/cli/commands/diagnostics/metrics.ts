import { createHash } from 'node:crypto';
import { get } from 'node:http';
import type { Command } from 'commander';
import type { Pod } from '#api/kube';
import { listenForward } from '#kube/port-forward';
import { hasProxy, phaseOf } from '../../checks/pods.ts';
import { type CliContext, type Connection, UserError } from '../../context.ts';
import { podsOf } from './resource.ts';

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
      let failed = 0;
      for (const [at, pod] of pods.entries()) {
        const name = pod.metadata.name ?? '';
        try {
          const text = await scrape(connection, namespace, name, portNamed(pod, 'linkerd-admin') ?? ADMIN_PORT);
          context.io.out(
            `#\n# POD ${name} (${at + 1} of ${pods.length})\n#\n${flags.obfuscate ? obfuscate(text) : text}\n`,
          );
        } catch (error) {
          failed += 1;
          context.io.err(`# POD ${name}: ${(error as Error).message}\n`);
        }
      }
      if (failed === pods.length) context.exitCode = 1;
    });
  group
    .command('controller-metrics')
    .alias('cp-metrics')
    .option('-w, --wait <duration>', 'Accepted for compatibility', '30s')
    .description('Fetch metrics directly from the containers of the control plane')
    .action(() => controllerMetrics(context));
}

async function controllerMetrics(context: CliContext): Promise<void> {
  const connection = await context.connect();
  const { linkerdNamespace: namespace } = context.flags;
  const pods = await podsOf(connection.client, namespace, { labelSelector: 'linkerd.io/control-plane-component' });
  for (const pod of pods.filter((each) => phaseOf(each) === 'Running'))
    for (const { container, port } of adminPorts(pod)) {
      const text = await scrape(connection, namespace, pod.metadata.name ?? '', port);
      context.io.out(`#\n# POD ${pod.metadata.name}\n# CONTAINER ${container}\n#\n${text}\n`);
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
  containers(pod)
    .filter(({ name }) => name !== 'linkerd-proxy')
    .flatMap(({ name, ports = [] }) =>
      ports
        .filter((port) => port.name?.endsWith('-admin'))
        .map(({ containerPort }) => ({ container: name, port: containerPort })),
    );

async function scrape(connection: Connection, namespace: string, pod: string, port: number): Promise<string> {
  let failure: Error | undefined;
  const forward = await listenForward(connection.access, { namespace, pod, port }, (error) => {
    failure = error;
  });
  try {
    return await fetchText(forward.port);
  } catch (error) {
    throw failure ?? error;
  } finally {
    forward.close();
  }
}

const SCRAPE_TIMEOUT_MS = 30_000;

function fetchText(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/metrics', agent: false, timeout: SCRAPE_TIMEOUT_MS },
      (response) => {
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
      },
    );
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
