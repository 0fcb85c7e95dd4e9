/** Values with a JSON form of their own: each reader checks what came and returns it the way kube writes it. */
import type { BaseType } from '#api/kube';
import { canonicalQuantity, QUANTITY_PATTERN } from './quantity.ts';
import { canonicalMicroTime, canonicalTime, durationText, parseDuration } from './times.ts';

/** What a reader reports: the JSON value is of the wrong type (`expected` names the Go type), or its text is malformed. */
export type Read = { value: unknown } | { mismatch: string } | { malformed: string };

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';
const isInteger = (value: unknown): value is number | bigint => typeof value === 'bigint' || Number.isInteger(value);

const stringWith =
  (goType: string, convert: (text: string) => Read) =>
  (value: unknown): Read =>
    typeof value === 'string' ? convert(value) : { mismatch: goType };

const badTime = (text: string, layout: string): Read => ({
  malformed: `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as "2006"`,
});

/** One reader for each base type that is not a struct of the tables. */
export const READERS: Readonly<Record<Exclude<BaseType, 'ref'>, (value: unknown) => Read>> = {
  string: (value) => (typeof value === 'string' ? { value } : { mismatch: 'string' }),
  bool: (value) => (typeof value === 'boolean' ? { value } : { mismatch: 'bool' }),
  i32: (value) =>
    isInteger(value) && value >= INT32_MIN && value <= INT32_MAX ? { value: Number(value) } : { mismatch: 'int32' },
  i64: (value) => (isInteger(value) ? { value } : { mismatch: 'int64' }),
  f64: (value) => (isNumber(value) ? { value } : { mismatch: 'float64' }),
  bytes: stringWith('[]uint8', readBase64),
  Time: stringWith('string', (text) => {
    const time = canonicalTime(text);
    return time ? { value: time } : badTime(text, '2006-01-02T15:04:05Z07:00');
  }),
  MicroTime: stringWith('string', (text) => {
    const time = canonicalMicroTime(text);
    return time ? { value: time } : badTime(text, '2006-01-02T15:04:05.000000Z07:00');
  }),
  Duration: stringWith('string', (text) => {
    const ns = parseDuration(text);
    return ns === undefined
      ? { malformed: `time: invalid duration ${JSON.stringify(text)}` }
      : { value: durationText(ns) };
  }),
  Quantity: (value) => {
    const text = isNumber(value) ? String(value) : value;
    const quantity = typeof text === 'string' ? canonicalQuantity(text) : undefined;
    return quantity === undefined
      ? { malformed: `quantities must match the regular expression ${QUANTITY_PATTERN}` }
      : { value: quantity };
  },
  IntOrString: (value) => (typeof value === 'string' ? { value } : READERS.i32(value)),
  Raw: (value) => ({ value }),
  JSON: (value) => ({ value }),
  FieldsV1: (value) => ({ value }),
  Strings: readStrings,
  SchemaOrBool: (value) => ({ value }),
  SchemaOrArray: (value) => ({ value }),
  SchemaOrStrings: (value) => ({ value }),
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding; line breaks are allowed and dropped, as Go does. */
function readBase64(text: string): Read {
  const bare = text.replace(/[\r\n]/g, '');
  if (BASE64.test(bare)) return { value: bare };
  const at = bare.search(/[^A-Za-z0-9+/=]/);
  return { malformed: `illegal base64 data at input byte ${at >= 0 ? at : bare.length - (bare.length % 4)}` };
}

function readStrings(value: unknown): Read {
  if (!Array.isArray(value)) return { mismatch: '[]string' };
  return value.every((item) => typeof item === 'string') ? { value } : { mismatch: 'string' };
}
