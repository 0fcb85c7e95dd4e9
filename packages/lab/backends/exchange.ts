import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';

/** Largest answer that is read, as kube limits webhook answers. */
const ANSWER_BYTES_MAX = 3 * 1024 * 1024;

export interface ExchangeRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

export interface Exchange {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Sends one HTTP/1.1 request on an open connection, reads the answer whole, and closes the connection. */
export function exchange(connection: Duplex, input: ExchangeRequest): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void): void => {
      input.signal.removeEventListener('abort', onAbort);
      connection.destroy();
      finish();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const onAbort = (): void => fail(input.signal.reason as Error);
    if (input.signal.aborted) return onAbort();
    input.signal.addEventListener('abort', onAbort, { once: true });
    const body = typeof input.body === 'string' ? Buffer.from(input.body) : input.body;
    const sent = httpRequest(
      {
        createConnection: () => connection,
        method: input.method,
        path: input.path,
        headers: { connection: 'close', ...(body && { 'content-length': String(body.length) }), ...input.headers },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > ANSWER_BYTES_MAX) fail(new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`));
          else chunks.push(chunk);
        });
        answer.on('error', fail);
        answer.on('end', () =>
          end(() => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) })),
        );
      },
    );
    sent.on('error', fail);
    sent.end(body);
    return undefined;
  });
}
