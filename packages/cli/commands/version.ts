import type { Command } from 'commander';
import { parse } from 'yaml';
import { CONFIG_MAPS, type ConfigMap, PODS, type Pod } from '#api/kube';
import { proxyVersion } from '../checks/pods.ts';
import type { CliContext } from '../context.ts';
import { VERSION } from '../version.ts';

interface VersionFlags {
  client?: boolean;
  short?: boolean;
  proxy?: boolean;
  namespace?: string;
}

/** `weft version`: what this program is and what runs in the cluster. */
export function registerVersion(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('Print the client and server version information')
    .option('--client', 'Print only the version of this program')
    .option('--short', 'Print the versions alone')
    .option('--proxy', 'Print the versions of the proxies')
    .option('-n, --namespace <namespace>', 'Namespace of the proxies (default: all)')
    .action(async (flags: VersionFlags) => {
      const { io } = context;
      const line = (label: string, value: string): void => io.out(flags.short ? `${value}\n` : `${label}: ${value}\n`);
      line('Client version', VERSION);
      if (flags.client) return;
      line('Server version', await serverVersion(context));
      if (flags.proxy) io.out(await proxyVersions(flags, context));
    });
}

/** The installed control plane's version, or `unavailable` for whatever reason; the reason goes to stderr if verbose. */
async function serverVersion(context: CliContext): Promise<string> {
  try {
    const { client } = await context.connect();
    const config = await client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', context.flags.linkerdNamespace);
    const values = parse(config.data?.['values'] ?? '') as { linkerdVersion?: unknown } | null;
    return typeof values?.linkerdVersion === 'string' ? values.linkerdVersion : 'unavailable';
  } catch (error) {
    if (context.flags.verbose) context.io.err(`${(error as Error).message}\n`);
    return 'unavailable';
  }
}

/** A line a version, by the tags of the proxies' images. */
async function proxyVersions(flags: VersionFlags, context: CliContext): Promise<string> {
  const counts = new Map<string, number>();
  try {
    const { client } = await context.connect();
    const { items } = await client.list<Pod>(PODS, {
      labelSelector: `linkerd.io/control-plane-ns=${context.flags.linkerdNamespace}`,
      ...(flags.namespace !== undefined && { namespace: flags.namespace }),
    });
    for (const pod of items) counts.set(proxyVersion(pod), (counts.get(proxyVersion(pod)) ?? 0) + 1);
  } catch (error) {
    if (context.flags.verbose) context.io.err(`${(error as Error).message}\n`);
  }
  if (counts.size === 0) return 'Proxy versions: unavailable\n';
  const lines = [...counts].sort().map(([version, count]) => `\t${version} (${count} pods)\n`);
  return `Proxy versions:\n${lines.join('')}`;
}
