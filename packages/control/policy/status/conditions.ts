/** Conditions as the Kubernetes API has them, from what was found. */

/** What was found about an object: a condition without its times. */
export interface Finding {
  type: string;
  status: 'True' | 'False';
  /** One word in camel case. */
  reason: string;
  /** A sentence for whoever wrote the object; may be empty. */
  message: string;
}

/** As it is written. Source: Kubernetes, meta/v1 Condition. */
export interface Condition extends Finding {
  /** When `status` was last another one, RFC 3339. */
  lastTransitionTime: string;
  /** The version of the spec that was looked at. */
  observedGeneration?: number;
}

/** A condition of a status as it is stored, by whomever. */
export type StoredCondition = Readonly<Record<string, unknown>>;

/** What conditions are stamped with. */
export interface Stamp {
  generation: number | undefined;
  /** RFC 3339. */
  now: string;
}

/** The finding of an object that is as it should be. */
export const good = (type: string, reason = type): Finding => ({ type, status: 'True', reason, message: '' });

/** The conditions of the findings; one whose `status` is the stored one keeps its time. */
export function stampConditions(
  findings: readonly Finding[],
  stored: readonly StoredCondition[],
  { generation, now }: Stamp,
): Condition[] {
  return findings.map((finding) => {
    const before = stored.find(({ type, status }) => type === finding.type && status === finding.status);
    const since = before?.['lastTransitionTime'];
    return {
      ...finding,
      lastTransitionTime: typeof since === 'string' ? since : now,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
}
