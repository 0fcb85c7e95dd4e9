import type { Probe } from '#api/kube';
import type { Clock } from '#runtime/clock';
import { type ProbeTarget, runProbe } from './probe.ts';
import { type ProbeKind, ProbeLoop } from './probe-loop.ts';
import type { AnyContainer } from './types.ts';

const PROBES: readonly (readonly [ProbeKind, 'startupProbe' | 'livenessProbe' | 'readinessProbe', string])[] = [
  ['startup', 'startupProbe', 'Startup'],
  ['liveness', 'livenessProbe', 'Liveness'],
  ['readiness', 'readinessProbe', 'Readiness'],
];

export interface ProbeSetDeps {
  clock: Clock;
  container: AnyContainer;
  target: ProbeTarget;
  /** `isStarted` or `isReady` changed. */
  changed(): void;
  /** An attempt failed; the text is an event's. */
  unhealthy(message: string): void;
  /** A startup or liveness probe has failed often enough: the container must go. */
  mustRestart(kind: ProbeKind, probe: Probe): void;
}

/** The probes of one run of a container: the startup probe holds back the others. */
export class ProbeSet {
  /** The startup probe has succeeded, or there is none. */
  isStarted: boolean;
  isReady: boolean;
  private readonly deps: ProbeSetDeps;
  private readonly loops = new Map<ProbeKind, ProbeLoop>();

  constructor(deps: ProbeSetDeps) {
    this.deps = deps;
    this.isStarted = deps.container.startupProbe === undefined;
    this.isReady = this.isStarted && deps.container.readinessProbe === undefined;
    for (const [kind, field, label] of PROBES) {
      const probe = deps.container[field];
      if (probe) this.loops.set(kind, this.loop(kind, probe, label));
    }
  }

  start(): void {
    for (const [kind, loop] of this.loops) if (this.isStarted || kind === 'startup') loop.start();
  }

  /** The container is being ended: only readiness still matters. */
  ending(): void {
    for (const [kind, loop] of this.loops) if (kind !== 'readiness') loop.stop();
  }

  stop(): void {
    for (const loop of this.loops.values()) loop.stop();
  }

  private loop(kind: ProbeKind, probe: Probe, label: string): ProbeLoop {
    const { deps } = this;
    return new ProbeLoop(
      {
        kind,
        probe,
        run: () => runProbe(probe, deps.target),
        changed: (ok) => this.changed(kind, ok, probe),
        failed: (output) => deps.unhealthy(`${label} probe failed: ${output}`),
      },
      deps.clock,
    );
  }

  private changed(kind: ProbeKind, ok: boolean, probe: Probe): void {
    if (kind === 'readiness') this.isReady = ok;
    else if (!ok) this.deps.mustRestart(kind, probe);
    else if (kind === 'startup') this.startupDone();
    this.deps.changed();
  }

  private startupDone(): void {
    this.isStarted = true;
    this.isReady = this.deps.container.readinessProbe === undefined;
    for (const [kind, loop] of this.loops)
      if (kind === 'startup') loop.stop();
      else loop.start();
  }
}
