/** One fault of a field, in Kubernetes' words, ready to be a cause of a 422 `Status`. */

export interface FieldCause {
  /** e.g. `FieldValueInvalid`. */
  readonly reason: string;
  /** e.g. `Invalid value: 20: spec.replicas in body should be less than or equal to 10`. */
  readonly message: string;
  /** e.g. `spec.replicas`; `<nil>` where Kubernetes names none. */
  readonly field: string;
}

/** How Kubernetes prints a bad value: numbers and booleans bare, text quoted, the rest as JSON with sorted keys. */
export function printValue(value: unknown): string {
  if (typeof value === 'number') return printNumber(value);
  return stableJson(value);
}

function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const map = value as Record<string, unknown>;
  return `{${Object.keys(map)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stableJson(map[key])}`)
    .join(',')}}`;
}

/** Go's `%v` of a float64; integers of any size print whole, as they are int64 in Go. */
export function printNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : printFloat(value);
}

/** Go's `%v` of a float64: exponent form from 1e6 up and below 1e-4. */
export function printFloat(value: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value === 0 || (power >= -4 && power < 6)) return value.toString();
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const withDetail = (text: string, detail: string) => (detail ? `${text}: ${detail}` : text);

const plural = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** Constructors, one per kind of fault (apimachinery's field.ErrorType). */
export const fault = {
  required: (field: string, detail = ''): FieldCause => ({
    reason: 'FieldValueRequired',
    message: withDetail('Required value', detail),
    field,
  }),
  invalid: (field: string, value: unknown, detail: string): FieldCause => ({
    reason: 'FieldValueInvalid',
    message: withDetail(`Invalid value: ${printValue(value)}`, detail),
    field,
  }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldCause => ({
    reason: 'FieldValueTypeInvalid',
    message: withDetail(`Invalid value: ${printValue(value)}`, detail),
    field,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldCause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${printValue(value)}: supported values: ${supported.map((text) => JSON.stringify(text)).join(', ')}`,
    field,
  }),
  duplicate: (field: string, value: unknown): FieldCause => ({
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${printValue(value)}`,
    field,
  }),
  forbidden: (field: string, detail: string): FieldCause => ({
    reason: 'FieldValueForbidden',
    message: withDetail('Forbidden', detail),
    field,
  }),
  tooLong: (field: string, bytesMax: number): FieldCause => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${plural(bytesMax, 'byte')}`,
    field,
  }),
  tooMany: (field: string, actual: number, itemsMax: number): FieldCause => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${actual}: must have at most ${plural(itemsMax, 'item')}`,
    field,
  }),
} as const;
