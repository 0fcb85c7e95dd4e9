/** ServiceProfiles (linkerd.io/v1alpha2) as JSON. */
import type { KubeObject } from '#api/kube';

/** Condition on requests; several fields set mean all of them. */
export interface RequestCondition {
  pathRegex?: string;
  method?: string;
  all?: RequestCondition[];
  any?: RequestCondition[];
  not?: RequestCondition;
}

export interface ResponseCondition {
  status?: { min?: number; max?: number };
  all?: ResponseCondition[];
  any?: ResponseCondition[];
  not?: ResponseCondition;
}

export interface ProfileRoute {
  name: string;
  condition?: RequestCondition;
  responseClasses?: { condition?: ResponseCondition; isFailure?: boolean }[];
  isRetryable?: boolean;
  /** A Go duration. */
  timeout?: string;
}

export interface ProfileSpec {
  routes?: ProfileRoute[];
  retryBudget?: { retryRatio?: number; minRetriesPerSecond?: number; ttl?: string };
  /** Weights are Kubernetes quantities. */
  dstOverrides?: { authority: string; weight: number | string }[];
}

export interface ProfileRecord {
  namespace: string;
  name: string;
  spec: ProfileSpec;
}

/** Reads a ServiceProfile. */
export function readProfile(object: KubeObject): ProfileRecord {
  const { spec } = object as KubeObject & { spec?: ProfileSpec };
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '', spec: spec ?? {} };
}
