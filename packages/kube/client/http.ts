import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { AnswerFault, NoAnswer } from './errors.ts';
import { LIMITS } from './limits.ts';
import { Pace, type RequestRate } from './pace.ts';
import { cancel, FIELD_MANAGER, isCut, type ServerAccess, SessionPool, streamError } from './session.ts';
import type { RawRequest, RawResponse } from './types.ts';

/** A streamed answer: status and headers are there, the body follows through `stream`. */
export interface StreamedResponse {
  status: number;
  stream: ClientHttp2Stream;
}

/**
 * HTTP to one API server: sessions, credentials, time limits, one retry after 401 with fresh credentials, after a lost
 * session for GET, and after 429 as told by Retry-After.
 */
export class Http {
  readonly #access: ServerAccess;
  readonly #pool: SessionPool;
  readonly #prefix: string;
  readonly #pace: Pace | undefined;
  readonly #bytesMax: number;

  /** `bytesMax`: the longest answer that is read as a whole. */
  constructor(access: ServerAccess, rate?: RequestRate, bytesMax: number = LIMITS.responseBytesMax) {
    this.#access = access;
    this.#bytesMax = bytesMax;
    this.#pool = new SessionPool(access);
    this.#prefix = new URL(access.server).pathname.replace(/\/$/, '');
    this.#pace = rate && new Pace(rate, LIMITS.requestTimeoutMs);
  }

  /** One request and its whole answer. */
  async request(path: string, request: RawRequest = {}): Promise<RawResponse> {
    let response = await this.#attempt(path, request, false);
    if (response.status === 401) response = await this.#attempt(path, request, true);
    for (let retry = 0; response.status === 429 && retry < LIMITS.throttleRetries; retry += 1) {
      const waitMs = Number(response.headers['retry-after'] ?? Number.NaN) * 1000;
      if (!(waitMs >= 0)) break;
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, LIMITS.throttleWaitMsMax)));
      response = await this.#attempt(path, request, false);
    }
    return response;
  }

  /** A request whose answer is read as it comes. The time limit covers only the headers. */
  async stream(path: string, request: RawRequest = {}): Promise<StreamedResponse> {
    const opened = await this.#streamOnce(path, request, false);
    if (opened.status !== 401) return opened;
    cancel(opened.stream);
    return this.#streamOnce(path, request, true);
  }

  close(): void {
    this.#pool.close();
  }

  async #attempt(path: string, request: RawRequest, stale: boolean): Promise<RawResponse> {
    try {
      return await this.#once(path, request, stale);
    } catch (error) {
      const retry = (request.method ?? 'GET') === 'GET' && error instanceof LostSession;
      if (!retry) throw error;
      return this.#once(path, request, stale);
    }
  }

  async #once(path: string, request: RawRequest, stale: boolean): Promise<RawResponse> {
    const stream = await this.#send(path, request, stale);
    return collect(stream, path, { timeoutMs: request.timeoutMs ?? LIMITS.requestTimeoutMs, bytesMax: this.#bytesMax });
  }

  async #streamOnce(path: string, request: RawRequest, stale: boolean): Promise<StreamedResponse> {
    const stream = await this.#send(path, request, stale);
    const status = await new Promise<number>((resolve, reject) => {
      const timeoutMs = request.timeoutMs ?? LIMITS.requestTimeoutMs;
      const timer = setTimeout(() => {
        cancel(stream);
        reject(new NoAnswer(`GET ${path}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      stream.once('response', (headers) => {
        clearTimeout(timer);
        resolve(Number(headers[':status']));
      });
      stream.once('error', (error) => {
        clearTimeout(timer);
        reject(streamError(stream, error));
      });
      stream.once('close', () => {
        clearTimeout(timer);
        reject(new LostSession(`GET ${path}: the connection ended before an answer`));
      });
    });
    return { status, stream };
  }

  async #send(path: string, request: RawRequest, stale: boolean): Promise<ClientHttp2Stream> {
    await this.#pace?.turn();
    const hasBody = request.body !== undefined;
    const headers: Record<string, string | string[]> = {
      ':method': request.method ?? 'GET',
      ':path': this.#prefix + path,
      accept: request.accept ?? 'application/json',
      'user-agent': FIELD_MANAGER,
      ...(await this.#access.headers(stale)),
    };
    if (hasBody) headers['content-type'] = request.contentType ?? 'application/json';
    const stream = await this.#pool.request(headers, !hasBody);
    if (hasBody) stream.end(request.body);
    return stream;
  }
}

/** The connection went away before an answer: a GET may be sent again. */
class LostSession extends Error {}

function collect(
  stream: ClientHttp2Stream,
  path: string,
  { timeoutMs, bytesMax }: { timeoutMs: number; bytesMax: number },
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let headers: IncomingHttpHeaders | undefined;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      cancel(stream);
      reject(error);
    };
    const timer = setTimeout(() => fail(new NoAnswer(`${path}: no answer within ${timeoutMs} ms`)), timeoutMs);
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) fail(new AnswerFault('AnswerTooLarge', `${path}: the answer exceeds ${bytesMax} bytes`));
      else chunks.push(chunk);
    });
    stream.on('end', () => {
      if (!headers || isCut(stream)) return;
      clearTimeout(timer);
      resolve({
        status: Number(headers[':status']),
        headers: plainHeaders(headers),
        body: Buffer.concat(chunks, bytes).toString('utf8'),
      });
    });
    stream.on('error', (error) =>
      fail(new LostSession(`${path}: ${streamError(stream, error).message}`, { cause: error })),
    );
    stream.on('close', () => fail(new LostSession(`${path}: the connection ended before the whole answer came`)));
  });
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : String(value);
  return plain;
}
