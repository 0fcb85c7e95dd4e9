import type { StatusCause } from '#api/kube';

/** One finding of validation, kept apart from its text so that the answer lists it as a cause. */
export type FieldCause = Required<StatusCause>;

/** How kube prints a value in a message: text quoted, objects as JSON. */
const valueText = (value: unknown): string => JSON.stringify(value) ?? 'null';
const detailed = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);

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
    this.#add('FieldValueRequired', detailed('Required value', detail));
  }
  invalid(value: unknown, detail: string): void {
    this.#add('FieldValueInvalid', detailed(`Invalid value: ${valueText(value)}`, detail));
  }
  forbidden(detail: string): void {
    this.#add('FieldValueForbidden', detailed('Forbidden', detail));
  }
  notSupported(value: unknown, allowed: readonly string[]): void {
    const list = allowed.map((each) => `"${each}"`).join(', ');
    this.#add('FieldValueNotSupported', `Unsupported value: ${valueText(value)}: supported values: ${list}`);
  }
  duplicate(value: unknown): void {
    this.#add('FieldValueDuplicate', `Duplicate value: ${valueText(value)}`);
  }
  notFound(value: unknown): void {
    this.#add('FieldValueNotFound', `Not found: ${valueText(value)}`);
  }
  tooLong(detail: string): void {
    this.#add('FieldValueTooLong', `Too long: ${detail}`);
  }

  #add(reason: string, message: string): void {
    this.#causes.push({ reason, message, field: this.path });
  }
}
