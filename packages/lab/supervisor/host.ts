import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SAFE_ENV, startTimeOf } from '#net/programs';
import type { ClusterConfig, ClusterMessage } from '../cluster/index.ts';
import type { ImageRecord } from '../images/index.ts';
import { createCgroup, type LabCgroup, removeCgroup } from './cgroup.ts';
import { type LabFolders, labFolders, ofThisRun } from './folders.ts';
import { mergeKubeconfigs } from './kubeconfigs.ts';
import { LIMITS } from './limits.ts';
import { cutLog, lastLines } from './log-tail.ts';
import { buildNetwork, nodeNetFile, ROOT_NETNS } from './network.ts';
import { type ClusterPlan, type LabPlan, ROOT_ADDRESS } from './plan.ts';
import { writePrivately } from './private-file.ts';
import { openRelay, type Relay } from './relay.ts';
import { type RootNamespace, startRootNamespace } from './root-namespace.ts';
import { rewriteLock } from './running.ts';

/** What `lab up` hears from the lab's process, one JSON object a line. */
export type HostMessage =
  | { cluster: string; stage: string }
  | { cluster: string; ready: true }
  | { ready: true }
  | { failed: string };

/** How one cluster is doing. */
export interface ClusterStatus {
  name: string;
  state: 'starting' | 'ready' | 'restarting';
  stage: string;
  server: string;
  restarts: number;
  nodes: string[];
}

/** `status.json`: what `lab status` shows. */
export interface LabStatus {
  name: string;
  clusters: ClusterStatus[];
}

export interface HostOptions {
  name: string;
  root: string;
  /** Command line that runs one cluster, to which `--config FILE` is added. */
  clusterArgv: readonly string[];
  /** File or folder that holds the program of that command line. */
  programPath: string;
  tell(message: HostMessage): void;
  /** Fires when the lab shall end. */
  ending: AbortSignal;
}

/** Brings a planned lab to life and keeps it until it is told to end or its namespaces die. Leaves nothing but kept state. */
export async function runHost(options: HostOptions): Promise<void> {
  const folders = labFolders(options.name, options.root);
  const plan = JSON.parse(readFileSync(folders.lab, 'utf8')) as LabPlan;
  const host = new Host(options, folders, plan);
  try {
    await host.start();
    await host.ended();
  } finally {
    await host.tidy();
  }
}

class Host {
  private readonly options: HostOptions;
  private readonly folders: LabFolders;
  private readonly plan: LabPlan;
  private readonly relays: Relay[] = [];
  private readonly processes = new Map<string, ChildProcess>();
  private readonly status: LabStatus;
  private cgroup: LabCgroup = { folders: [] };
  private root: RootNamespace | undefined;
  private isEnding = false;

  constructor(options: HostOptions, folders: LabFolders, plan: LabPlan) {
    this.options = options;
    this.folders = folders;
    this.plan = plan;
    const clusters = plan.clusters.map(({ name, nodes }) => ({
      name,
      state: 'starting' as const,
      stage: '',
      server: '',
      restarts: 0,
      nodes: nodes.map((node) => node.name),
    }));
    this.status = { name: plan.name, clusters };
  }

  async start(): Promise<void> {
    const { plan, folders } = this;
    for (const cluster of plan.clusters) await this.openApiRelay(cluster);
    this.cgroup = createCgroup(plan.name);
    const leftovers = plan.isEphemeral ? [folders.root] : [folders.running, ...ofThisRun(folders)];
    this.root = await startRootNamespace({
      cgroup: this.cgroup,
      leftovers,
      needed: [this.options.programPath, folders.root],
      logFile: folders.hostLog,
    });
    rewriteLock(folders, { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0, rootPid: this.root.pid });
    const { root } = this;
    await buildNetwork(plan, root.pid, (lines, netns) => root.ip(lines, netns));
    await Promise.all(plan.clusters.map((cluster) => this.startCluster(cluster, 0)));
    this.throwIfEnding();
    this.writeKubeconfigs();
    this.options.tell({ ready: true });
  }

  /** Settles when the lab shall end or its namespaces are gone. */
  async ended(): Promise<void> {
    const logs = [this.folders.hostLog, ...this.plan.clusters.map(({ name }) => this.folders.clusterLog(name))];
    const logTimer = setInterval(() => {
      for (const log of logs) cutLog(log, LIMITS.logBytesMax);
    }, LIMITS.logCheckMs);
    const { ending } = this.options;
    const asked = new Promise<void>((done) => {
      if (ending.aborted) done();
      ending.addEventListener('abort', () => done());
    });
    await Promise.race([asked, this.root?.gone]);
    clearInterval(logTimer);
  }

  async tidy(): Promise<void> {
    this.isEnding = true;
    for (const relay of this.relays) relay.close();
    this.root?.kill();
    await this.root?.gone;
    await removeCgroup(this.cgroup);
    const { folders } = this;
    for (const path of ofThisRun(folders)) rmSync(path, { force: true });
    if (this.plan.isEphemeral) rmSync(folders.root, { recursive: true, force: true });
    rmSync(folders.running, { force: true });
  }

  private throwIfEnding(): void {
    if (this.options.ending.aborted) throw new Error('the lab was told to end before it was up');
  }

  private async openApiRelay(cluster: ClusterPlan): Promise<void> {
    const [node] = cluster.nodes;
    const target = {
      netPath: () => (this.root && node ? nodeNetFile(this.root.pid, node) : undefined),
      address: cluster.apiAddress,
      port: cluster.apiPort,
    };
    const relay = await openRelay(cluster.hostPort, target, (line) => this.log(line));
    this.relays.push(relay);
    this.statusOf(cluster.name).server = `https://127.0.0.1:${relay.port}`;
  }

  private statusOf(name: string): ClusterStatus {
    const found = this.status.clusters.find((cluster) => cluster.name === name);
    if (!found) throw new Error(`no cluster ${name} in the plan`);
    return found;
  }

  /** Starts a cluster's process and settles when it is ready; afterwards it is started again whenever it ends. */
  private async startCluster(cluster: ClusterPlan, restarts: number): Promise<void> {
    const { root } = this;
    if (!root) throw new Error('the lab has no namespaces');
    const configPath = this.writeConfig(cluster);
    const [node] = cluster.nodes;
    const argv = [...IN_OWN_PROCESSES, 'cluster', ...this.options.clusterArgv, '--config', configPath];
    const [command = '', ...args] = root.enterArgv(argv, { net: nodeNetFile(root.pid, node ?? cluster.nodes[0]!) });
    const log = openSync(this.folders.clusterLog(cluster.name), 'a');
    const env = {
      ...SAFE_ENV,
      HOME: '/root',
      ...(process.env['WEFT_LAB_LOG'] && { WEFT_LAB_LOG: process.env['WEFT_LAB_LOG'] }),
    };
    const child = spawn(command, args, { env, cwd: '/', stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    this.processes.set(cluster.name, child);
    await this.awaitReady(cluster, child);
    child.once('close', (code, signal) => this.clusterEnded(cluster, restarts, `${signal ?? `exit code ${code}`}`));
    if (child.exitCode !== null) this.clusterEnded(cluster, restarts, `exit code ${child.exitCode}`);
  }

  private awaitReady(cluster: ClusterPlan, child: ChildProcess): Promise<void> {
    const status = this.statusOf(cluster.name);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        reject(new Error(`cluster ${cluster.name}: ${why}`));
      };
      const timer = setTimeout(
        () => fail(`not ready within ${LIMITS.clusterReadyTimeoutMs / 1000} s`),
        LIMITS.clusterReadyTimeoutMs,
      );
      child.once('error', (error) => fail(error.message));
      child.once('close', () =>
        fail(
          `its process ended while it was starting ${status.stage}: ${lastLines(this.folders.clusterLog(cluster.name))}`,
        ),
      );
      this.options.ending.addEventListener('abort', () => fail('ended'), { once: true });
      const lines = createInterface({ input: child.stdout! });
      lines.on('line', (line) => {
        const message = parseMessage(line);
        if (!message) return this.log(`cluster ${cluster.name} said: ${line}`);
        if ('failed' in message) return fail(message.failed);
        if ('stage' in message) {
          status.stage = message.stage;
          this.options.tell({ cluster: cluster.name, stage: message.stage });
        } else {
          clearTimeout(timer);
          child.removeAllListeners('close');
          status.state = 'ready';
          this.options.tell({ cluster: cluster.name, ready: true });
          resolve();
        }
        this.writeStatus();
      });
    });
  }

  private clusterEnded(cluster: ClusterPlan, restarts: number, how: string): void {
    if (this.isEnding || this.options.ending.aborted) return;
    const status = this.statusOf(cluster.name);
    const delayMs = Math.min(LIMITS.restartFirstMs * 2 ** restarts, LIMITS.restartCapMs);
    this.log(`cluster ${cluster.name} ended (${how}); starting it again in ${delayMs} ms`);
    status.state = 'restarting';
    status.restarts++;
    this.writeStatus();
    setTimeout(() => {
      if (this.isEnding) return;
      this.startCluster(cluster, restarts + 1).catch((error: unknown) => {
        this.log(String(error));
        this.clusterEnded(cluster, restarts + 1, 'did not start');
      });
    }, delayMs);
  }

  private writeConfig(cluster: ClusterPlan): string {
    const folder = this.folders.cluster(cluster.name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const images = JSON.parse(readFileSync(this.folders.images, 'utf8')) as ImageRecord[];
    const config: ClusterConfig = {
      ...cluster,
      rootNet: ROOT_NETNS,
      rootAddress: ROOT_ADDRESS,
      folder: `${folder}/data`,
      kubeconfigs: [
        { path: `${folder}/kubeconfig`, server: this.statusOf(cluster.name).server },
        { path: `${folder}/inside.kubeconfig`, server: `https://${cluster.apiAddress}:${cluster.apiPort}` },
      ],
      images,
      backoff: this.plan.backoff,
    };
    const path = `${folder}/cluster.json`;
    writeFileSync(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
    return path;
  }

  private writeKubeconfigs(): void {
    const { folders, plan } = this;
    const read = (file: string): string[] =>
      plan.clusters.map(({ name }) => readFileSync(`${folders.cluster(name)}/${file}`, 'utf8'));
    writePrivately(folders.insideKubeconfig, mergeKubeconfigs(read('inside.kubeconfig')));
    writePrivately(folders.kubeconfig, mergeKubeconfigs(read('kubeconfig')));
  }

  private writeStatus(): void {
    writePrivately(this.folders.status, `${JSON.stringify(this.status, undefined, 2)}\n`);
  }

  private log(line: string): void {
    appendFileSync(this.folders.hostLog, `${new Date().toISOString()} ${line}\n`);
  }
}

/** A process namespace of its own: when a cluster's process ends, all its containers end, and orphans are collected. */
const IN_OWN_PROCESSES = [
  'unshare',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount',
  '--mount-proc',
  '--propagation',
  'private',
  'sh',
  '-c',
  'ulimit -n "$(ulimit -H -n)"; "$@" & child=$!; trap "kill -TERM $child" TERM; while kill -0 $child 2>/dev/null; do wait $child; done',
];

function parseMessage(line: string): ClusterMessage | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? (message as ClusterMessage) : undefined;
  } catch {
    return undefined; // a stray line of output; the caller logs it
  }
}
