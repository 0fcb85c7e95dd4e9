import type { KubeObject, LabelSelector } from '#api/kube';

/** True when labels satisfy a selector string such as `a=b,c!=d,e in (f,g),h,!i`. Absent selector: everything. */
export function matchesLabels(selector: string | undefined, labels: Record<string, string>): boolean {
  if (!selector) return true;
  return splitOutsideParentheses(selector).every((term) => matchesTerm(term.trim(), labels));
}

/** True when labels satisfy a selector object. An empty selector matches everything, as in Kubernetes. */
export function matchesLabelSelector(selector: LabelSelector, labels: Record<string, string>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels[key];
    const holds = {
      In: value !== undefined && values.includes(value),
      NotIn: value === undefined || !values.includes(value),
      Exists: value !== undefined,
      DoesNotExist: value === undefined,
    }[operator];
    if (!holds) return false;
  }
  return true;
}

/** `metadata.name=x,type=y`: dotted paths into the object, compared as strings. */
export function matchesFields(selector: string | undefined, object: KubeObject): boolean {
  if (!selector) return true;
  return selector.split(',').every((term) => {
    const [, path = '', operator, wanted = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(term.trim()) ?? [];
    let value: unknown = object;
    for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
    return (String(value ?? '') === wanted) === (operator !== '!=');
  });
}

function matchesTerm(term: string, labels: Record<string, string>): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    const value = labels[key];
    return operator === 'in'
      ? value !== undefined && values.includes(value)
      : value === undefined || !values.includes(value);
  }
  const equality = /^([^=!\s]+)\s*(!=|==?)\s*(.*)$/.exec(term);
  if (equality) {
    const [, key = '', operator, wanted] = equality;
    return (labels[key] === wanted) === (operator !== '!=');
  }
  return term.startsWith('!') ? labels[term.slice(1)] === undefined : labels[term] !== undefined;
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).filter((term) => term.trim() !== '');
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
