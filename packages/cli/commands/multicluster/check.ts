import { type Command, Option } from 'commander';
import { CheckSubject } from '../../checks/index.ts';
import { multiclusterCategory, multiclusterNamespace } from '../../checks/multicluster.ts';
import { connectNear } from '../../checks/remote-access.ts';
import { type CliContext, UserError } from '../../context.ts';
import { VERSION } from '../../version.ts';
import { type CheckOutput, CheckRunner, outputOption } from '../check.ts';
import { readDuration } from '../duration.ts';

interface Flags {
  output: CheckOutput;
  wait: string;
  timeout: string;
}

/** `multicluster check`: the extension's category alone. */
export function registerMulticlusterCheck(group: Command, context: CliContext): void {
  group
    .command('check')
    .description('Check the multicluster extension for potential problems')
    .option('--wait <duration>', 'How long checks that may still succeed are repeated', '5m')
    .option('--timeout <duration>', 'How long to wait for each remote cluster', '10s')
    .option('-n, --namespace <namespace>', 'Accepted for compatibility: the extension is found by its label')
    .addOption(new Option('--proxy').hideHelp())
    .addOption(outputOption())
    .action(async (flags: Flags) => {
      const subject = new CheckSubject(context);
      if ((await multiclusterNamespace(subject)) === undefined)
        throw new UserError(
          'the multicluster extension is not installed; install by running `linkerd multicluster install | kubectl apply -f -`',
        );
      const runner = new CheckRunner(context, flags.output, readDuration('--wait', flags.wait));
      await runner.run([
        multiclusterCategory(subject, {
          cliVersion: VERSION,
          timeoutMs: readDuration('--timeout', flags.timeout),
          connect: (kubeconfig, observer) => connectNear(context, kubeconfig, observer),
        }),
      ]);
      runner.finish();
    });
}
