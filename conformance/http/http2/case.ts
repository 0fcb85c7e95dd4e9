/** The corpus of HTTP/2 as data: frames made by hand, by which rule they are judged, what must come of them. */
import { block, type Line } from '../hpack.ts';
import { type Expectation, HOST, PATH } from '../http1/case.ts';
import { FLAG, frame, PREFACE, settings, TYPE } from './frames.ts';

export interface Case {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  /** E.g. `RFC 9113 8.3`. */
  readonly rule: string;
  /** Everything that is sent, preface included, in as many writes. */
  readonly writes: readonly Buffer[];
  readonly expect: Expectation;
  /** Valid requests in front, which may be served. Default 0. */
  readonly before?: number;
  /** Of `forward`: requests that reach the server. Default 1. */
  readonly requests?: number;
  /** The fault lies behind the head: the server may see a beginning, but never an end. */
  readonly mayBegin?: boolean;
  readonly seen?: RegExp;
  readonly notSeen?: RegExp;
  /** Not HTTP/2 from the start: on a port whose protocol is open it is something else. */
  readonly unread?: boolean;
}

export type Details = Partial<Pick<Case, 'before' | 'requests' | 'mayBegin' | 'seen' | 'notSeen' | 'unread'>>;

/** What is sent behind preface and settings, as a function of the path of the case. */
export type Sent = (path: string) => Buffer | readonly Buffer[];

export type Row = readonly [name: string, rule: string, sent: Sent, details?: Details];

const OPENING = Buffer.concat([Buffer.from(PREFACE, 'latin1'), settings()]);

/** `opening: false`: the rows send preface and settings themselves. */
export function group(
  name: string,
  expect: Expectation,
  rows: readonly Row[],
  { opening = true, ...details }: Details & { opening?: boolean } = {},
): Case[] {
  const slug = `h2-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return rows.map(([title, rule, sent, own], index) => {
    const id = `${slug}-${expect}-${index + 1}`;
    const made = sent(`/c/${id}`);
    const [first = Buffer.alloc(0), ...rest] = Buffer.isBuffer(made) ? [made] : made;
    const writes = [opening ? Buffer.concat([OPENING, first]) : first, ...rest];
    return { id, group: name, name: title, rule, writes, expect, ...details, ...own };
  });
}

/** The pseudo-header fields of a plain GET. */
export const plain = (path: string): Line[] => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', HOST],
  [':path', path],
];

/** As {@link plain} with some replaced, or left out where the value is undefined. */
export const pseudo = (path: string, changes: Readonly<Record<string, string | undefined>>): Line[] =>
  plain(path).flatMap(([name, value]) => {
    const changed = Object.hasOwn(changes, name) ? changes[name]?.replaceAll(PATH, path) : value;
    return changed === undefined ? [] : [[name, changed] as const];
  });

export const headers = (stream: number, lines: readonly Line[], end = true): Buffer =>
  frame(TYPE.headers, FLAG.endHeaders | (end ? FLAG.endStream : 0), stream, block(lines));

export const data = (stream: number, body: string, end = true): Buffer =>
  frame(TYPE.data, end ? FLAG.endStream : 0, stream, body);

/** A GET on stream 1 with these fields behind its pseudo-header fields. */
export const get =
  (...fields: Line[]): Sent =>
  (path) =>
    headers(1, [...plain(path), ...fields]);

/** A request on stream 1 whose pseudo-header fields differ. */
export const odd =
  (changes: Readonly<Record<string, string | undefined>>, ...fields: Line[]): Sent =>
  (path) =>
    headers(1, [...pseudo(path, changes), ...fields]);

/** A POST on stream 1, head and body. */
export const post =
  (fields: readonly Line[], body: string): Sent =>
  (path) =>
    Buffer.concat([headers(1, [...pseudo(path, { ':method': 'POST' }), ...fields], false), data(1, body)]);
