import { Field, type RequestHead, type ResponseHead } from '#wire/fields';
import { FIELD } from '#wire/http1';
import type { HeaderEdit } from '../discover/index.ts';
import { NAMES, type ResponseEdit } from '../http/index.ts';

/** Fields that frame a message or concern one connection: no route may change them. `host` is the authority of a request. */
const PROTECTED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** A header modifier in the form that is applied to messages: its fields are made once and shared by all of them. */
export class FieldsEdit implements ResponseEdit {
  readonly #removed: ReadonlySet<string>;
  readonly #added: readonly Field[];
  readonly #host: string | undefined;

  /** Order of the edits: add, then set (which replaces), then remove. */
  constructor({ add, set, remove }: HeaderEdit) {
    const replaced = new Set([...set.map(([name]) => name), ...remove]);
    const gone = new Set(remove);
    const kept = [...add.filter(([name]) => !replaced.has(name)), ...set.filter(([name]) => !gone.has(name))];
    this.#removed = new Set([...replaced].filter((name) => !PROTECTED.has(name)));
    this.#added = kept.filter(([name]) => !PROTECTED.has(name)).map(([name, value]) => fieldOf(name, value));
    this.#host = set.findLast(([name]) => name === 'host')?.[1];
  }

  apply(head: ResponseHead | RequestHead): void {
    const { fields } = head;
    if (this.#removed.size > 0) {
      let kept = 0;
      for (const field of fields) if (!this.#removed.has(field.name)) fields[kept++] = field;
      fields.length = kept;
    }
    for (const field of this.#added) fields.push(field);
  }

  applyToRequest(head: RequestHead): void {
    this.apply(head);
    if (this.#host !== undefined) head.authority = this.#host;
  }
}

const EDITS = new WeakMap<HeaderEdit, FieldsEdit>();

/** The edit of a policy, compiled when it is first used. */
export function fieldsEdit(edit: HeaderEdit): FieldsEdit {
  let compiled = EDITS.get(edit);
  if (!compiled) {
    compiled = new FieldsEdit(edit);
    EDITS.set(edit, compiled);
  }
  return compiled;
}

/** Two edits, one after the other. */
export function bothEdits(first: ResponseEdit | undefined, second: ResponseEdit): ResponseEdit {
  if (!first) return second;
  return {
    apply(head) {
      first.apply(head);
      second.apply(head);
    },
  };
}

function fieldOf(name: string, value: string): Field {
  return new Field(NAMES.find(name) || (FIELD as Readonly<Record<string, number>>)[name] || 0, name, value);
}
