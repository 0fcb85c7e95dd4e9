/** Asks one face for one response of the corpus and judges what the client gets, and what the next client gets. */
import { dial } from '../dial.ts';
import type { Face } from '../faces.ts';
import { HOST } from '../http1/case.ts';
import { ANSWER_MS, talk } from '../talk.ts';
import type { Outcome, Verdict } from '../verdict.ts';
import { type Answer, POISON } from './corpus.ts';

interface Response {
  readonly status: number;
  readonly head: string;
  /** Undefined: cut off. */
  readonly body: string | undefined;
}

const QUIET_MS = 600;

export async function runAnswer(each: Answer, face: Face, tls: string): Promise<Verdict> {
  const method = each.method ?? 'GET';
  const body = method === 'POST' ? 'Content-Length: 5\r\n\r\nhello' : '\r\n';
  const asked = await ask(
    `${method} /answer/${each.id} HTTP/1.1\r\nHost: ${HOST}\r\n${body}`,
    face,
    tls,
    method === 'HEAD',
  );
  // Twice: one connection of the pool may be fresh.
  const next = [await plain(face, tls), await plain(face, tls)];
  const { final } = asked;
  const outcome = outcomeOf(asked.text, final, next);
  const failure = face.contender === 'Weft' ? complaint(each, asked, next, outcome) : undefined;
  return {
    face: face.name,
    contender: face.contender,
    version: 'http1',
    case: each.id,
    outcome,
    answers: [final ? String(final.status) : asked.closed],
    ...(failure !== undefined && { failure }),
  };
}

interface Asked {
  readonly text: string;
  readonly final: Response | undefined;
  readonly closed: string;
}

async function ask(request: string, face: Face, tls: string, isHead: boolean, quietMs = QUIET_MS): Promise<Asked> {
  const heard = await talk(dial(face, tls), {
    writes: [Buffer.from(request, 'latin1')],
    answered: (bytes) => finalResponse(bytes.toString('latin1'), isHead, false)?.body !== undefined,
    quietMs,
  });
  const text = heard.bytes.toString('latin1');
  return {
    text,
    final: finalResponse(text, isHead, heard.closed === 'ended' && !heard.afterOurEnd),
    closed: heard.closed,
  };
}

/** Whether the plain answer comes. */
async function plain(face: Face, tls: string): Promise<boolean> {
  const { final } = await ask(`GET /plain HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, face, tls, false, ANSWER_MS);
  return final?.status === 200 && final.body === '...';
}

/** The first response that is not informational, as a strict client reads it; `ended`: no more comes. */
export function finalResponse(text: string, isHead: boolean, ended: boolean): Response | undefined {
  let at = 0;
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return undefined;
    const head = text.slice(at, headEnd);
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/m.exec(head)?.[1]);
    at = headEnd + 4;
    if (Number.isNaN(status)) return undefined;
    if (status < 200) continue;
    return { status, head, body: bodyOf(head, text.slice(at), status, isHead, ended) };
  }
}

function bodyOf(head: string, rest: string, status: number, isHead: boolean, ended: boolean): string | undefined {
  if (isHead || status === 204 || status === 304) return '';
  if (/^transfer-encoding:.*chunked/im.test(head)) return dechunk(rest);
  const length = /^content-length:\s*(\d+)\s*$/im.exec(head)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? undefined : rest.slice(0, Number(length));
  return ended ? rest : undefined;
}

function dechunk(text: string): string | undefined {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = /^[0-9a-f]+/i.exec(text.slice(at, lineEnd))?.[0];
    if (lineEnd < 0 || size === undefined) return undefined;
    const bytes = Number.parseInt(size, 16);
    at = lineEnd + 2;
    if (bytes === 0) return text.startsWith('\r\n', at) || text.indexOf('\r\n\r\n', at) >= 0 ? body : undefined;
    if (text.slice(at + bytes, at + bytes + 2) !== '\r\n') return undefined;
    body += text.slice(at, at + bytes);
    at += bytes + 2;
  }
}

function outcomeOf(text: string, final: Response | undefined, next: readonly boolean[]): Outcome {
  if (next.includes(false)) return 'smuggled';
  if (final?.body === undefined) return text === '' || !final ? 'refused' : 'cut';
  return final.status >= 500 ? 'refused' : 'forwarded';
}

function complaint(
  each: Answer,
  { text, final }: Asked,
  next: readonly boolean[],
  outcome: Outcome,
): string | undefined {
  if (next.includes(false)) return 'the next request did not get its own answer';
  if (text.includes(POISON)) return 'bytes behind the response reached the client';
  if (each.notSeen?.test(text)) return `the client got ${each.notSeen}`;
  if (each.expect === 'refuse' && outcome === 'forwarded')
    return `the client got a complete response: ${final?.status}`;
  if (each.expect === 'forward' && outcome !== 'forwarded')
    return `the client got ${final?.status ?? 'nothing'}, ${outcome}`;
  return undefined;
}
