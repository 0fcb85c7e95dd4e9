import type { Socket } from 'node:net';
import { HTTP2_ERROR, type Http2Stream } from '#wire/http2';
import { createFlusher } from '../flush/index.ts';
import { Connection, FIELDS, type StreamOwner } from '../grpc/index.ts';
import { type AdminRequest, type AdminResponse, BODY_BYTES_MAX } from './message.ts';

/** Header fields (lower-case names) and body of an answer, for a client that accepts these codings. */
export type AdminEncoding = (
  response: AdminResponse,
  acceptEncoding: string,
) => Promise<{ headers: Record<string, string>; body: Buffer }>;

export interface Http2Serving {
  local: boolean;
  answer(request: AdminRequest): Promise<AdminResponse>;
  encode: AdminEncoding;
}

/** The connection preface of HTTP/2 (RFC 9113 section 3.4) begins so, and no request of HTTP/1.1 does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Enough of it to tell. */
const PREFACE_BYTES = 3;

/** Whether what a client said first is HTTP/2; undefined: not enough of it yet. */
export function startsHttp2(bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, PREFACE_BYTES);
  if (!PREFACE.subarray(0, length).equals(bytes.subarray(0, length))) return false;
  return length === PREFACE_BYTES ? true : undefined;
}

/** Mesh proxies send requests of HTTP/1 on as HTTP/2, for metrics and probes too; a few at a time. */
const STREAMS_MAX = 100;
/** Of an answer, given to the connection at once. */
const SLICE_BYTES = 64 * 1024;
const flusher = createFlusher();

/** Serves a connection on which these bytes, from the preface on, were read. */
export function serveHttp2(socket: Socket, bytes: Buffer, serving: Http2Serving): void {
  socket.unshift(bytes);
  const options = {
    role: 'server',
    streamWindow: BODY_BYTES_MAX,
    connectionWindow: BODY_BYTES_MAX,
    keepAlive: undefined,
    streamsMax: STREAMS_MAX,
    flusher,
  } as const;
  new Connection<AdminStream>(socket, options, {
    request(stream, head, end) {
      const headers = new Map(head.fields.map(({ name, value }) => [name, value]));
      if (head.authority !== '') headers.set('host', head.authority);
      stream.owner = new AdminStream(stream, { method: head.method, target: head.path, headers }, serving);
      if (end) stream.owner.ended();
    },
    closed: () => {},
  });
}

interface Head {
  method: string;
  target: string;
  headers: ReadonlyMap<string, string>;
}

/** One request and its answer. */
class AdminStream implements StreamOwner {
  readonly #stream: Http2Stream<AdminStream>;
  readonly #head: Head;
  readonly #serving: Http2Serving;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  /** What of the answer is not given to the connection yet. */
  #rest: Buffer | undefined;

  constructor(stream: Http2Stream<AdminStream>, head: Head, serving: Http2Serving) {
    this.#stream = stream;
    this.#head = head;
    this.#serving = serving;
  }

  data(buf: Buffer, start: number, end: number, endStream: boolean): void {
    this.#bodyBytes += end - start;
    this.#stream.consume(end - start);
    if (this.#bodyBytes > BODY_BYTES_MAX) {
      this.#stream.reset(HTTP2_ERROR.CANCEL);
      return;
    }
    // A copy: the bytes are ours only during the call.
    this.#body.push(Buffer.from(buf.subarray(start, end)));
    if (endStream) this.ended();
  }

  trailers(): void {
    this.ended();
  }

  broken(): void {
    this.#rest = undefined;
  }

  drained(): void {
    this.#send();
  }

  /** The request is there in full. */
  ended(): void {
    const { method, target, headers } = this.#head;
    const [path = '', query = ''] = target.split(/\?(.*)/s);
    const body = Buffer.concat(this.#body).toString();
    const { local, answer } = this.#serving;
    answer({ method, path, query, headers, body, local }).then(
      (response) => this.#respond(response),
      (error: unknown) => this.#respond({ status: 500, body: `${error instanceof Error ? error.message : error}\n` }),
    );
  }

  async #respond(response: AdminResponse): Promise<void> {
    const { method, headers: asked } = this.#head;
    const { headers, body } = await this.#serving.encode(response, asked.get('accept-encoding') ?? '');
    if (this.#stream.isOver) return;
    const fields = Object.entries(headers).map(([name, value]) => FIELDS.fieldOf(name, value));
    const isBare = method === 'HEAD' || body.length === 0;
    this.#stream.respond(response.status, fields, isBare);
    if (isBare) return;
    this.#rest = body;
    this.#send();
  }

  #send(): void {
    while (this.#rest) {
      const slice = this.#rest.subarray(0, SLICE_BYTES);
      const isLast = slice.length === this.#rest.length;
      this.#rest = isLast ? undefined : this.#rest.subarray(SLICE_BYTES);
      if (!this.#stream.data(slice, 0, slice.length, isLast)) return;
    }
  }
}
