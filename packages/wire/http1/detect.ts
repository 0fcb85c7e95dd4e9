import { SP, TARGET, TOKEN } from '../fields/index.ts';

export type Detected = 'http/1' | 'http/2' | 'not-http';

/** As many bytes of the HTTP/2 preface as detection compares, and the length of the shortest HTTP/1 request line. */
export const DETECT_BYTES_MIN = 14;

const PREFACE = 'PRI * HTTP/2.0';

/**
 * Tells the protocol from the first bytes of a connection, `buf[start, end)`; undefined: more bytes are needed. HTTP/1 is
 * recognised by a request line that is right so far; bytes that cannot become one are told apart at once.
 */
export function detectHttp(buf: Uint8Array, start: number, end: number): Detected | undefined {
  if (start === end) return undefined;
  if (startsLike(buf, start, end, PREFACE)) return end - start >= DETECT_BYTES_MIN ? 'http/2' : undefined;
  let i = start;
  while (i < end && TOKEN[buf[i]!] === 1) i++;
  if (i === end) return i - start >= METHOD_BYTES_MAX ? 'not-http' : enough(start, end);
  if (i === start || buf[i] !== SP) return 'not-http';
  const targetStart = ++i;
  while (i < end && TARGET[buf[i]!] === 1) i++;
  if (i === end) return enough(start, end);
  if (i === targetStart || buf[i] !== SP) return 'not-http';
  i++;
  if (!startsLike(buf, i, Math.min(end, i + 7), 'HTTP/1.')) return 'not-http';
  if (end > i + 7 && buf[i + 7] !== 0x30 && buf[i + 7] !== 0x31) return 'not-http';
  return enough(start, end);
}

/** No method is longer; a long first word is no request line. */
const METHOD_BYTES_MAX = 64;

function enough(start: number, end: number): Detected | undefined {
  return end - start >= DETECT_BYTES_MIN ? 'http/1' : undefined;
}

/** Whether the bytes agree with the beginning of `text`, as far as both go. */
function startsLike(buf: Uint8Array, start: number, end: number, text: string): boolean {
  const length = Math.min(end - start, text.length);
  for (let i = 0; i < length; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
