/** `weft diagnostics …` (alias `dg`): what destination answers, what proxies and controllers measure. */
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerEndpoints } from './endpoints.ts';
import { registerMetrics } from './metrics.ts';
import { registerPolicy } from './policy.ts';
import { registerDiagnosticsProfile } from './profile.ts';

export function registerDiagnostics(program: Command, context: CliContext): void {
  const group = program
    .command('diagnostics')
    .alias('dg')
    .description('Commands used to diagnose the control plane and proxies');
  registerEndpoints(group, context);
  registerMetrics(group, context);
  registerPolicy(group, context);
  registerDiagnosticsProfile(group, context);
}
