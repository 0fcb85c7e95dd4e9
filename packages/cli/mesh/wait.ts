import { DEPLOYMENTS, type Deployment } from '#api/kube';
import type { KubeClient } from '#kube/client';

export interface WaitOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  /** Called whenever the set of Deployments that are not available changed. */
  waitingFor?(names: readonly string[]): void;
}

/** Whether every wanted replica runs the current template and is available. */
export function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.availableReplicas ?? 0) >= wanted
  );
}

/** Resolves once all Deployments of the namespace are rolled out (at least one is there); rejects by name at the limit. */
export function waitForDeployments(client: KubeClient, namespace: string, options: WaitOptions): Promise<void> {
  const { signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const current = new Map<string, Deployment>();
    const pending = () =>
      [...current.values()].filter((one) => !isRolledOut(one)).map((one) => one.metadata.name ?? '');
    let ended = false;
    let stop: () => void = () => {};
    const end = (finish: () => void) => {
      ended = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      stop();
      finish();
    };
    const aborted = () => end(() => reject(signal?.reason));
    const timer = setTimeout(() => {
      const names = current.size === 0 ? 'no Deployment is there' : `not available: ${pending().join(', ')}`;
      end(() => reject(new Error(`namespace ${namespace} is not ready after ${timeoutMs / 1000} s: ${names}`)));
    }, timeoutMs);
    const look = () => {
      const names = pending();
      options.waitingFor?.(names);
      if (current.size > 0 && names.length === 0) end(resolve);
    };
    signal?.addEventListener('abort', aborted, { once: true });
    stop = client.watch<Deployment>(
      DEPLOYMENTS,
      { namespace },
      {
        reset(objects) {
          current.clear();
          for (const object of objects) current.set(object.metadata.name ?? '', object);
          look();
        },
        applied(object) {
          current.set(object.metadata.name ?? '', object);
          look();
        },
        deleted(object) {
          current.delete(object.metadata.name ?? '');
          look();
        },
      },
    );
    // The first look may have ended the wait before there was anything to stop.
    if (ended) stop();
    else if (signal?.aborted) aborted();
  });
}
