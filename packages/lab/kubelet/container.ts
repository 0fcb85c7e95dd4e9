import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Probe } from '#api/kube';
import type { Clock } from '#runtime/clock';
import type { Image, ImageTable } from '../images/index.ts';
import { type BackoffSettings, formatDelay, RestartBackoff, Retry } from './backoff.ts';
import { type ContainerProcess, StartError, startContainer } from './container-process.ts';
import { ConfigError, containerEnv, expand, hostnameOf } from './env.ts';
import { hostsFile, passwdFiles, resolvConf } from './etc-files.ts';
import type { RunningContainer } from './exec.ts';
import { runHook } from './hooks.ts';
import { LIMITS } from './limits.ts';
import { LogFile } from './log-file.ts';
import { logTail } from './log-reader.ts';
import type { PodContext } from './pod-context.ts';
import { type ProbeTarget, runProbe } from './probe.ts';
import { type ProbeKind, ProbeLoop } from './probe-loop.ts';
import { prepareRootfs, terminationMessageFile } from './rootfs.ts';
import { securityOf, setprivArgs } from './security.ts';
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

interface Run {
  process: ContainerProcess;
  log: LogFile;
  startedAtMs: number;
  access: Omit<RunningContainer, 'pid'>;
  listeners: Set<(stream: 'stdout' | 'stderr', chunk: Uint8Array) => void>;
  folder: string;
}

const PROBES: readonly (readonly [ProbeKind, 'startupProbe' | 'livenessProbe' | 'readinessProbe', string])[] = [
  ['startup', 'startupProbe', 'Startup'],
  ['liveness', 'livenessProbe', 'Liveness'],
  ['readiness', 'readinessProbe', 'Readiness'],
];

/** One container of a pod: its runs one after another, with probes, hooks, logs and back-off. */
export class PodContainer {
  readonly spec: AnyContainer;
  readonly role: Role;
  state: ContainerState;
  last: Terminated | undefined;
  containerId = '';
  image: Image | undefined;
  /** The startup probe has succeeded, or there is none and postStart is done. */
  isStarted = false;
  isReady = false;
  /** Not before this moment may it be started again. */
  notBeforeMs = 0;
  private readonly context: PodContext;
  private readonly settings: ContainerSettings;
  private readonly restarts: RestartBackoff;
  private readonly setup = new Retry({ firstMs: LIMITS.setupRetryFirstMs * 4, capMs: LIMITS.restartBackoffCapMs });
  private run: Run | undefined;
  private runs = 0;
  private loops = new Map<ProbeKind, ProbeLoop>();
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
  get restartCount(): number {
    return Math.max(0, this.runs - 1);
  }

  get isRunning(): boolean {
    return this.run !== undefined;
  }

  get logFolder(): string {
    return join(this.context.logFolder, this.spec.name);
  }

  /** The log of the current run, or of the one before. */
  logSource(previous: boolean): { path: string; writer: LogFile | undefined } | undefined {
    const number = previous ? this.runs - 1 : this.runs;
    if (number < 1) return undefined;
    return { path: join(this.logFolder, `${number}.log`), writer: previous ? undefined : this.run?.log };
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
    try {
      const image = this.pull();
      if (!image) return;
      await this.launch(image);
      this.setup.succeeded();
    } catch (error) {
      this.startFailed(error);
    }
    this.context.changed();
  }

  private pull(): Image | undefined {
    const name = this.spec.image ?? '';
    const image = this.settings.images.find(name);
    this.image = image;
    if (image) {
      this.event('Normal', 'Pulled', `Container image "${name}" already present on machine`);
      return image;
    }
    const isFirst = this.state.kind !== 'waiting' || !/ImagePull/.test(this.state.reason);
    const delayMs = this.setup.failed();
    this.notBeforeMs = this.settings.clock.wallMs() + delayMs;
    if (this.spec.imagePullPolicy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      this.wait('ErrImageNeverPull', message);
      this.event('Warning', 'ErrImageNeverPull', message);
    } else if (isFirst) {
      const why = `no image of this name is registered in the lab; see "weft lab up --images"`;
      const message = `failed to pull image "${name}": ${why}`;
      this.wait('ErrImagePull', message);
      this.event('Normal', 'Pulling', `Pulling image "${name}"`);
      this.event('Warning', 'Failed', `Failed to pull image "${name}": ${why}`);
      this.event('Warning', 'Failed', 'Error: ErrImagePull');
    } else {
      this.wait('ImagePullBackOff', `Back-off pulling image "${name}"`);
      this.event('Normal', 'BackOff', `Back-off pulling image "${name}"`);
      this.event('Warning', 'Failed', 'Error: ImagePullBackOff');
    }
    this.context.changed();
    return undefined;
  }

  private startFailed(error: unknown): void {
    const nowMs = this.settings.clock.wallMs();
    const message = error instanceof Error ? error.message : String(error);
    this.event('Warning', 'Failed', `Error: ${message}`);
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

  private async launch(image: Image): Promise<void> {
    const { context, spec } = this;
    const { pod, sandbox } = context;
    if (!sandbox) throw new Error('the pod has no sandbox');
    const security = securityOf(pod, spec, image);
    const env = containerEnv(pod, spec, { config: context.config, place: context.place, imageEnv: image.env ?? {} });
    const workingDir = spec.workingDir || image.workingDir || '/';
    const number = this.runs + 1;
    const folder = join(context.diskFolder, 'containers', spec.name, String(number));
    await rm(folder, { recursive: true, force: true });
    prepareRootfs({
      folder,
      template: context.template,
      image,
      security,
      binds: context.volumes.bindsFor(pod, spec, env),
      etc: {
        ...passwdFiles(security),
        hosts: hostsFile(pod, sandbox.ip, context.dns.clusterDomain),
        hostname: `${hostnameOf(pod)}\n`,
        'resolv.conf': resolvConf(pod, context.dns),
      },
      terminationMessagePath: spec.terminationMessagePath || '/dev/termination-log',
      workingDir,
      shmBytes: 64 * 1024 * 1024,
    });
    this.containerId = `process://${randomUUID().replaceAll('-', '')}`;
    this.runs = number;
    this.event('Normal', 'Created', `Created container: ${spec.name}`);
    const access = { setpriv: setprivArgs(security), owner: security, env, workingDir };
    const log = new LogFile(join(this.logFolder, `${number}.log`));
    const listeners: Run['listeners'] = new Set();
    const process = startContainer(
      {
        ...access,
        folder,
        namespaces: sandbox.namespaces,
        ...(context.sharedPid() !== undefined && { sharedPid: context.sharedPid() ?? 0 }),
        argv: argvOf(spec, image, env),
        stdin: spec.stdin === true,
        tty: spec.tty === true,
      },
      (stream, chunk) => {
        log.push(stream, chunk);
        for (const listener of listeners) listener(stream, chunk);
      },
    );
    const run: Run = { process, log, startedAtMs: this.settings.clock.wallMs(), access, listeners, folder };
    await this.begin(run);
    void this.dropOldLogs(number);
  }

  private async begin(run: Run): Promise<void> {
    try {
      await run.process.started;
    } catch (error) {
      await run.process.exited;
      run.log.end();
      void rm(run.folder, { recursive: true, force: true });
      throw error;
    }
    run.startedAtMs = this.settings.clock.wallMs();
    if (this.state.kind === 'terminated') this.last = this.state;
    this.run = run;
    this.state = { kind: 'running', startedAtMs: run.startedAtMs };
    this.ended = run.process.exited.then((exitCode) => this.exited(run, exitCode));
    this.event('Normal', 'Started', `Started container ${this.spec.name}`);
    this.context.changed();
    await this.postStart(run);
    if (this.run === run && !this.stopping) this.startProbes(run);
  }

  private async postStart(run: Run): Promise<void> {
    const handler = this.spec.lifecycle?.postStart;
    if (!handler) return;
    const options = { timeoutMs: LIMITS.restartBackoffCapMs, signal: this.context.ending };
    const failure = await runHook(handler, this.probeTarget(), options);
    if (failure === undefined || this.run !== run || this.context.ending.aborted) return;
    this.event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
    this.event('Normal', 'Killing', 'FailedPostStartHook');
    await this.stop(this.context.graceMs);
  }

  private probeTarget(): ProbeTarget {
    const { context } = this;
    return {
      container: this.spec,
      podIp: context.sandbox?.ip ?? '',
      nodeNet: context.nodeNet,
      running: () => this.access(),
    };
  }

  private startProbes(run: Run): void {
    const has = (name: 'startupProbe' | 'readinessProbe'): boolean => this.spec[name] !== undefined;
    this.isStarted = !has('startupProbe');
    this.isReady = this.isStarted && !has('readinessProbe');
    this.loops = new Map();
    for (const [kind, field, label] of PROBES) {
      const probe = this.spec[field];
      if (probe) this.loops.set(kind, this.probeLoop(run, kind, probe, label));
    }
    const startup = this.loops.get('startup');
    if (startup) startup.start();
    else for (const loop of this.loops.values()) loop.start();
    this.context.changed();
  }

  private probeLoop(run: Run, kind: ProbeKind, probe: Probe, label: string): ProbeLoop {
    const spec = {
      kind,
      probe,
      run: () => runProbe(probe, this.probeTarget()),
      changed: (ok: boolean) => this.probeChanged(run, kind, ok, probe),
      failed: (output: string) => {
        if (this.stopping === undefined) this.event('Warning', 'Unhealthy', `${label} probe failed: ${output}`);
      },
    };
    return new ProbeLoop(spec, this.settings.clock);
  }

  private probeChanged(run: Run, kind: ProbeKind, ok: boolean, probe: Probe): void {
    if (this.run !== run) return;
    if (kind === 'readiness') this.isReady = ok;
    else if (!ok) this.kill(`Container ${this.spec.name} failed ${kind} probe, will be restarted`, probe);
    else if (kind === 'startup') {
      this.isStarted = true;
      this.isReady = this.spec.readinessProbe === undefined;
      for (const [other, loop] of this.loops)
        if (other === 'startup') loop.stop();
        else loop.start();
    }
    this.context.changed();
  }

  private kill(message: string, probe: Probe): void {
    if (this.stopping) return;
    this.event('Normal', 'Killing', message);
    const graceMs =
      probe.terminationGracePeriodSeconds === undefined
        ? undefined
        : Number(probe.terminationGracePeriodSeconds) * 1000;
    void this.stop(graceMs ?? this.context.graceMs);
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
    for (const [kind, loop] of this.loops) if (kind !== 'readiness') loop.stop();
    const deadlineMs = this.settings.clock.wallMs() + graceMs;
    const preStop = this.spec.lifecycle?.preStop;
    if (preStop && graceMs > 0) {
      const gone = new AbortController();
      void run.process.exited.then(() => gone.abort());
      const failure = await runHook(preStop, this.probeTarget(), { timeoutMs: graceMs, signal: gone.signal });
      if (failure !== undefined && !gone.signal.aborted)
        this.event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${failure}`);
    }
    const leftMs = Math.max(deadlineMs - this.settings.clock.wallMs(), preStop ? LIMITS.graceAfterPreStopMs : 0);
    if (graceMs > 0) run.process.signal(stopSignalOf(this.spec));
    const timer = this.settings.clock.after(graceMs > 0 ? leftMs : 0, () => run.process.signal('SIGKILL'));
    await this.ended;
    timer.cancel();
  }

  private async exited(run: Run, exitCode: number): Promise<void> {
    for (const loop of this.loops.values()) loop.stop();
    this.loops.clear();
    run.log.end();
    if (this.run !== run) return;
    this.run = undefined;
    const finishedAtMs = this.settings.clock.wallMs();
    const message = this.terminationMessage(run, exitCode);
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    this.finish({ exitCode, reason, ...(message && { message }), startedAtMs: run.startedAtMs, finishedAtMs });
    void rm(run.folder, { recursive: true, force: true });
    this.context.changed();
  }

  private finish(end: Omit<Terminated, 'containerId'>): void {
    this.isStarted = false;
    this.isReady = false;
    if (this.state.kind === 'terminated') this.last = this.state;
    this.state = { kind: 'terminated', ...end, containerId: this.containerId };
    this.notBeforeMs = this.restarts.nextStartMs(end.startedAtMs || end.finishedAtMs, end.finishedAtMs);
  }

  /** It has ended, will run again, but not yet: shows why it waits. */
  holdBack(): void {
    if (this.state.kind !== 'terminated') return;
    this.last = this.state;
    const { pod } = this.context;
    const delayMs = this.notBeforeMs - this.state.finishedAtMs;
    const name = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    const message = `back-off ${formatDelay(delayMs)} restarting failed container=${this.spec.name} pod=${name}`;
    this.state = { kind: 'waiting', reason: 'CrashLoopBackOff', message };
    this.event('Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name} in pod ${name}`);
    this.context.changed();
  }

  private terminationMessage(run: Run, exitCode: number): string {
    const text = readFileSync(terminationMessageFile(run.folder))
      .subarray(0, LIMITS.terminationMessageBytesMax)
      .toString('utf8');
    if (text !== '' || exitCode === 0 || this.spec.terminationMessagePolicy !== 'FallbackToLogsOnError') return text;
    const limits = { lines: LIMITS.terminationLogTailLinesMax, bytes: LIMITS.terminationLogTailBytesMax };
    return logTail(this.logSource(false)?.path ?? '', limits);
  }

  private async dropOldLogs(number: number): Promise<void> {
    const old = number - LIMITS.logInstancesKept;
    for (const suffix of ['', '.1']) await rm(join(this.logFolder, `${old}.log${suffix}`), { force: true });
  }

  private event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.context.event({ type, reason, message, fieldPath: fieldPathOf(this.role, this.spec.name) });
  }
}

/** The signal that asks a container to end. */
function stopSignalOf(spec: AnyContainer): NodeJS.Signals {
  const named = spec.lifecycle?.stopSignal;
  return (named as NodeJS.Signals | undefined) ?? 'SIGTERM';
}

/** The command line: `command` replaces the image's entrypoint and arguments, `args` only the arguments. */
export function argvOf(spec: AnyContainer, image: Image, env: ReadonlyMap<string, string>): string[] {
  const entrypoint = spec.command?.length ? spec.command : image.entrypoint;
  const args = spec.args?.length ? spec.args : spec.command?.length ? [] : (image.cmd ?? []);
  const argv = [...entrypoint, ...args].map((text) => expand(text, env));
  if (argv.length === 0) throw new StartError('no command specified');
  return argv;
}
