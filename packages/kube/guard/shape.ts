/** Shapes of JSON values, as far as readers rely on them. */

/** What is wrong with a value, with where it stands; undefined: nothing. */
export type Shape = (value: unknown, at: string) => string | undefined;

const expected =
  (what: string, is: (value: unknown) => boolean): Shape =>
  (value, at) =>
    is(value) ? undefined : `${at}: expected ${what}, got ${JSON.stringify(value)?.slice(0, 100)}`;

export const text = expected('text', (value) => typeof value === 'string');
export const flag = expected('true or false', (value) => typeof value === 'boolean');
export const port = expected(
  'a port',
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535,
);
export const portOrName = expected('a port or its name', (value) => typeof value === 'string' || !port(value, ''));

export const list =
  (item: Shape): Shape =>
  (value, at) => {
    if (!Array.isArray(value)) return notA('a list', value, at);
    for (const [index, each] of value.entries()) {
      const problem = item(each, `${at}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

/** Of texts, by key. */
export const map: Shape = (value, at) => {
  if (!isObject(value)) return notA('a map of texts', value, at);
  for (const key of Object.keys(value)) if (typeof value[key] !== 'string') return text(value[key], `${at}.${key}`);
  return undefined;
};

/** Fields that may be missing, and those that must not. What is null counts as missing and is taken out. */
export const object =
  (optional: Readonly<Record<string, Shape>>, required: Readonly<Record<string, Shape>> = {}): Shape =>
  (value, at) => {
    if (!isObject(value)) return notA('an object', value, at);
    for (const field of Object.keys(optional)) {
      if (value[field] === null) delete value[field];
      const problem = value[field] === undefined ? undefined : optional[field]?.(value[field], `${at}.${field}`);
      if (problem !== undefined) return problem;
    }
    for (const field of Object.keys(required)) {
      const problem = required[field]?.(value[field], `${at}.${field}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const notA = (what: string, value: unknown, at: string): string =>
  `${at}: expected ${what}, got ${JSON.stringify(value)?.slice(0, 100)}`;
