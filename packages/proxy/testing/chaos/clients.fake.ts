import net from 'node:net';
import { createNameTable, type Field, type RequestHead } from '#wire/fields';
import { encodeChunk, encodeLastChunk, encodeRequestHead, Http1Decoder, responseHead } from '#wire/http1';
import type { Http2Connection, Http2Stream } from '#wire/http2';
import { Output } from '#wire/output';
import { FIELDS, speakHttp2 } from './h2.fake.ts';
import { BodyReader, BodyWriter, pathOf, type Script } from './script.fake.ts';

const NAMES = createNameTable();

/** How a request ended: with its whole response, with another one, or not well. */
export type Ended = 'whole' | 'other' | 'broken';

/** A client of one connection at a time. */
export interface ChaosClient {
  /** Resolves once; what is wrong with the response is told. */
  send(script: Script): Promise<Ended>;
  close(): void;
}

/** One request at a client. */
class ClientExchange {
  readonly script: Script;
  readonly writer: BodyWriter;
  readonly #reader: BodyReader;
  readonly #wrong: (what: string) => void;
  readonly #over: (how: Ended) => void;
  #status = 0;
  #id = '';
  isOver = false;

  constructor(
    script: Script,
    write: (part: Buffer) => boolean,
    done: () => void,
    wrong: (what: string) => void,
    over: (how: Ended) => void,
  ) {
    this.script = script;
    this.#wrong = wrong;
    this.#over = over;
    this.#reader = new BodyReader(script.id);
    this.writer = new BodyWriter(script.id, script.upload, write, done);
  }

  head(status: number, fields: readonly Field[]): void {
    if (status < 200) return;
    if (this.#status !== 0) this.#wrong(`response ${this.script.id}: two heads`);
    this.#status = status;
    this.#id = fields.find(({ name }) => name === 'x-id')?.value ?? '';
    if (this.#id !== '' && this.#id !== String(this.script.id))
      this.#wrong(`response ${this.script.id} is that of ${this.#id}`);
  }

  data(buf: Uint8Array, start: number, end: number): void {
    if (this.#id !== '') this.#reader.take(buf, start, end);
  }

  ended(): void {
    const { id, answer } = this.script;
    const { bytes, isRight } = this.#reader;
    if (this.#id === '') this.over('other');
    else {
      if (!isRight || bytes !== answer)
        this.#wrong(`response ${id}: ${bytes} of ${answer} octets${isRight ? '' : ', others'}`);
      this.over(this.#status === 200 ? 'whole' : 'other');
    }
  }

  over(how: Ended): void {
    if (this.isOver) return;
    this.isOver = true;
    this.writer.stop();
    this.#over(how);
  }
}

function headOf(script: Script, version: 11 | 20): RequestHead {
  const hasLength = script.framing === 'length' && script.upload > 0;
  return {
    version,
    method: script.upload > 0 ? 'POST' : 'GET',
    scheme: 'http',
    authority: 'web.a',
    path: pathOf(script),
    absoluteForm: false,
    upgrade: '',
    fields: hasLength ? [FIELDS.fieldOf('content-length', String(script.upload))] : [],
    contentLength: hasLength ? script.upload : -1,
  };
}

function open(port: number): net.Socket {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => socket.destroy());
  return socket;
}

/** One request at a time on a connection, opened anew when it is over. */
export class Http1ChaosClient implements ChaosClient {
  readonly #port: number;
  readonly #wrong: (what: string) => void;
  #socket: net.Socket | undefined;
  #decoder: Http1Decoder | undefined;
  #current: ClientExchange | undefined;
  #closes = false;

  constructor(port: number, wrong: (what: string) => void) {
    this.#port = port;
    this.#wrong = wrong;
  }

  send(script: Script): Promise<Ended> {
    const socket = this.#socket && !this.#socket.destroyed && !this.#closes ? this.#socket : this.#connect();
    const framing = script.upload === 0 ? 'none' : script.framing === 'length' ? 'length' : 'chunked';
    const put = (fill: (out: Output) => void): boolean => {
      const out = new Output();
      fill(out);
      return socket.write(out.take(1e9)!);
    };
    return new Promise((resolve) => {
      const write = (part: Buffer): boolean =>
        framing === 'chunked' ? put((out) => encodeChunk(part, 0, part.length, out)) : socket.write(part);
      const done = (): void => {
        if (framing === 'chunked') put((out) => encodeLastChunk(undefined, out));
      };
      const exchange = new ClientExchange(script, write, done, this.#wrong, (how) => {
        this.#current = undefined;
        // A request that is not out as a whole cannot be followed by another.
        if (how === 'broken' || !exchange.writer.isDone) socket.destroy();
        resolve(how);
      });
      this.#current = exchange;
      this.#decoder?.expect({ noBody: false, tunnel: false });
      put((out) => encodeRequestHead(headOf(script, 11), framing, out));
      exchange.writer.pump();
      giveUpAs(script, exchange, () => socket.resetAndDestroy());
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): net.Socket {
    const socket = open(this.#port);
    this.#socket = socket;
    this.#closes = false;
    const decoder = new Http1Decoder('response', NAMES, {
      head: (head) => {
        this.#closes = !head.keepAlive;
        this.#current?.head(head.status, responseHead(head, FIELDS).fields);
      },
      data: (buf, start, end) => this.#current?.data(buf, start, end),
      trailers: () => undefined,
      end: () => this.#current?.ended(),
      fault: (code) => {
        if (code !== 'truncated') this.#wrong(`a malformed response: ${code}`);
        this.#current?.over('broken');
      },
    });
    this.#decoder = decoder;
    socket.on('data', (chunk: Buffer) => {
      let at = 0;
      while (at < chunk.length) {
        const next = decoder.push(chunk, at, chunk.length);
        if (next === at) break;
        at = next;
      }
      if (this.#current?.script.client !== 'slow') return;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.on('drain', () => this.#current?.writer.drained());
    socket.on('end', () => {
      decoder.finish();
      socket.destroy();
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#current?.over('broken');
    });
    return socket;
  }
}

function giveUpAs({ client, waitMs }: Script, exchange: ClientExchange, how: () => void): void {
  if (client !== 'cancel' && client !== 'kill') return;
  setTimeout(() => {
    if (exchange.isOver) return;
    exchange.over('broken');
    how();
  }, waitMs);
}

/** Many requests at a time on a connection, opened anew when it takes no more. */
export class Http2ChaosClient implements ChaosClient {
  readonly #port: number;
  readonly #wrong: (what: string) => void;
  readonly #sockets = new Set<net.Socket>();
  #connection: Http2Connection<ClientExchange> | undefined;
  #socket: net.Socket | undefined;

  constructor(port: number, wrong: (what: string) => void) {
    this.#port = port;
    this.#wrong = wrong;
  }

  send(script: Script): Promise<Ended> {
    const { connection, socket } = this.#roomy();
    return new Promise((resolve) => {
      const write = (part: Buffer): boolean => stream.data(part, 0, part.length, false);
      const done = (): void => {
        if (script.trailers) stream.trailers([FIELDS.fieldOf('x-sum', '1')]);
        else stream.data(NO_BYTES, 0, 0, true);
      };
      const exchange = new ClientExchange(script, write, done, this.#wrong, resolve);
      const end = script.upload === 0;
      const opened = connection.request(headOf(script, 20), end, exchange);
      if (!opened) throw new Error('no room for a stream');
      const stream: Http2Stream<ClientExchange> = opened;
      if (!end) exchange.writer.pump();
      giveUpAs(script, exchange, () => (script.client === 'kill' ? socket.resetAndDestroy() : stream.reset(8)));
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #roomy(): { connection: Http2Connection<ClientExchange>; socket: net.Socket } {
    if (this.#connection?.canOpen && this.#socket && !this.#socket.destroyed)
      return { connection: this.#connection, socket: this.#socket };
    const socket = open(this.#port);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const connection = speakHttp2<ClientExchange>(socket, 'client', {
      request: () => undefined,
      response: (stream, head, end) => {
        stream.owner?.head(head.status, head.fields);
        if (end) stream.owner?.ended();
      },
      data: (stream, buf, start, end, ended) => {
        stream.owner?.data(buf, start, end);
        if (stream.owner?.script.client === 'slow') setTimeout(() => stream.consume(end - start), 1);
        else stream.consume(end - start);
        if (ended) stream.owner?.ended();
      },
      trailers: (stream) => stream.owner?.ended(),
      reset: (stream) => stream.owner?.over('broken'),
      writable: (stream) => stream.owner?.writer.drained(),
    });
    this.#connection = connection;
    this.#socket = socket;
    return { connection, socket };
  }
}

const NO_BYTES = Buffer.alloc(0);
