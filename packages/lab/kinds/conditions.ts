interface AnyCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** The condition of one type, if present. */
export const conditionOf = <C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined => conditions?.find((condition) => condition.type === type);

/** Whether the condition of that type is `True`. */
export const isTrue = (conditions: readonly AnyCondition[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True';

/**
 * The list with one condition replaced in place, or appended. `lastTransitionTime` is kept when the status did not change,
 * else taken from the new condition; an equal condition leaves the list as it is (same array).
 */
export function withCondition<C extends AnyCondition>(conditions: readonly C[] | undefined, next: C): readonly C[] {
  const list = conditions ?? [];
  const old = conditionOf(list, next.type);
  if (!old) return [...list, next];
  if (old.status === next.status && old.reason === next.reason && old.message === next.message) return list;
  const kept =
    old.status === next.status && old.lastTransitionTime ? { lastTransitionTime: old.lastTransitionTime } : {};
  return list.map((each) => (each === old ? { ...next, ...kept } : each));
}

/** The list without the condition of that type; the same array when there was none. */
export const withoutCondition = <C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] => {
  const list = conditions ?? [];
  return conditionOf(list, type) ? list.filter((condition) => condition.type !== type) : list;
};
