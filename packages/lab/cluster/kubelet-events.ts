import type { Pod } from '#api/kube';
import type { EventRecorder } from '../reconcile/index.ts';

interface Told {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  fieldPath?: string;
}

/** Turns what kubelets tell of pods into Events. A refused event is logged: events never hold up pods. */
export function kubeletEvents(
  recorder: EventRecorder,
  log: (line: string) => void,
): (pod: Pod, nodeName: string, told: Told) => void {
  return (pod, _nodeName, { type, reason, message, fieldPath }) => {
    const { name = '', namespace = '', uid = '', resourceVersion = '' } = pod.metadata;
    const about = {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace,
      name,
      uid,
      resourceVersion,
      ...(fieldPath && { fieldPath }),
    };
    recorder
      .record({ about, type, reason, message })
      .catch((error: unknown) => log(`event ${reason} of pod ${namespace}/${name}: ${String(error)}`));
  };
}
