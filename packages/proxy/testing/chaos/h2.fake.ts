import type net from 'node:net';
import { createNameTable, FieldCache } from '#wire/fields';
import { createHttp2Connection, type Http2Connection, type Http2Options, type Http2Sink } from '#wire/http2';

export const FIELDS = new FieldCache(createNameTable());

const OPTIONS: Http2Options = {
  streamWindow: 65_535,
  connectionWindow: 262_144,
  maxConcurrentStreams: 50,
  maxFrameSize: 16_384,
  maxHeaderListSize: 65_536,
  headerTableSize: 4_096,
};

/** What an end does with its streams; all else is the same for both. */
export type Ends<T> = Pick<Http2Sink<T>, 'request' | 'response' | 'data' | 'trailers' | 'reset' | 'writable'>;

/** An end of HTTP/2 on a socket; `first`: bytes that were read already. */
export function speakHttp2<T>(
  socket: net.Socket,
  role: 'client' | 'server',
  ends: Ends<T>,
  first?: Buffer,
  options: Partial<Http2Options> = {},
): Http2Connection<T> {
  let waiting = false;
  let blocked = false;
  const flush = (): void => {
    waiting = false;
    while (!blocked && !socket.destroyed) {
      const bytes = connection.takeOutput(64 * 1024);
      if (!bytes) return;
      if (socket.write(bytes)) continue;
      blocked = true;
      connection.hold(true);
    }
  };
  const soon = (): void => {
    if (!waiting) queueMicrotask(flush);
    waiting = true;
  };
  const connection: Http2Connection<T> = createHttp2Connection<T>(role, { ...OPTIONS, ...options }, FIELDS, {
    request: (stream, head, end) => ends.request(stream, head, end),
    response: (stream, head, end) => ends.response(stream, head, end),
    data: (stream, buf, start, end, endStream) => ends.data(stream, buf, start, end, endStream),
    trailers: (stream, fields) => ends.trailers(stream, fields),
    reset: (stream, code, remote, unprocessed) => ends.reset(stream, code, remote, unprocessed),
    writable: (stream) => ends.writable(stream),
    available: () => undefined,
    goaway: () => undefined,
    pong: () => undefined,
    fault: () => {
      flush();
      connection.close();
      socket.end();
    },
    output: soon,
  });
  socket.on('data', (chunk: Buffer) => connection.receive(chunk, performance.now()));
  socket.on('drain', () => {
    blocked = false;
    connection.hold(false);
    flush();
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => connection.close());
  if (first) connection.receive(first, performance.now());
  soon();
  return connection;
}
