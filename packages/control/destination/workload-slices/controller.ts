/** The one replica that writes, and what makes it look at a Service. */
import type { EndpointSlice, Gvr, KubeObject } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { type ElectionDeps, electLeader, type LeaderElection } from '#kube/lease';
import type { Clock, Timer } from '#runtime/clock';
import type { Log } from '#runtime/log';
import { Collection, type Following, follow, type WatchHealth } from '../../fold/index.ts';
import type { ControlMetrics } from '../../process/index.ts';
import { type DesiredGroup, desiredGroups, sliceLabels } from './desired.ts';
import { planWrites } from './plan.ts';
import {
  MANAGED_BY,
  type OwnSlice,
  readOwnSlice,
  readSelectedWorkload,
  readSelectingService,
  type SelectingService,
  type Workload,
} from './records.ts';
import { WorkQueue, type WorkQueueObserver } from './work-queue.ts';

export interface WorkloadSlicesDeps {
  kube: Pick<KubeClient, 'watch' | 'get' | 'create' | 'update' | 'delete'>;
  clock: Clock;
  log: Log;
  metrics: ControlMetrics;
  health: WatchHealth;
}

export interface WorkloadSlicesConfig {
  controlPlaneNamespace: string;
  /** Who we are in the lease: the pod's name. */
  identity: string;
}

/** Linkerd's name, so that only one writes while one control plane takes the place of the other. */
export const WRITE_LEASE = 'linkerd-destination-endpoint-write';
/** All Services are looked at this often, whatever was heard. */
const EVERY_MS = 10 * 60_000;

const gvr = (group: string, version: string, resource: string): Gvr => ({ group, version, resource });
const SERVICES = gvr('', 'v1', 'services');
const WORKLOADS = gvr('workload.linkerd.io', 'v1beta1', 'externalworkloads');
const SLICES = gvr('discovery.k8s.io', 'v1', 'endpointslices');

/** Takes part in the election from its start; while it leads, the slices are kept as they should be. */
export class WorkloadSlices {
  readonly #deps: WorkloadSlicesDeps;
  readonly #config: WorkloadSlicesConfig;
  #election: LeaderElection | undefined;
  #term: Term | undefined;

  constructor(deps: WorkloadSlicesDeps, config: WorkloadSlicesConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  start(): void {
    const { kube, log, clock } = this.#deps;
    const { controlPlaneNamespace: namespace, identity } = this.#config;
    this.#election = electLeader(
      { client: kube, namespace, name: WRITE_LEASE, identity },
      {
        onStarted: (signal) => {
          log.info('writing EndpointSlices of external workloads');
          const term = new Term(this.#deps);
          this.#term = term;
          signal.addEventListener('abort', () => {
            log.info('no longer writing EndpointSlices of external workloads');
            void term.stop();
          });
        },
        onLeader: (holder) => log.info('holder of the lease', { lease: WRITE_LEASE, holder }),
        onError: (error) => log.warn('cannot take or renew the lease', { lease: WRITE_LEASE, error: error.message }),
      },
      electionTime(clock),
    );
  }

  /** Ends what is being written, then gives the lease up. */
  async stop(): Promise<void> {
    await this.#term?.stop();
    await this.#election?.stop();
  }
}

const electionTime = (clock: Clock): ElectionDeps => ({
  nowMs: () => clock.wallMs(),
  after: (ms, callback) => {
    const timer = clock.after(ms, callback);
    return () => timer.cancel();
  },
});

/** One time of leading: it watches what it needs and forgets it at its end. */
class Term {
  readonly #deps: WorkloadSlicesDeps;
  readonly #services = new Collection(readSelectingService, (key) => this.#look(key));
  readonly #workloads = new Collection(readSelectedWorkload, (_, now, old) => this.#workloadChanged(now, old));
  readonly #slices = new Collection(readOwnSlice, (_, now, old) => this.#sliceChanged(now, old));
  readonly #slicesOfService = new Map<string, Map<string, OwnSlice>>();
  readonly #workloadsOfNamespace = new Map<string, Map<string, Workload>>();
  readonly #queue: WorkQueue;
  readonly #following: Following;
  #timer: Timer | undefined;
  /** Nothing is written before everything was listed once: what is not known yet looks like what is not there. */
  #synced = false;
  #stopped = false;

  constructor(deps: WorkloadSlicesDeps) {
    this.#deps = deps;
    const { kube, clock, log, metrics, health } = deps;
    this.#queue = new WorkQueue(clock, (key) => this.#reconcile(key), queueMetrics(metrics, log));
    this.#following = follow(
      kube,
      [
        { gvr: SERVICES, collection: this.#services },
        { gvr: WORKLOADS, collection: this.#workloads },
        { gvr: SLICES, labelSelector: `${MANAGED_BY.label}=${MANAGED_BY.value}`, collection: this.#slices },
      ],
      {
        failed: (resource, error) =>
          log.warn('cannot watch for external workloads', { resource, error: error.message }),
        recovered: (resource) => log.info('watching for external workloads again', { resource }),
        noted: (resource, sink) => health.note('local', resource, sink),
      },
    );
    void this.#following.synced.then(() => {
      this.#synced = true;
      this.#lookAtAll();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#following.stop();
    await this.#queue.stop();
  }

  #lookAtAll(): void {
    if (this.#stopped) return;
    for (const key of this.#services.records.keys()) this.#look(key);
    for (const key of this.#slicesOfService.keys()) this.#look(key);
    this.#timer = this.#deps.clock.after(EVERY_MS, () => this.#lookAtAll());
  }

  #look(serviceKey: string): void {
    if (this.#synced) this.#queue.add(serviceKey);
  }

  #workloadChanged(now: Workload | undefined, old: Workload | undefined): void {
    const { namespace, key } = (now ?? old)!;
    setIn(this.#workloadsOfNamespace, namespace, key, now);
    if (!this.#synced) return;
    for (const service of this.#services.records.values())
      if (service.namespace === namespace && [now, old].some((each) => each && selects(service, each)))
        this.#look(service.key);
  }

  #sliceChanged(now: OwnSlice | undefined, old: OwnSlice | undefined): void {
    if (old) {
      setIn(this.#slicesOfService, old.serviceKey, old.key, undefined);
      this.#look(old.serviceKey);
    }
    if (now) {
      setIn(this.#slicesOfService, now.serviceKey, now.key, now);
      this.#look(now.serviceKey);
    }
  }

  /** Brings the slices of one Service in line. What was written is known at once, before it comes by watch. */
  async #reconcile(serviceKey: string): Promise<void> {
    const service = this.#services.records.get(serviceKey);
    const existing = [...(this.#slicesOfService.get(serviceKey)?.values() ?? [])];
    const groups = service ? this.#groupsOf(service) : [];
    const frame = { labels: service ? sliceLabels(service) : {}, ownerUid: service?.uid ?? '' };
    const plan = planWrites(groups, existing, frame);
    const { kube } = this.#deps;
    for (const slice of plan.delete) {
      const { namespace, name } = slice;
      await kube.delete(SLICES, { namespace, name }).catch(unlessGone);
    }
    if (!service) return;
    for (const { slice, endpoints } of plan.update) {
      const { name, resourceVersion, addressType, ports } = slice;
      const metadata = { ...metadataOf(service), name, resourceVersion };
      this.#slices.apply(await kube.update(SLICES, sliceOf({ addressType, ports, endpoints }, metadata)));
    }
    for (const group of plan.create) {
      const metadata = { ...metadataOf(service), generateName: `linkerd-external-${service.name}-` };
      this.#slices.apply(await kube.create(SLICES, sliceOf(group, metadata)));
    }
  }

  #groupsOf(service: SelectingService): DesiredGroup[] {
    const workloads = [...(this.#workloadsOfNamespace.get(service.namespace)?.values() ?? [])];
    return desiredGroups(
      service,
      workloads.filter((workload) => selects(service, workload)),
    );
  }
}

const selects = (service: SelectingService, workload: Workload) =>
  Object.entries(service.selector).every(([key, value]) => workload.labels[key] === value);

function setIn<R>(table: Map<string, Map<string, R>>, group: string, key: string, record: R | undefined): void {
  const records = table.get(group) ?? new Map<string, R>();
  if (record === undefined) records.delete(key);
  else records.set(key, record);
  if (records.size === 0) table.delete(group);
  else table.set(group, records);
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function metadataOf(service: SelectingService): KubeObject['metadata'] {
  const { namespace, name, uid } = service;
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true };
  return { namespace, labels: sliceLabels(service), ownerReferences: [owner] };
}

function sliceOf(group: DesiredGroup, metadata: KubeObject['metadata']): EndpointSlice & KubeObject {
  const { addressType, ports, endpoints } = group;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType,
    ports: [...ports],
    endpoints: [...endpoints],
  };
}

function queueMetrics(metrics: ControlMetrics, log: Log): WorkQueueObserver {
  const depth = metrics.gauge('endpoints_controller_workqueue_depth', {});
  const adds = metrics.counter('endpoints_controller_workqueue_adds_total', {});
  const retries = metrics.counter('endpoints_controller_workqueue_retries_total', {});
  const drops = metrics.counter('endpoints_controller_workqueue_drops_total', {});
  const waits = metrics.histogram('endpoints_controller_workqueue_queue_latency_seconds', {});
  const works = metrics.histogram('endpoints_controller_workqueue_work_duration_seconds', {});
  return {
    depth: (count) => depth.set(count),
    added: () => adds.inc(),
    retried: () => retries.inc(),
    dropped(service, error) {
      drops.inc();
      log.error('gave up writing EndpointSlices until the Service changes', { service, error: error.message });
    },
    worked(waitSeconds, workSeconds) {
      waits.observe(waitSeconds);
      works.observe(workSeconds);
    },
  };
}
