import type { LabelSelector } from '#api/kube';
import { matchesLabelSelector } from '#kube/client';

/** Whether a Link's selector takes a Service. Unlike in Kubernetes, no selector and an empty one take nothing. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  const terms = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0);
  return selector !== undefined && terms > 0 && matchesLabelSelector(selector, labels);
}

/** A selector as the API takes it in queries; undefined when it takes nothing. The inverse of `parseSelector`. */
export function selectorText(selector: LabelSelector | undefined): string | undefined {
  const terms = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? [])
    if (operator === 'Exists') terms.push(key);
    else if (operator === 'DoesNotExist') terms.push(`!${key}`);
    else terms.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`);
  return terms.length > 0 ? terms.join(',') : undefined;
}
