/** ServiceProfiles as JSON, and what is kept of them. */
import type { KubeObject } from '#api/kube';
import { type TranslatedProfile, translateSpec } from './translate.ts';

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

/** A ServiceProfile that can be told to proxies. */
export interface ProfileRecord extends TranslatedProfile {
  namespace: string;
  name: string;
}

/** Reads a ServiceProfile. One that is invalid is reported and counts as what it was before, if it was valid ever. */
export function readProfile(
  object: KubeObject,
  old: ProfileRecord | undefined,
  problem: (text: string) => void,
): ProfileRecord | undefined {
  const { spec = {} } = object as KubeObject & { spec?: ProfileSpec };
  const { namespace = '', name = '' } = object.metadata;
  try {
    return { namespace, name, ...translateSpec(spec) };
  } catch (error) {
    problem(`invalid ServiceProfile${old ? ', the last good one stays in use' : ''}: ${(error as Error).message}`);
    return old;
  }
}
