import type { KubeObject, ObjectMeta } from '#api/kube';
import { isConflict, isNotFound, type KubeClient } from '../client/index.ts';

export interface ElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'update'>;
  namespace: string;
  /** Name of the Lease, e.g. `service-mirror-write-east`. */
  name: string;
  /** Who we are: the pod's name. A restarted container of the same pod goes on holding. */
  identity: string;
  /** Others may take over when the holder has not renewed for this long. */
  durationSeconds?: number;
  /** A holder that could not renew for this long stops leading; must be shorter than the duration. */
  renewDeadlineMs?: number;
  /** Time between attempts to take or, after a failure, to renew. */
  retryMs?: number;
  /** Labels and owners of a Lease that does not exist yet; when it rejects, the next attempt asks again. */
  metadata?: () => Promise<Pick<ObjectMeta, 'labels' | 'ownerReferences'>>;
}

export interface ElectionCallbacks {
  /** We lead from now on, until `signal` aborts. May be called again after a loss. */
  onStarted(signal: AbortSignal): void;
  /** Somebody else leads, or nobody yet: told on every change. */
  onLeader?(identity: string): void;
  /** An attempt failed; the next follows by itself. */
  onError?(error: Error): void;
}

/** Time, real by default. */
export interface ElectionDeps {
  nowMs(): number;
  /** Calls back after `ms`; returns a cancel function. */
  after(ms: number, callback: () => void): () => void;
}

export interface LeaderElection {
  /** True between `onStarted` and its signal's abort. */
  leads(): boolean;
  /** Stops leading and gives the lease up, so that the next one need not wait. */
  stop(): Promise<void>;
}

interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
const REAL: ElectionDeps = {
  nowMs: Date.now,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Takes part in an election until stopped; leads again whenever it can. */
export function electLeader(
  options: ElectionOptions,
  callbacks: ElectionCallbacks,
  deps: ElectionDeps = REAL,
): LeaderElection {
  const election = new Election(options, callbacks, deps);
  election.start();
  return election;
}

class Election implements LeaderElection {
  readonly #options: Required<ElectionOptions>;
  readonly #callbacks: ElectionCallbacks;
  readonly #deps: ElectionDeps;
  #leading: AbortController | undefined;
  #stopped = false;
  #cancelTimer: () => void = () => {};
  #attempt: Promise<void> = Promise.resolve();
  /** The lease as last seen, and when *we* saw it change: clocks of machines are not compared. */
  #seen: { version: string; atMs: number; holder: string } | undefined;
  /** When the attempt began that last took or renewed the lease. */
  #renewedAtMs = 0;
  #cancelDeadline: () => void = () => {};

  constructor(options: ElectionOptions, callbacks: ElectionCallbacks, deps: ElectionDeps) {
    const metadata = () => Promise.resolve({});
    this.#options = { durationSeconds: 30, renewDeadlineMs: 10_000, retryMs: 2_000, metadata, ...options };
    this.#callbacks = callbacks;
    this.#deps = deps;
  }

  start(): void {
    this.#attempt = this.#round();
  }

  leads(): boolean {
    return this.#leading !== undefined;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    this.#cancelDeadline();
    await this.#attempt;
    const led = this.#leading !== undefined;
    this.#lose();
    if (led) await this.#release();
  }

  async #round(): Promise<void> {
    let held = false;
    const startMs = this.#deps.nowMs();
    try {
      held = await this.#takeOrRenew();
      if (held) this.#renewedAtMs = startMs;
      // An answer that took so long says little about now.
      held &&= this.#untilDeadlineMs() > 0;
    } catch (error) {
      // A conflict only says that another was faster; look again at the next round.
      if (!isConflict(error)) this.#callbacks.onError?.(error as Error);
      held = this.#leading !== undefined && this.#untilDeadlineMs() > 0;
    }
    if (this.#stopped) return;
    this.#cancelDeadline();
    // The next attempt may hang for longer than that.
    if (held) this.#cancelDeadline = this.#deps.after(this.#untilDeadlineMs(), () => this.#lose());
    if (held && !this.#leading) {
      this.#leading = new AbortController();
      this.#callbacks.onStarted(this.#leading.signal);
    } else if (!held) this.#lose();
    this.#cancelTimer = this.#deps.after(this.#options.retryMs, () => this.start());
  }

  #untilDeadlineMs(): number {
    return this.#renewedAtMs + this.#options.renewDeadlineMs - this.#deps.nowMs();
  }

  #lose(): void {
    const leading = this.#leading;
    this.#leading = undefined;
    leading?.abort();
  }

  /** True when we hold the lease after this. */
  async #takeOrRenew(): Promise<boolean> {
    const { client, namespace, name, identity, metadata } = this.#options;
    let lease: Lease;
    try {
      lease = await client.get<Lease>(LEASES, name, namespace);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.create<Lease>(LEASES, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { ...(await metadata()), name, namespace },
        spec: this.#spec(undefined),
      });
      return true;
    }
    this.#observe(lease);
    if (lease.spec?.holderIdentity !== identity && !this.#expired(lease)) return false;
    await client.update<Lease>(LEASES, { ...lease, spec: this.#spec(lease.spec) });
    return true;
  }

  #observe(lease: Lease): void {
    const version = lease.metadata.resourceVersion ?? '';
    const holder = lease.spec?.holderIdentity ?? '';
    if (this.#seen?.version === version) return;
    if (holder !== this.#seen?.holder) this.#callbacks.onLeader?.(holder);
    this.#seen = { version, holder, atMs: this.#deps.nowMs() };
  }

  #expired(lease: Lease): boolean {
    if (!lease.spec?.holderIdentity) return true;
    const durationMs = (lease.spec.leaseDurationSeconds ?? this.#options.durationSeconds) * 1000;
    return this.#deps.nowMs() - (this.#seen?.atMs ?? 0) >= durationMs;
  }

  #spec(old: Lease['spec']): NonNullable<Lease['spec']> {
    const now = microTime(this.#deps.nowMs());
    const mine = old?.holderIdentity === this.#options.identity;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: this.#options.durationSeconds,
      acquireTime: mine ? (old?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: old === undefined ? 0 : (old.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
  }

  async #release(): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    try {
      const lease = await client.get<Lease>(LEASES, name, namespace);
      if (lease.spec?.holderIdentity !== identity) return;
      const spec = { ...this.#spec(lease.spec), holderIdentity: '', leaseDurationSeconds: 1 };
      await client.update<Lease>(LEASES, { ...lease, spec });
    } catch (error) {
      // Not released: the next leader waits for the duration, nothing else is lost.
      this.#callbacks.onError?.(error as Error);
    }
  }
}

/** RFC 3339 with six digits, the one form that every Kubernetes client parses as MicroTime. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
