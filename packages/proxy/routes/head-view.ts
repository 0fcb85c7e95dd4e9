import type { RequestHead } from '#wire/fields';
import type { RequestView } from './match.ts';

/** A request head as route matching sees it; texts are made when they are asked for. */
export class HeadView implements RequestView {
  readonly #head: RequestHead;
  readonly #query: number;
  #host: string | undefined;

  constructor(head: RequestHead) {
    this.#head = head;
    this.#query = head.path.indexOf('?');
  }

  get method(): string {
    return this.#head.method;
  }

  get host(): string {
    this.#host ??= hostOf(this.#head.authority);
    return this.#host;
  }

  get path(): string {
    const { path } = this.#head;
    return this.#query < 0 ? path : path.slice(0, this.#query);
  }

  query(name: string): string | undefined {
    if (this.#query < 0) return undefined;
    return new URLSearchParams(this.#head.path.slice(this.#query + 1)).get(name) ?? undefined;
  }

  header(name: string): string | undefined {
    if (name === 'host') return this.#head.authority === '' ? undefined : this.#head.authority;
    let values: string | undefined;
    for (const field of this.#head.fields)
      if (field.name === name) values = values === undefined ? field.value : `${values},${field.value}`;
    return values;
  }
}

/** Host of an authority, lower case, without user, port and trailing dot. */
export function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return (bracketed?.[1] ?? host.split(':')[0] ?? '').replace(/\.$/, '');
}

/** Port of an authority; undefined where it names none. */
export function portOf(authority: string): number | undefined {
  const port = /:(\d{1,5})$/.exec(authority)?.[1];
  return port === undefined ? undefined : Number(port);
}
