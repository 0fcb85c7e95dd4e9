import { COLON, CR, HTAB, LF, type NameTable, SP, TOKEN, VALUE } from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import type { Http1Head } from './head.ts';
import type { KnownFields } from './known.ts';
import { LIMITS } from './limits.ts';

/** Parses the fields unless they are `known` to be those of the last head. */
export function readFields(head: Http1Head, names: NameTable, known: boolean): Http1FaultCode | undefined {
  if (known) {
    head.recall();
    return undefined;
  }
  const fault = parseFields(head, names, head.known.count);
  if (fault === undefined) head.learn();
  return fault;
}

/** Where the line at `at` ends when its bytes are those of line `line`, else 0. */
function sameLine({ bytes, starts }: KnownFields, line: number, buf: Uint8Array, at: number, end: number): number {
  let from = starts[line]!;
  const to = starts[line + 1]!;
  let i = at;
  if (i + to - from > end) return 0;
  while (from < to && bytes[from] === buf[i]) {
    from++;
    i++;
  }
  return from === to ? i : 0;
}

/**
 * Parses the field lines of a head or trailer section. `knownCount`: lines of `head.known` that may be made use of. Returns a fault
 * code, or undefined.
 */
export function parseFields(head: Http1Head, names: NameTable, knownCount: number): Http1FaultCode | undefined {
  const { buf, fieldsEnd, known } = head;
  let i = head.fieldsStart;
  let line = 0;
  while (i < fieldsEnd) {
    if (line < knownCount) {
      const next = sameLine(known, line, buf, i, fieldsEnd);
      if (next > 0) {
        if (head.fieldCount >= LIMITS.fieldCountMax) return 'too-many-fields';
        head.addKnown(line++, i);
        i = next;
        continue;
      }
    }
    const nameStart = i;
    while (TOKEN[buf[i]!] === 1) i++;
    if (i === nameStart || buf[i] !== COLON) return 'bad-field';
    const nameEnd = i++;
    while (buf[i] === SP || buf[i] === HTAB) i++;
    const valueStart = i;
    while (VALUE[buf[i]!] === 1) i++;
    if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-field';
    let valueEnd = i;
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SP || buf[valueEnd - 1] === HTAB)) valueEnd--;
    // That line with a new value, or it is missing, or another came in before it.
    const nameLine = line < knownCount ? known.lineNamed(line, buf, nameStart, nameEnd) : -1;
    const id = nameLine < 0 ? names.id(buf, nameStart, nameEnd) : known.idOf(nameLine);
    if (!head.addField(id, nameStart, nameEnd, valueStart, valueEnd, nameLine)) return 'too-many-fields';
    if (nameLine >= 0) line = nameLine + 1;
    i += 2;
  }
  return i === fieldsEnd ? undefined : 'bad-field';
}
