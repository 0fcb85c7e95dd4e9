import { type Command, Option } from 'commander';
import type { Category, CategoryResult } from '../checks/check.ts';
import { alwaysChecking, programsOn, runExtensionChecks } from '../checks/extension-run.ts';
import { installedExtensions } from '../checks/extensions.ts';
import { CheckSubject, coreCategories, runCategories } from '../checks/index.ts';
import { type MulticlusterOptions, multiclusterCategory } from '../checks/multicluster.ts';
import { printResults, printVerdict, resultsJson, succeeded } from '../checks/print.ts';
import { connectNear } from '../checks/remote-access.ts';
import type { Versions } from '../checks/versions.ts';
import { vizCategory } from '../checks/viz.ts';
import { type CliContext, UserError } from '../context.ts';
import { VERSION } from '../version.ts';
import { readDuration } from './duration.ts';

interface CheckFlags {
  pre?: boolean;
  crds?: boolean;
  proxy?: boolean;
  namespace?: string;
  linkerdCniEnabled?: boolean;
  expectedVersion?: string;
  cliVersionOverride?: string;
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
    .option('--expected-version <version>', 'Release that everything should be of')
    .addOption(new Option('--cli-version-override <version>', 'Version to take for this program’s').hideHelp())
    .option('--linkerd-cni-enabled', 'With --pre: the CNI plug-in will redirect traffic')
    .option('--wait <duration>', 'How long checks that may still succeed are repeated', '5m')
    .addOption(outputOption())
    .action((flags: CheckFlags) => check(flags, context));
}

async function check(flags: CheckFlags, context: CliContext): Promise<void> {
  if (flags.pre && (flags.proxy || flags.crds)) throw new UserError('--pre excludes --proxy and --crds');
  const waitMs = readDuration('--wait', flags.wait);
  const subject = new CheckSubject(context);
  const versions: Versions = {
    cliVersion: flags.cliVersionOverride ?? VERSION,
    ...(flags.expectedVersion !== undefined && { latestVersion: flags.expectedVersion }),
  };
  const runner = new CheckRunner(context, flags.output, waitMs);
  const core = coreCategories(subject, {
    ...versions,
    ...(flags.pre && { pre: true }),
    ...(flags.crds && { crds: true }),
    ...(flags.proxy && { proxy: true }),
    ...(flags.linkerdCniEnabled && { cni: true }),
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
  });
  const results = await runner.run(core);
  if (!flags.pre && !flags.crds) {
    const names = reachable(results) ? [...(await installedExtensions(subject)).keys()] : [];
    await runExtensions(runner, subject, names, { flags, versions, waitMs, context });
  }
  runner.finish();
}

const reachable = (results: readonly CategoryResult[]): boolean =>
  results[0]?.results.every(({ result }) => result === 'success') ?? false;

const REMOTE_TIMEOUT_MS = 10_000;
/** An extension may wait as long as we, and some more to begin and to end. */
const EXTENSION_GRACE_MS = 60_000;

interface ExtensionRun {
  flags: CheckFlags;
  versions: Versions;
  waitMs: number;
  context: CliContext;
}

/** Checks of what is installed, and of programs that check always: a group each. */
async function runExtensions(
  runner: CheckRunner,
  subject: CheckSubject,
  installed: readonly string[],
  { flags, versions, waitMs, context }: ExtensionRun,
): Promise<void> {
  const path = context.io.env['PATH'] ?? '';
  const programs = programsOn(path);
  const names = new Set(installed.map((name) => name.replace(/^linkerd-/, '')));
  for (const { name } of await alwaysChecking(path)) names.add(name);
  for (const name of [...names].sort()) {
    if (name === 'multicluster') {
      const connect: MulticlusterOptions['connect'] = (kubeconfig, observer) =>
        connectNear(context, kubeconfig, observer);
      await runner.run([multiclusterCategory(subject, { ...versions, timeoutMs: REMOTE_TIMEOUT_MS, connect })]);
      continue;
    }
    if (name === 'viz') {
      await runner.run([vizCategory(subject, versions)]);
      continue;
    }
    const file = programs.get(name);
    const extension = { name, ...(file !== undefined && { file }) };
    runner.show(await runExtensionChecks(extension, forwarded(flags, context), waitMs + EXTENSION_GRACE_MS));
  }
}

/** The flags that extensions understand, too. */
function forwarded(flags: CheckFlags, { flags: global }: CliContext): string[] {
  const value = (name: string, text: string | undefined) => (text === undefined ? [] : [`--${name}=${text}`]);
  return [
    ...value('api-addr', global.apiAddr),
    ...value('context', global.context),
    ...value('as', global.as),
    ...global.asGroup.map((group) => `--as-group=${group}`),
    ...value('kubeconfig', global.kubeconfig),
    ...value('linkerd-namespace', global.linkerdNamespace),
    ...(global.verbose ? ['--verbose'] : []),
    ...value('namespace', flags.namespace),
    ...(flags.proxy ? ['--proxy'] : []),
    ...value('wait', flags.wait),
  ];
}

/** Runs groups of categories, prints each group when it is done, and sets the exit code. */
export class CheckRunner {
  readonly #context: CliContext;
  readonly #output: CheckOutput;
  readonly #deadlineMs: number;
  #success = true;
  #spinner: NodeJS.Timeout | undefined;

  constructor(context: CliContext, output: CheckOutput, waitMs: number) {
    this.#context = context;
    this.#output = output;
    this.#deadlineMs = Date.now() + waitMs;
  }

  async run(categories: readonly Category[]): Promise<CategoryResult[]> {
    const results = await runCategories(categories, {
      deadlineMs: this.#deadlineMs,
      onRetry: (text) => this.#spin(text),
    });
    this.show(results);
    return results;
  }

  /** Prints the results of a group, and counts them. */
  show(results: readonly CategoryResult[]): void {
    const { io } = this.#context;
    this.#still();
    this.#success &&= succeeded(results);
    if (this.#output === 'json') io.out(resultsJson(results));
    else printResults(results, this.#output, io);
  }

  finish(): void {
    if (this.#output !== 'json') printVerdict(this.#success, this.#context.io);
    if (!this.#success) this.#context.exitCode = 1;
  }

  /** Shows a person that something is under way, and what for. */
  #spin(text: string): void {
    const { io } = this.#context;
    if (!io.isTty || this.#output === 'json') return;
    this.#still();
    let turn = 0;
    const paint = () => {
      io.err(`\r\u001b[K${SPINNER[turn % SPINNER.length]} ${text.split('\n').join(' ')}`);
      turn += 1;
    };
    paint();
    this.#spinner = setInterval(paint, SPINNER_MS);
  }

  #still(): void {
    if (this.#spinner === undefined) return;
    clearInterval(this.#spinner);
    this.#spinner = undefined;
    this.#context.io.err('\r\u001b[K');
  }
}

const SPINNER = ['|', '/', '-', '\\'];
const SPINNER_MS = 100;
