import { FIELD, type Http1Head } from '#wire/http1';
import type { RequestView } from './match.ts';

/** A request head as route matching sees it; texts are made when they are asked for. Valid as long as the head is. */
export class HeadView implements RequestView {
  readonly #head: Http1Head;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly #queryText: string;

  constructor(head: Http1Head) {
    this.#head = head;
    this.method = head.method();
    const { authority, path, query } = splitTarget(head.target());
    const hostField = head.find(FIELD.host);
    this.host = hostOf(authority ?? (hostField < 0 ? '' : head.value(hostField)));
    this.path = path;
    this.#queryText = query;
  }

  query(name: string): string | undefined {
    return new URLSearchParams(this.#queryText).get(name) ?? undefined;
  }

  header(name: string): string | undefined {
    const values: string[] = [];
    for (let i = 0; i < this.#head.fieldCount; i++)
      if (this.#head.name(i).toLowerCase() === name) values.push(this.#head.value(i));
    return values.length === 0 ? undefined : values.join(',');
  }
}

/** Origin form `/a?b`, absolute form `http://h/a?b`, authority form `h:443` and `*`. */
function splitTarget(target: string): { authority: string | undefined; path: string; query: string } {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(target);
  const rest = absolute ? (absolute[2] ?? '') : target;
  const [path = '', query = ''] = (rest === '' ? '/' : rest).split(/\?(.*)/s);
  return { authority: absolute?.[1], path: path === '' ? '/' : path, query };
}

/** Host of an authority, lower case, without user, port and trailing dot. */
function hostOf(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return (bracketed?.[1] ?? host.split(':')[0] ?? '').replace(/\.$/, '');
}
