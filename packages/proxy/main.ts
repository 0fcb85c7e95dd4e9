import { readFile } from 'node:fs/promises';
import { type ProxyConfig, parseProxyConfig } from '#model/proxy-config';
import { releaseCodePages } from '#runtime/ffi';
import { formatAddr } from '#runtime/net';
import { collectProcess } from './admin/index.ts';
import { type Bound, build } from './build.ts';
import { createIdentityClient, createMeshClients } from './control/index.ts';
import type { Deps } from './deps.ts';
import { Credentials, createKey, Renewal, TrustCache, TrustWatch } from './identity/index.ts';
import { LIMITS } from './limits.ts';
import { type ControlName, connectTo, connectToCollector, type ProcessDeps, processDeps } from './wiring.ts';

/** Exit codes: settings that cannot be used; start-up that failed. */
const EX_CONFIG = 64;
const EX_START = 1;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Runs the proxy until SIGTERM, SIGINT or POST /shutdown, then drains and exits the process. All settings come from the
 * environment; arguments are refused.
 */
export async function runProxy(argv: readonly string[], env: Env = process.env): Promise<void> {
  const parsed = parseProxyConfig(env);
  const errors = 'errors' in parsed ? [...parsed.errors] : [];
  if (argv.length > 0) errors.unshift(`the proxy takes no arguments, but got ${argv.join(' ')}`);
  if ('errors' in parsed || errors.length > 0) {
    for (const error of errors) process.stderr.write(`Invalid configuration: ${error}\n`);
    process.exit(EX_CONFIG);
  }
  const { config, warnings } = parsed;
  const deps = processDeps(config);
  for (const warning of warnings) deps.log.warn(warning);
  try {
    await run(config, env, deps);
  } catch (error) {
    deps.log.error('Initialization failed', { error: error instanceof Error ? error.message : String(error) });
    process.exit(EX_START);
  }
}

async function run(config: ProxyConfig, env: Env, deps: ProcessDeps): Promise<void> {
  const { clock, log, metrics } = deps;
  const roots = new TrustCache(config.identityDir, config.trustAnchors);
  const credentials = new Credentials(config.localName, await roots.load(), config.serverName);
  const stopping = Promise.withResolvers<string>();
  const channel = (client: ControlName) => connectTo(client, config[client], config, deps, credentials);
  const policy = channel('policy');
  const destination = channel('destination');
  const identity = channel('identity');
  const clients = createMeshClients({
    policy,
    destination,
    workload: config.policyWorkload,
    context: config.destinationContext,
  });
  const key = createKey(config.localName);
  const certifying = {
    client: createIdentityClient(identity.channel, identity.calls),
    clock,
    random: deps.random,
    log: log.target('linkerd_app'),
    metrics,
  };
  const renewal = new Renewal(
    { ...certifying, readToken: () => readFile(config.tokenFile) },
    { minRefreshMs: config.identityMinRefreshMs, maxRefreshMs: config.identityMaxRefreshMs },
    credentials,
    key,
  );
  const certified = renewal.start();
  const trust = new TrustWatch({ ...certifying, remember: (pem) => roots.keep(pem) }, credentials, renewal);
  trust.start();
  collectProcess(metrics, clock, BUILD);
  const spans = connectToCollector(config, deps, credentials);
  const bound = await build(config, {
    ...deps,
    clients,
    credentials,
    certified,
    accessLine: (line) => deps.accessLog.write(line),
    spans,
    admin: {
      logFilter: () => log.filterText(),
      setLogFilter: (text) => log.setFilter(text),
      env: () => env,
      shutdown: config.shutdownEndpoint ? () => stopping.resolve('POST /shutdown') : undefined,
    },
  });
  logAddresses(bound, config, deps);
  void certified.then(() => clock.after(LIMITS.startUpOverMs, releaseCodePages));
  const cores = Math.max(config.cores ?? 1, config.coresMin ?? 1, config.coresMax ?? 1);
  if (cores > 1)
    log.info('One event loop serves all connections: a setting of cores above 1 changes nothing', { cores });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.resolve(signal));
  const reason = await stopping.promise;
  log.info(`received ${reason}, starting shutdown`);
  const clean = await bound.drain(config.shutdownGraceMs);
  if (!clean) log.warn('Shutdown grace period expired; connections were cut', { grace_ms: config.shutdownGraceMs });
  renewal.stop();
  trust.stop();
  await Promise.all([deps.accessLog.drained(), spans?.stop()]);
  for (const { channel: one } of [policy, destination, identity]) one.close();
  process.exit(0);
}

/** Replaced by the build of a release. */
const BUILD = { version: process.env['WEFT_VERSION'] ?? 'dev', gitSha: process.env['WEFT_GIT_SHA'] ?? '', date: '' };

function logAddresses(bound: Bound, config: ProxyConfig, { log }: Pick<Deps, 'log'>): void {
  for (const name of ['admin', 'inbound', 'outbound', 'tap'] as const)
    for (const { ip, port } of bound[name]) log.info(`${name} interface on ${formatAddr(ip, port)}`);
  log.info(`Local identity is ${config.localName}`);
  for (const name of ['identity', 'destination', 'policy'] as const)
    log.info(`${name} resolved via ${formatAddr(config[name].addr.host, config[name].addr.port)}`);
}
