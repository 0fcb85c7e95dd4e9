import net, { type AddressInfo } from 'node:net';
import { createNameTable, Field, FieldCache, type RequestHead, type ResponseHead } from '#wire/fields';
import { createHttp2Connection, type Http2Connection, type Http2Options, type Http2Stream } from '#wire/http2';

/** What one stream was seen to do. */
export class SeenStream {
  readonly stream: Http2Stream<SeenStream>;
  request: RequestHead | undefined;
  response: ResponseHead | undefined;
  body = '';
  trailers: Field[] | undefined;
  /** Code of the peer's reset. */
  resetCode: number | undefined;
  ended = false;
  /** Octets that came and were not taken. */
  owedBytes = 0;

  constructor(stream: Http2Stream<SeenStream>) {
    this.stream = stream;
  }
}

const OPTIONS: Http2Options = {
  streamWindow: 1_048_576,
  connectionWindow: 16_777_216,
  maxConcurrentStreams: 1_000,
  maxFrameSize: 16_384,
  maxHeaderListSize: 65_536,
  headerTableSize: 4_096,
};

/** One end of an HTTP/2 connection that does exactly what a test says: resets, refusals, odd orders. */
export class H2Peer {
  readonly socket: net.Socket;
  readonly connection: Http2Connection<SeenStream>;
  readonly streams: SeenStream[] = [];
  goaway: { code: number; last: number } | undefined;
  closed = false;
  #takes = true;

  constructor(
    socket: net.Socket,
    role: 'client' | 'server',
    options: Partial<Http2Options> = {},
    onRequest: (seen: SeenStream, peer: H2Peer) => void = () => undefined,
  ) {
    this.socket = socket;
    const end = (seen: SeenStream | undefined, ended: boolean): void => {
      if (seen && ended) seen.ended = true;
    };
    this.connection = createHttp2Connection<SeenStream>(
      role,
      { ...OPTIONS, ...options },
      new FieldCache(createNameTable()),
      {
        request: (stream, head, ended) => {
          const seen = this.#add(stream);
          seen.request = head;
          end(seen, ended);
          onRequest(seen, this);
        },
        response: (stream, head, ended) => {
          if (stream.owner && head.status >= 200) stream.owner.response = head;
          end(stream.owner, ended);
        },
        data: (stream, buf, start, stop, ended) => {
          if (stream.owner) stream.owner.body += buf.toString('latin1', start, stop);
          if (stream.owner && !this.#takes) stream.owner.owedBytes += stop - start;
          else stream.consume(stop - start);
          end(stream.owner, ended);
        },
        trailers: (stream, fields) => {
          if (stream.owner) stream.owner.trailers = fields;
          end(stream.owner, true);
        },
        reset: (stream, code) => {
          if (stream.owner) stream.owner.resetCode = code;
        },
        writable: () => undefined,
        available: () => undefined,
        goaway: (code, last) => {
          this.goaway = { code, last };
        },
        pong: () => undefined,
        fault: () => this.#flush(),
        output: () => queueMicrotask(() => this.#flush()),
      },
    );
    socket.on('data', (chunk: Buffer) => this.connection.receive(chunk, performance.now()));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
    });
    this.#flush();
  }

  static async connect(port: number, options: Partial<Http2Options> = {}): Promise<H2Peer> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new H2Peer(socket, 'client', options);
  }

  /** Opens a stream; pairs of `headers` may override the method, path and authority. `end`: the body is whole. */
  request(headers: Readonly<Record<string, string>> = {}, body?: string, end = true): SeenStream {
    const { ':method': method = 'GET', ':path': path = '/', ':authority': authority = 'web.a', ...rest } = headers;
    const head: RequestHead = {
      version: 20,
      method,
      scheme: 'http',
      authority,
      path,
      absoluteForm: false,
      upgrade: '',
      fields: fieldsOf(rest),
      contentLength: -1,
    };
    const stream = this.connection.request(head, body === undefined, undefined as unknown as SeenStream);
    if (!stream) throw new Error('no stream can be opened');
    const seen = this.#add(stream);
    seen.request = head;
    if (body !== undefined) stream.data(Buffer.from(body, 'latin1'), 0, body.length, end);
    return seen;
  }

  /** From now on its windows stay shut once they are full. */
  standStill(): void {
    this.#takes = false;
  }

  /** Takes all that came and comes. */
  goOn(): void {
    this.#takes = true;
    for (const seen of this.streams) {
      const { owedBytes } = seen;
      seen.owedBytes = 0;
      if (owedBytes > 0) seen.stream.consume(owedBytes);
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #add(stream: Http2Stream<SeenStream>): SeenStream {
    const seen = new SeenStream(stream);
    stream.owner = seen;
    this.streams.push(seen);
    return seen;
  }

  #flush(): void {
    for (;;) {
      const bytes = this.connection.takeOutput(1024 * 1024);
      if (!bytes || this.socket.destroyed) return;
      this.socket.write(bytes);
    }
  }
}

/** Fields of some pairs. */
export function fieldsOf(pairs: Readonly<Record<string, string>>): Field[] {
  return Object.entries(pairs).map(([name, value]) => new Field(0, name, value));
}

/** A server of HTTP/2 on loopback that answers as the test says. */
export async function serveH2(
  onRequest: (seen: SeenStream, peer: H2Peer) => void,
  options: Partial<Http2Options> = {},
): Promise<{ port: number; peers: H2Peer[]; close: () => void }> {
  const peers: H2Peer[] = [];
  const server = net.createServer({ noDelay: true }, (socket) => {
    peers.push(new H2Peer(socket, 'server', options, onRequest));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    close: () => {
      server.close();
      for (const peer of peers) peer.close();
    },
  };
}
