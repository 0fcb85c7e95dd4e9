import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import type { KeyPairPem } from '#lab/auth';

/** One answer, read whole. */
export interface Answer {
  readonly code: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | object;
}

/** A raw HTTPS client, for tests of what goes over the wire. */
export class LoopbackClient {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #token: string | undefined;
  readonly #ca: string;
  #session: ClientHttp2Session | undefined;

  constructor(port: number, ca: string, credentials?: KeyPairPem | { token: string }) {
    this.#origin = `https://127.0.0.1:${port}`;
    this.#ca = ca;
    const pair = credentials && 'key' in credentials ? { key: credentials.key, cert: credentials.certificate } : {};
    this.#token = credentials && 'token' in credentials ? credentials.token : undefined;
    this.#agent = new Agent({ ca, keepAlive: true, ...pair });
  }

  /** HTTP/1.1. */
  request(path: string, { method = 'GET', headers = {}, body }: RequestOptions = {}): Promise<Answer> {
    const bytes = bodyOf(body);
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        `${this.#origin}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            ...(this.#token && { authorization: `Bearer ${this.#token}` }),
            ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
            ...headers,
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => resolve(answerOf(answer.statusCode ?? 0, answer.headers, Buffer.concat(chunks))));
        },
      );
      sent.on('error', reject);
      sent.end(bytes);
    });
  }

  /** HTTP/2: lines of a streamed answer as they come, until `stop` or the server ends it. */
  stream(
    path: string,
    onLine: (line: string) => void,
    headers: Record<string, string> = {},
  ): { stop(): void; ended: Promise<number> } {
    this.#session ??= connectHttp2(this.#origin, { ca: this.#ca });
    const stream = this.#session.request({
      ':path': path,
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      ...headers,
    });
    let rest = '';
    let code = 0;
    const ended = new Promise<number>((resolve, reject) => {
      stream.on('response', (head) => {
        code = head[':status'] ?? 0;
      });
      stream.on('error', reject);
      stream.on('close', () => resolve(code));
    });
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    return { stop: () => stream.close(), ended };
  }

  close(): void {
    this.#agent.destroy();
    this.#session?.destroy();
  }
}

function bodyOf(body: RequestOptions['body']): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

const answerOf = (code: number, headers: Answer['headers'], body: Buffer): Answer => ({
  code,
  headers,
  text: body.toString(),
  json: <T>() => JSON.parse(body.toString()) as T,
});
