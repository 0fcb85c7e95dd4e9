/** Sends one case to one face and judges what came of it. */
import { dial } from '../dial.ts';
import type { Face } from '../faces.ts';
import { HpackDecoder, type Line } from '../hpack.ts';
import { SMUGGLED } from '../http1/case.ts';
import type { Origin } from '../origin/client.ts';
import { ofCase, type PortRecord } from '../origin/record.ts';
import { ANSWER_MS, type Heard, talk } from '../talk.ts';
import type { Outcome, Verdict } from '../verdict.ts';
import type { Case } from './case.ts';
import { content, FLAG, FrameReader, frame, PREFACE, TYPE } from './frames.ts';

/** What the client's end of a connection has understood. */
class Answers {
  readonly #frames = new FrameReader();
  readonly #hpack = new HpackDecoder();
  #block: Buffer[] = [];
  #ends = false;
  readonly statuses: string[] = [];
  readonly failures: string[] = [];
  /** Streams that are over. */
  readonly over = new Set<number>();
  goaway = false;

  /** Returns what must be sent in reply. */
  push(chunk: Buffer): Buffer {
    const replies: Buffer[] = [];
    for (const received of this.#frames.push(chunk)) {
      const { type, flags, stream, payload } = received;
      if (type === TYPE.settings && !(flags & FLAG.ack)) replies.push(frame(TYPE.settings, FLAG.ack, 0));
      else if (type === TYPE.headers || type === TYPE.continuation) {
        if (type === TYPE.headers) {
          this.#block = [];
          this.#ends = (flags & FLAG.endStream) !== 0;
        }
        this.#block.push(type === TYPE.headers ? content(received) : payload);
        if (flags & FLAG.endHeaders) this.#head(stream);
      } else if (type === TYPE.data && flags & FLAG.endStream) this.over.add(stream);
      else if (type === TYPE.reset) {
        this.over.add(stream);
        this.failures.push(`reset ${payload.readUInt32BE(0)}`);
      } else if (type === TYPE.goaway) {
        this.goaway = true;
        this.failures.push(`goaway ${payload.readUInt32BE(4)}`);
      }
    }
    return Buffer.concat(replies);
  }

  #head(stream: number): void {
    const status = this.#hpack.decode(Buffer.concat(this.#block)).find(([name]) => name === ':status')?.[1];
    if (status !== undefined && Number(status) >= 200) this.statuses.push(status);
    if (this.#ends) this.over.add(stream);
  }
}

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
  const answers = new Answers();
  const wanted = each.expect === 'forward' ? (each.requests ?? 1) : (each.before ?? 0) + 1;
  const heard = await talk(dial(face, tls), {
    writes: each.writes,
    reply: (chunk) => answers.push(chunk),
    answered: () => answers.goaway || answers.over.size >= wanted,
    ...(quietMs !== undefined && { quietMs }),
  });
  const record = ofCase(await origin.take(face.originPort), each.id);
  const outcome = outcomeOf(each, face, heard, answers, record);
  const failure = face.contender === 'Weft' ? complaint(each, face, heard, answers, record, outcome) : undefined;
  const all = [...answers.statuses, ...answers.failures];
  return {
    face: face.name,
    contender: face.contender,
    version: 'http2',
    case: each.id,
    outcome,
    answers: all.length > 0 ? all : [heard.closed === 'no' ? 'nothing' : heard.closed],
    ...(failure !== undefined && { failure }),
  };
}

const refusedBy = (answers: Answers, heard: Heard): boolean =>
  answers.failures.some((failure) => failure !== 'goaway 0') ||
  answers.statuses.some((status) => Number(status) >= 400) ||
  heard.closed !== 'no';

function outcomeOf(each: Case, face: Face, heard: Heard, answers: Answers, record: PortRecord): Outcome {
  const before = each.before ?? 0;
  const { requests } = record;
  if (requests.some(({ path }) => path.includes(SMUGGLED))) return 'smuggled';
  if (requests.length > before + (each.expect === 'forward' ? (each.requests ?? 1) - 1 : 0))
    return verbatim(each, record) ? 'forwarded' : 'changed';
  if (record.garbage > 0) return face.detects && each.unread ? 'unread' : 'forwarded';
  if (record.begun.length > requests.length) return 'cut';
  return refusedBy(answers, heard) ? 'refused' : 'stuck';
}

/** Fields that every proxy writes anew. */
const OWN = /^(:scheme|:authority|host|te|connection|keep-alive|proxy-connection|upgrade|http2-settings)$/i;

/** Whether every field that was sent stands in what the server got, of whatever version. */
function verbatim(each: Case, { requests }: PortRecord): boolean {
  const got = requests.map(({ head, trailers }) => `${head}\r\n${trailers}`).join('\r\n');
  try {
    return fieldsOf(each).every(([name, value]) => {
      if (OWN.test(name)) return true;
      return name.startsWith(':') ? got.includes(value) : got.toLowerCase().includes(`${name}: ${value}`.toLowerCase());
    });
  } catch {
    return true; // its blocks are broken on purpose: whoever takes them makes something of its own of them
  }
}

function fieldsOf(each: Case): Line[] {
  const sent = Buffer.concat(each.writes);
  const hpack = new HpackDecoder();
  const start = sent.toString('latin1').startsWith(PREFACE) ? PREFACE.length : 0;
  return new FrameReader()
    .push(sent.subarray(start))
    .filter(({ type, flags }) => type === TYPE.headers && flags & FLAG.endHeaders)
    .flatMap((received) => hpack.decode(content(received)));
}

function complaint(
  each: Case,
  face: Face,
  heard: Heard,
  answers: Answers,
  record: PortRecord,
  outcome: Outcome,
): string | undefined {
  const { expect, before = 0, requests = 1 } = each;
  const passed = record.requests.length;
  if (outcome === 'smuggled') return 'a request came out of the middle of another';
  if (each.unread && face.detects) return undefined;
  if (expect === 'forward' || (expect === 'either' && passed > 0)) {
    if (passed !== requests) return `${passed} of ${requests} requests reached the server`;
    if (answers.failures.length > 0) return `answered ${answers.failures.join(', ')}`;
    if (expect === 'forward' && answers.statuses.some((status) => status !== '200'))
      return `answered ${answers.statuses.join(', ')}`;
    if (answers.over.size < requests) return `only ${answers.over.size} answers came`;
    return contentComplaint(each, record);
  }
  if (passed > before) return `${passed} complete requests reached the server, not ${before}`;
  if (record.garbage > 0) return 'bytes that are no request reached the server';
  if (outcome === 'cut' && !each.mayBegin) return 'its beginning reached the server';
  if (answers.statuses.slice(before).some((status) => status.startsWith('5')))
    return `answered ${answers.statuses.join(', ')}`;
  if (!refusedBy(answers, heard)) return 'neither refused nor closed';
  return contentComplaint(each, record);
}

function contentComplaint({ seen, notSeen }: Case, { requests }: PortRecord): string | undefined {
  const got = requests.map(({ head, trailers }) => `${head}\r\n${trailers}`).join('\r\n');
  if (seen && requests.length > 0 && !seen.test(got)) return `the server did not get ${seen}`;
  if (notSeen?.test(got)) return `the server got ${notSeen}`;
  return undefined;
}
