import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion/index.ts';
import type { CliContext } from '../context.ts';

/** `weft completion bash|zsh|fish`: a script to source. */
export function registerCompletion(program: Command, context: CliContext): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'Shell to complete for').choices(SHELLS))
    .description('Output shell completion code for the specified shell (bash, zsh or fish)')
    .addHelpText('after', '\nIn bash, for this session: source <(weft completion bash)')
    .action((shell: Shell) => context.io.out(completionScript(shell)));
}
