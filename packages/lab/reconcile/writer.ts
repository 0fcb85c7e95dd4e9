import { type Gvr, type KubeObject, PODS } from '#api/kube';
import type { Clock } from '#runtime/clock';
import { ApiError, type ClusterClient, hasCause, hasReason } from '../contract/index.ts';
import { formatTime } from '../kinds/index.ts';
import type { Caches } from './cache.ts';
import type { EventRecorder } from './events.ts';
import { LIMITS } from './limits.ts';
import type { Write } from './plan.ts';

export interface WriterDeps {
  client: ClusterClient;
  caches: Caches;
  clock: Clock;
  events: EventRecorder;
  /** Told of events that could not be written; nothing else is lost. */
  eventLost(error: unknown): void;
}

/**
 * Carries out writes in order and feeds the answers into the caches. Rejects with the first failure, after the writes that the
 * failed one asked for in that case.
 */
export class Writer {
  private readonly deps: WriterDeps;

  constructor(deps: WriterDeps) {
    this.deps = deps;
  }

  async all(writes: readonly Write[]): Promise<void> {
    for (const write of writes) await this.one(write);
  }

  private async one(write: Write): Promise<void> {
    if (write.verb === 'event') return this.event(write);
    if (write.verb === 'batch') return this.batch(write.writes);
    try {
      const answer = await this.send(write);
      await this.all(write.succeeded?.(answer) ?? []);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (hasReason(error, ...(write.tolerate ?? []))) return;
      if (write.verb === 'delete' && hasReason(error, 'NotFound')) return;
      if (!hasCause(error, 'NamespaceTerminating')) await this.all(write.failed?.(error) ?? []);
      throw error;
    }
  }

  private async send(write: Exclude<Write, { verb: 'event' | 'batch' }>): Promise<KubeObject> {
    const { client } = this.deps;
    switch (write.verb) {
      case 'create':
        return this.learn(write.gvr, await client.create(write.gvr, write.object));
      case 'update':
        return this.learn(write.gvr, await client.update(write.gvr, write.object, write.subresource));
      case 'patch': {
        const { subresource } = write;
        const patch = { type: 'merge' as const, body: write.merge, ...(subresource && { subresource }) };
        return this.learn(write.gvr, await client.patch(write.gvr, write, patch));
      }
      case 'delete':
        return this.remove(write);
      case 'bind': {
        const { name = '', namespace = '', uid = '' } = write.pod.metadata;
        await client.bind({ name, namespace, uid }, write.nodeName);
        this.deps.caches.of(PODS).learnBound(name, namespace, write.nodeName);
        return write.pod;
      }
    }
  }

  private async remove(write: Extract<Write, { verb: 'delete' }>): Promise<KubeObject> {
    const { name = '', namespace, uid, resourceVersion } = write.object.metadata;
    const { propagationPolicy, gracePeriodSeconds, unchanged } = write;
    const preconditions = { ...(uid && { uid }), ...(unchanged && resourceVersion && { resourceVersion }) };
    await this.deps.client.delete(write.gvr, namespace ? { name, namespace } : { name }, {
      preconditions,
      ...(propagationPolicy && { propagationPolicy }),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    });
    if (this.deps.caches.has(write.gvr))
      this.deps.caches.of(write.gvr).learnDeleted(name, namespace ?? '', formatTime(this.deps.clock.wallMs()));
    return write.object;
  }

  private learn(gvr: Gvr, answer: KubeObject): KubeObject {
    const gone = answer.metadata.deletionTimestamp && (answer.metadata.finalizers ?? []).length === 0;
    if (this.deps.caches.has(gvr) && !gone) this.deps.caches.of(gvr).learn(answer);
    return answer;
  }

  private async event(write: Extract<Write, { verb: 'event' }>): Promise<void> {
    try {
      await this.deps.events.record(write.note);
    } catch (error) {
      this.deps.eventLost(error);
    }
  }

  private async batch(writes: readonly Write[]): Promise<void> {
    let size = 1;
    for (let at = 0; at < writes.length; at += size, size = Math.min(size * 2, LIMITS.concurrentWritesMax)) {
      const outcomes = await Promise.allSettled(writes.slice(at, at + size).map((write) => this.one(write)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    }
  }
}
