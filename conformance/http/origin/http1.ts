/**
 * The most credulous HTTP/1 server: takes lines that end in LF alone, any spelling of framing fields, repeated ones. Whatever a proxy
 * lets through, it acts upon; so a smuggled request is seen as a request.
 */
import type { SeenRequest } from './record.ts';

/** One request at the start of `text` (Latin-1) and where it ends; `more` while it is not complete; `garbage` if it is none. */
export type Parsed = { request: SeenRequest; end: number; close: boolean } | 'more' | 'garbage';

export function parseRequest(text: string): Parsed {
  const start = /^[\r\n]*/.exec(text)?.[0].length ?? 0;
  const headEnd = /\r?\n\r?\n/.exec(text.slice(start));
  if (!headEnd) return 'more';
  const head = text.slice(start, start + headEnd.index);
  const at = start + headEnd.index + headEnd[0].length;
  const [line = '', ...fields] = head.split(/\r?\n/);
  const [method = '', path] = line.split(/[ \t]+/);
  if (path === undefined) return 'garbage';
  const close = valuesOf(fields, 'connection').some((value) => /close/i.test(value)) || / HTTP\/1\.0$/.test(line);
  const finish = (body: string, trailers: string, end: number): Parsed => ({
    request: { version: 'http1', head, method, path, body, trailers },
    end,
    close,
  });
  if (valuesOf(fields, 'transfer-encoding').some((value) => /chunked/i.test(value))) return chunked(text, at, finish);
  const [length] = valuesOf(fields, 'content-length');
  const bytes = length === undefined ? 0 : Number.parseInt(length.trim(), 10);
  if (Number.isNaN(bytes) || bytes < 0) return 'garbage';
  return text.length - at < bytes ? 'more' : finish(text.slice(at, at + bytes), '', at + bytes);
}

/** Whether the head at the start is complete and asks for 100 (Continue). */
export const expectsContinue = (text: string): boolean =>
  /^expect:\s*100-continue/im.test(text.split(/\r?\n\r?\n/, 1)[0] ?? '') && /\r?\n\r?\n/.test(text);

function valuesOf(fields: readonly string[], wanted: string): string[] {
  return fields
    .filter((field) => field.split(':', 1)[0]?.trim().toLowerCase() === wanted)
    .map((field) => field.slice(field.indexOf(':') + 1));
}

function chunked(text: string, from: number, finish: (body: string, trailers: string, end: number) => Parsed): Parsed {
  let at = from;
  let body = '';
  for (;;) {
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd < 0) return 'more';
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size) || size < 0) return 'garbage';
    at = lineEnd + 1;
    if (size === 0) break;
    if (text.length < at + size) return 'more';
    body += text.slice(at, at + size);
    at += size;
    const gap = /^\r?\n/.exec(text.slice(at, at + 2));
    if (!gap) return text.length < at + 2 ? 'more' : 'garbage';
    at += gap[0].length;
  }
  if (/^\r?\n/.test(text.slice(at, at + 2))) return finish(body, '', text.indexOf('\n', at) + 1);
  const trailersEnd = /\r?\n\r?\n/.exec(text.slice(at));
  if (!trailersEnd) return 'more';
  return finish(body, text.slice(at, at + trailersEnd.index), at + trailersEnd.index + trailersEnd[0].length);
}
