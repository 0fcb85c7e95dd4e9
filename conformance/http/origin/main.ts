/**
 * The server behind all proxies: `bun main.ts SOCKET PORT…` answers whatever comes, HTTP/1 or HTTP/2 by prior knowledge, and
 * remembers every byte. On the unix socket a line with a port asks for its record, which begins anew then; the answer is one line of JSON.
 * `/bytes/N` is answered with N bytes, `/answer/ID` with a response of the corpus, everything else with three bytes.
 */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { answerTo } from '../answers/corpus.ts';
import { PREFACE } from '../http2/frames.ts';
import { expectsContinue, parseRequest } from './http1.ts';
import { Http2Origin } from './http2.ts';
import { emptyRecord, type PortRecord, RECORD_BYTES_MAX } from './record.ts';

const [socketPath = '', ...ports] = process.argv.slice(2);
const records = new Map<number, PortRecord>();

/** Longest head that is still waited for. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const BODY_BYTES_MAX = 64 * 1024 * 1024;

const bodyFor = (path: string): number => {
  const asked = /\/bytes\/(\d+)$/.exec(path)?.[1];
  return asked === undefined ? 3 : Math.min(Number(asked), BODY_BYTES_MAX);
};

const pathOf = (text: string): string => /^\s*\S+[ \t]+(\S+)/.exec(text.slice(0, 8_192))?.[1] ?? '';

function accept(socket: Socket, port: number): void {
  const record = () => records.get(port)!;
  let pending = '';
  let http2: Http2Origin | undefined;
  let over = false;
  let continued = false;
  /** The request under way, as the record has it. */
  let begun = { path: '' };
  const begin = (seen: PortRecord) => {
    begun = { path: '' };
    seen.begun.push(begun);
  };
  const finish = () => {
    if (over) return;
    over = true;
    if (http2) record().broken += http2.cut();
    else if (pending.length > 0) record().broken++;
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    const seen = record();
    if (seen.bytes.length < RECORD_BYTES_MAX) seen.bytes += chunk.toString('latin1');
    if (http2) {
      http2.push(chunk);
      return;
    }
    if (pending === '') begin(seen);
    pending += chunk.toString('latin1');
    begun.path = pathOf(pending);
    if (pending.startsWith(PREFACE)) {
      const rest = Buffer.from(pending.slice(PREFACE.length), 'latin1');
      pending = '';
      seen.begun = seen.begun.filter((each) => each !== begun);
      http2 = new Http2Origin(socket, record, bodyFor);
      http2.push(rest);
      return;
    }
    if (PREFACE.startsWith(pending)) return;
    answer(seen);
  });
  const answer = (seen: PortRecord): void => {
    while (pending.length > 0) {
      const parsed = parseRequest(pending);
      if (parsed === 'more') {
        if (!continued && expectsContinue(pending)) {
          continued = true;
          socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        }
        if (pending.length > PENDING_BYTES_MAX) finish();
        return;
      }
      if (parsed === 'garbage') {
        seen.garbage += pending.length;
        pending = '';
        socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
        return;
      }
      pending = pending.slice(parsed.end);
      if (pending !== '') begin(seen);
      begun.path = pathOf(pending);
      continued = false;
      const { request } = parsed;
      const { body } = request;
      if (body.length > RECORD_BYTES_MAX) request.body = body.slice(0, RECORD_BYTES_MAX);
      seen.requests.push(request);
      if (request.method === 'CONNECT') {
        socket.write('HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n');
        continue;
      }
      const scripted = answerTo(request.path);
      if (scripted) {
        socket.write(Buffer.from(scripted.sent, 'latin1'));
        if (!scripted.closes) continue;
        socket.end();
        return;
      }
      const bytes = bodyFor(request.path);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n`);
      if (request.method !== 'HEAD') socket.write(Buffer.alloc(bytes, 0x2e));
      if (parsed.close) {
        socket.end();
        return;
      }
    }
  };
  socket.on('end', finish);
  socket.on('error', finish);
  socket.on('close', finish);
}

for (const port of ports.map(Number)) {
  records.set(port, emptyRecord());
  createServer((socket) => accept(socket, port)).listen(port, '0.0.0.0', 4096);
}

createServer((socket) => {
  createInterface({ input: socket }).on('line', (line) => {
    const port = Number(line);
    socket.write(`${JSON.stringify(records.get(port) ?? null)}\n`);
    records.set(port, emptyRecord());
  });
}).listen(socketPath);
