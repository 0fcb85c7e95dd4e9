/**
 * A cluster without containers for the tests of this folder: the real API server on loopback, the real controllers, and nodes
 * whose kubelet only says that pods run. kubectl talks to it as to any cluster. Starts in well under a second, needs no root.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODES, PODS } from '#api/kube';
import type { ClusterClient } from '#lab/contract';
import { startControllers } from '#lab/controllers';
import { formatTime, type Pod } from '#lab/kinds';
import { systemClock } from '#runtime/clock';
import { createLog, parseFilter } from '#runtime/log';
import { startLoopbackServer } from '../../packages/lab/apiserver/loopback.fake.ts';
import { eventually, type Result, requireProgram, run } from '../harness/index.ts';

/** Pods with this label never become ready. */
export const STUCK_LABEL = 'test.weft/stuck';
/** Pods with this label end at once, in the phase that it names: `Succeeded` or `Failed`. */
export const OUTCOME_LABEL = 'test.weft/outcome';
const HEARTBEAT_MS = 5_000;

export interface FakeNodesCluster {
  readonly client: ClusterClient;
  /** Path of the administrator's kubeconfig, gone once closed. */
  readonly kubeconfig: string;
  /** Everything that controllers could not do at once. */
  readonly failures: readonly string[];
  /** Runs kubectl; rejects when it exits other than 0. Returns its standard output. */
  kubectl(command: string, input?: string): Promise<string>;
  /** Runs kubectl and gives the whole result. */
  tryKubectl(command: string, input?: string): Promise<Result>;
  /** Waits until kubectl prints the wanted text (trimmed). */
  waitFor(command: string, wanted: string | RegExp, timeoutMs?: number): Promise<string>;
  /** How long pods take to become ready, from now on. */
  setReadyDelayMs(delayMs: number): void;
  close(): Promise<void>;
}

/** Starts one with two nodes in zones a and b. */
export async function startFakeNodesCluster(): Promise<FakeNodesCluster> {
  requireProgram('kubectl', 'kubectl >= 1.28');
  const server = await startLoopbackServer();
  const failures: string[] = [];
  const parsed = parseFilter('warn');
  if ('error' in parsed) throw new Error(parsed.error);
  const write = (line: string): void => void failures.push(line);
  const log = createLog(
    { format: 'plain', filter: parsed.value, write, uptimeSeconds: () => process.uptime(), wallMs: () => Date.now() },
    'lab',
  );
  const controllers = startControllers(
    { client: server.client, clock: systemClock, log },
    { caPem: server.keys.ca.certificate, loadBalancerCidr: '172.31.0.0/24' },
  );
  const nodes = new FakeNodes(server.client);
  await nodes.start();
  const folder = mkdtempSync(join(tmpdir(), 'weft-kubernetes-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.adminKubeconfig('test', `https://127.0.0.1:${server.port}`), { mode: 0o600 });
  const env = { KUBECONFIG: kubeconfig, HOME: folder };
  const tryKubectl = (command: string, input?: string): Promise<Result> =>
    run('bash', ['-c', `kubectl ${command}`], { env, ...(input !== undefined && { input }) });
  const kubectl = async (command: string, input?: string): Promise<string> => {
    const { code, stdout, stderr } = await tryKubectl(command, input);
    if (code !== 0) throw new Error(`kubectl ${command}\nexited ${code}\n${stdout}\n${stderr}`);
    return stdout;
  };
  return {
    client: server.client,
    kubeconfig,
    failures,
    kubectl,
    tryKubectl,
    waitFor: (command, wanted, timeoutMs = 10_000) => {
      let seen = '';
      const fits = (text: string): boolean => (typeof wanted === 'string' ? text === wanted : wanted.test(text));
      const probe = async (): Promise<string | undefined> => {
        seen = (await kubectl(command)).trim();
        return fits(seen) ? seen : undefined;
      };
      return eventually(`kubectl ${command}: ${wanted}`, timeoutMs, probe, 100).catch((error: Error) => {
        throw new Error(`${error.message}\nlast answer: ${seen}`);
      });
    },
    setReadyDelayMs: (delayMs) => {
      nodes.readyDelayMs = delayMs;
    },
    async close() {
      nodes.stop();
      controllers.stop();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const now = (): string => formatTime(Date.now());

class FakeNodes {
  readyDelayMs = 0;
  private readonly client: ClusterClient;
  private readonly stops: (() => void)[] = [];
  private ips = 0;
  private readonly seen = new Set<string>();

  constructor(client: ClusterClient) {
    this.client = client;
  }

  async start(): Promise<void> {
    for (const zone of ['a', 'b']) await this.addNode(`node-${zone}`, zone);
    const timer = setInterval(() => void this.heartbeat(), HEARTBEAT_MS);
    this.stops.push(() => clearInterval(timer));
    const see = (pod: Pod): void => {
      this.see(pod).catch((error: Error) => {
        // The pod may be gone by the time that we speak of it.
        if (!/not found/.test(error.message)) throw error;
      });
    };
    this.stops.push(
      this.client.watch<Pod>(PODS, {}, { reset: (pods) => pods.forEach(see), applied: see, deleted: () => {} }),
    );
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private async addNode(name: string, zone: string): Promise<void> {
    const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone };
    await this.client.create(NODES, { metadata: { name, labels } });
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
    await this.client.patch(
      NODES,
      { name },
      { type: 'merge', subresource: 'status', body: { status: { allocatable, conditions: [ready()] } } },
    );
  }

  private async heartbeat(): Promise<void> {
    for (const zone of ['a', 'b']) {
      const body = { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now() }] } };
      await this.client.patch(NODES, { name: `node-${zone}` }, { type: 'strategic', subresource: 'status', body });
    }
  }

  private async see(pod: Pod): Promise<void> {
    const { name = '', namespace = '', uid = '', deletionTimestamp, labels } = pod.metadata;
    if (!pod.spec.nodeName) return;
    if (deletionTimestamp) return this.client.delete(PODS, { name, namespace }, { gracePeriodSeconds: 0 });
    if (this.seen.has(uid) || labels?.[STUCK_LABEL]) return;
    this.seen.add(uid);
    if (this.readyDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.readyDelayMs));
    const outcome = labels?.[OUTCOME_LABEL];
    if (outcome) return this.end(pod, outcome);
    const podIP = `10.42.${Math.floor(this.ips / 250)}.${(this.ips++ % 250) + 1}`;
    const status = {
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      startTime: now(),
      conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: now(),
      })),
      containerStatuses: pod.spec.containers.map((container) => ({
        name: container.name,
        image: container.image ?? '',
        imageID: container.image ?? '',
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now() } },
      })),
    };
    await this.client.patch(PODS, { name, namespace }, { type: 'strategic', subresource: 'status', body: { status } });
  }

  private async end(pod: Pod, phase: string): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata;
    const terminated = { exitCode: phase === 'Succeeded' ? 0 : 1, startedAt: now(), finishedAt: now() };
    const containerStatuses = pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image ?? '',
      imageID: container.image ?? '',
      ready: false,
      restartCount: 0,
      state: { terminated },
    }));
    const body = { status: { phase, startTime: now(), containerStatuses } };
    await this.client.patch(PODS, { name, namespace }, { type: 'strategic', subresource: 'status', body });
  }
}

const ready = () => ({
  type: 'Ready',
  status: 'True',
  reason: 'KubeletReady',
  message: 'the fake kubelet is ready',
  lastHeartbeatTime: now(),
  lastTransitionTime: now(),
});
