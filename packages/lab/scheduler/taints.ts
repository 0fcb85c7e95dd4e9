import type { Node, Pod, Taint, Toleration } from '../kinds/index.ts';

/** Whether a toleration covers a taint. Empty key with `Exists` covers all, empty effect every effect. */
export function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (!key && operator !== 'Exists') return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

/** Taints with one of the effects that the pod does not tolerate. */
export function untolerated(pod: Pod, node: Node, effects: readonly Taint['effect'][]): Taint[] {
  const tolerations = pod.spec.tolerations ?? [];
  return (node.spec?.taints ?? []).filter(
    (taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** The taint that stands for `spec.unschedulable` (kubectl cordon). */
export const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Whether the pod may go to a cordoned node. */
export const toleratesCordon = (pod: Pod): boolean =>
  (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, CORDONED));
