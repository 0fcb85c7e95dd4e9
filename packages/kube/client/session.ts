import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { NoAnswer } from './errors.ts';
import { LIMITS } from './limits.ts';

/** What API servers call this client in `managedFields` of what it writes: its user agent. */
export const FIELD_MANAGER = 'weft';

/** PEM material for one connection. `version` changes whenever the rest does, so that a new session is opened. */
export interface TlsMaterial {
  version: string;
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/**
 * Where an API server is and how to prove who we are. Made by `#kube/config`. Both functions are called per request and
 * answer from a cache unless it went stale.
 */
export interface ServerAccess {
  /** Origin and optional path prefix, e.g. `https://10.0.0.1:6443`. `http:` means HTTP/2 with prior knowledge. */
  server: string;
  tls(): Promise<TlsMaterial>;
  /** Headers such as `authorization` and `impersonate-user`. `stale`: the last ones were answered 401. */
  headers(stale?: boolean): Promise<Record<string, string | string[]>>;
}

/**
 * HTTP/2 sessions to one API server: usually one, more when streams (watches) fill it. A session that dies is replaced
 * by the next request; every stream on it fails at once.
 */
export class SessionPool {
  readonly #access: ServerAccess;
  #sessions: Session[] = [];
  #opening: Promise<Session> | undefined;
  #closed = false;

  constructor(access: ServerAccess) {
    this.#access = access;
  }

  /** Opens a stream. Rejects when the server cannot be reached within the connect timeout. */
  async request(headers: Record<string, string | string[] | number>, endStream: boolean): Promise<ClientHttp2Stream> {
    const session = await this.#pick();
    return session.open(headers, endStream);
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions) session.destroy();
    this.#sessions = [];
  }

  async #pick(): Promise<Session> {
    const tls = await this.#access.tls();
    for (;;) {
      this.#sessions = this.#sessions.filter((session) => session.usable());
      const free = this.#sessions.find((session) => session.version === tls.version && session.hasRoom());
      if (free) return free;
      this.#opening ??= this.#open(tls).finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
    }
  }

  async #open(tls: TlsMaterial): Promise<Session> {
    const session = await Session.open(this.#access.server, tls);
    if (this.#closed) {
      session.destroy();
      throw new Error('the client was closed');
    }
    this.#sessions.push(session);
    return session;
  }
}

class Session {
  readonly version: string;
  readonly #http2: ClientHttp2Session;
  readonly #pinger: NodeJS.Timeout;
  /** Why the session was given up, for the errors of its streams. */
  #loss = 'the connection to the API server was lost';
  #streams = 0;
  #draining = false;

  static open(server: string, tls: TlsMaterial): Promise<Session> {
    const { version, ...options } = tls;
    return new Promise((resolve, reject) => {
      const http2 = connect(new URL(server).origin, {
        ...options,
        settings: { enablePush: false, initialWindowSize: 1 << 20 },
        maxSessionMemory: LIMITS.sessionMemoryMB,
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        http2.destroy();
        const Kind = error instanceof NoAnswer ? NoAnswer : Error;
        reject(new Kind(`cannot reach the API server ${server}: ${error.message}`, { cause: error }));
      };
      const timer = setTimeout(
        () => fail(new NoAnswer(`no connection within ${LIMITS.connectTimeoutMs} ms`)),
        LIMITS.connectTimeoutMs,
      );
      http2.once('error', fail);
      http2.once('close', () => fail(new Error('connection closed during the handshake')));
      http2.once('connect', () => {
        clearTimeout(timer);
        http2.removeAllListeners('close');
        http2.removeListener('error', fail);
        resolve(new Session(http2, version));
      });
    });
  }

  private constructor(http2: ClientHttp2Session, version: string) {
    this.#http2 = http2;
    this.version = version;
    this.#pinger = setInterval(() => this.#ping(), LIMITS.pingIntervalMs);
    this.#pinger.unref();
    // Streams report the failure to whoever opened them; the session itself only leaves the pool.
    http2.on('error', () => this.destroy());
    http2.on('goaway', () => {
      this.#draining = true;
    });
    http2.on('close', () => clearInterval(this.#pinger));
  }

  usable(): boolean {
    return !this.#draining && !this.#http2.closed && !this.#http2.destroyed;
  }

  hasRoom(): boolean {
    const allowed = this.#http2.remoteSettings?.maxConcurrentStreams ?? LIMITS.streamsPerSession;
    return this.#streams < Math.min(allowed, LIMITS.streamsPerSession);
  }

  open(headers: Record<string, string | string[] | number>, endStream: boolean): ClientHttp2Stream {
    const stream = this.#http2.request(headers, { endStream });
    losses.set(stream, () => (this.#http2.destroyed ? this.#loss : undefined));
    this.#streams += 1;
    stream.once('close', () => {
      this.#streams -= 1;
      if (this.#draining && this.#streams === 0) this.destroy();
    });
    return stream;
  }

  destroy(): void {
    clearInterval(this.#pinger);
    if (!this.#http2.destroyed) this.#http2.destroy();
  }

  #ping(): void {
    if (this.#http2.destroyed) return;
    const timer = setTimeout(() => {
      this.#loss = `the API server did not answer within ${LIMITS.pingTimeoutMs / 1000} s; the connection was given up`;
      this.destroy();
    }, LIMITS.pingTimeoutMs);
    timer.unref();
    this.#http2.ping((error) => {
      clearTimeout(timer);
      if (error) this.destroy();
    });
  }
}

const losses = new WeakMap<ClientHttp2Stream, () => string | undefined>();

/** What befell a stream, in the operator's words: the loss of its session says more than the cancelled stream. */
export function streamError(stream: ClientHttp2Stream, error: Error): Error {
  const loss = losses.get(stream)?.();
  return loss === undefined ? error : new Error(loss, { cause: error });
}

/** Whether a stream that is over lacks its end: with a lost connection, too, its readers are told of one. */
export function isCut(stream: ClientHttp2Stream): boolean {
  return stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR;
}

/** Ends a stream that is no longer wanted. */
export function cancel(stream: ClientHttp2Stream): void {
  if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
}
