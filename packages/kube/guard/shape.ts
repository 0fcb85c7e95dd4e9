/** Shapes of JSON values, as far as readers rely on them. */

/** What is wrong with a value, after where in it: `.ports[0].port: expected a port, got -1`; undefined: nothing. */
export type Shape = (value: unknown) => string | undefined;

const notA = (what: string, value: unknown): string =>
  `: expected ${what}, got ${(JSON.stringify(value) ?? 'nothing').slice(0, 100)}`;

const expected =
  (what: string, is: (value: unknown) => boolean): Shape =>
  (value) =>
    is(value) ? undefined : notA(what, value);

const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;

export const text = expected('text', (value) => typeof value === 'string');
export const flag = expected('true or false', (value) => typeof value === 'boolean');
export const port = expected('a port', isPort);
export const portOrName = expected('a port or its name', (value) => typeof value === 'string' || isPort(value));

export const list =
  (item: Shape): Shape =>
  (value) => {
    if (!Array.isArray(value)) return notA('a list', value);
    for (let at = 0; at < value.length; at += 1) {
      const problem = item(value[at]);
      if (problem !== undefined) return `[${at}]${problem}`;
    }
    return undefined;
  };

/** Of texts, by key. */
export const map: Shape = (value) => {
  if (!isObject(value)) return notA('a map of texts', value);
  for (const key in value) if (typeof value[key] !== 'string') return `.${key}${text(value[key])}`;
  return undefined;
};

/** Fields that may be missing, and those that must not. What is null counts as missing and is taken out. */
export function object(
  optional: Readonly<Record<string, Shape>>,
  required: Readonly<Record<string, Shape>> = {},
): Shape {
  const rows = [
    ...Object.entries(optional).map(([field, shape]) => ({ field, shape, isRequired: false })),
    ...Object.entries(required).map(([field, shape]) => ({ field, shape, isRequired: true })),
  ];
  return (value) => {
    if (!isObject(value)) return notA('an object', value);
    for (const { field, shape, isRequired } of rows) {
      const found = value[field];
      if (found === null && !isRequired) delete value[field];
      if (!isRequired && (found === undefined || found === null)) continue;
      const problem = shape(found);
      if (problem !== undefined) return `.${field}${problem}`;
    }
    return undefined;
  };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
