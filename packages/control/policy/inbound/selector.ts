/** Label selectors as they are stored, for which no admission may have stood good. */
import type { LabelSelector } from '#api/kube';
import { matchesLabelSelector } from '#kube/client';
import { listOf, objectOf, textsOf } from '../admission/refusal.ts';

type Fields = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, string>>;

export type Selector = (labels: Labels) => boolean;

const NEVER: Selector = () => false;

/**
 * Reads a selector; an empty one matches all, one that asks for nothing sensible nothing. Throws Refusal. It is tried on many labels:
 * what it takes apart, it does so once.
 */
export function readSelector(fields: Fields): Selector {
  const expressions = listOf(fields, 'matchExpressions');
  if (!expressions.every(isSound)) return NEVER;
  const wanted = Object.entries(objectOf(fields, 'matchLabels') ?? {});
  const rest = { matchExpressions: expressions as unknown as NonNullable<LabelSelector['matchExpressions']> };
  return (labels) => {
    for (const [key, value] of wanted) if (labels[key] !== value) return false;
    return expressions.length === 0 || matchesLabelSelector(rest, labels);
  };
}

/** Lists of values need something in them; asking whether a label is there takes none. */
function isSound(expression: Fields): boolean {
  const values = textsOf(expression, 'values').length;
  const { operator } = expression;
  return operator === 'In' || operator === 'NotIn' ? values > 0 : values === 0;
}
