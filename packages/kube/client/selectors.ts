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
