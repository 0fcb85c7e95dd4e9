import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { createNameTable, Http1Decoder, type Http1Head, type Http1Sink, latin1 } from '#wire/http1';
import { type Listener, listen, unmapIp } from '../net/index.ts';
import { type AdminEncoding, type Http2Serving, serveHttp2, startsHttp2 } from './http2.ts';
import { type AdminRequest, type AdminResponse, BODY_BYTES_MAX } from './message.ts';

export type AdminHandler = (request: AdminRequest) => AdminResponse | Promise<AdminResponse>;

export interface ServeOptions {
  /** Bytes that were read already. */
  readonly first?: Buffer;
  /** Asked before each request; an answer stands in place of the handler's. */
  readonly guard?: (request: AdminRequest) => AdminResponse | undefined;
  /** Told of each answer. */
  readonly answered?: (request: AdminRequest, status: number) => void;
}

/** Answers below this are not worth compressing. */
const GZIP_BYTES_MIN = 1024;
/** Probes and scrapers hold a few connections; more than this is somebody else's mistake. */
const CONNECTIONS_MAX = 256;
/** A connection without a byte either way for this long is closed. */
const IDLE_MS = 120_000;

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const compress = promisify(gzip);

/** Routes by exact path; others are 404. */
export class AdminServer {
  readonly #routes: Readonly<Record<string, AdminHandler>>;
  readonly #open = new Set<Socket>();

  constructor(routes: Readonly<Record<string, AdminHandler>>) {
    this.#routes = routes;
  }

  /** Closing it ends its connections, too: proxies keep theirs open, and a process that is over would wait for them. */
  async listen(host: string, port: number): Promise<Listener> {
    const listener = await listen({ host, port }, (socket) => this.serve(socket));
    return {
      addr: listener.addr,
      close: () => {
        listener.close();
        for (const socket of this.#open) socket.destroy();
      },
    };
  }

  /** Serves one connection. */
  serve(socket: Socket, options: ServeOptions = {}): void {
    if (this.#open.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    const answer = (request: AdminRequest): Promise<AdminResponse> => this.#answer(request, options);
    detectVersion(socket, options.first ?? NO_BYTES, (bytes, isHttp2) => {
      if (isHttp2) serveHttp2(socket, bytes, { local: isLocal(socket), answer: inTurn(answer), encode: encodeBody });
      else new AdminConnection(socket, answer).received(bytes);
    });
  }

  async #answer(request: AdminRequest, { guard, answered }: ServeOptions): Promise<AdminResponse> {
    let response = guard?.(request);
    if (!response) {
      const handler = Object.hasOwn(this.#routes, request.path) ? this.#routes[request.path] : undefined;
      response = handler ? await handler(request) : { status: 404 };
    }
    answered?.(request, response.status);
    return response;
  }
}

/** One request after the other, as on HTTP/1: guards count what is being answered. */
function inTurn(answer: Http2Serving['answer']): Http2Serving['answer'] {
  let last: Promise<unknown> = Promise.resolve();
  return (request) => {
    const next = last.then(() => answer(request));
    // Who asked hears of a failure; it is none of the next one's.
    last = next.catch(() => undefined);
    return next;
  };
}

const NO_BYTES = Buffer.alloc(0);

/** Looks at the first bytes; `decided` is called once there are enough of them. */
function detectVersion(socket: Socket, first: Buffer, decided: (bytes: Buffer, isHttp2: boolean) => void): void {
  let bytes = first;
  const look = (): void => {
    const isHttp2 = startsHttp2(bytes);
    if (isHttp2 === undefined) return;
    socket.off('data', receive);
    socket.off('end', end);
    decided(bytes, isHttp2);
  };
  const receive = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    look();
  };
  const end = (): unknown => socket.end();
  socket.on('data', receive);
  socket.on('end', end);
  look();
}

const names = createNameTable();

function isLocal(socket: Socket): boolean {
  const remote = unmapIp(socket.remoteAddress ?? '');
  return remote === '::1' || remote.startsWith('127.');
}

class AdminConnection implements Http1Sink {
  readonly #socket: Socket;
  readonly #answer: (request: AdminRequest) => Promise<AdminResponse>;
  readonly #decoder: Http1Decoder;
  readonly #local: boolean;
  #waiting: Buffer = Buffer.alloc(0);
  /** The peer will send no more. */
  #ended = false;
  #busy = false;
  /** What came is no HTTP: nothing more is read. */
  #refused = false;
  #keepAlive = true;
  #request = { method: '', target: '', headers: new Map<string, string>() };
  #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(socket: Socket, answer: (request: AdminRequest) => Promise<AdminResponse>) {
    this.#socket = socket;
    this.#answer = answer;
    this.#decoder = new Http1Decoder('request', names, this);
    this.#local = isLocal(socket);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('end', () => {
      this.#ended = true;
      if (!this.#busy) socket.end();
    });
  }

  received(chunk: Buffer): void {
    if (this.#refused) return;
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    this.#next();
  }

  #next(): void {
    while (!this.#busy && !this.#refused && this.#waiting.length > 0) {
      const next = this.#decoder.push(this.#waiting, 0, this.#waiting.length);
      if (next === 0) break;
      this.#waiting = this.#waiting.subarray(next);
    }
    if (this.#busy) this.#socket.pause();
    else this.#socket.resume();
  }

  head(head: Http1Head): void {
    const headers = new Map<string, string>();
    for (let i = 0; i < head.fieldCount; i++) headers.set(head.name(i).toLowerCase(), head.value(i));
    this.#request = { method: head.method(), target: latin1(head.buf, head.pathStart, head.pathEnd), headers };
    this.#keepAlive = head.keepAlive;
    this.#body = [];
    this.#bodyBytes = 0;
    if (head.expectContinue) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  data(buf: Uint8Array, start: number, end: number): void {
    this.#bodyBytes += end - start;
    // A copy: the bytes are ours only during the call.
    if (this.#bodyBytes <= BODY_BYTES_MAX) this.#body.push(Buffer.from(buf.subarray(start, end)));
  }

  trailers(): void {
    // Nothing here reads trailers.
  }

  fault(): void {
    this.#refused = true;
    this.#keepAlive = false;
    this.#request = { method: 'GET', target: '', headers: new Map() };
    void this.#write({ status: 400 }, 'GET').then(() => this.#socket.end());
  }

  end(): void {
    this.#busy = true;
    if (this.#bodyBytes > BODY_BYTES_MAX) {
      this.#finish({ status: 413, body: `a request's body may have ${BODY_BYTES_MAX} bytes\n` });
      return;
    }
    const [path = '', query = ''] = this.#request.target.split(/\?(.*)/s);
    const request: AdminRequest = {
      method: this.#request.method,
      path,
      query,
      headers: this.#request.headers,
      body: Buffer.concat(this.#body).toString(),
      local: this.#local,
    };
    this.#answer(request).then(
      (response) => this.#finish(response),
      (error: unknown) => this.#finish({ status: 500, body: `${error instanceof Error ? error.message : error}\n` }),
    );
  }

  #finish(response: AdminResponse): void {
    void this.#write(response, this.#request.method).then(() => {
      this.#busy = false;
      const closes = !this.#keepAlive;
      if (!closes) this.#next();
      if (closes || (this.#ended && !this.#busy)) this.#socket.end();
    });
  }

  async #write(response: AdminResponse, method: string): Promise<void> {
    const { headers, body } = await encodeBody(response, this.#request.headers.get('accept-encoding') ?? '');
    const closes = this.#keepAlive ? {} : { connection: 'close' };
    const lines = Object.entries({ ...closes, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const line = `HTTP/1.1 ${response.status} ${REASONS[response.status] ?? 'Status'}\r\n`;
    const head = Buffer.from(`${line}${lines.join('')}\r\n`);
    if (this.#socket.destroyed) return;
    this.#socket.write(head);
    if (method !== 'HEAD' && body.length > 0) this.#socket.write(body);
  }
}

/** The body as it is sent, with the header fields that describe it. */
const encodeBody: AdminEncoding = async (response, acceptEncoding) => {
  let body = typeof response.body === 'string' ? Buffer.from(response.body) : (response.body ?? NO_BYTES);
  const headers: Record<string, string> = { 'content-type': 'text/plain', ...response.headers };
  if (body.length >= GZIP_BYTES_MIN && acceptsGzip(acceptEncoding)) {
    body = await compress(body);
    headers['content-encoding'] = 'gzip';
  }
  if (response.status !== 204) headers['content-length'] = String(body.length);
  return { headers, body };
};

/** Whether a list of codings (RFC 9110 section 12.5.3) lets the answer be compressed. */
function acceptsGzip(list: string): boolean {
  return list.split(',').some((item) => {
    const [coding = '', ...parameters] = item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return (coding === 'gzip' || coding === '*') && !parameters.some((text) => /^q=0(\.0*)?$/.test(text));
  });
}
