import type { Probe } from '#api/kube';
import type { Clock, Timer } from '#runtime/clock';
import type { ProbeResult } from './probe.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeLoopSpec {
  kind: ProbeKind;
  probe: Probe;
  run(): Promise<ProbeResult>;
  /** Called when the threshold is crossed in either direction. */
  changed(ok: boolean): void;
  /** Called for every failed attempt that counts. */
  failed(output: string): void;
}

/** First and longest pause of the eager attempts. */
const EAGER_FIRST_MS = 50;
const EAGER_CAP_MS = 500;

/**
 * Runs one probe on its schedule. Until a startup or readiness probe has succeeded once, failures within the first period are
 * not counted and soon repeated: a kubelet would wait a whole period (10 s by default) for a program that needs half a second.
 */
export class ProbeLoop {
  private readonly spec: ProbeLoopSpec;
  private readonly clock: Clock;
  private stopped = false;
  private timer: Timer | undefined;
  private successes = 0;
  private failures = 0;
  private eagerUntilMs = 0;
  private eagerPauseMs = EAGER_FIRST_MS;
  /** undefined until a threshold was crossed. */
  private state: boolean | undefined;

  constructor(spec: ProbeLoopSpec, clock: Clock) {
    this.spec = spec;
    this.clock = clock;
  }

  start(): void {
    const delayMs = (this.spec.probe.initialDelaySeconds ?? 0) * 1000;
    this.eagerUntilMs = this.spec.kind === 'liveness' ? 0 : this.clock.wallMs() + delayMs + this.periodMs;
    this.timer = this.clock.after(delayMs, () => void this.attempt());
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private get periodMs(): number {
    return (this.spec.probe.periodSeconds ?? 10) * 1000;
  }

  private async attempt(): Promise<void> {
    const startedAtMs = this.clock.wallMs();
    const result = await this.spec.run();
    if (this.stopped) return;
    const nowMs = this.clock.wallMs();
    if (!result.ok && this.state === undefined && nowMs < this.eagerUntilMs) {
      this.again(Math.min(this.eagerPauseMs, Math.max(0, this.eagerUntilMs - nowMs)));
      this.eagerPauseMs = Math.min(this.eagerPauseMs * 2, EAGER_CAP_MS);
      return;
    }
    this.count(result);
    if (!this.stopped) this.again(Math.max(0, this.periodMs - (nowMs - startedAtMs)));
  }

  private again(delayMs: number): void {
    this.timer = this.clock.after(delayMs, () => void this.attempt());
  }

  private count(result: ProbeResult): void {
    const { probe } = this.spec;
    if (result.ok) {
      this.failures = 0;
      if (++this.successes >= (probe.successThreshold ?? 1)) this.cross(true);
      return;
    }
    this.successes = 0;
    this.spec.failed(result.output);
    if (++this.failures >= (probe.failureThreshold ?? 3)) this.cross(false);
  }

  private cross(ok: boolean): void {
    if (this.state === ok && !(this.spec.kind !== 'readiness' && !ok)) return;
    this.state = ok;
    this.spec.changed(ok);
  }
}
