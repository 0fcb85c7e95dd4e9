/** The one replica that writes statuses, and when it looks at them. */
import type { OwnerReference } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { type ElectionDeps, electLeader, type LeaderElection } from '#kube/lease';
import type { Clock, Timer } from '#runtime/clock';
import { type QueueDeps, StatusQueue } from './queue.ts';
import { type StatusView, wantedStatuses } from './wanted.ts';

export interface StatusWriterDeps extends QueueDeps {
  kube: Pick<KubeClient, 'get' | 'create' | 'update' | 'patch'>;
  view: StatusView;
}

export interface StatusWriterConfig {
  controlPlaneNamespace: string;
  /** Who we are in the lease: the pod's name. */
  identity: string;
  /** The Deployment that owns the lease. */
  deployment: string;
  /** How long writing one status may take. */
  patchTimeoutMs: number;
}

/** Linkerd's name, so that only one writes while one control plane takes the place of the other. */
export const WRITE_LEASE = 'policy-controller-write';
const LEASE_SECONDS = 30;
/** All statuses are looked at this often, whatever was heard. */
const EVERY_MS = 10_000;
/** Changes are looked at together after this. */
const AFTER_CHANGE_MS = 50;
/** A look that took long is followed by this many times as much of other work. */
const REST_FACTOR = 10;

const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };

/** Takes part in the election from its start; while it leads, all statuses are kept as they should be. */
export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #config: StatusWriterConfig;
  readonly #queue: StatusQueue;
  #election: LeaderElection | undefined;
  #leading = false;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #restUntilMs = 0;

  constructor(deps: StatusWriterDeps, config: StatusWriterConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#queue = new StatusQueue(deps, { timeoutMs: config.patchTimeoutMs });
  }

  /** Not before everything was listed once: what is not known yet looks like what is not there. */
  start(): void {
    const { kube, log, clock } = this.#deps;
    const { controlPlaneNamespace: namespace, identity } = this.#config;
    this.#election = electLeader(
      {
        client: kube,
        namespace,
        name: WRITE_LEASE,
        identity,
        durationSeconds: LEASE_SECONDS,
        metadata: () => this.#leaseMetadata(),
      },
      {
        onStarted: (signal) => {
          log.info('writing statuses');
          this.#lead();
          signal.addEventListener('abort', () => {
            log.info('no longer writing statuses');
            this.#rest();
          });
        },
        onLeader: (holder) => log.info('holder of the lease', { lease: WRITE_LEASE, holder }),
        onError: (error) => log.warn('cannot take or renew the lease', { lease: WRITE_LEASE, error: error.message }),
      },
      electionTime(clock),
    );
  }

  /** Something that statuses depend on has changed. */
  changed(): void {
    if (this.#leading) this.#lookAt(Math.max(this.#deps.clock.nowMs() + AFTER_CHANGE_MS, this.#restUntilMs));
  }

  /** Gives the lease up. */
  async stop(): Promise<void> {
    await this.#election?.stop();
  }

  #lead(): void {
    this.#leading = true;
    this.#look();
  }

  #rest(): void {
    this.#leading = false;
    this.#timer?.cancel();
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#queue.drop();
  }

  #lookAt(atMs: number): void {
    if (atMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = atMs;
    this.#timer = this.#deps.clock.after(atMs - this.#deps.clock.nowMs(), () => this.#look());
  }

  #look(): void {
    const { clock, view } = this.#deps;
    const startMs = clock.nowMs();
    this.#timer?.cancel();
    this.#queue.replace(wantedStatuses(view, secondsOf(clock)));
    const endMs = clock.nowMs();
    this.#restUntilMs = endMs + (endMs - startMs) * REST_FACTOR;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#lookAt(endMs + EVERY_MS);
  }

  async #leaseMetadata() {
    const { controlPlaneNamespace, deployment } = this.#config;
    const owner = await this.#owner();
    if (!owner)
      this.#deps.log.warn('the lease has no owner: there is no such Deployment', {
        lease: WRITE_LEASE,
        object: `${controlPlaneNamespace}/${deployment}`,
      });
    return {
      labels: {
        'linkerd.io/control-plane-component': 'destination',
        'linkerd.io/control-plane-ns': controlPlaneNamespace,
      },
      ...(owner && { ownerReferences: [owner] }),
    };
  }

  async #owner(): Promise<OwnerReference | undefined> {
    const { controlPlaneNamespace, deployment: name } = this.#config;
    try {
      const { metadata } = await this.#deps.kube.get(DEPLOYMENTS, name, controlPlaneNamespace);
      return { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: metadata.uid ?? '', controller: true };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** Leases carry wall-clock times. */
function electionTime(clock: Clock): ElectionDeps {
  return {
    nowMs: () => clock.wallMs(),
    after: (ms, callback) => {
      const timer = clock.after(ms, callback);
      return () => timer.cancel();
    },
  };
}

/** RFC 3339 without fractions, as conditions have it. */
const secondsOf = (clock: Clock): string => new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
