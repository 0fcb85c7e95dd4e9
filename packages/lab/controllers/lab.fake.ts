/**
 * A cluster in memory with chosen controllers at work, a clock that stands still, and a kubelet by hand: what the tests of
 * controllers act on.
 */
import assert from 'node:assert/strict';
import { EVENTS, type Gvr, type KubeObject, NAMESPACES, type ObjectMeta, PODS } from '#api/kube';
import { FakeCluster, type FakeClusterOptions } from '../contract/cluster-client.fake.ts';
import { type Deployment, formatTime, type KubeEvent, type Pod, type PodTemplateSpec } from '../kinds/index.ts';
import { FakeClock, settle } from '../reconcile/clock.fake.ts';
import { Caches, type Controller, type Running, runController } from '../reconcile/index.ts';

export interface FakeLabOptions extends Pick<FakeClusterOptions, 'admit'> {
  controllers: readonly Controller<never>[];
}

export class FakeLab {
  readonly clock = new FakeClock();
  readonly cluster: FakeCluster;
  readonly caches: Caches;
  readonly failures: string[] = [];
  private readonly running: Running[] = [];
  private readonly options: FakeLabOptions;
  private ips = 0;

  constructor(options: FakeLabOptions) {
    this.options = options;
    this.cluster = new FakeCluster({ nowMs: () => this.clock.nowMs(), ...options });
    this.caches = new Caches(this.cluster);
  }

  /** Makes namespace `default` and starts the controllers. */
  async start(): Promise<this> {
    await this.cluster.create(NAMESPACES, { metadata: { name: 'default' } });
    for (const controller of this.options.controllers) this.run(controller);
    await settle();
    return this;
  }

  run(controller: Controller<never>): Running {
    const onFailure = (name: string, key: string, error: unknown): void =>
      void this.failures.push(`${name} ${key}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    const running = runController(controller as Controller<unknown>, {
      client: this.cluster,
      caches: this.caches,
      clock: this.clock,
      onFailure,
    });
    this.running.push(running);
    return running;
  }

  stop(): void {
    for (const running of this.running) running.stop();
    this.caches.stop();
  }

  /** Lets the controllers react; a moment passes, so that retries after conflicts happen. */
  async settle(): Promise<void> {
    await this.clock.advance(50);
  }

  async create<T extends KubeObject>(gvr: Gvr, object: unknown): Promise<T> {
    const given = object as T;
    const metadata = { ...(this.isNamespaced(gvr) && { namespace: 'default' }), ...given.metadata };
    return this.cluster.create<T>(gvr, { ...given, metadata });
  }

  get<T extends KubeObject>(gvr: Gvr, name: string): Promise<T> {
    return this.cluster.get<T>(gvr, name, this.isNamespaced(gvr) ? 'default' : undefined);
  }

  async list<T extends KubeObject>(gvr: Gvr): Promise<T[]> {
    return (await this.cluster.list<T>(gvr)).items;
  }

  /** Whether the object is there. */
  async has(gvr: Gvr, name: string): Promise<boolean> {
    return (await this.list(gvr)).some((object) => object.metadata.name === name);
  }

  patch<T extends KubeObject>(gvr: Gvr, name: string, body: object, subresource?: 'status'): Promise<T> {
    const ref = { name, ...(this.isNamespaced(gvr) && { namespace: 'default' }) };
    return this.cluster.patch<T>(gvr, ref, { type: 'merge', body, ...(subresource && { subresource }) });
  }

  delete(gvr: Gvr, name: string, options: Parameters<FakeCluster['delete']>[2] = {}): Promise<void> {
    return this.cluster.delete(gvr, { name, ...(this.isNamespaced(gvr) && { namespace: 'default' }) }, options);
  }

  /** Pods that are neither finished nor being deleted. */
  async activePods(): Promise<Pod[]> {
    const pods = await this.list<Pod>(PODS);
    return pods.filter((pod) => !pod.metadata.deletionTimestamp && !/Succeeded|Failed/.test(pod.status?.phase ?? ''));
  }

  /** Gives a pod a node, an address and the Ready condition. */
  async setReady(pod: Pod, ready = true): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata;
    const podIP = pod.status?.podIP ?? `10.42.0.${++this.ips}`;
    const condition = {
      type: 'Ready',
      status: ready ? 'True' : 'False',
      lastTransitionTime: formatTime(this.clock.nowMs()),
    };
    const scheduled = { type: 'PodScheduled', status: 'True' };
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [scheduled, condition] };
    if (!pod.spec.nodeName) await this.cluster.bind({ name, namespace }, 'node-1');
    await this.cluster.patch(PODS, { name, namespace }, { type: 'merge', body: { status }, subresource: 'status' });
  }

  /** What a kubelet does in time: deleted pods go, the others become ready (all, or the first `count`). */
  async kubelet(count = Number.POSITIVE_INFINITY): Promise<void> {
    await this.settle();
    let left = count;
    for (const pod of await this.list<Pod>(PODS)) {
      const { name = '', namespace = '' } = pod.metadata;
      if (pod.metadata.deletionTimestamp)
        await this.cluster.delete(PODS, { name, namespace }, { gracePeriodSeconds: 0 });
      else if (pod.status?.phase !== 'Running' && left-- > 0) await this.setReady(pod);
    }
    await this.settle();
  }

  /** Kubelet and controllers in turn until nothing moves. */
  async converge(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) {
      const before = this.cluster.writes.length;
      await this.kubelet();
      if (this.cluster.writes.length === before) return;
    }
    assert.fail(`does not come to rest; last writes: ${this.cluster.writes.slice(-6).join('; ')}`);
  }

  /** `Reason: message` of all events, in order. */
  async events(): Promise<string[]> {
    const events = await this.list<KubeEvent>(EVENTS);
    const revision = (event: KubeEvent): number => Number(event.metadata.resourceVersion);
    return events.sort((a, b) => revision(a) - revision(b)).map((event) => `${event.reason}: ${event.message}`);
  }

  private isNamespaced(gvr: Gvr): boolean {
    return this.cluster.resources().some((each) => each.gvr.resource === gvr.resource && each.namespaced);
  }
}

/** A pod template with one container and the label `app`. */
export const template = (app: string, image = 'image:1', more: Partial<ObjectMeta> = {}): PodTemplateSpec => ({
  metadata: { labels: { app }, ...more },
  spec: { containers: [{ name: 'main', image }] },
});

/** A Deployment named like its `app` label. */
export function deployment(app: string, replicas: number, spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    metadata: { name: app, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: template(app),
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      ...spec,
    },
  };
}
