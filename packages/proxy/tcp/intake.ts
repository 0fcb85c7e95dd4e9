import type { Clock } from '#runtime/clock';
import { boundReceiveBuffer, freeReceiveBuffer } from '#runtime/net';
import { LIMITS } from '../limits.ts';
import type { Conn } from './splice.ts';

/**
 * How much one read of a connection gives: little, until those who take it have shown that they take it fast. What is read for
 * somebody who stands still waits here, so one read is what each of them costs. Never back from large to small: a window that
 * shrinks makes the kernel of the sender wait for its timers (16 MB/s where 500 were possible).
 */
export class Intake {
  readonly #socket: Conn;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #narrow = true;
  #bytes = 0;
  #sinceMs = 0;

  constructor(socket: Conn, clock: Pick<Clock, 'nowMs'>) {
    this.#socket = socket;
    this.#clock = clock;
    boundReceiveBuffer(socket, LIMITS.narrowReceiveBytes);
  }

  /** So many bytes were read. */
  read(bytes: number): void {
    if (!this.#narrow) return;
    if (this.#bytes === 0) this.#sinceMs = this.#clock.nowMs();
    this.#bytes += bytes;
    if (this.#bytes < LIMITS.provenBytes) return;
    this.#bytes = 0;
    if (this.#clock.nowMs() - this.#sinceMs > LIMITS.provenMs) return;
    this.#narrow = false;
    freeReceiveBuffer(this.#socket);
  }
}
