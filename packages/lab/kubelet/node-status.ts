import { arch, cpus, release, totalmem } from 'node:os';
import { LEASES, type Lease, NODES, type Node, type NodeCondition } from '#api/kube';
import type { Clock, Timer } from '#runtime/clock';
import type { ClusterClient } from '../contract/index.ts';
import { hasReason } from '../contract/index.ts';
import { formatMicroTime, formatTime } from '../kinds/index.ts';
import { LIMITS } from './limits.ts';
import type { NodeSite } from './sandbox.ts';

/** What each node of a lab says it has: the whole machine, since pods are only processes of it. */
export function nodeResources(): Record<string, number> {
  return { cpu: cpus().length, memory: totalmem(), 'ephemeral-storage': 64 * 2 ** 30, pods: LIMITS.podsPerNodeMax };
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const LEASE_NAMESPACE = 'kube-node-lease';

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;
const NOT_READY = (why: string) => ['Ready', 'False', 'KubeletNotReady', why] as const;

/** What a Node object is made from; `unready` says why the node cannot take pods, `old` keeps transition times. */
interface NodeFacts {
  readonly version: string;
  readonly nowMs: number;
  readonly unready: string | undefined;
  readonly old?: Node;
}

/** The Node object that a kubelet registers. */
function nodeObject(site: NodeSite, { version, nowMs, unready, old }: NodeFacts): Node {
  const architecture = ARCHITECTURES[arch()] ?? arch();
  const labels = {
    'kubernetes.io/hostname': site.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'topology.kubernetes.io/zone': site.zone,
    'topology.kubernetes.io/region': site.region,
  };
  const now = formatTime(nowMs);
  const states = unready ? CONDITIONS.map((row) => (row[0] === 'Ready' ? NOT_READY(unready) : row)) : CONDITIONS;
  const conditions: NodeCondition[] = states.map(([type, status, reason, message]) => {
    const since = old?.status?.conditions?.find((condition) => condition.type === type && condition.status === status);
    const lastTransitionTime = since?.lastTransitionTime ?? now;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime };
  });
  const resources = resourceTexts();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: site.name, labels, annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
    spec: { podCIDR: site.podCidr, podCIDRs: [site.podCidr], providerID: `lab://${site.netns}` },
    status: {
      addresses: [
        { type: 'InternalIP', address: site.ip },
        { type: 'Hostname', address: site.name },
      ],
      capacity: resources,
      allocatable: resources,
      conditions,
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        architecture,
        bootID: '',
        containerRuntimeVersion: 'process://1',
        kernelVersion: release(),
        kubeProxyVersion: version,
        kubeletVersion: version,
        machineID: site.netns,
        operatingSystem: 'linux',
        osImage: 'Lab on the host',
        systemUUID: site.netns,
      },
    },
  };
}

function resourceTexts(): Record<string, string> {
  const { cpu = 1, memory = 0, pods = 0, 'ephemeral-storage': storage = 0 } = nodeResources();
  return {
    cpu: String(cpu),
    memory: `${Math.floor(memory / 1024)}Ki`,
    pods: String(pods),
    'ephemeral-storage': `${Math.floor(storage / 1024)}Ki`,
  };
}

/** Keeps a node registered: labels at the start, then status and lease at intervals. */
export class NodeRegistration {
  private readonly client: ClusterClient;
  private readonly clock: Clock;
  private readonly site: NodeSite;
  private readonly options: { version: string; log(message: string): void; unready(): string | undefined };
  private timers: Timer[] = [];
  private stopped = false;
  private toldUnready: string | undefined;

  constructor(
    deps: { client: ClusterClient; clock: Clock },
    site: NodeSite,
    options: { version: string; log(message: string): void; unready(): string | undefined },
  ) {
    this.client = deps.client;
    this.clock = deps.clock;
    this.site = site;
    this.options = options;
  }

  async start(): Promise<void> {
    const wanted = nodeObject(this.site, this.facts());
    try {
      await this.client.create(NODES, wanted);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      const { metadata, spec } = wanted;
      await this.client.patch(NODES, { name: this.site.name }, { type: 'merge', body: { metadata, spec } });
    }
    await this.heartbeat();
    // The namespace of leases may come later than the first node; the next renewal makes up for it.
    await this.renewLease().catch((error: unknown) => this.complain(error));
    this.repeat(LIMITS.heartbeatMs, () => this.heartbeat());
    this.repeat(LIMITS.readinessCheckMs, () => this.tellReadiness());
    this.repeat(LIMITS.leaseRenewMs, () => this.renewLease());
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
  }

  private repeat(everyMs: number, task: () => Promise<void>): void {
    const next = (): void => {
      if (this.stopped) return;
      const timer = this.clock.after(everyMs, () => {
        this.timers = this.timers.filter((other) => other !== timer);
        task()
          .catch((error: unknown) => this.complain(error))
          .finally(next);
      });
      this.timers.push(timer);
    };
    next();
  }

  private complain(error: unknown): void {
    this.options.log(`node ${this.site.name}: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** A change of readiness is told at once, not with the next heartbeat. */
  private async tellReadiness(): Promise<void> {
    if (this.options.unready() !== this.toldUnready) await this.heartbeat();
  }

  private facts(): NodeFacts {
    return { version: this.options.version, nowMs: this.clock.wallMs(), unready: this.options.unready() };
  }

  private async heartbeat(): Promise<void> {
    const old = await this.client.get<Node>(NODES, this.site.name);
    const facts = this.facts();
    const { status } = nodeObject(this.site, { ...facts, old });
    await this.client.patch(
      NODES,
      { name: this.site.name },
      { type: 'merge', body: { status }, subresource: 'status' },
    );
    this.toldUnready = facts.unready;
  }

  private async renewLease(): Promise<void> {
    const renewTime = formatMicroTime(this.clock.wallMs());
    const reference = { name: this.site.name, namespace: LEASE_NAMESPACE };
    try {
      await this.client.patch(LEASES, reference, { type: 'merge', body: { spec: { renewTime } } });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      const spec = { holderIdentity: this.site.name, leaseDurationSeconds: LIMITS.leaseDurationSeconds, renewTime };
      const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: reference, spec };
      await this.client.create(LEASES, lease);
    }
  }
}
