/** Sends one case to one face and judges what came of it. */
import { dial } from '../dial.ts';
import type { Face } from '../faces.ts';
import type { Origin } from '../origin/client.ts';
import { ofCase, type PortRecord } from '../origin/record.ts';
import { ANSWER_MS, type Heard, talk } from '../talk.ts';
import type { Outcome, Verdict } from '../verdict.ts';
import { type Case, SMUGGLED } from './case.ts';

/** Errors that say something about the request; others mean that the proxy failed. */
const REFUSALS = new Set([400, 403, 404, 405, 408, 411, 413, 414, 417, 421, 426, 431, 501, 505]);

export interface RunOptions {
  readonly origin: Origin;
  /** Folder of the material. */
  readonly tls: string;
  /** How long an answer may take. */
  readonly quietMs?: number;
}

export async function runCase(each: Case, face: Face, options: RunOptions): Promise<Verdict> {
  const { origin, tls } = options;
  const quietMs = options.quietMs ?? (each.expect === 'forward' ? ANSWER_MS : undefined);
  const writes = each.writes.map((text) => Buffer.from(text, 'latin1'));
  const wanted = each.expect === 'forward' ? (each.requests ?? 1) : (each.before ?? 0) + 1;
  const heard = await talk(dial(face, tls), {
    writes,
    answered: (bytes) => finalStatuses(bytes).length >= wanted,
    ...(quietMs !== undefined && { quietMs }),
  });
  const record = ofCase(await origin.take(face.originPort), each.id);
  const statuses = finalStatuses(heard.bytes);
  const outcome = outcomeOf(each, face, heard, statuses, record);
  const failure = face.contender === 'Weft' ? complaint(each, heard, statuses, record, outcome) : undefined;
  return {
    face: face.name,
    contender: face.contender,
    version: 'http1',
    case: each.id,
    outcome,
    answers: statuses.length > 0 ? statuses.map(String) : [heard.closed === 'no' ? 'nothing' : heard.closed],
    ...(failure !== undefined && { failure }),
  };
}

/** Bodies of our origin hold no status line, so a search finds responses only. */
function finalStatuses(bytes: Buffer): number[] {
  const found = bytes.toString('latin1').matchAll(/HTTP\/1\.[01] (\d{3})/g);
  return [...found].map((match) => Number(match[1])).filter((status) => status >= 200);
}

function outcomeOf(each: Case, face: Face, heard: Heard, statuses: readonly number[], record: PortRecord): Outcome {
  const before = each.before ?? 0;
  const { requests } = record;
  if (requests.some(({ path }) => path.includes(SMUGGLED))) return 'smuggled';
  const sent = each.writes.join('');
  if (face.detects && each.unread && record.bytes !== '' && sent.startsWith(record.bytes)) return 'unread';
  if (requests.length > before + (each.expect === 'forward' ? (each.requests ?? 1) - 1 : 0))
    return verbatim(sent, record) ? 'forwarded' : 'changed';
  if (record.garbage > 0) return 'forwarded';
  if (requests.length < before) return 'stuck';
  if (record.begun.length > requests.length) return 'cut';
  return statuses.length > before || heard.closed !== 'no' ? 'refused' : 'stuck';
}

/** Lines that concern one connection, which any proxy may take off or add. */
const HOP = /^(connection|keep-alive|proxy-connection|te|trailer|upgrade|http2-settings)\s*:/i;

/** Whether every line that was sent stands in what the server got. */
function verbatim(sent: string, { bytes, requests }: PortRecord): boolean {
  const got = (bytes + requests.map(({ head, trailers }) => `${head}\r\n${trailers}`).join('\r\n')).toLowerCase();
  return sent
    .split('\r\n')
    .filter((line) => line !== '' && !HOP.test(line))
    .every((line) => got.includes(line.toLowerCase()));
}

function complaint(
  each: Case,
  heard: Heard,
  statuses: readonly number[],
  record: PortRecord,
  outcome: Outcome,
): string | undefined {
  const { expect, before = 0, requests = 1 } = each;
  if (outcome === 'smuggled') return 'a request came out of the middle of another';
  if (outcome === 'unread') return undefined;
  const passed = record.requests.length;
  const last = statuses.at(-1);
  if (expect === 'forward' || (expect === 'either' && passed > 0)) {
    if (expect === 'forward' && passed !== requests) return `${passed} of ${requests} requests reached the server`;
    if (expect === 'either' && passed > 1) return `${passed} requests reached the server`;
    if (expect === 'forward' && statuses.some((status) => status !== 200)) return `answered ${statuses.join(', ')}`;
    if (statuses.length < (expect === 'forward' ? requests : 1)) return `only ${statuses.length} answers came`;
    return contentComplaint(each, record);
  }
  if (passed !== before) return `${passed} complete requests reached the server, not ${before}`;
  if (record.garbage > 0) return 'bytes that are no request reached the server';
  if (outcome === 'cut' && !each.mayBegin) return 'its beginning reached the server';
  if (statuses.length > before && last !== undefined && !REFUSALS.has(last)) return `answered ${last}`;
  if (statuses.length <= before && heard.closed === 'no') return 'neither answered nor closed';
  return contentComplaint(each, record);
}

function contentComplaint({ seen, notSeen }: Case, { bytes, requests }: PortRecord): string | undefined {
  const got = `${bytes}\r\n${requests.map(({ head, trailers }) => `${head}\r\n${trailers}`).join('\r\n')}`;
  if (seen && requests.length > 0 && !seen.test(got)) return `the server did not get ${seen}`;
  if (notSeen?.test(got)) return `the server got ${notSeen}`;
  return undefined;
}
