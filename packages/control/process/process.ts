/** What every controller's process has in common, from its arguments to its end. */
import type { KubeClient, RequestRate } from '#kube/client';
import { systemClock } from '#runtime/clock';
import { createLog, type Log, parseFilter } from '#runtime/log';
import { startAdmin } from './admin.ts';
import { COMMON_FLAGS, type FlagSpec, type Flags, parseFlags, parseListenAddress } from './flags.ts';
import { type ControlMetrics, createControlMetrics } from './metrics.ts';

/** What a controller is built from. */
export interface ProcessContext<S extends Record<string, FlagSpec>> {
  flags: Flags<S & typeof COMMON_FLAGS>;
  env: NodeJS.ProcessEnv;
  log: Log;
  metrics: ControlMetrics;
  /** Connects to the API server that the flags name; requests beyond `rate` wait. */
  kube(rate?: RequestRate): Promise<KubeClient>;
  /** Reads a flag that holds a listening address; throws a sentence for the operator. */
  listenAddress(flag: keyof S & string): { host: string; port: number };
}

/** A built controller. */
export interface Running {
  /**
   * Whether it may be asked. What was complete once stays ready while the API server is away: it knows more than nobody, and all
   * replicas would go at once.
   */
  ready(): boolean;
  /**
   * For servers that are found by a Service: called at the signal. What is served goes on being served for a while, not ready any
   * more, since whoever calls has yet to learn that another is to be asked. Without it the drain begins at once.
   */
  retire?(): void;
  /** Ends streams and connections in good order; resolves when the process may exit. */
  drain(): Promise<void>;
}

export interface ProcessSpec<S extends Record<string, FlagSpec>> {
  /** Target of log lines, e.g. `destination`. */
  name: string;
  flags: S;
  /** The flag that holds the admin port's address. */
  adminFlag: keyof S & string;
  build(context: ProcessContext<S>): Promise<Running>;
  /** How long what retires goes on serving; default {@link LINGER_MS}. */
  lingerMs?: number;
}

/** Endpoints, and the rules of nodes that are made from them, follow the end of a pod within this. */
const LINGER_MS = 3_000;
/** A drain that takes longer is cut off. */
const DRAIN_MS_MAX = 10_000;

/** Runs a controller until SIGTERM or SIGINT. Resolves with the exit code: 0, 1 for a failed start, 2 for bad arguments. */
export async function runProcess<S extends Record<string, FlagSpec>>(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  spec: ProcessSpec<S>,
): Promise<number> {
  const { flags, problems } = parseFlags(argv, { ...COMMON_FLAGS, ...spec.flags });
  const log = makeLog(spec.name, String(flags['log-level']), String(flags['log-format']), problems);
  if (problems.length > 0) {
    for (const problem of problems) log.error(problem);
    return 2;
  }
  const metrics = createControlMetrics(() => systemClock.nowMs());
  const context: ProcessContext<S> = {
    flags: flags as Flags<S & typeof COMMON_FLAGS>,
    env,
    log,
    metrics,
    kube: (rate) => connect(String(flags['kubeconfig']), env, rate),
    listenAddress: (flag) => listenAddressOf(flag, String(flags[flag])),
  };
  try {
    let running: Running | undefined;
    let isEnding = false;
    const stop = untilSignal();
    const ready = () => !isEnding && (running?.ready() ?? false);
    const admin = await startAdmin({
      ...context.listenAddress(spec.adminFlag),
      ready,
      metrics: () => metrics.render(),
    });
    running = await Promise.race([spec.build(context), stop.then(() => undefined)]);
    if (running) log.info('started');
    const signal = await stop;
    log.info('shutting down', { signal });
    isEnding = true;
    if (running?.retire) {
      running.retire();
      await new Promise((resolve) => setTimeout(resolve, spec.lingerMs ?? LINGER_MS));
    }
    await Promise.race([running?.drain(), new Promise((resolve) => setTimeout(resolve, DRAIN_MS_MAX).unref())]);
    admin.close();
    return 0;
  } catch (error) {
    log.error('cannot start', { error: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}

function makeLog(name: string, level: string, format: string, problems: string[]): Log {
  const filter = parseFilter(LEVELS[level] ?? level);
  if ('error' in filter) problems.push(`flag -log-level: ${filter.error}`);
  if (format !== 'plain' && format !== 'json')
    problems.push(`flag -log-format: expected plain or json, got "${format}"`);
  const fallback = parseFilter('info');
  if ('error' in fallback) throw new Error(fallback.error);
  return createLog(
    {
      format: format === 'json' ? 'json' : 'plain',
      filter: 'value' in filter ? filter.value : fallback.value,
      write: (line) => process.stderr.write(line),
      uptimeSeconds: () => process.uptime(),
      wallMs: () => systemClock.wallMs(),
    },
    `linkerd_${name.replaceAll('-', '_')}`,
  );
}

/** Levels of Go's loggers that the filter spells otherwise. */
const LEVELS: Record<string, string> = { warning: 'warn', panic: 'error', fatal: 'error' };

async function connect(kubeconfig: string, env: NodeJS.ProcessEnv, rate?: RequestRate): Promise<KubeClient> {
  const [{ createKubeClient }, { inClusterAccess, loadAccess }] = await Promise.all([
    import('#kube/client'),
    import('#kube/config'),
  ]);
  return createKubeClient(kubeconfig ? await loadAccess({ kubeconfig }, env) : inClusterAccess(env), rate);
}

function listenAddressOf(flag: string, text: string): { host: string; port: number } {
  const address = parseListenAddress(text);
  if (!address) throw new Error(`flag -${flag}: expected an address such as :8080, got "${text}"`);
  return address;
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
