/** The corpus of HTTP/1 as data: what is sent, by which rule it is judged, what must come of it. */

/**
 * - `refuse`: answered with an error or cut off, and no complete request reaches the server.
 * - `forward`: odd but valid; reaches the server once.
 * - `either`: a proxy may do both; what is let through must not be read in two ways.
 */
export type Expectation = 'refuse' | 'forward' | 'either';

export interface Case {
  /** Also the last segment of its path. */
  readonly id: string;
  readonly group: string;
  readonly name: string;
  /** E.g. `RFC 9112 6.1`. */
  readonly rule: string;
  /** What is sent, Latin-1, in as many writes. */
  readonly writes: readonly string[];
  readonly expect: Expectation;
  /** Valid requests in front, which are served whatever comes after. Default 0. */
  readonly before?: number;
  /** Of `forward`: complete requests that reach the server. Default 1. */
  readonly requests?: number;
  /** The fault lies behind the head: the server may see a beginning, but never an end. */
  readonly mayBegin?: boolean;
  /** Must be in what the server receives, if it receives the request. */
  readonly seen?: RegExp;
  /** Must not be there. */
  readonly notSeen?: RegExp;
  /** The first line is none of HTTP/1: a port whose protocol is open carries the bytes unread. */
  readonly unread?: boolean;
}

export type Details = Partial<Pick<Case, 'before' | 'requests' | 'mayBegin' | 'seen' | 'notSeen' | 'unread'>>;

/** One row of a group: name, rule, bytes and what differs from its group. */
export type Row = readonly [
  name: string,
  rule: string,
  sent: string | readonly string[],
  details?: Details & { bytewise?: boolean },
];

export const HOST = 'web.test';

/** Stands for the path of the case in its bytes. */
export const PATH = '{path}';

/** Where a request stands that must not be seen as one. */
export const SMUGGLED = '/smuggled';

export const smuggled = `GET ${SMUGGLED} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

/** Rows of one kind and one expectation. */
export function group(name: string, expect: Expectation, rows: readonly Row[], details: Details = {}): Case[] {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return rows.map(([title, rule, sent, { bytewise = false, ...own } = {}], index) => {
    const id = `${slug}-${expect}-${index + 1}`;
    const texts = (typeof sent === 'string' ? [sent] : sent).map((text) => text.replaceAll(PATH, `/c/${id}`));
    const writes = bytewise ? [...texts.join('')] : texts;
    return { id, group: name, name: title, rule, writes, expect, ...details, ...own };
  });
}

/** A request of any shape: first line, field lines and body, with CRLF between. */
export const message = (line: string, fields: readonly string[], body = ''): string =>
  `${[line, ...fields].join('\r\n')}\r\n\r\n${body}`;

const host = `Host: ${HOST}`;

export const get = (...fields: string[]): string => message(`GET ${PATH} HTTP/1.1`, [host, ...fields]);

export const post = (fields: readonly string[], body = ''): string =>
  message(`POST ${PATH} HTTP/1.1`, [host, ...fields], body);

/** A POST whose body, chunk framing included, is `body`. */
export const chunked = (body: string): string => post(['Transfer-Encoding: chunked'], body);

/** A GET by a first line of its own. */
export const line = (text: string): string => message(text, [host]);
