import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Probe } from '#api/kube';
import type { Clock } from '#runtime/clock';
import type { Image, ImageTable } from '../images/index.ts';
import { type BackoffSettings, formatDelay, RestartBackoff, Retry } from './backoff.ts';
import { StartError } from './container-process.ts';
import { ConfigError } from './env.ts';
import type { RunningContainer } from './exec.ts';
import { runHook } from './hooks.ts';
import { pullFailure } from './image-pull.ts';
import { launch, type Run } from './launch.ts';
import { LIMITS } from './limits.ts';
import type { LogFile } from './log-file.ts';
import { logTail } from './log-reader.ts';
import type { PodContext, PodEvent } from './pod-context.ts';
import type { ProbeTarget } from './probe.ts';
import { ProbeSet } from './probe-set.ts';
import { terminationMessageFile } from './rootfs.ts';
import { type AnyContainer, fieldPathOf, type Role } from './types.ts';

/** How a run ended, as statuses show it. */
export interface Terminated {
  exitCode: number;
  reason: string;
  message?: string;
  startedAtMs: number;
  finishedAtMs: number;
  containerId: string;
}

export type ContainerState =
  | { kind: 'waiting'; reason: string; message?: string }
  | { kind: 'running'; startedAtMs: number }
  | ({ kind: 'terminated' } & Terminated);

/** What the containers of one lab have in common. */
export interface ContainerSettings {
  images: ImageTable;
  clock: Clock;
  backoff: BackoffSettings;
}

/** One container of a pod: its runs one after another, with probes, hooks, logs and back-off. */
export class PodContainer {
  readonly spec: AnyContainer;
  readonly role: Role;
  state: ContainerState;
  last: Terminated | undefined;
  containerId = '';
  image: Image | undefined;
  /** Not before this moment may it be started again. */
  notBeforeMs = 0;
  private readonly context: PodContext;
  private readonly settings: ContainerSettings;
  private readonly restarts: RestartBackoff;
  private readonly setup = new Retry({ firstMs: LIMITS.setupRetryFirstMs * 4, capMs: LIMITS.restartBackoffCapMs });
  private run: Run | undefined;
  private runs = 0;
  private probes: ProbeSet | undefined;
  private stopping: Promise<void> | undefined;
  private ended: Promise<void> = Promise.resolve();

  constructor(
    deps: { context: PodContext; settings: ContainerSettings },
    container: { spec: AnyContainer; role: Role; waitingReason: string },
  ) {
    this.context = deps.context;
    this.settings = deps.settings;
    this.spec = container.spec;
    this.role = container.role;
    this.state = { kind: 'waiting', reason: container.waitingReason };
    this.restarts = new RestartBackoff(deps.settings.backoff);
  }

  /** Runs after the first, failed starts included. */
  /** Whether its next start is another one. */
  get hasRun(): boolean {
    return this.runs > 0;
  }

  get restartCount(): number {
    return Math.max(0, this.runs - 1);
  }

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  /** postStart is done and the startup probe, if any, has succeeded. */
  get isStarted(): boolean {
    return this.probes?.isStarted ?? false;
  }

  get isReady(): boolean {
    return this.probes?.isReady ?? false;
  }

  /** The log of the current run, or of the one before. */
  logSource(previous: boolean): { path: string; writer: LogFile | undefined } | undefined {
    const number = previous ? this.runs - 1 : this.runs;
    if (number < 1) return undefined;
    return { path: this.logPath(number), writer: previous ? undefined : this.run?.log };
  }

  private logPath(number: number): string {
    return join(this.context.resources.logFolder, this.spec.name, `${number}.log`);
  }

  /** Continues counting after the node's process was restarted: what ran is gone. */
  adopt(past: { runs: number; last: Terminated | undefined; state: ContainerState | undefined }): void {
    this.runs = past.runs;
    this.last = past.last;
    if (past.state) this.state = past.state;
  }

  /** The running container for exec, attach and hooks. */
  access(): RunningContainer | undefined {
    const pid = this.run?.process.pid();
    return this.run && pid !== undefined ? { ...this.run.access, pid } : undefined;
  }

  /** Streams of the running program. Undefined when it does not run. */
  attach(listener: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void) {
    const { run } = this;
    if (!run) return undefined;
    run.listeners.add(listener);
    return { process: run.process, detach: () => void run.listeners.delete(listener) };
  }

  /** Tries to start it once; on failure the state says why and `notBeforeMs` when to try again. */
  async start(): Promise<void> {
    if (this.run || this.stopping) return;
    const image = this.pull();
    if (!image) return;
    try {
      // Only the start itself takes one of the node's places: hooks may wait for other pods.
      const run = await this.context.limited(() => this.launch(image));
      this.setup.succeeded();
      await this.began(run);
    } catch (error) {
      this.startFailed(error);
    }
    this.context.changed();
  }

  private pull(): Image | undefined {
    const name = this.spec.image ?? '';
    this.image = this.settings.images.find(name);
    if (this.image) {
      this.event({ type: 'Normal', reason: 'Pulled', message: `Container image "${name}" already present on machine` });
      return this.image;
    }
    const isFirst = this.state.kind !== 'waiting' || !/ImagePull/.test(this.state.reason);
    const { reason, message, events } = pullFailure(name, { isFirst, policy: this.spec.imagePullPolicy });
    this.notBeforeMs = this.settings.clock.wallMs() + this.setup.failed();
    this.wait(reason, message);
    for (const event of events) this.event(event);
    this.context.changed();
    return undefined;
  }

  private launch(image: Image): Promise<Run> {
    const { context, spec: container } = this;
    const number = this.runs + 1;
    const prepared = (): void => {
      this.runs = number;
      this.event({ type: 'Normal', reason: 'Created', message: `Created container: ${container.name}` });
    };
    return launch({ context, container, image, number, logPath: this.logPath(number), prepared });
  }

  private startFailed(error: unknown): void {
    const nowMs = this.settings.clock.wallMs();
    const message = error instanceof Error ? error.message : String(error);
    this.event({ type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
    if (error instanceof StartError) {
      this.finish({ exitCode: 128, reason: 'StartError', message, startedAtMs: 0, finishedAtMs: nowMs });
      return;
    }
    this.notBeforeMs = nowMs + this.setup.failed();
    this.wait(error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError', message);
  }

  private wait(reason: string, message: string): void {
    if (this.state.kind === 'terminated') this.last = this.state;
    this.state = { kind: 'waiting', reason, message };
  }

  private async began(run: Run): Promise<void> {
    const startedAtMs = this.settings.clock.wallMs();
    if (this.state.kind === 'terminated') this.last = this.state;
    this.run = run;
    this.containerId = run.containerId;
    this.state = { kind: 'running', startedAtMs };
    this.ended = run.process.exited.then((exitCode) => this.exited(run, startedAtMs, exitCode));
    this.event({ type: 'Normal', reason: 'Started', message: `Started container ${this.spec.name}` });
    this.context.changed();
    void this.dropOldLogs();
    await this.postStart(run);
    if (this.run !== run || this.stopping) return;
    this.probes = this.probeSet(run);
    this.probes.start();
    this.context.changed();
  }

  private async postStart(run: Run): Promise<void> {
    const handler = this.spec.lifecycle?.postStart;
    if (!handler) return;
    const options = { timeoutMs: LIMITS.postStartTimeoutMs, signal: this.context.ending };
    const failure = await runHook(handler, this.probeTarget(), options);
    if (failure === undefined || this.run !== run || this.context.ending.aborted) return;
    this.event({ type: 'Warning', reason: 'FailedPostStartHook', message: `PostStartHook failed: ${failure}` });
    this.event({ type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook' });
    await this.stop(this.context.graceMs);
  }

  private probeTarget(): ProbeTarget {
    const { sandbox, nodeNet } = this.context.resources;
    return {
      container: this.spec,
      podIp: sandbox?.ip ?? '',
      nodeNet,
      running: () => this.access(),
    };
  }

  private probeSet(run: Run): ProbeSet {
    return new ProbeSet({
      clock: this.settings.clock,
      container: this.spec,
      target: this.probeTarget(),
      changed: () => this.context.changed(),
      unhealthy: (message) => {
        if (!this.stopping) this.event({ type: 'Warning', reason: 'Unhealthy', message });
      },
      mustRestart: (kind, probe) => {
        if (this.run === run && !this.stopping) this.restart(kind, probe);
      },
    });
  }

  private restart(kind: string, { terminationGracePeriodSeconds: own }: Probe): void {
    const message = `Container ${this.spec.name} failed ${kind} probe, will be restarted`;
    this.event({ type: 'Normal', reason: 'Killing', message });
    void this.stop(own === undefined ? this.context.graceMs : Number(own) * 1000);
  }

  /** preStop, TERM, and after the grace period KILL. Settles when it is gone. */
  stop(graceMs: number): Promise<void> {
    if (!this.run) return Promise.resolve();
    this.stopping ??= this.stopRun(this.run, graceMs).finally(() => {
      this.stopping = undefined;
    });
    return this.stopping;
  }

  /** Ends it now, also while a graceful stop is under way. */
  async killNow(): Promise<void> {
    this.run?.process.signal('SIGKILL');
    await this.ended;
  }

  private async stopRun(run: Run, graceMs: number): Promise<void> {
    this.probes?.ending();
    const deadlineMs = this.settings.clock.wallMs() + graceMs;
    const hasPreStop = await this.preStop(run, graceMs);
    const leftMs = Math.max(deadlineMs - this.settings.clock.wallMs(), hasPreStop ? LIMITS.graceAfterPreStopMs : 0);
    if (graceMs > 0) run.process.signal((this.spec.lifecycle?.stopSignal as NodeJS.Signals | undefined) ?? 'SIGTERM');
    const timer = this.settings.clock.after(graceMs > 0 ? leftMs : 0, () => run.process.signal('SIGKILL'));
    await this.ended;
    timer.cancel();
  }

  private async preStop(run: Run, graceMs: number): Promise<boolean> {
    const handler = this.spec.lifecycle?.preStop;
    if (!handler || graceMs <= 0) return false;
    const gone = new AbortController();
    void run.process.exited.then(() => gone.abort());
    const failure = await runHook(handler, this.probeTarget(), { timeoutMs: graceMs, signal: gone.signal });
    if (failure !== undefined && !gone.signal.aborted)
      this.event({ type: 'Warning', reason: 'FailedPreStopHook', message: `PreStopHook failed: ${failure}` });
    return true;
  }

  private exited(run: Run, startedAtMs: number, exitCode: number): void {
    this.probes?.stop();
    run.log.end();
    this.run = undefined;
    const finishedAtMs = this.settings.clock.wallMs();
    const message = this.terminationMessage(run, exitCode);
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    this.finish({ exitCode, reason, ...(message && { message }), startedAtMs, finishedAtMs });
    void rm(run.folder, { recursive: true, force: true });
    this.context.changed();
  }

  private finish(end: Omit<Terminated, 'containerId'>): void {
    this.probes = undefined;
    if (this.state.kind === 'terminated') this.last = this.state;
    this.state = { kind: 'terminated', ...end, containerId: this.containerId };
    this.notBeforeMs = this.restarts.nextStartMs(end.startedAtMs || end.finishedAtMs, end.finishedAtMs);
  }

  /** It has ended, will run again, but not yet: shows why it waits. */
  holdBack(): void {
    if (this.state.kind !== 'terminated') return;
    this.last = this.state;
    const { metadata } = this.context.pod;
    const delayMs = this.notBeforeMs - this.state.finishedAtMs;
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    const restarting = `restarting failed container=${this.spec.name} pod=${pod}`;
    this.state = {
      kind: 'waiting',
      reason: 'CrashLoopBackOff',
      message: `back-off ${formatDelay(delayMs)} ${restarting}`,
    };
    const message = `Back-off restarting failed container ${this.spec.name} in pod ${pod}`;
    this.event({ type: 'Warning', reason: 'BackOff', message });
    this.context.changed();
  }

  private terminationMessage(run: Run, exitCode: number): string {
    const bytes = readFileSync(terminationMessageFile(run.folder));
    const text = bytes.subarray(0, LIMITS.terminationMessageBytesMax).toString('utf8');
    if (text !== '' || exitCode === 0 || this.spec.terminationMessagePolicy !== 'FallbackToLogsOnError') return text;
    const limits = { lines: LIMITS.terminationLogTailLinesMax, bytes: LIMITS.terminationLogTailBytesMax };
    return logTail(this.logPath(this.runs), limits);
  }

  private async dropOldLogs(): Promise<void> {
    const path = this.logPath(this.runs - LIMITS.logInstancesKept);
    for (const suffix of ['', '.1']) await rm(`${path}${suffix}`, { force: true });
  }

  private event(event: PodEvent): void {
    this.context.event({ ...event, fieldPath: fieldPathOf(this.role, this.spec.name) });
  }
}
