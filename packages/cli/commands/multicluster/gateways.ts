import { type Command, Option } from 'commander';
import type { Link } from '#extensions/multicluster';
import type { CliContext } from '../../context.ts';
import { type GatewayState, gatewayState, mirrorCounts } from '../../gateways/index.ts';
import { scrape } from '../../proxies/index.ts';
import { readDuration } from '../duration.ts';
import { listLinks } from './install.ts';

interface GatewaysFlags {
  clusterName?: string;
  wait: string;
  output: 'table' | 'json';
}

interface Row {
  clusterName: string;
  alive: boolean;
  numberOfServices: number;
  /** Milliseconds. */
  latency: number;
}

/** `multicluster gateways`: which gateways are followed, whether they live, and how far away they are. */
export function registerGateways(group: Command, context: CliContext): void {
  group
    .command('gateways')
    .description('Display stats information about the gateways in target clusters')
    .option('--cluster-name <name>', 'Only the gateway of this cluster')
    .option('-w, --wait <duration>', 'Time allowed to fetch the metrics of a controller', '30s')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['table', 'json']).default('table'))
    .action(async (flags: GatewaysFlags) => {
      const rows = await gatewayRows(context, flags);
      if (flags.output === 'table') context.io.out(gatewaysTable(rows));
      else context.io.out(`${JSON.stringify(rows.length > 0 ? rows : null, null, 2)}\n`);
    });
}

async function gatewayRows(context: CliContext, { clusterName, wait }: GatewaysFlags): Promise<Row[]> {
  const waitMs = readDuration('--wait', wait);
  const connection = await context.connect();
  const { client } = connection;
  const links = (await listLinks(client)).filter(
    (link) => clusterName === undefined || clusterOf(link) === clusterName,
  );
  const counts = await mirrorCounts(client);
  const stateOf = async (link: Link): Promise<GatewayState | undefined> => {
    try {
      return await gatewayState(client, link, (target) => scrape(connection, target, waitMs));
    } catch (error) {
      context.io.err(`warning: ${clusterOf(link)}: ${(error as Error).message}\n`);
      return undefined;
    }
  };
  const rows = await Promise.all(
    links.map(async (link): Promise<Row[]> => {
      const state = await stateOf(link);
      const cluster = clusterOf(link);
      if (!state?.enabled) return [];
      const { alive, latencyMs } = state;
      return [{ clusterName: cluster, alive, numberOfServices: counts.get(cluster) ?? 0, latency: latencyMs }];
    }),
  );
  return rows.flat().sort((a, b) => (a.clusterName < b.clusterName ? -1 : 1));
}

const clusterOf = (link: Link): string => link.spec?.targetClusterName || (link.metadata.name ?? '');

/** Numbers stand to the right, names to the left. */
export function gatewaysTable(rows: readonly Row[]): string {
  const cells = rows.map(({ clusterName, alive, numberOfServices, latency }) => [
    clusterName,
    alive ? 'True' : 'False',
    String(numberOfServices),
    alive ? `${latency}ms` : '-',
  ]);
  const clusterWidth = Math.max('CLUSTER'.length, ...rows.map(({ clusterName }) => clusterName.length));
  return [['CLUSTER', 'ALIVE', 'NUM_SVC', 'LATENCY'], ...cells]
    .map(([cluster = '', alive = '', services = '', latency = '']) =>
      [cluster.padEnd(clusterWidth), alive.padEnd(5), services.padStart(9), latency.padStart(11)].join('  ').trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
