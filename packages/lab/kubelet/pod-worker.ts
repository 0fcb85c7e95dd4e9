import { PODS, type PodCondition, type PodStatus } from '#api/kube';
import type { Timer } from '#runtime/clock';
import { hasReason } from '../contract/index.ts';
import { parseTime } from '../kinds/index.ts';
import { Retry } from './backoff.ts';
import { PodContainer } from './container.ts';
import type { KubeletDeps } from './kubelet.ts';
import { LIMITS } from './limits.ts';
import { adoptStatus } from './past-status.ts';
import type { PodContext, PodEvent } from './pod-context.ts';
import { PodReporter } from './pod-reporter.ts';
import { PodResources, type ResourceSite } from './pod-resources.ts';
import { podStatus } from './pod-status.ts';
import { type BoundPod, containersOf, podName } from './types.ts';

/** What a worker needs of its kubelet beyond the common things. */
export interface WorkerSite extends ResourceSite {
  gone(worker: PodWorker): void;
}

/**
 * Brings one pod to what its spec says and keeps it there. One step runs at a time; whatever happens (the pod changed, a
 * container ended, a timer fired) asks for another step, and a step does whatever is next.
 */
export class PodWorker {
  readonly uid: string;
  readonly containers: PodContainer[] = [];
  private readonly deps: KubeletDeps;
  private readonly site: WorkerSite;
  private readonly context: PodContext;
  private readonly ender = new AbortController();
  private readonly resources: PodResources;
  private readonly setup = new Retry({ firstMs: LIMITS.setupRetryFirstMs, capMs: LIMITS.setupRetryCapMs });
  private readonly startedAtMs: number;
  private running = false;
  private dirty = false;
  private isInitialized = false;
  private finalPhase: 'Succeeded' | 'Failed' | undefined;
  private failure: { reason: string; message: string } | undefined;
  private wake: Timer | undefined;
  private wakeAtMs = Number.POSITIVE_INFINITY;
  private readonly reporter: PodReporter;
  private isGone = false;
  private forced = false;
  private graceDeadlineMs: number | undefined;
  private stopAll: Promise<void> | undefined;

  constructor(deps: KubeletDeps, site: WorkerSite, pod: BoundPod) {
    this.deps = deps;
    this.site = site;
    this.uid = pod.metadata.uid ?? '';
    this.startedAtMs = deps.clock.wallMs();
    this.resources = new PodResources(deps, site, pod);
    this.context = {
      pod,
      config: deps.config,
      template: deps.template,
      dns: deps.dns,
      resources: this.resources,
      graceMs: graceMsOf(pod),
      ending: this.ender.signal,
      limited: (task) => site.limited(task),
      targetPid: (name) => this.container(name)?.access()?.pid,
      changed: () => this.poke(),
      event: (event) => this.event(event),
    };
    this.reporter = new PodReporter(deps.client, {
      statusOf: (written) => this.statusOf(written),
      failed: (error) => {
        this.complain('status', error);
        this.wakeIn(this.setup.failed());
      },
    });
    this.syncContainers();
    const past = adoptStatus(pod, this.containers, deps.clock.wallMs());
    this.isInitialized = past.isInitialized;
    this.finalPhase = past.finalPhase;
  }

  get pod(): BoundPod {
    return this.context.pod;
  }

  get sandboxNet(): string | undefined {
    return this.resources.sandbox?.namespaces.net;
  }

  container(name: string): PodContainer | undefined {
    return this.containers.find(({ spec }) => spec.name === name);
  }

  /** The pod changed. */
  update(pod: BoundPod): void {
    this.context.pod = pod;
    this.context.graceMs = graceMsOf(pod);
    this.syncContainers();
    if (pod.metadata.deletionTimestamp) this.beginEnd(Number(pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
    this.poke();
  }

  /** The pod is gone from the API: ends what is left at once. */
  removed(): void {
    this.forced = true;
    this.beginEnd(0);
    this.poke();
  }

  /** A ConfigMap, Secret or token changed: brings volumes up to date and retries what waits for it. */
  refresh(): void {
    for (const container of this.containers)
      if (container.state.kind === 'waiting' && container.state.reason === 'CreateContainerConfigError')
        container.notBeforeMs = 0;
    if (this.resources.isComplete && !this.ender.signal.aborted) void this.refreshVolumes();
    this.poke();
  }

  /** Ends everything without telling the API: the node's process stops. */
  async shutdown(): Promise<void> {
    this.isGone = true;
    this.reporter.close();
    this.ender.abort();
    this.wake?.cancel();
    await Promise.all(this.containers.map((container) => container.killNow()));
  }

  private async refreshVolumes(): Promise<void> {
    try {
      await this.resources.syncVolumes(this.pod);
    } catch (error) {
      this.warn('FailedMount', error);
    }
  }

  private warn(reason: string, error: unknown): void {
    this.event({ type: 'Warning', reason, message: error instanceof Error ? error.message : String(error) });
  }

  private beginEnd(graceMs: number): void {
    const deadlineMs = this.deps.clock.wallMs() + graceMs;
    if (!this.ender.signal.aborted) {
      this.graceDeadlineMs = deadlineMs;
      this.ender.abort();
      return;
    }
    if (this.graceDeadlineMs !== undefined && deadlineMs >= this.graceDeadlineMs) return;
    this.graceDeadlineMs = deadlineMs;
    this.deps.clock.after(graceMs, () => {
      for (const container of this.containers) void container.killNow();
    });
  }

  private syncContainers(): void {
    const hasInit = (this.pod.spec.initContainers?.length ?? 0) > 0;
    for (const { container, role } of containersOf(this.pod)) {
      if (this.container(container.name)) continue;
      const waitingReason = hasInit && role !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating';
      const deps = { context: this.context, settings: this.deps };
      this.containers.push(new PodContainer(deps, { spec: container, role, waitingReason }));
    }
  }

  /** Asks for a step. */
  poke(): void {
    this.dirty = true;
    if (this.isGone) return;
    // A step may wait long, e.g. for a hook; what it has brought about so far is told all the same.
    if (this.running) this.report();
    else void this.work();
  }

  private async work(): Promise<void> {
    this.running = true;
    try {
      while (this.dirty && !this.isGone) {
        this.dirty = false;
        await this.step();
        this.report();
      }
    } catch (error) {
      this.complain('step', error);
      this.wakeIn(this.setup.failed());
    } finally {
      this.running = false;
    }
  }

  private complain(what: string, error: unknown): void {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.deps.log(`pod ${podName(this.pod)}: ${what}: ${why}`);
  }

  private async step(): Promise<void> {
    if (this.ender.signal.aborted) return this.end();
    if (this.finalPhase) return this.finished();
    if (this.deadlinePassed()) return this.expire();
    if (!(await this.prepare())) return;
    if (!(await this.initialize())) return;
    await this.runApps();
  }

  /** Sandbox and volumes; false when something must be tried again later. */
  private async prepare(): Promise<boolean> {
    if (this.resources.isComplete) return true;
    try {
      await this.resources.ensureSandbox(this.pod);
      this.report();
      await this.resources.syncVolumes(this.pod);
      this.setup.succeeded();
      return true;
    } catch (error) {
      this.warn(this.resources.sandbox ? 'FailedMount' : 'FailedCreatePodSandBox', error);
      this.wakeIn(this.setup.failed());
      return false;
    }
  }

  /** Runs init containers in order and starts sidecars in between; false while the apps must wait. */
  private async initialize(): Promise<boolean> {
    for (const container of this.containers) {
      if (container.role === 'sidecar') {
        await this.keepRunning(container);
        if (!container.isStarted && !this.isInitialized) return false;
      } else if (container.role === 'init' && !this.isInitialized) {
        const done = await this.runToEnd(container);
        if (!done) return false;
      }
    }
    if (!this.isInitialized) {
      this.isInitialized = true;
      for (const { state, role } of this.containers)
        if (role === 'app' && state.kind === 'waiting' && state.reason === 'PodInitializing')
          state.reason = 'ContainerCreating';
    }
    return true;
  }

  private async runToEnd(container: PodContainer): Promise<boolean> {
    const { state } = container;
    if (state.kind === 'terminated' && state.exitCode === 0) return true;
    if (state.kind === 'terminated' && this.pod.spec.restartPolicy === 'Never') {
      this.finalPhase = 'Failed';
      this.poke();
      return false;
    }
    await this.keepRunning(container);
    return false;
  }

  private async runApps(): Promise<void> {
    const apps = this.containers.filter(({ role }) => role === 'app');
    for (const container of this.containers) {
      if (this.ender.signal.aborted) return;
      if (container.role === 'ephemeral' && container.state.kind === 'waiting') await this.keepRunning(container);
      if (container.role === 'app' && this.wantsToRun(container)) await this.keepRunning(container);
    }
    const isOver = apps.every((app) => app.state.kind === 'terminated' && !this.wantsToRun(app));
    if (!isOver) return;
    const hasFailed = apps.some(({ state }) => state.kind === 'terminated' && state.exitCode !== 0);
    this.finalPhase = hasFailed ? 'Failed' : 'Succeeded';
    this.poke();
  }

  private wantsToRun({ state }: PodContainer): boolean {
    if (state.kind !== 'terminated') return true;
    const policy = this.pod.spec.restartPolicy ?? 'Always';
    return policy === 'Always' || (policy === 'OnFailure' && state.exitCode !== 0);
  }

  /** Starts a container that does not run, when its back-off allows. */
  private async keepRunning(container: PodContainer): Promise<void> {
    if (container.isRunning) return;
    const waitMs = container.notBeforeMs - this.deps.clock.wallMs();
    if (waitMs > 0) {
      container.holdBack();
      this.wakeIn(waitMs);
      return;
    }
    if (container.hasRun) await this.checkNetwork();
    await container.start();
    if (!container.isRunning) this.wakeIn(Math.max(1, container.notBeforeMs - this.deps.clock.wallMs()));
  }

  /** A container that ended may have done so because its network is not what plug-ins made of it: tells whether they say so. */
  private async checkNetwork(): Promise<void> {
    try {
      await this.resources.checkNetwork();
    } catch (error) {
      this.warn('NetworkCheckFailed', error);
    }
  }

  private deadlinePassed(): boolean {
    const seconds = this.pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return false;
    const startMs = parseTime(this.pod.status?.startTime) ?? this.startedAtMs;
    const leftMs = startMs + Number(seconds) * 1000 - this.deps.clock.wallMs();
    if (leftMs <= 0) return true;
    this.wakeIn(leftMs);
    return false;
  }

  private async expire(): Promise<void> {
    this.failure = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    this.finalPhase = 'Failed';
    this.event({ type: 'Normal', reason: 'DeadlineExceeded', message: this.failure.message });
    await this.stopContainers(this.context.graceMs);
  }

  /** The apps are done: sidecars go, then what the pod held. The pod itself stays until someone deletes it. */
  private async finished(): Promise<void> {
    await this.stopContainers(this.context.graceMs);
    await this.resources.release();
  }

  private async end(): Promise<void> {
    const seenMs = this.deps.clock.wallMs();
    this.stopAll ??= this.stopContainers(Math.max(0, (this.graceDeadlineMs ?? 0) - this.deps.clock.wallMs()));
    await this.stopAll;
    await this.resources.release();
    if (!this.forced) {
      this.finalPhase ??= this.endPhase();
      this.report();
      await this.reporter.idle();
      await this.pause(seenMs + LIMITS.nameRestMs - this.deps.clock.wallMs());
      await this.deleteFromApi();
    }
    await this.clear();
  }

  private endPhase(): 'Succeeded' | 'Failed' {
    const apps = this.containers.filter(({ role }) => role === 'app');
    const allWell = apps.every(({ state }) => state.kind === 'terminated' && state.exitCode === 0);
    return allWell ? 'Succeeded' : 'Failed';
  }

  /** Apps first, side by side; then sidecars, last one first. All within the one grace period. */
  private async stopContainers(graceMs: number): Promise<void> {
    const deadlineMs = this.deps.clock.wallMs() + graceMs;
    const live = this.containers.filter(({ isRunning }) => isRunning);
    const stop = async (container: PodContainer): Promise<void> => {
      const { name } = container.spec;
      this.event({ type: 'Normal', reason: 'Killing', message: `Stopping container ${name}` });
      await container.stop(Math.max(0, deadlineMs - this.deps.clock.wallMs()));
    };
    await Promise.all(live.filter(({ role }) => role !== 'sidecar').map(stop));
    this.report();
    for (const sidecar of live.filter(({ role }) => role === 'sidecar').reverse()) await stop(sidecar);
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.deps.clock.after(Math.max(0, delayMs), resolve));
  }

  private async deleteFromApi(): Promise<void> {
    const { name = '', namespace = '' } = this.pod.metadata;
    try {
      const options = { gracePeriodSeconds: 0, preconditions: { uid: this.uid } };
      await this.deps.client.delete(PODS, { name, namespace }, options);
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  private async clear(): Promise<void> {
    if (this.isGone) return;
    this.isGone = true;
    this.wake?.cancel();
    await this.resources.remove();
    this.site.gone(this);
  }

  private wakeIn(delayMs: number): void {
    const atMs = this.deps.clock.wallMs() + delayMs;
    if (atMs >= this.wakeAtMs && this.wakeAtMs > this.deps.clock.wallMs()) return;
    this.wake?.cancel();
    this.wakeAtMs = atMs;
    this.wake = this.deps.clock.after(delayMs, () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      this.poke();
    });
  }

  private report(): void {
    if (!this.isGone && !this.forced) this.reporter.report(this.pod);
  }

  /** The conditions that we wrote last are newer than those the watch has brought so far. */
  private statusOf(written: readonly PodCondition[]): PodStatus {
    const { pod } = this;
    const known = written.length === 0 ? pod : { ...pod, status: { ...pod.status, conditions: merged(pod, written) } };
    return podStatus(
      {
        pod: known,
        containers: this.containers,
        ip: this.resources.sandbox?.ip ?? this.reporter.reportedIp,
        nodeIp: this.site.node.ip,
        isInitialized: this.isInitialized,
        finalPhase: this.finalPhase,
        reason: this.failure?.reason,
        message: this.failure?.message,
        startedAtMs: this.startedAtMs,
      },
      this.deps.clock.wallMs(),
    );
  }

  private event(event: PodEvent): void {
    this.deps.event(this.pod, this.site.node.name, event);
  }
}

const graceMsOf = (pod: BoundPod): number => Number(pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;

function merged(pod: BoundPod, written: readonly PodCondition[]): PodCondition[] {
  const own = new Set(written.map(({ type }) => type));
  return [...written, ...(pod.status?.conditions ?? []).filter(({ type }) => !own.has(type))];
}
