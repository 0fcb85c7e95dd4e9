import type { LabelSelector } from '#api/kube';

type Operator = 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One term of a selector; all of them must hold. `=` and `==` are `in` with one value, `!=` is `notin`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>> | undefined;

/**
 * Parses `a=b,c!=d,e in (f,g),h,!i,n>5`. Empty text gives no requirement: everything matches.
 * @throws Error whose message fits kube's 400 answers
 */
export function parseLabelSelector(text: string): LabelRequirement[] {
  const tokens = tokenize(text);
  const requirements: LabelRequirement[] = [];
  while (tokens.length > 0) {
    requirements.push(parseRequirement(tokens));
    if (tokens.length === 0) break;
    const comma = tokens.shift();
    if (comma !== ',') throw unparsable(`found '${comma}', expected: ',' or 'end of string'`);
    if (tokens.length === 0) throw unparsable(`found '', expected: identifier after ','`);
  }
  return requirements;
}

/** True when every requirement holds; `!=` and `notin` hold for absent keys too. */
export function matchesLabels(requirements: readonly LabelRequirement[], labels: Labels): boolean {
  return requirements.every((requirement) => holds(requirement, labels));
}

/** Whether labels carry every pair of a map, as Service selectors and nodeSelectors mean it. */
export function selectsMap(selector: Readonly<Record<string, string>>, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value);
}

/** Whether a selector object has no term at all. */
export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;

/** Matches the object form. Absent (undefined) matches nothing, an empty selector everything, as in kube. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector || !selectsMap(selector.matchLabels ?? {}, labels)) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) =>
    holds({ key, operator: OPERATORS[operator], values }, labels),
  );
}

/** The text form of an object selector, terms in order of keys: `app=web,tier in (a,b)`. Empty for no terms. */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => [key, `${key}=${value}`] as const);
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const list = `(${[...values].sort().join(',')})`;
    const texts = { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, Exists: key, DoesNotExist: `!${key}` };
    return [key, texts[operator]] as const;
  });
  const sorted = [...equal, ...others].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([, text]) => text).join(',');
}

const OPERATORS = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const;

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels?.[key];
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'gt':
      return isInteger(value) && BigInt(value) > BigInt(values[0] ?? '0');
    case 'lt':
      return isInteger(value) && BigInt(value) < BigInt(values[0] ?? '0');
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d+$/.test(text);

const TOKEN = /\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)/y;

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const found = TOKEN.exec(text);
    if (!found) throw unparsable(`cannot read ${JSON.stringify(text)}`);
    tokens.push(found[1]!);
  }
  return tokens;
}

function parseRequirement(tokens: string[]): LabelRequirement {
  if (tokens[0] === '!') {
    tokens.shift();
    return { key: parseKey(tokens.shift()), operator: '!', values: [] };
  }
  const key = parseKey(tokens.shift());
  const operator = tokens[0];
  if (operator === undefined || operator === ',') return { key, operator: 'exists', values: [] };
  tokens.shift();
  if (operator === '=' || operator === '==') return { key, operator: 'in', values: [parseValue(tokens)] };
  if (operator === '!=') return { key, operator: 'notin', values: [parseValue(tokens)] };
  if (operator === '>' || operator === '<') {
    const value = parseValue(tokens);
    if (!isInteger(value)) throw unparsable(`for 'Gt', 'Lt' operators, the value must be an integer`);
    return { key, operator: operator === '>' ? 'gt' : 'lt', values: [value] };
  }
  if (operator === 'in' || operator === 'notin') return { key, operator, values: parseValues(tokens) };
  throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
}

const QUALIFIED_NAME = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function parseKey(token: string | undefined): string {
  if (token === undefined || !QUALIFIED_NAME.test(token))
    throw unparsable(`found '${token ?? ''}', expected: !, identifier, or 'end of string'`);
  return token;
}

/** The value after an operator; `a=` selects the empty value. */
function parseValue(tokens: string[]): string {
  if (tokens[0] === undefined || tokens[0] === ',') return '';
  const value = tokens.shift()!;
  if (!LABEL_VALUE.test(value)) throw unparsable(`invalid label value: ${JSON.stringify(value)}`);
  return value;
}

function parseValues(tokens: string[]): string[] {
  if (tokens.shift() !== '(') throw unparsable(`expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(tokens[0] === ')' ? '' : parseValue(tokens));
    const next = tokens.shift();
    if (next === ')') return values;
    if (next !== ',') throw unparsable(`found '${next ?? ''}', expected: ',' or ')'`);
  }
}

const unparsable = (why: string): Error => new Error(`unable to parse requirement: ${why}`);
