import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { stringify } from 'yaml';
import type { Status } from '#api/kube';
import { ApiError } from '#lab/contract';
import { encodeJson } from '#lab/decode';
import { BODY_BYTES_MAX } from '../limits.ts';
import type { Format } from './negotiation.ts';

/** A request over HTTP/1.1 or HTTP/2: node:http2's compatibility classes have the shape of node:http's. */
export type ServerRequest = IncomingMessage;
export type ServerReply = ServerResponse;

/** One shape for both protocols; what they do not share is not used here. */
export const asRequest = (request: IncomingMessage | Http2ServerRequest): ServerRequest => request as ServerRequest;
export const asReply = (reply: ServerResponse | Http2ServerResponse): ServerReply => reply as ServerReply;

/** Sends the head of a streamed answer at once. HTTP/2 does so by itself; HTTP/1.1 waits for the first byte otherwise. */
export function sendHead(reply: ServerReply, code: number, headers: Headers): void {
  reply.writeHead(code, headers as Record<string, string | string[]>);
  if ('flushHeaders' in reply) reply.flushHeaders();
}

/** A header's text; several values are joined as HTTP does. */
export function headerOf(request: ServerRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Reads the whole body. @throws ApiError 413 beyond {@link BODY_BYTES_MAX} */
export function readBody(request: ServerRequest): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
      else reject(ApiError.of('RequestEntityTooLarge', `Request entity too large: limit is ${BODY_BYTES_MAX}`, {}));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('the client went away before its body had arrived')));
  });
}

/** Texts for `Warning` headers of one answer; equal ones count once. */
export class Warnings {
  readonly #texts = new Set<string>();

  readonly add = (text: string): void => {
    this.#texts.add(text);
  };

  /** `299 - "text"` each. */
  get headers(): string[] {
    return [...this.#texts].map((text) => `299 - ${JSON.stringify(text.replaceAll(/[^\x20-\x7e]+/g, ' '))}`);
  }
}

type Headers = Readonly<Record<string, string | string[]>>;

/** Sends a body whole. */
export function send(
  reply: ServerReply,
  code: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Headers = {},
): void {
  if (reply.headersSent || reply.writableEnded) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  reply.writeHead(code, {
    'content-type': contentType,
    'content-length': String(bytes.length),
    'cache-control': 'no-cache, private',
    ...(headers as Record<string, string | string[]>),
  });
  reply.end(bytes);
}

/** Sends a value as JSON or YAML. */
export function sendValue(
  reply: ServerReply,
  code: number,
  value: unknown,
  format: Format,
  headers: Headers = {},
): void {
  if (format.media === 'yaml') send(reply, code, 'application/yaml', stringify(value), headers);
  else send(reply, code, 'application/json', `${encodeJson(value)}\n`, headers);
}

export function sendStatus(reply: ServerReply, status: Status, headers: Headers = {}): void {
  const retry = status.details?.retryAfterSeconds;
  const all = retry === undefined ? headers : { ...headers, 'retry-after': String(retry) };
  send(reply, status.code ?? 500, 'application/json', `${JSON.stringify(status)}\n`, all);
}
