/** The local cluster with what `install` and `multicluster install` would run there for so many Links, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyObject, CUSTOM_RESOURCE_DEFINITIONS, type Gvr, NAMESPACES, SECRETS } from '#api/kube';
import { CRD_DEFAULTS, renderCrds } from '#cli/manifests';
import { defaultMulticluster, renderLink, renderMulticluster } from '#cli/manifests/multicluster';
import { DEFAULT_SELECTORS, LINKS } from '#extensions/multicluster';
import { createKubeClient, type KubeClient } from '#kube/client';
import { inlineAccess } from '#kube/config';
import { cpuSeconds, pssMB } from '../../conformance/harness/index.ts';
import { NAMESPACE } from '../simulated-cluster.ts';
import { Worker } from '../worker.ts';
import { clusterName, encodeScale, type Scale } from './scale.ts';

const LEASES: Gvr = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
/** By then every controller leads and the destination service serves. */
const START_MS_MAX = 180_000;
const POLL_MS = 100;

/** What some processes have used and hold. */
export interface Usage {
  readonly mirrorsPssMB: number;
  readonly destinationPssMB: number;
  readonly mirrorsCpuSeconds: number;
  readonly destinationCpuSeconds: number;
}

export class Installation {
  readonly scale: Scale;
  readonly #weft: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-bench-multicluster-'));
  readonly #workers: Worker[] = [];
  readonly #mirrors: ChildProcess[] = [];
  #destination!: ChildProcess;
  #remotePorts: readonly number[] = [];
  client!: KubeClient;
  remotes!: Worker;
  clients!: Worker;

  /** `weft`: the executable that pods would run. */
  constructor(scale: Scale, weft: string) {
    this.scale = scale;
    this.#weft = weft;
  }

  /** All controllers run and wait for Links. */
  async start(): Promise<void> {
    const kubeconfig = join(this.#folder, 'kubeconfig');
    const scale = encodeScale(this.scale);
    await this.#worker('local.ts', kubeconfig).hello;
    this.remotes = this.#worker('remotes.ts', scale);
    this.#remotePorts = ((await this.remotes.hello) as unknown as { ports: number[] }).ports;
    this.client = createKubeClient(inlineAccess(readFileSync(kubeconfig, 'utf8')));
    await this.#prepare();
    const common = [`-kubeconfig=${kubeconfig}`, '-log-level=warn', '-metrics-addr=127.0.0.1:0'];
    for (let i = 0; i < this.scale.clusters; i++)
      this.#mirrors.push(this.#spawn(['service-mirror', ...common, clusterName(i)]));
    this.#mirrors.push(this.#spawn(['service-mirror', ...common, '-local-mirror']));
    const port = await freePort();
    this.#destination = this.#spawn(['destination', ...common, `-addr=127.0.0.1:${port}`]);
    // Mirrors and the destination service's own upkeep of slices.
    await this.#until('controllers to lead', async () => {
      const { items } = await this.client.list<AnyObject & { spec?: { holderIdentity?: string } }>(LEASES);
      return items.filter(({ spec }) => spec?.holderIdentity).length >= this.#mirrors.length + 1;
    });
    this.clients = this.#worker('clients.ts', scale, String(port));
    await this.clients.hello;
  }

  /** Makes the Secrets and Links of all remote clusters. */
  async link(): Promise<void> {
    const values = defaultMulticluster();
    const matching = (selector: string) => {
      const [key = '', value = ''] = selector.split('=');
      return { matchLabels: { [key]: value } };
    };
    for (const [i, port] of this.#remotePorts.entries()) {
      const source = {
        cluster: clusterName(i),
        linkerdNamespace: 'linkerd',
        clusterDomain: 'cluster.local',
        trustDomain: 'cluster.local',
        kubeconfig: kubeconfigOf(port),
        spec: {
          selector: matching(DEFAULT_SELECTORS.selector),
          remoteDiscoverySelector: matching(DEFAULT_SELECTORS.remoteDiscovery),
          federatedServiceSelector: matching(DEFAULT_SELECTORS.federated),
          ...(this.scale.mode === 'gateway' && {
            gatewayAddress: `192.0.2.${i + 1}`,
            gatewayPort: '4143',
            gatewayIdentity: 'linkerd-gateway.linkerd-multicluster.serviceaccount.identity.linkerd.cluster.local',
          }),
        },
      };
      for (const object of renderLink(values, source))
        await this.client.create(object.kind === 'Secret' ? SECRETS : LINKS, object);
    }
  }

  usage(): Usage {
    const mirrors = this.#mirrors.map(pidOf);
    const destination = pidOf(this.#destination);
    return {
      mirrorsPssMB: mirrors.reduce((sum, pid) => sum + pssMB(pid), 0),
      destinationPssMB: pssMB(destination),
      mirrorsCpuSeconds: cpuSeconds(mirrors),
      destinationCpuSeconds: cpuSeconds([destination]),
    };
  }

  /** Ends everything. */
  stop(): void {
    this.client?.close();
    for (const worker of this.#workers) worker.stop();
    for (const child of [...this.#mirrors, this.#destination]) child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    const create = (name: string): AnyObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const name of ['linkerd', 'linkerd-multicluster', NAMESPACE])
      await this.client.create(NAMESPACES, create(name));
    const definitions = [
      ...renderCrds({ namespace: 'linkerd', values: { ...CRD_DEFAULTS, installGatewayAPI: true } }),
      ...renderMulticluster(defaultMulticluster()),
    ].filter(({ kind }) => kind === 'CustomResourceDefinition');
    for (const definition of definitions) await this.client.create(CUSTOM_RESOURCE_DEFINITIONS, definition);
  }

  #worker(name: string, ...args: string[]): Worker {
    const worker = new Worker([join(import.meta.dirname, name), ...args]);
    this.#workers.push(worker);
    return worker;
  }

  #spawn(args: readonly string[]): ChildProcess {
    return spawn(this.#weft, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], HOSTNAME: `bench-${this.#mirrors.length}` },
    });
  }

  async #until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + START_MS_MAX;
    while (!(await isTrue())) {
      if (performance.now() > endMs) throw new Error(`waited ${START_MS_MAX / 1000} s in vain for ${what}`);
      await sleep(POLL_MS);
    }
  }
}

function pidOf({ pid, exitCode, signalCode }: ChildProcess): number {
  if (pid === undefined || exitCode !== null || signalCode !== null) throw new Error('a controller ended');
  return pid;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}

const kubeconfigOf = (port: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'remote', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'remote', user: {} }],
    contexts: [{ name: 'remote', context: { cluster: 'remote', user: 'remote' } }],
    'current-context': 'remote',
  });
