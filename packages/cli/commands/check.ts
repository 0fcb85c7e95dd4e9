import { type Command, Option } from 'commander';
import type { Category, CategoryResult } from '../checks/check.ts';
import { installedExtensions } from '../checks/extensions.ts';
import { CheckSubject, coreCategories, runCategories } from '../checks/index.ts';
import { multiclusterCategory } from '../checks/multicluster.ts';
import { printResults, printVerdict, resultsJson, succeeded } from '../checks/print.ts';
import { connectLinked } from '../checks/remote-access.ts';
import { type CliContext, UserError } from '../context.ts';
import { VERSION } from '../version.ts';
import { readDuration } from './duration.ts';

interface CheckFlags {
  pre?: boolean;
  crds?: boolean;
  proxy?: boolean;
  namespace?: string;
  expectedVersion?: string;
  output: CheckOutput;
  wait: string;
}
export type CheckOutput = 'table' | 'short' | 'json';

export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'Output format').choices(['table', 'json', 'short']).default('table');

/** `weft check`: core categories, then those of installed extensions. */
export function registerCheck(program: Command, context: CliContext): void {
  program
    .command('check')
    .description('Check the installation for potential problems')
    .option('--pre', 'Check whether an installation would succeed')
    .option('--crds', 'Check only the custom resource definitions')
    .option('--proxy', 'Check the proxies of meshed pods')
    .option('-n, --namespace <namespace>', 'With --proxy: the namespace to check (default: all)')
    .option('--expected-version <version>', 'Version to expect instead of this program’s')
    .option('--linkerd-cni-enabled', 'Accepted for compatibility')
    .option('--wait <duration>', 'How long checks that may still succeed are repeated', '5m')
    .addOption(outputOption())
    .action((flags: CheckFlags) => check(flags, context));
}

async function check(flags: CheckFlags, context: CliContext): Promise<void> {
  if (flags.pre && (flags.proxy || flags.crds)) throw new UserError('--pre excludes --proxy and --crds');
  const subject = new CheckSubject(context);
  const expectedVersion = flags.expectedVersion ?? VERSION;
  const runner = new CheckRunner(context, flags.output, readDuration('--wait', flags.wait));
  const core = coreCategories(subject, {
    expectedVersion,
    ...(flags.pre && { pre: true }),
    ...(flags.crds && { crds: true }),
    ...(flags.proxy && { proxy: true }),
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
  });
  const results = await runner.run(core);
  if (!flags.pre && !flags.crds) {
    const installed = reachable(results) ? await installedExtensions(subject) : new Map<string, string[]>();
    for (const category of extensionCategories(subject, [...installed.keys()], expectedVersion, (text) =>
      connectLinked(context, text),
    ))
      await runner.run([category]);
  }
  runner.finish();
}

const reachable = (results: readonly CategoryResult[]): boolean =>
  results[0]?.results.every(({ result }) => result === 'success') ?? false;

const REMOTE_TIMEOUT_MS = 10_000;

/** Categories of extensions; one that is not known here is said so. */
function extensionCategories(
  subject: CheckSubject,
  names: readonly string[],
  expectedVersion: string,
  connect: (kubeconfig: string) => ReturnType<typeof connectLinked>,
): Category[] {
  return names.map((name) => {
    if (name === 'multicluster' || name === 'linkerd-multicluster')
      return multiclusterCategory(subject, { expectedVersion, timeoutMs: REMOTE_TIMEOUT_MS, connect });
    return {
      name: `linkerd-${name}`,
      checks: [
        {
          description: `Linkerd extension command linkerd-${name} exists`,
          anchor: 'extensions',
          severity: 'warning' as const,
          run: async (): Promise<void> => {
            throw new Error(`the checks of extension ${name} are not part of this program`);
          },
        },
      ],
    };
  });
}

/** Runs groups of categories, prints each group when it is done, and sets the exit code. */
export class CheckRunner {
  readonly #context: CliContext;
  readonly #output: CheckOutput;
  readonly #deadlineMs: number;
  #success = true;
  #spinning = false;

  constructor(context: CliContext, output: CheckOutput, waitMs: number) {
    this.#context = context;
    this.#output = output;
    this.#deadlineMs = Date.now() + waitMs;
  }

  async run(categories: readonly Category[]): Promise<CategoryResult[]> {
    const { io } = this.#context;
    const results = await runCategories(categories, {
      deadlineMs: this.#deadlineMs,
      onRetry: (text) => this.#spin(text),
    });
    this.#clear();
    this.#success &&= succeeded(results);
    if (this.#output === 'json') io.out(resultsJson(results));
    else printResults(results, this.#output, io);
    return results;
  }

  finish(): void {
    if (this.#output !== 'json') printVerdict(this.#success, this.#context.io);
    if (!this.#success) this.#context.exitCode = 1;
  }

  #spin(text: string): void {
    if (!this.#context.io.isTty || this.#output !== 'table') return;
    this.#spinning = true;
    this.#context.io.err(`\r\u001b[K- ${text.split('\n').join(' ')}`);
  }

  #clear(): void {
    if (this.#spinning) this.#context.io.err('\r\u001b[K');
    this.#spinning = false;
  }
}
