/** The client's connection: opened on demand, shared by its calls, and opened again after loss. */
import type { Duplex } from 'node:stream';
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
  /** The one that takes new calls. */
  #current: ClientConnection | undefined;
  /** All that are open: a server that drains keeps its streams while a new connection takes the next calls. */
  readonly #open = new Set<ClientConnection>();
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
    this.#current = undefined;
    this.#failAll(new GrpcError('UNAVAILABLE', CLOSED));
    for (const connection of [...this.#open]) connection.destroy(CLOSED);
  }

  /** Opens waiting calls as far as the connection takes them. */
  #serve(): void {
    const connection = this.#current;
    if (!connection) {
      if (this.#waiting.size > 0 && !this.#isConnecting) this.#connect();
      return;
    }
    for (const call of this.#waiting) {
      if (!connection.isOpen || !connection.http2.canOpen || !call.open(connection)) return;
      this.#waiting.delete(call);
    }
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
        this.#failAll(new GrpcError('UNAVAILABLE', `cannot connect: ${textOf(error)}`, error));
      },
    );
  }

  #connected(socket: Duplex): void {
    this.#isConnecting = false;
    const { keepAlive, windows = CLIENT_WINDOWS } = this.#options;
    const retire = (): void => {
      if (this.#current !== connection) return;
      this.#current = undefined;
      this.#serve();
    };
    const connection: ClientConnection = new Connection<StreamOwner>(
      socket,
      { role: 'client', streamWindow: windows.stream, connectionWindow: windows.connection, keepAlive },
      {
        available: () => this.#serve(),
        goaway: () => {
          connection.finish(false);
          retire();
        },
        closed: () => {
          this.#open.delete(connection);
          retire();
        },
      },
    );
    this.#current = connection;
    this.#open.add(connection);
    this.#serve();
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
