import { watch } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKubeClient } from '#kube/client';
import { loadAccess } from '#kube/config';
import { run } from '#net/programs';
import { toYaml } from '../output/yaml.ts';
import { installerFiles, NodeInstallation } from './node.ts';
import { cniPlugin } from './plugin.ts';

/** Configurations are a few kilobytes. */
const STDIN_BYTES_MAX = 4 * 1024 * 1024;
/** A call that takes longer fails; the kubelet tries again. */
const CALL_MS_MAX = 60_000;
/** Beside what the kernel tells: files may be on a file system that tells nothing, and tokens are renewed. */
const LOOK_MS = 5_000;
/** Changes of a file come in bursts. */
const SETTLE_MS = 100;
const READY = '/tmp/linkerd-cni-ready';

/** `weft cni install`, or, with CNI_COMMAND in the environment, one call of the plug-in. Resolves with the exit code. */
export async function runCni(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (argv[0] === 'install') return runInstaller(env);
  if (env['CNI_COMMAND'] === undefined) {
    process.stderr.write('cni: expected "install", or to be called by a container runtime with CNI_COMMAND\n');
    return 2;
  }
  const limit = setTimeout(() => {
    process.stdout.write(
      JSON.stringify({ cniVersion: '0.3.1', code: 11, msg: `linkerd-cni: not done after ${CALL_MS_MAX} ms` }),
    );
    process.exit(1);
  }, CALL_MS_MAX);
  const answer = await cniPlugin(env, await readStdin(), {
    connect: async (kubeconfig) => createKubeClient(await loadAccess({ kubeconfig }, {})),
    run,
    log: (text) => process.stderr.write(`linkerd-cni: ${text}\n`),
  });
  clearTimeout(limit);
  process.stdout.write(answer.stdout);
  return answer.exitCode;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += (chunk as Buffer).length;
    if (bytes > STDIN_BYTES_MAX) throw new Error(`the network configuration exceeds ${STDIN_BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Installs the plug-in on the node and keeps it there until a signal; then removes it. */
async function runInstaller(env: NodeJS.ProcessEnv): Promise<number> {
  const log = (text: string): void => void process.stderr.write(`install-cni: ${text}\n`);
  const files = installerFiles(env);
  const node = new NodeInstallation(files, JSON.parse(await configText(env)) as object, log);
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  await node.installProgram(process.execPath);
  const keep = async (): Promise<void> => {
    await node.writeKubeconfig(await kubeconfigText(env));
    if ((await node.configure()) === 0) log(`no network configuration in ${files.netDir} yet`);
  };
  await keep();
  await writeFile(READY, '');
  const signal = await keepUntil(stopped, files.netDir, keep, log);
  log(`${signal}: removing the plug-in`);
  await rm(READY, { force: true });
  await node.remove();
  return 0;
}

const configText = (env: NodeJS.ProcessEnv): Promise<string> | string =>
  env['CNI_NETWORK_CONFIG_FILE']
    ? readFile(env['CNI_NETWORK_CONFIG_FILE'], 'utf8')
    : (env['CNI_NETWORK_CONFIG'] ?? '{}');

/** Calls `keep` after every change of the folder, and now and then; one call at a time. */
async function keepUntil(
  stopped: Promise<string>,
  folder: string,
  keep: () => Promise<void>,
  log: (text: string) => void,
): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  const look = (): void => {
    timer = undefined;
    working = keep()
      .catch((error: Error) => log(error.message))
      .finally(() => {
        working = undefined;
        schedule(LOOK_MS);
      });
  };
  const schedule = (afterMs: number): void => {
    if (working) return;
    clearTimeout(timer);
    timer = setTimeout(look, afterMs);
  };
  const watcher = watch(folder, () => schedule(SETTLE_MS));
  schedule(LOOK_MS);
  const signal = await stopped;
  watcher.close();
  await working;
  clearTimeout(timer);
  return signal;
}

/** How the plug-in, outside of any pod, reaches the API server: by this pod's service account. */
async function kubeconfigText(env: NodeJS.ProcessEnv): Promise<string> {
  const account = env['KUBE_SERVICE_ACCOUNT_DIR'] ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const token = (await readFile(join(account, 'token'), 'utf8')).trim();
  const ca = await readFile(env['KUBE_CA_FILE'] || join(account, 'ca.crt'));
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
  return toYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'local', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: 'linkerd-cni', user: { token } }],
    contexts: [{ name: 'linkerd-cni', context: { cluster: 'local', user: 'linkerd-cni' } }],
    'current-context': 'linkerd-cni',
  });
}
