/** `weft multicluster …` (alias `mc`): the extension's manifests, links between clusters, and its checks. */
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerAllow } from './allow.ts';
import { registerMulticlusterCheck } from './check.ts';
import { registerGateways } from './gateways.ts';
import { registerInstall, registerUninstall } from './install.ts';
import { registerLink } from './link.ts';
import { registerUnlink } from './unlink.ts';

export function registerMulticluster(program: Command, context: CliContext): void {
  const group = program.command('multicluster').alias('mc').description('Manage the multicluster extension');
  registerInstall(group, context);
  registerUninstall(group, context);
  registerLink(group, context);
  registerUnlink(group, context);
  registerAllow(group, context);
  registerGateways(group, context);
  registerMulticlusterCheck(group, context);
}
