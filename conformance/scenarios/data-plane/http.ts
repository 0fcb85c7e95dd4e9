/** What scenarios of the data plane share: servers and clients of HTTP inside pods, on the runtime's own stack, not ours. */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { type Pod, readAll } from '../../harness/pods/index.ts';

/** A server that runs until the pods end. */
export interface Served {
  /** Requests, or connections, that arrived. */
  readonly count: () => number;
}

/** An HTTP/1.1 server in a pod. */
export function serveHttp1(pod: Pod, port: number, handler: http.RequestListener): Served {
  let count = 0;
  const server = http.createServer((request, response) => {
    count++;
    handler(request, response);
  });
  pod.inside(() => server.listen(port, '0.0.0.0'));
  pod.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return { count: () => count };
}

/** An HTTP/2 server in a pod, by prior knowledge. */
export function serveHttp2(
  pod: Pod,
  port: number,
  handler: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Served {
  let count = 0;
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    count++;
    stream.on('error', () => stream.close());
    handler(stream, headers);
  });
  pod.inside(() => server.listen(port, '0.0.0.0'));
  pod.atEnd(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { count: () => count };
}

/** Bytes in and out in a pod. */
export function serveTcp(pod: Pod, port: number, handler: (socket: net.Socket) => void): Served {
  let count = 0;
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    count++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    handler(socket);
  });
  pod.inside(() => server.listen(port, '0.0.0.0'));
  pod.atEnd(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { count: () => count };
}

/** One HTTP/2 connection from a pod's application. */
export async function connectHttp2(pod: Pod, address: string, port: number): Promise<http2.ClientHttp2Session> {
  const socket = await pod.dial(address, port);
  const session = http2.connect(`http://${address}:${port}`, { createConnection: () => socket });
  session.on('error', () => session.destroy());
  return session;
}

/** How long an answer may take. */
const ANSWER_MS = 15_000;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answer to a request of HTTP/2, with its trailers. */
export interface StreamAnswer extends Answer {
  readonly trailers: Readonly<Record<string, string>>;
}

/** One request of HTTP/2, whole; rejects with a message that has the code when the stream is reset. */
export function call(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<StreamAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let head: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders = {};
    let text = '';
    const timer = setTimeout(() => {
      stream.close();
      reject(new Error(`no answer within ${ANSWER_MS} ms`));
    }, ANSWER_MS);
    stream.once('response', (seen) => {
      head = seen;
    });
    stream.once('trailers', (seen) => {
      trailers = seen;
    });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.once('error', (error) => reject(error));
    stream.once('close', () => {
      clearTimeout(timer);
      if (stream.rstCode) reject(new Error(`the stream was reset with code ${stream.rstCode}`));
      else resolve({ status: Number(head[':status']), headers: texts(head), trailers: texts(trailers), body: text });
    });
    if (body !== undefined) stream.end(body);
  });
}

const texts = (headers: http2.IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

/** What may differ between requests of HTTP/1. */
export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  /** Default: `web.a`. */
  readonly host?: string;
  /** Further header lines. */
  readonly lines?: readonly string[];
  readonly body?: string;
}

/** One request on a connection of its own. */
export async function ask(pod: Pod, address: string, port: number, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', path = '/', host = 'web.a', lines = [], body } = options;
  const length = body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: close', ...length, ...lines, '', ''];
  const socket = await pod.dial(address, port);
  return parseAnswer(await readAll(socket, head.join('\r\n') + (body ?? ''), ANSWER_MS));
}

/** A GET on a connection of its own. `lines`: further header lines. */
export const get = (pod: Pod, address: string, port: number, path = '/', lines: readonly string[] = []) =>
  ask(pod, address, port, { path, lines });

export function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...fields] = text.slice(0, Math.max(0, end)).split('\r\n');
  const headers = Object.fromEntries(
    fields.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: text.slice(end + 4) };
}

/** Answers by how often each status came, one request after the other. */
export async function tally(
  count: number,
  ask: () => Promise<{ readonly status: number }>,
): Promise<Record<number, number>> {
  const seen: Record<number, number> = {};
  for (let i = 0; i < count; i++) {
    const { status } = await ask();
    seen[status] = (seen[status] ?? 0) + 1;
  }
  return seen;
}
