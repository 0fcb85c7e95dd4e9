import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Where a relayed request goes, and what is put in place of the client's own headers. */
export interface RelayTarget {
  /** Open, and verified where it is TLS. */
  readonly connection: Duplex;
  /** With query. */
  readonly path: string;
  readonly host: string;
  /** Set on the way in; undefined removes. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

/** Headers that concern one connection only (RFC 9110 section 7.6.1), besides HTTP/2's pseudo headers. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
]);

/** Carries a request to a backend and its answer back, both streamed. Resolves when the answer has ended; rejects before it began. */
export function relay(request: IncomingMessage, reply: ServerResponse, target: RelayTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        createConnection: () => target.connection,
        method: request.method,
        path: target.path,
        headers: { ...changed(passed(request.headers), target.headers ?? {}), host: target.host, connection: 'close' },
      },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, passed(answer.headers));
        if ('flushHeaders' in reply) reply.flushHeaders();
        answer.on('data', (chunk: Buffer) => {
          // A slow client slows its backend.
          if (reply.write(chunk)) return;
          answer.pause();
          reply.once('drain', () => answer.resume());
        });
        answer.on('end', () => {
          reply.end();
          resolve();
        });
        answer.on('error', () => {
          reply.destroy();
          resolve();
        });
      },
    );
    sent.on('error', (error) => {
      if (reply.headersSent) reply.destroy();
      reject(error);
    });
    reply.on('close', () => target.connection.destroy());
    request.pipe(sent);
  });
}

function passed(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !name.startsWith(':') && !HOP_BY_HOP.has(name)) kept[name] = value;
  return kept;
}

/** The headers with some set and some removed. */
function changed(
  headers: Record<string, string | string[]>,
  changes: NonNullable<RelayTarget['headers']>,
): Record<string, string | string[]> {
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return headers;
}
