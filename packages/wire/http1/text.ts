import { LOWER } from '../fields/index.ts';

/** Whether `buf[start, end)` is this lower-case word, in letters of either case. */
export function isWord(buf: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (LOWER[buf[start + i]!] !== word.charCodeAt(i)) return false;
  return true;
}

/** Whether exactly this text begins at `start`. */
export function isText(buf: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
