import net, { type AddressInfo } from 'node:net';
import type { Random } from '#runtime/random';
import { createNameTable, type RequestHead } from '#wire/fields';
import { Http1Decoder, requestHead } from '#wire/http1';
import type { Http2Stream } from '#wire/http2';
import { FIELDS, speakHttp2 } from './h2.fake.ts';
import { BodyReader, BodyWriter, type Script, scriptOf } from './script.fake.ts';

const NAMES = createNameTable();

/** How an application's answer goes out, whatever carries it. */
interface Reply {
  informational(): void;
  head(script: Script, status: number): void;
  /** False: no more until `AppExchange.drained`. */
  data(part: Buffer): boolean;
  end(script: Script): void;
  reset(): void;
  kill(): void;
}

/** One request at an application: does with it what its script says, and looks whether it is what it should be. */
class AppExchange {
  readonly script: Script;
  readonly #reply: Reply;
  readonly #wrong: (what: string) => void;
  readonly #reader: BodyReader;
  readonly #writer: BodyWriter;
  #answering = false;
  #over = false;
  #whole = false;

  constructor(head: RequestHead, reply: Reply, wrong: (what: string) => void) {
    this.script = scriptOf(head.path);
    this.#reply = reply;
    this.#wrong = wrong;
    const { id, answer } = this.script;
    this.#reader = new BodyReader(id);
    const end = (): void => {
      if (!this.#over) this.#reply.end(this.script);
      this.#over = true;
    };
    this.#writer = new BodyWriter(id, answer, (part) => this.#reply.data(part), end);
  }

  /** To be called once the exchange is known to those who carry it. */
  begin(): void {
    const { app } = this.script;
    if (app === 'refuse') this.#break(() => this.#reply.reset());
    else if (app === 'early') this.#answer();
    else if (app === 'informational') this.#reply.informational();
  }

  data(buf: Uint8Array, start: number, end: number): void {
    this.#reader.take(buf, start, end);
  }

  /** What is known of it, as long as it is not over. */
  get state(): string | undefined {
    if (this.#over) return undefined;
    const came = this.#whole ? 'whole' : `${this.#reader.bytes} octets`;
    return `${JSON.stringify(this.script)}: ${came} came, ${this.#answering ? 'being answered' : 'no answer'}`;
  }

  /** The request is whole. */
  ended(): void {
    this.#whole = true;
    const { id, upload, app, waitMs } = this.script;
    const { bytes, isRight } = this.#reader;
    if (!isRight || bytes !== upload)
      this.#wrong(`request ${id}: ${bytes} of ${upload} octets${isRight ? '' : ', others'}`);
    if (app === 'late') setTimeout(() => this.#answer(), waitMs);
    else this.#answer();
  }

  /** Nobody wants the answer. */
  gone(): void {
    this.#over = true;
    this.#writer.stop();
  }

  drained(): void {
    if (this.#answering) this.#writer.drained();
  }

  #answer(): void {
    if (this.#answering || this.#over) return;
    this.#answering = true;
    const { app, answer, waitMs } = this.script;
    this.#reply.head(this.script, app === 'fail' ? 503 : 200);
    const half = Math.max(1, answer >> 1);
    if (app === 'break' || app === 'kill') {
      this.#writer.pump(answer >> 1);
      setTimeout(() => this.#break(() => (app === 'kill' ? this.#reply.kill() : this.#reply.reset())), waitMs);
    } else if (app === 'slow') {
      this.#writer.pump(half);
      setTimeout(() => this.#writer.pump(), waitMs);
    } else this.#writer.pump();
  }

  #break(how: () => void): void {
    if (this.#over) return;
    this.gone();
    how();
  }
}

function http1(
  socket: net.Socket,
  first: Buffer,
  wrong: (what: string) => void,
  begun: (one: AppExchange) => void,
): void {
  let current: AppExchange | undefined;
  let framing: Script['framing'] = 'length';
  const reply: Reply = {
    informational: () => socket.write('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'),
    head(script, status) {
      framing = script.framing;
      const how = {
        length: `content-length: ${script.answer}`,
        chunked: 'transfer-encoding: chunked',
        close: 'connection: close',
      };
      socket.write(`HTTP/1.1 ${status} OK\r\nx-id: ${script.id}\r\n${how[framing]}\r\n\r\n`);
    },
    data(part) {
      if (framing !== 'chunked') return socket.write(part);
      socket.write(`${part.length.toString(16)}\r\n`);
      socket.write(part);
      return socket.write('\r\n');
    },
    end(script) {
      current = undefined;
      if (framing === 'chunked') socket.write(script.trailers ? `0\r\nx-end: ${script.id}\r\n\r\n` : '0\r\n\r\n');
      else if (framing === 'close') socket.end();
    },
    reset: () => socket.resetAndDestroy(),
    // A mere end would complete an answer that lasts until the connection ends.
    kill: () => (framing === 'close' ? socket.resetAndDestroy() : socket.destroy()),
  };
  let receiving: AppExchange | undefined;
  const decoder = new Http1Decoder('request', NAMES, {
    head(head) {
      if (current) wrong(`a request before request ${current.script.id} was answered`);
      current = new AppExchange(requestHead(head, FIELDS), reply, wrong);
      receiving = current;
      begun(current);
      current.begin();
    },
    data: (buf, start, end) => receiving?.data(buf, start, end),
    trailers: () => undefined,
    end: () => receiving?.ended(),
    fault: (code) => {
      if (code !== 'truncated') wrong(`a malformed request: ${code}`);
      socket.destroy();
    },
  });
  const take = (chunk: Buffer): void => {
    let at = 0;
    while (at < chunk.length && !socket.destroyed) {
      const next = decoder.push(chunk, at, chunk.length);
      if (next === at) break;
      at = next;
    }
  };
  socket.on('chaos', () => reply.kill());
  socket.on('data', take);
  socket.on('drain', () => current?.drained());
  socket.on('end', () => socket.end());
  socket.on('close', () => current?.gone());
  take(first);
}

function http2(
  socket: net.Socket,
  first: Buffer,
  wrong: (what: string) => void,
  begun: (one: AppExchange) => void,
): void {
  const replyOn = (stream: Http2Stream<AppExchange>): Reply => ({
    informational: () => stream.respond(103, [FIELDS.fieldOf('link', 'a')], false),
    head: (script, status) => {
      const fields = [FIELDS.fieldOf('x-id', String(script.id))];
      if (script.framing === 'length') fields.push(FIELDS.fieldOf('content-length', String(script.answer)));
      stream.respond(status, fields, false);
    },
    data: (part) => stream.data(part, 0, part.length, false),
    end: (script) => {
      if (script.trailers) stream.trailers([FIELDS.fieldOf('x-end', String(script.id))]);
      else stream.data(part0, 0, 0, true);
    },
    reset: () => stream.reset(2),
    kill: () => socket.destroy(),
  });
  socket.on('chaos', () => socket.destroy());
  speakHttp2<AppExchange>(
    socket,
    'server',
    {
      request: (stream, head, end) => {
        stream.owner = new AppExchange(head, replyOn(stream), wrong);
        begun(stream.owner);
        stream.owner.begin();
        if (end) stream.owner.ended();
      },
      response: () => undefined,
      data: (stream, buf, start, end, ended) => {
        stream.owner?.data(buf, start, end);
        stream.consume(end - start);
        if (ended) stream.owner?.ended();
      },
      trailers: (stream) => stream.owner?.ended(),
      reset: (stream) => stream.owner?.gone(),
      writable: (stream) => stream.owner?.drained(),
    },
    first,
  );
}

const part0 = Buffer.alloc(0);

/** Requests that are remembered before those that are over are forgotten. */
const KEPT_MAX = 1_000;

/** An application that speaks both versions of HTTP on one port, and whose connections can be broken. */
export interface ChaosApp {
  readonly port: number;
  /** Breaks a connection, some by a mere end. */
  breakOne(random: Random): void;
  /** Requests that are not over, for whoever wonders what is waited for. */
  underWay(): string[];
  close(): void;
}

/** `wrong`: told of requests that are not what their clients sent. */
export async function startApp(wrong: (what: string) => void): Promise<ChaosApp> {
  const sockets = new Set<net.Socket>();
  let exchanges: AppExchange[] = [];
  const begun = (one: AppExchange): void => {
    if (exchanges.length >= KEPT_MAX) exchanges = exchanges.filter(({ state }) => state !== undefined);
    exchanges.push(one);
  };
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      if (first.toString('latin1', 0, 3) === 'PRI') http2(socket, first, wrong, begun);
      else http1(socket, first, wrong, begun);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    breakOne: (random) => {
      const all = [...sockets];
      const one = all[Math.floor(random() * all.length)];
      if (one && random() < 0.5) one.emit('chaos');
      else one?.resetAndDestroy();
    },
    underWay: () => exchanges.flatMap(({ state }) => state ?? []),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
