/** One look at the cluster, bounded in time. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Clock } from '#runtime/clock';

export interface LookUpDeps {
  kube: Pick<KubeClient, 'get'>;
  clock: Pick<Clock, 'after'>;
}

/**
 * How long it may take. The two that a pod needs end within the time that the API server waits for us (10 s): what is not answered
 * in time it may admit without a proxy.
 */
const LOOK_UP_MS_MAX = 3_000;

/** The object; rejects as the client does, or when there is no answer in time. */
export function lookUp({ kube, clock }: LookUpDeps, gvr: Gvr, name: string, namespace?: string): Promise<KubeObject> {
  return new Promise((resolve, reject) => {
    const overdue = () =>
      reject(new Error(`the API server did not tell of ${gvr.resource} "${name}" within ${LOOK_UP_MS_MAX / 1000} s`));
    const timer = clock.after(LOOK_UP_MS_MAX, overdue);
    kube
      .get<KubeObject>(gvr, name, namespace)
      .then(resolve, reject)
      .finally(() => timer.cancel());
  });
}
