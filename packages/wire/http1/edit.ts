import { FIELD } from '../fields/index.ts';
import type { Gather } from './gather.ts';
import { type Http1Head, listNames } from './head.ts';

/**
 * Which fields a hop takes out, by field id (1: drop). `connection` decides too: the fields that it lists go with it, except
 * those that frame or route the message, which no peer may talk a proxy into dropping.
 */
export type DropTable = Uint8Array;

const PROTECTED: ReadonlySet<number> = new Set([FIELD.host, FIELD['content-length'], FIELD['transfer-encoding']]);

const CRLF = Buffer.from('\r\n');

/**
 * Adds a head to `out` as runs of its own bytes: dropped lines left out, `extra` lines (each ending in CRLF) put behind the
 * last field, the empty line last. With nothing to drop or add it is a single run. `removed`: further lower-case names to
 * drop; those that frame the message stay.
 */
export function editHead(
  head: Http1Head,
  drop: DropTable,
  extra: readonly Buffer[],
  out: Gather,
  removed?: ReadonlySet<string>,
): void {
  let runStart = head.start;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    if (drop[id] !== 1 && !isHop(head, drop, id, i) && !(removed !== undefined && isRemoved(head, removed, id, i)))
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

function isRemoved(head: Http1Head, removed: ReadonlySet<string>, id: number, index: number): boolean {
  return (
    id !== FIELD['content-length'] && id !== FIELD['transfer-encoding'] && removed.has(head.name(index).toLowerCase())
  );
}

/** Whether `connection` makes this a field of one hop. */
function isHop(head: Http1Head, drop: DropTable, id: number, index: number): boolean {
  if (!head.connectionListsFields || drop[FIELD.connection] !== 1 || PROTECTED.has(id)) return false;
  for (let i = 0; i < head.fieldCount; i++)
    if (head.fieldId(i) === FIELD.connection && listNames(head, i, index)) return true;
  return false;
}
