import { type Command, Option } from 'commander';
import { SERVICE_ACCOUNTS } from '#api/kube';
import { isNotFound } from '#kube/client';
import { type CliContext, UserError } from '../../context.ts';
import { defaultMulticluster, remoteAccess } from '../../manifests/multicluster/index.ts';
import { renderManifests } from '../../output/index.ts';

interface AllowFlags {
  serviceAccountName: string;
  namespace: string;
  ignoreCluster?: boolean;
  output: 'yaml' | 'json';
}

/**
 * `multicluster allow`: another account with which a cluster may look at this one. It goes where the extension is installed, whose
 * namespace is not printed: who deletes the account by what is printed must not delete the extension with it.
 */
export function registerAllow(group: Command, context: CliContext): void {
  group
    .command('allow')
    .description('Output credential resources that allow service mirror controllers to connect to this cluster')
    .requiredOption('--service-account-name <name>', 'Name of the account')
    .option('--namespace <namespace>', 'Namespace of the extension', 'linkerd-multicluster')
    .option('--ignore-cluster', 'Do not look at the cluster')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (flags: AllowFlags) => {
      const { serviceAccountName: name, namespace } = flags;
      if (!flags.ignoreCluster) await refuseExisting(context, name, namespace);
      const settings = { ...defaultMulticluster(), namespace };
      context.io.out(renderManifests(remoteAccess(settings, name), flags.output));
    });
}

async function refuseExisting(context: CliContext, name: string, namespace: string): Promise<void> {
  const { client } = await context.connect();
  try {
    await client.get(SERVICE_ACCOUNTS, name, namespace);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  throw new UserError(`service account ${namespace}/${name} already exists; --ignore-cluster renders it anyway`);
}
