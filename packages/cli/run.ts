import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CliContext, CommandRegistrar, GlobalFlags, Io } from './context.ts';
import { UserError } from './context.ts';
import { runExtension } from './extension.ts';
import { ROLES } from './roles.ts';

interface Verb {
  summary: string;
  aliases?: readonly string[];
  load(): Promise<CommandRegistrar>;
}

/** The user's verbs. Only the one that is asked for is loaded; help shows the summaries. */
export const VERBS: Readonly<Record<string, Verb>> = {
  authz: {
    summary: 'List authorizations for a resource',
    load: async () => (await import('./commands/authz.ts')).registerAuthz,
  },
  check: {
    summary: 'Check the installation for potential problems',
    load: async () => (await import('./commands/check.ts')).registerCheck,
  },
  completion: {
    summary: 'Output shell completion code for bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).registerCompletion,
  },
  demo: {
    summary: 'Three meshed clusters on this machine, one federated service, real traffic',
    load: async () => (await import('./demo/index.ts')).registerDemo,
  },
  diagnostics: {
    summary: 'Commands used to diagnose the control plane and proxies',
    aliases: ['dg'],
    load: async () => (await import('./commands/diagnostics/index.ts')).registerDiagnostics,
  },
  identity: {
    summary: 'Display the certificates of selected pods',
    load: async () => (await import('./commands/identity.ts')).registerIdentity,
  },
  inject: {
    summary: 'Add the proxy to a Kubernetes config',
    load: async () => (await import('./commands/inject.ts')).registerInject,
  },
  install: {
    summary: 'Output Kubernetes configs to install the mesh',
    load: async () => (await import('./commands/install.ts')).registerInstall,
  },
  'install-cni': {
    summary: 'Output Kubernetes configs to install the CNI plug-in',
    load: async () => (await import('./commands/install-cni.ts')).registerInstallCni,
  },
  lab: {
    summary: 'An embedded Kubernetes on this machine: up, down, status, env, shell, logs',
    load: async () => (await import('./commands/lab/index.ts')).registerLab,
  },
  multicluster: {
    summary: 'Manage the multicluster extension',
    aliases: ['mc'],
    load: async () => (await import('./commands/multicluster/index.ts')).registerMulticluster,
  },
  profile: {
    summary: 'Output service profile config for Kubernetes',
    load: async () => (await import('./commands/profile.ts')).registerProfile,
  },
  prune: {
    summary: 'Output extraneous Kubernetes resources of the control plane',
    load: async () => (await import('./commands/prune.ts')).registerPrune,
  },
  uninject: {
    summary: 'Remove the proxy from a Kubernetes config',
    load: async () => (await import('./commands/inject.ts')).registerUninject,
  },
  uninstall: {
    summary: 'Output Kubernetes resources to uninstall the control plane',
    load: async () => (await import('./commands/uninstall.ts')).registerUninstall,
  },
  upgrade: {
    summary: 'Output Kubernetes configs to upgrade an existing control plane',
    load: async () => (await import('./commands/upgrade.ts')).registerUpgrade,
  },
  version: {
    summary: 'Print the client and server version information',
    load: async () => (await import('./commands/version.ts')).registerVersion,
  },
};

/** Global flags that take a value, so that the verb can be found behind them. */
const VALUE_FLAGS = new Set([
  '-L',
  '--linkerd-namespace',
  '--cni-namespace',
  '--kubeconfig',
  '--context',
  '--as',
  '--as-group',
  '--api-addr',
]);

/** Runs one invocation and returns its exit code. `argv` has neither the runtime nor the script. */
export async function run(argv: string[], io: Io = processIo()): Promise<number> {
  const role = roleOf(argv, io.env);
  if (role) return (await (await role())(argv.slice(1), io.env)) ?? Number(process.exitCode ?? 0);
  if (argv[0] === '__complete') return complete(argv.slice(1), io);
  const at = verbPosition(argv);
  const word = argv[at];
  const name = verbNamed(word);
  if (word !== undefined && name === undefined && word !== 'help') return runExtension(word, argv, at, io);
  const { context, close } = newContext(io);
  try {
    const program = await buildProgram(name, context);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    return report(error, io);
  } finally {
    close();
  }
  return context.exitCode;
}

/** Arguments of Linkerd's controllers: whole words behind one dash. */
const CONTROLLER_FLAG = /^-(addr|admin|controller|enable|identity|issuer|kube|log|trace|trust)/;

/** The process to be, if the first word names one. `identity` is a verb, too: for a person, who writes no such arguments. */
function roleOf([word, argument = '']: readonly string[], env: NodeJS.ProcessEnv) {
  // A container runtime calls its plug-ins without arguments.
  if (word === undefined) return env['CNI_COMMAND'] === undefined ? undefined : ROLES['cni'];
  return Object.hasOwn(VERBS, word) && !CONTROLLER_FLAG.test(argument) ? undefined : ROLES[word];
}

/** A context that connects once, when it is first asked to. */
function newContext(io: Io): { context: CliContext; close(): void } {
  let connection: ReturnType<CliContext['connect']> | undefined;
  let made: Awaited<ReturnType<CliContext['connect']>> | undefined;
  const context: CliContext = {
    flags: { linkerdNamespace: 'linkerd', cniNamespace: 'linkerd-cni', asGroup: [], verbose: false },
    io,
    exitCode: 0,
    connect() {
      connection ??= connect(context).then((each) => {
        made = each;
        return each;
      });
      return connection;
    },
  };
  return { context, close: () => made?.client.close() };
}

/** Answers a shell's question what may follow: a line each, then whether files may, too (`:0`) or not (`:4`). */
async function complete(words: readonly string[], io: Io): Promise<number> {
  const { candidatesFor, clusterNames } = await import('./completion/index.ts');
  const { context, close } = newContext(io);
  const build = async (before: readonly string[]): Promise<Command> => {
    const program = await buildProgram(verbNamed(before[verbPosition(before)]), context);
    try {
      // Which cluster names come from is said among the words.
      program.parseOptions([...before]);
    } catch {
      // Half a line need not be right; what was read so far counts.
    }
    context.flags = { ...context.flags, ...(program.opts() as Partial<GlobalFlags>) };
    return program;
  };
  try {
    const answer = await candidatesFor(words, { build, names: clusterNames(context) });
    io.out(`${answer.words.map((each) => `${each}\n`).join('')}:${answer.files ? 0 : 4}\n`);
    return 0;
  } finally {
    close();
  }
}

async function connect(context: CliContext) {
  const { loadAccess } = await import('#kube/config');
  const { createKubeClient } = await import('#kube/client');
  const { kubeconfig, context: contextName, as, asGroup } = context.flags;
  const access = await loadAccess(
    {
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(contextName !== undefined && { context: contextName }),
      ...(as !== undefined && { as }),
      asGroups: asGroup,
    },
    context.io.env,
  );
  return { client: createKubeClient(access), access, namespace: access.namespace, contextName: access.context };
}

async function buildProgram(loaded: string | undefined, context: CliContext): Promise<Command> {
  const { io } = context;
  const program = new Command('weft')
    .description('weft manages the Weft service mesh; it understands the commands of linkerd')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  addGlobalFlags(program, io.env);
  for (const [name, verb] of Object.entries(VERBS)) {
    if (name === loaded) (await verb.load())(program, context);
    else
      program
        .command(name)
        .aliases([...(verb.aliases ?? [])])
        .summary(verb.summary)
        .description(verb.summary);
  }
  program.hook('preAction', (_program, command) => {
    context.flags = { ...(command.optsWithGlobals() as GlobalFlags) };
  });
  for (const command of program.commands) inherit(command, program);
  return program;
}

/** Subcommands at any depth fail by exception and print through the same streams, as the root does. */
function inherit(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  for (const child of command.commands) inherit(child, from);
}

function addGlobalFlags(program: Command, env: NodeJS.ProcessEnv): void {
  const namespace = (value: string): string => {
    if (!/^[a-zA-Z0-9-]+$/.test(value)) throw new InvalidArgumentError(`${value} is not a valid namespace`);
    return value;
  };
  const collect = (value: string, all: string[]): string[] => [...all, value];
  program
    .addOption(
      new Option('-L, --linkerd-namespace <namespace>', 'Namespace of the control plane')
        .argParser(namespace)
        .default(env['LINKERD_NAMESPACE'] ?? 'linkerd'),
    )
    .addOption(
      new Option('--cni-namespace <namespace>', 'Namespace of the CNI plug-in')
        .argParser(namespace)
        .default('linkerd-cni'),
    )
    .option('--kubeconfig <path>', 'Path to the kubeconfig file to use')
    .option('--context <name>', 'Name of the kubeconfig context to use')
    .option('--as <user>', 'User to impersonate')
    .option('--as-group <group>', 'Group to impersonate; may be repeated', collect, [])
    .option('--api-addr <host:port>', 'Address of a controller, instead of forwarding a port to it')
    .option('--verbose', 'Print more', false);
}

function report(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode;
  const { message, stack } = error as Error;
  const known = error instanceof UserError || (error as { name?: string }).name === 'ApiError';
  io.err(`${known || !io.env['WEFT_DEBUG'] ? message : stack}\n`);
  return 1;
}

/** Index of the first word that is neither a flag nor a flag's value. */
function verbPosition(argv: readonly string[]): number {
  let at = 0;
  while (at < argv.length && argv[at]!.startsWith('-')) at += VALUE_FLAGS.has(argv[at]!) ? 2 : 1;
  return at;
}

function verbNamed(word: string | undefined): string | undefined {
  if (word === undefined) return undefined;
  if (Object.hasOwn(VERBS, word)) return word;
  return Object.entries(VERBS).find(([, verb]) => verb.aliases?.includes(word))?.[0];
}

function processIo(): Io {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // The reader (`head`, a closed pager) has seen enough.
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: readStdin,
    env: process.env,
    isTty: process.stderr.isTTY === true,
    colors: process.stdout.isTTY === true && !process.env['NO_COLOR'],
  };
}

/** Manifests are text of people and tools; this is a runaway. */
const STDIN_BYTES_MAX = 256 * 1024 * 1024;

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > STDIN_BYTES_MAX) throw new UserError(`standard input exceeds ${STDIN_BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
