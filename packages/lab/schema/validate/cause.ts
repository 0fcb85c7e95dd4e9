import type { StatusCause } from '#api/kube';

/** One finding of validation, kept apart from its text so that the answer lists it as a cause. */
export type FieldCause = Required<StatusCause>;

/** How kube prints a value in a message: text quoted, objects as JSON. */
const valueText = (value: unknown): string => JSON.stringify(value) ?? 'null';
const detailed = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);
const finding = (reason: string, field: string, message: string): FieldCause => ({ reason, message, field });

/** Constructors of {@link FieldCause}, one per reason that kube names; the values in messages are those of the bad fields. */
export const cause = {
  required: (field: string, detail = ''): FieldCause =>
    finding('FieldValueRequired', field, detailed('Required value', detail)),
  invalid: (field: string, value: unknown, detail: string): FieldCause =>
    finding('FieldValueInvalid', field, detailed(`Invalid value: ${valueText(value)}`, detail)),
  forbidden: (field: string, detail: string): FieldCause =>
    finding('FieldValueForbidden', field, detailed('Forbidden', detail)),
  notSupported: (field: string, value: unknown, allowed: readonly string[]): FieldCause => {
    const list = allowed.map((each) => `"${each}"`).join(', ');
    const message = `Unsupported value: ${valueText(value)}: supported values: ${list}`;
    return finding('FieldValueNotSupported', field, message);
  },
  duplicate: (field: string, value: unknown): FieldCause =>
    finding('FieldValueDuplicate', field, `Duplicate value: ${valueText(value)}`),
  notFound: (field: string, value: unknown): FieldCause =>
    finding('FieldValueNotFound', field, `Not found: ${valueText(value)}`),
  tooLong: (field: string, detail: string): FieldCause => finding('FieldValueTooLong', field, `Too long: ${detail}`),
} as const;

/** Where a value stands, and where findings about it go. */
export class At {
  /** E.g. `spec.containers[0].name`. */
  readonly path: string;
  readonly #causes: FieldCause[];

  constructor(path: string, causes: FieldCause[]) {
    this.path = path;
    this.#causes = causes;
  }

  /** A field below. */
  child(name: string): At {
    return new At(this.path === '' ? name : `${this.path}.${name}`, this.#causes);
  }

  /** An item of a list (by index) or map (by key) below. */
  item(key: number | string): At {
    return new At(`${this.path}[${key}]`, this.#causes);
  }

  required(detail = ''): void {
    this.#causes.push(cause.required(this.path, detail));
  }
  invalid(value: unknown, detail: string): void {
    this.#causes.push(cause.invalid(this.path, value, detail));
  }
  forbidden(detail: string): void {
    this.#causes.push(cause.forbidden(this.path, detail));
  }
  notSupported(value: unknown, allowed: readonly string[]): void {
    this.#causes.push(cause.notSupported(this.path, value, allowed));
  }
  duplicate(value: unknown): void {
    this.#causes.push(cause.duplicate(this.path, value));
  }
  notFound(value: unknown): void {
    this.#causes.push(cause.notFound(this.path, value));
  }
  tooLong(detail: string): void {
    this.#causes.push(cause.tooLong(this.path, detail));
  }
}
