import type { Field, RequestHead, ResponseHead } from '../fields/index.ts';
import { createNameTable, FieldCache } from '../fields/index.ts';
import {
  createHttp2Connection,
  type Http2Connection,
  type Http2Options,
  type Http2Sink,
  type Http2Stream,
} from './index.ts';

/** What one end saw, as text, and what came on each stream. */
export class Recorder implements Http2Sink<string> {
  readonly events: string[] = [];
  readonly received = new Map<number, number>();
  readonly bodies = new Map<number, Buffer[]>();
  readonly streams = new Map<number, Http2Stream<string>>();
  consumes = true;

  request(stream: Http2Stream<string>, head: RequestHead, end: boolean): void {
    this.streams.set(stream.id, stream);
    this.#head(stream, `${head.method} ${head.scheme}://${head.authority}${head.path}`, head.fields, end);
  }
  response(stream: Http2Stream<string>, head: ResponseHead, end: boolean): void {
    this.#head(stream, String(head.status), head.fields, end);
  }
  data(stream: Http2Stream<string>, buf: Buffer, start: number, end: number, endStream: boolean): void {
    const body = this.bodies.get(stream.id) ?? [];
    this.bodies.set(stream.id, body);
    this.received.set(stream.id, (this.received.get(stream.id) ?? 0) + end - start);
    body.push(Buffer.from(buf.subarray(start, end)));
    if (this.consumes) stream.consume(end - start);
    if (endStream) this.events.push(`${stream.id} end`);
  }
  trailers(stream: Http2Stream<string>, fields: Field[]): void {
    this.events.push(`${stream.id} trailers ${showFields(fields)}`);
  }
  reset(stream: Http2Stream<string>, code: number, remote: boolean, unprocessed: boolean): void {
    this.events.push(`${stream.id} reset ${code}${remote ? ' remote' : ''}${unprocessed ? ' unprocessed' : ''}`);
  }
  writable(stream: Http2Stream<string>): void {
    this.events.push(`${stream.id} writable`);
  }
  available(): void {
    this.events.push('available');
  }
  goaway(code: number, lastStreamId: number): void {
    this.events.push(`goaway ${code} ${lastStreamId}`);
  }
  pong(opaque: number): void {
    this.events.push(`pong ${opaque}`);
  }
  fault(code: number): void {
    this.events.push(`fault ${code}`);
  }
  /** Set where a test wants connections to go on for the streams that are open. */
  calmed?: (code: number) => void;
  output(): void {
    // Tests take the output when they like.
  }

  body(streamId: number): Buffer {
    return Buffer.concat(this.bodies.get(streamId) ?? []);
  }

  #head(stream: Http2Stream<string>, line: string, fields: Field[], end: boolean): void {
    this.events.push(`${stream.id} ${line} ${showFields(fields)}${end ? ' end' : ''}`);
  }
}

const showFields = (fields: readonly Field[]) => `[${fields.map(({ name, value }) => `${name}=${value}`).join('|')}]`;

export const OPTIONS: Http2Options = {
  streamWindow: 65_535,
  connectionWindow: 1 << 20,
  maxConcurrentStreams: 100,
  maxFrameSize: 16_384,
  maxHeaderListSize: 16_384,
  headerTableSize: 4096,
};

export interface End {
  readonly connection: Http2Connection<string>;
  readonly sink: Recorder;
  readonly fields: FieldCache;
}

export function createEnd(role: 'client' | 'server', options: Partial<Http2Options> = {}): End {
  const sink = new Recorder();
  const fields = new FieldCache(createNameTable());
  return { connection: createHttp2Connection(role, { ...OPTIONS, ...options }, fields, sink), sink, fields };
}

/** Moves all output of one end to the other; whether there was any. */
export function move(from: End, to: End, split: (bytes: Buffer) => Buffer[] = (bytes) => [bytes]): boolean {
  const bytes = from.connection.takeOutput(Number.MAX_SAFE_INTEGER);
  if (bytes === undefined) return false;
  for (const piece of split(bytes)) to.connection.receive(piece, 0);
  return true;
}

/** Moves output both ways until there is none. */
export function settle(a: End, b: End): void {
  for (let more = true; more; ) {
    const toB = move(a, b);
    const toA = move(b, a);
    more = toB || toA;
  }
}

export function requestHead(
  end: End,
  method: string,
  path: string,
  fields: readonly (readonly [string, string])[] = [],
) {
  return {
    version: 20,
    method,
    scheme: 'http',
    authority: 'web.test',
    path,
    absoluteForm: false,
    upgrade: '',
    fields: fields.map(([name, value]) => end.fields.fieldOf(name, value)),
    contentLength: -1,
  } satisfies RequestHead;
}
