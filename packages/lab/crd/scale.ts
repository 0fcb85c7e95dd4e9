/** The scale subresource of a custom resource. */
import type { AnyObject, CustomResourceSubresourceScale } from '#api/kube';

export interface ScaleValues {
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Label selector as text; empty where there is none. */
  readonly selector: string;
}

const stepsOf = (path: string) => path.replace(/^\./, '').split('.');

function valueAt(object: AnyObject, path: string): unknown {
  let at: unknown = object;
  for (const step of stepsOf(path)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

const numberAt = (object: AnyObject, path: string) => Number(valueAt(object, path) ?? 0);

/** What GET …/scale shows. Undefined where specReplicas is not set: Kubernetes answers 500 then. */
export function readScale(object: AnyObject, scale: CustomResourceSubresourceScale): ScaleValues | undefined {
  if (valueAt(object, scale.specReplicasPath) === undefined) return undefined;
  const selector = scale.labelSelectorPath ? valueAt(object, scale.labelSelectorPath) : undefined;
  return {
    specReplicas: numberAt(object, scale.specReplicasPath),
    statusReplicas: numberAt(object, scale.statusReplicasPath),
    selector: typeof selector === 'string' ? selector : '',
  };
}

/** The object with its replicas set. */
export function writeScale(object: AnyObject, scale: CustomResourceSubresourceScale, replicas: number): AnyObject {
  const set = (at: unknown, [step = '', ...rest]: readonly string[]): unknown => {
    const map = (typeof at === 'object' && at !== null ? at : {}) as Record<string, unknown>;
    return { ...map, [step]: rest.length === 0 ? replicas : set(map[step], rest) };
  };
  return set(object, stepsOf(scale.specReplicasPath)) as AnyObject;
}
