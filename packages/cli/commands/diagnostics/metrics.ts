import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import { hasProxy, phaseOf } from '../../checks/pods.ts';
import { type CliContext, UserError } from '../../context.ts';
import { adminPorts, proxyMetrics, scrape } from '../../proxies/index.ts';
import { podsOf } from '../../resources/index.ts';
import { readDuration } from '../duration.ts';

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
          const text = await proxyMetrics(connection, pod);
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

const CONFIDENTIAL = ['authority', 'client_id', 'server_id', 'target_addr', 'dst_service', 'dst_namespace'];
const LABEL = new RegExp(`\\b(${CONFIDENTIAL.join('|')})="((?:[^"\\\\]|\\\\.)*)"`, 'g');

/** Replaces values of labels that name things by the first four bytes of their hash. */
export const obfuscate = (text: string): string =>
  text.replaceAll(LABEL, (_match, label: string, value: string) => {
    const hash = createHash('sha256').update(value).digest('hex').slice(0, 8);
    return `${label}="${hash}"`;
  });
