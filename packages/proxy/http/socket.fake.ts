import { EventEmitter } from 'node:events';
import type { Conn } from '../tcp/index.ts';

/** A socket whose other end is a script: what is written stands in `writes`, and `receive` is what the peer sends. */
export class FakeSocket extends EventEmitter {
  readonly remotePort = 40_000;
  readonly writes: string[] = [];
  /** What `write` gives. */
  room = true;
  /** What became of it: said its end, closed, reset. */
  state: 'open' | 'ended' | 'closed' | 'reset' = 'open';
  paused = true;
  readableEnded = false;
  #finished: (() => void) | undefined;

  get conn(): Conn {
    return this as unknown as Conn;
  }

  get writable(): boolean {
    return this.state === 'open';
  }

  /** Whether any of it is still in the socket, which is all that users ask. */
  get writableLength(): number {
    return this.room ? 0 : 1;
  }

  /** Everything written since the last call. */
  take(): string {
    return this.writes.splice(0).join('');
  }

  receive(text: string): void {
    this.emit('data', Buffer.from(text, 'latin1'));
  }

  /** The peer sends no more. */
  receiveEnd(): void {
    this.readableEnded = true;
    this.emit('end');
  }

  write(bytes: Buffer): boolean {
    this.writes.push(bytes.toString('latin1'));
    return this.room;
  }

  drain(): void {
    this.room = true;
    this.#finished?.();
    this.#finished = undefined;
    this.emit('drain');
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** `done`: called when the peer has taken everything. */
  end(done?: () => void): void {
    if (this.state !== 'open') return;
    this.state = 'ended';
    if (this.room) done?.();
    else this.#finished = done;
  }

  destroy(): void {
    if (this.state === 'reset' || this.state === 'closed') return;
    this.state = 'closed';
    this.emit('close');
  }

  resetAndDestroy(): void {
    this.destroy();
    this.state = 'reset';
  }
}
