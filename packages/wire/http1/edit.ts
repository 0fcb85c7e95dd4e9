import type { Gather } from './gather.ts';
import { type Http1Head, listNames } from './head.ts';
import { FIELD } from './names.ts';

/**
 * Which fields a hop takes out, by field id (1: drop). `connection` decides too: the fields that it lists go with it, except
 * those that frame or route the message, which no peer may talk a proxy into dropping.
 */
export type DropTable = Uint8Array;

const PROTECTED: ReadonlySet<number> = new Set([FIELD.host, FIELD['content-length'], FIELD['transfer-encoding']]);

const CRLF = Buffer.from('\r\n');

/**
 * Adds a head to `out` as runs of its own bytes: dropped lines left out, `extra` lines (each ending in CRLF) put behind the
 * last field, the empty line last. With nothing to drop or add it is a single run.
 */
export function editHead(head: Http1Head, drop: DropTable, extra: readonly Buffer[], out: Gather): void {
  let runStart = head.start;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    if (drop[id] !== 1 && !(head.connectionListsFields && drop[FIELD.connection] === 1 && isListed(head, id, i)))
      continue;
    if (head.nameStart(i) > runStart) out.add(head.buf, runStart, head.nameStart(i));
    runStart = head.lineEnd(i);
  }
  if (extra.length === 0) {
    out.add(head.buf, runStart, head.end);
    return;
  }
  if (head.fieldsEnd > runStart) out.add(head.buf, runStart, head.fieldsEnd);
  for (let i = 0; i < extra.length; i++) out.add(extra[i]!, 0, extra[i]!.length);
  out.add(CRLF, 0, 2);
}

function isListed(head: Http1Head, id: number, index: number): boolean {
  if (PROTECTED.has(id)) return false;
  for (let i = 0; i < head.fieldCount; i++)
    if (head.fieldId(i) === FIELD.connection && listNames(head, i, index)) return true;
  return false;
}
