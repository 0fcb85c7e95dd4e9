import type { LabelSelector } from '#api/kube';
import { matchesLabelSelector } from '#kube/client';

/** Whether a Link's selector takes a Service. Unlike in Kubernetes, no selector and an empty one take nothing. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  const terms = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0);
  return selector !== undefined && terms > 0 && matchesLabelSelector(selector, labels);
}

/** A selector as the API takes it in queries; undefined when it takes nothing. The inverse of {@link parseSelector}. */
export function selectorText(selector: LabelSelector | undefined): string | undefined {
  const terms = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? [])
    if (operator === 'Exists') terms.push(key);
    else if (operator === 'DoesNotExist') terms.push(`!${key}`);
    else terms.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`);
  return terms.length > 0 ? terms.join(',') : undefined;
}

/** Reads `a=b,c!=d,e in (f,g),h,!i` as a selector object. Undefined when it is not one. */
export function parseSelector(text: string): LabelSelector | undefined {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
  for (const term of text.split(/,(?![^(]*\))/).map((each) => each.trim())) {
    if (term === '') continue;
    const equality = EQUALITY.exec(term);
    const set = SET.exec(term);
    const presence = PRESENCE.exec(term);
    if (equality?.[2] === '!=') matchExpressions.push({ key: equality[1]!, operator: 'NotIn', values: [equality[3]!] });
    else if (equality) matchLabels[equality[1]!] = equality[3]!;
    else if (set)
      matchExpressions.push({
        key: set[1]!,
        operator: set[2] === 'in' ? 'In' : 'NotIn',
        values: set[3]!.split(',').map((value) => value.trim()),
      });
    else if (presence) matchExpressions.push({ key: presence[2]!, operator: presence[1] ? 'DoesNotExist' : 'Exists' });
    else return undefined;
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  };
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)';
const EQUALITY = new RegExp(`^${KEY}\\s*(!=|==?)\\s*([-A-Za-z0-9_.]*)$`);
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s+\\(([^)]*)\\)$`);
const PRESENCE = new RegExp(`^(!)?${KEY}$`);
