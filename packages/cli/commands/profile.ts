import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import { CONFIG_MAPS, type ConfigMap } from '#api/kube';
import { isDnsLabel } from '#model/names';
import { type CliContext, UserError } from '../context.ts';
import { toYaml } from '../output/index.ts';
import { type ProfileName, profileFromOpenApi, profileFromProto, profileTemplate } from '../profile/index.ts';

interface Flags {
  template?: boolean;
  openApi?: string;
  proto?: string;
  namespace?: string;
  ignoreCluster?: boolean;
  output: 'yaml' | 'json';
}

/** `weft profile (--template | --open-api FILE | --proto FILE) SERVICE`: prints a ServiceProfile. */
export function registerProfile(program: Command, context: CliContext): void {
  program
    .command('profile')
    .argument('<service>', 'Name of the Service')
    .description('Output service profile config for Kubernetes')
    .option('--template', 'Output a service profile template')
    .option('--open-api <file>', 'Output a service profile based on the given OpenAPI spec file')
    .option('--proto <file>', 'Output a service profile based on the given Protobuf spec file')
    .option('-n, --namespace <namespace>', "Namespace of the Service (default: the kubeconfig context's)")
    .option('--ignore-cluster', 'Do not ask the cluster for its domain')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (service: string, flags: Flags) => {
      if ([flags.template, flags.openApi, flags.proto].filter(Boolean).length !== 1)
        throw new UserError('You must specify exactly one of --template or --open-api or --proto');
      const name = await nameOf(service, flags, context);
      context.io.out(await render(name, flags, context));
    });
}

async function nameOf(service: string, flags: Flags, context: CliContext): Promise<ProfileName> {
  const namespace = flags.namespace ?? (flags.ignoreCluster ? 'default' : (await context.connect()).namespace);
  if (!isDnsLabel(service) || !/^[a-z]/.test(service))
    throw new UserError(
      `invalid service "${service}": expected lower-case letters, digits and dashes, a letter first, such as web-svc`,
    );
  if (!isDnsLabel(namespace))
    throw new UserError(`invalid namespace "${namespace}": expected lower-case letters, digits and dashes`);
  return { service, namespace, clusterDomain: await clusterDomain(flags, context) };
}

async function clusterDomain(flags: Flags, context: CliContext): Promise<string> {
  if (flags.ignoreCluster) return 'cluster.local';
  const { client } = await context.connect();
  const config = await client.get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', context.flags.linkerdNamespace);
  const values = parse(config.data?.['values'] ?? '') as { clusterDomain?: string } | null;
  return values?.clusterDomain || 'cluster.local';
}

async function render(name: ProfileName, flags: Flags, context: CliContext): Promise<string> {
  const text = flags.template ? profileTemplate(name) : undefined;
  if (text !== undefined && flags.output === 'yaml') return text;
  const profile = text !== undefined ? (parse(text) as object) : await made(name, flags, context);
  return flags.output === 'json' ? `${JSON.stringify(profile)}\n` : toYaml(profile);
}

async function made(name: ProfileName, flags: Flags, context: CliContext): Promise<object> {
  if (flags.openApi !== undefined) return profileFromOpenApi(await read(flags.openApi, context), name);
  return profileFromProto(await read(flags.proto ?? '', context), name);
}

async function read(path: string, context: CliContext): Promise<string> {
  if (path === '-') return context.io.stdin();
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`Error reading file: ${(error as Error).message}`);
  }
}
