import { isDeepStrictEqual } from 'node:util';
import { PODS, type PodCondition, type PodStatus } from '#api/kube';
import { type ClusterClient, hasReason } from '../contract/index.ts';
import type { BoundPod } from './types.ts';

/** Writes one pod's status whenever it changed: one write at a time, the newest wins. */
export class PodReporter {
  private readonly client: ClusterClient;
  /** The status of now, given the conditions as we last wrote them. */
  private readonly statusOf: (written: readonly PodCondition[]) => PodStatus;
  private readonly failed: (error: unknown) => void;
  private sent: PodStatus | undefined;
  private writing: Promise<void> | undefined;
  private closed = false;

  constructor(
    client: ClusterClient,
    source: { statusOf(written: readonly PodCondition[]): PodStatus; failed(error: unknown): void },
  ) {
    this.client = client;
    this.statusOf = (written) => source.statusOf(written);
    this.failed = (error) => source.failed(error);
  }

  /** The address that was reported, which the status keeps after the sandbox is gone. */
  get reportedIp(): string | undefined {
    return this.sent?.podIP;
  }

  report(pod: BoundPod): void {
    if (this.closed) return;
    this.writing ??= this.write(pod).finally(() => {
      this.writing = undefined;
    });
  }

  /** Settles when nothing is being written. */
  async idle(): Promise<void> {
    await this.writing;
  }

  close(): void {
    this.closed = true;
  }

  private async write({ metadata }: BoundPod): Promise<void> {
    const { name = '', namespace = '', uid = '' } = metadata;
    for (;;) {
      const status = this.statusOf(this.sent?.conditions ?? []);
      if (this.closed || isDeepStrictEqual(status, this.sent)) return;
      const body = { metadata: { uid }, status };
      try {
        await this.client.patch(PODS, { name, namespace }, { type: 'strategic', body, subresource: 'status' });
        this.sent = status;
      } catch (error) {
        // Gone, or another pod of that name: the watch brings what is to be done.
        if (!hasReason(error, 'NotFound', 'Conflict')) this.failed(error);
        return;
      }
    }
  }
}
