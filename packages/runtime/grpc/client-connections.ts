/** The client's connection: opened on demand, shared by its calls, opened again after loss, and joined by others when it is full. */
import type { Duplex } from 'node:stream';
import { createFlusher } from '../flush/index.ts';
import type { ClientConnection, Connections, WaitingCall } from './client-call.ts';
import { Connection, type StreamOwner } from './connection.ts';
import { GrpcError, textOf } from './error.ts';
import type { KeepAlive } from './keep-alive.ts';
import { CLIENT_WINDOWS, LIMITS } from './limits.ts';

export interface GrpcClientOptions {
  /** Opens a connection to the server; called when there is none. TLS sockets need no ALPN. */
  connect(): Promise<Duplex>;
  /** The `:authority` of requests, e.g. `linkerd-dst-headless.linkerd.svc.cluster.local.:8086`. */
  authority: string;
  /** Absent: dead connections are found by the transport alone. */
  keepAlive?: KeepAlive;
  /** Bytes that the server may send ahead, on each stream and on the connection. */
  windows?: { readonly stream: number; readonly connection: number };
}

export class ClientConnections implements Connections {
  readonly #options: GrpcClientOptions;
  readonly #flusher = createFlusher();
  /**
   * Those that are open, oldest first. Usually one; others stand beside it while it drains, or where the server admits fewer streams
   * than there are watches.
   */
  readonly #open = new Set<ClientConnection>();
  /** Those of them whose server has said how many streams it admits. */
  readonly #greeted = new WeakSet<ClientConnection>();
  /** Counts attempts to connect, so that one that was given up is not taken for the present one. */
  #attempt = 0;
  #isConnecting = false;
  readonly #waiting = new Set<WaitingCall>();

  constructor(options: GrpcClientOptions) {
    this.#options = options;
  }

  submit(call: WaitingCall): void {
    if (this.#waiting.size >= LIMITS.waitingCallsMax) {
      const text = `${LIMITS.waitingCallsMax} calls wait for a connection already`;
      // Never at once: the caller has not got the call yet.
      queueMicrotask(() => call.fail(new GrpcError('RESOURCE_EXHAUSTED', text)));
      return;
    }
    this.#waiting.add(call);
    this.#serve();
  }

  forget(call: WaitingCall): void {
    this.#waiting.delete(call);
  }

  close(): void {
    this.#attempt++;
    this.#isConnecting = false;
    this.#failAll(new GrpcError('UNAVAILABLE', CLOSED));
    for (const connection of [...this.#open]) connection.destroy(CLOSED);
  }

  /** Opens waiting calls as far as connections take them. */
  #serve(): void {
    for (const call of this.#waiting) {
      const connection = this.#free();
      if (!connection?.isOpen || !call.open(connection)) break;
      this.#waiting.delete(call);
    }
    if (this.#waiting.size > 0 && !this.#isConnecting && this.#mayConnect()) this.#connect();
  }

  /** A connection that takes a call: one alone until its server has said how many it admits. */
  #free(): ClientConnection | undefined {
    for (const connection of this.#open) {
      const { isOpen, http2 } = connection;
      if (isOpen && http2.canOpen && (http2.openStreams === 0 || this.#greeted.has(connection))) return connection;
    }
    return undefined;
  }

  /** Whether no connection that is open can take another call, as far as its server has told. */
  #mayConnect(): boolean {
    let usable = 0;
    for (const connection of this.#open) {
      if (!connection.isOpen) continue;
      if (!this.#greeted.has(connection)) return false;
      usable += 1;
    }
    return usable < LIMITS.connectionsMax;
  }

  #connect(): void {
    const attempt = ++this.#attempt;
    this.#isConnecting = true;
    const isCurrent = () => attempt === this.#attempt;
    withTimeout(this.#options.connect(), LIMITS.connectTimeoutMs).then(
      (socket) => {
        if (isCurrent()) this.#connected(socket);
        else socket.destroy();
      },
      (error) => {
        if (!isCurrent()) return;
        this.#isConnecting = false;
        this.#failed(textOf(error));
      },
    );
  }

  #connected(socket: Duplex): void {
    this.#isConnecting = false;
    const { keepAlive, windows = CLIENT_WINDOWS } = this.#options;
    const connection: ClientConnection = new Connection<StreamOwner>(
      socket,
      {
        role: 'client',
        streamWindow: windows.stream,
        connectionWindow: windows.connection,
        keepAlive,
        flusher: this.#flusher,
      },
      {
        available: () => {
          this.#greeted.add(connection);
          this.#serve();
        },
        goaway: () => {
          connection.finish(false);
          this.#serve();
        },
        closed: (reason) => {
          this.#open.delete(connection);
          if (!this.#greeted.has(connection)) this.#failed(reason);
          this.#serve();
        },
      },
    );
    this.#open.add(connection);
    this.#serve();
  }

  /** An attempt to connect came to nothing. Calls that wait for their turn on another connection go on waiting. */
  #failed(reason: string): void {
    for (const connection of this.#open) if (connection.isOpen) return;
    this.#failAll(new GrpcError('UNAVAILABLE', `cannot connect: ${reason}`));
  }

  #failAll(error: GrpcError): void {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    for (const call of calls) call.fail(error);
  }
}

const CLOSED = 'the client was closed';

/** Rejects when `opening` takes too long; a connection that still arrives is closed. */
function withTimeout(opening: Promise<Duplex>, ms: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no connection after ${ms} ms`));
      opening.then(
        (socket) => socket.destroy(),
        () => undefined, // already reported as a timeout
      );
    }, ms);
    opening.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
