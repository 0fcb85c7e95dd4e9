import { COMMA, HTAB, LOWER, SP } from '../fields/index.ts';
import type { Http1Head } from './head.ts';

/** Finds the next item of a comma list, without its spaces, into the head's `scan`; returns where to go on. */
export function nextItem(head: Http1Head, start: number, end: number): number {
  const buf = head.buf;
  let i = start;
  while (i < end && (buf[i] === SP || buf[i] === HTAB)) i++;
  head.scan.wordStart = i;
  while (i < end && buf[i] !== COMMA) i++;
  let wordEnd = i;
  while (wordEnd > head.scan.wordStart && (buf[wordEnd - 1] === SP || buf[wordEnd - 1] === HTAB)) wordEnd--;
  head.scan.wordEnd = wordEnd;
  return i + 1;
}

/** Whether a comma list, such as the value of `connection`, names this lower-case word. */
export function listNames(head: Http1Head, listIndex: number, nameIndex: number): boolean {
  const end = head.valueEnd(listIndex);
  const nameStart = head.nameStart(nameIndex);
  const length = head.nameEnd(nameIndex) - nameStart;
  let at = head.valueStart(listIndex);
  while (at < end) {
    at = nextItem(head, at, end);
    const wordStart = head.scan.wordStart;
    if (head.scan.wordEnd - wordStart !== length) continue;
    let i = 0;
    while (i < length && LOWER[head.buf[wordStart + i]!] === LOWER[head.buf[nameStart + i]!]) i++;
    if (i === length) return true;
  }
  return false;
}
