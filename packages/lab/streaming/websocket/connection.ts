import { Duplex } from 'node:stream';
import { drained } from '../drained.ts';
import { endSoon } from '../end-soon.ts';
import { CLOSE, closePayload, encodeFrame, OPCODES, WebSocketDecoder, WebSocketError } from './frames.ts';

/** The server's side of a WebSocket after its handshake. */
export class WebSocketConnection {
  private readonly socket: Duplex;
  private readonly decoder = new WebSocketDecoder();
  private closing = false;

  constructor(socket: Duplex) {
    this.socket = socket;
  }

  /** Text and binary messages until either side closes. Pings are answered, breaches of the protocol end the connection. */
  async *messages(head: Uint8Array): AsyncGenerator<Uint8Array> {
    try {
      yield* this.decode(head);
      for await (const chunk of this.socket) {
        yield* this.decode(chunk as Uint8Array);
        if (this.closing) return;
      }
    } catch (error) {
      this.close(error instanceof WebSocketError ? error.code : CLOSE.internalError, String(error));
    } finally {
      this.close(CLOSE.normal);
    }
  }

  /** Sends one binary message, given in parts. Settles when the network takes it; false once the connection is closed. */
  async send(...parts: readonly Uint8Array[]): Promise<boolean> {
    if (this.closed) return false;
    if (this.socket.write(encodeFrame(OPCODES.binary, ...parts))) return true;
    await drained(this.socket);
    return !this.closed;
  }

  /** Sends one binary message without waiting: true while the network keeps up. */
  sendNow(...parts: readonly Uint8Array[]): boolean {
    return !this.closed && this.socket.write(encodeFrame(OPCODES.binary, ...parts));
  }

  /** Calls back when the network keeps up again. */
  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  /** Says goodbye and ends the connection after what was sent. */
  close(code: number = CLOSE.normal, reason = ''): void {
    if (this.closed) return;
    this.closing = true;
    this.socket.end(encodeFrame(OPCODES.close, closePayload(code, reason)));
    endSoon(this.socket);
  }

  get closed(): boolean {
    return this.closing || this.socket.destroyed || this.socket.writableEnded;
  }

  private *decode(chunk: Uint8Array): Generator<Uint8Array> {
    for (const { kind, data } of this.decoder.push(chunk)) {
      if (kind === 'ping' && !this.closed) this.socket.write(encodeFrame(OPCODES.pong, data));
      if (kind === 'close') return this.close(data.length >= 2 ? (data[0]! << 8) | data[1]! : CLOSE.normal);
      if (kind === 'binary' || kind === 'text') yield data;
    }
  }
}

/** The bytes of a WebSocket's binary messages as one byte stream, e.g. SPDY inside WebSocket. */
export class WebSocketBytes extends Duplex {
  private readonly connection: WebSocketConnection;
  private wanted: (() => void) | undefined;

  constructor(connection: WebSocketConnection, head: Uint8Array) {
    super();
    this.connection = connection;
    // The end of the tunnel is told by 'close'.
    this.on('error', () => {});
    void this.pump(head);
  }

  override _read(): void {
    this.wanted?.();
    this.wanted = undefined;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.connection.send(chunk).then((sent) => done(sent ? null : new Error('the WebSocket is closed')), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.connection.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    this.connection.close();
    done(error);
  }

  private async pump(head: Uint8Array): Promise<void> {
    for await (const message of this.connection.messages(head)) {
      if (this.destroyed) return;
      if (this.push(message)) continue;
      await new Promise<void>((resolve) => {
        this.wanted = resolve;
      });
    }
    if (!this.destroyed) this.push(null);
  }
}
