import type { Duplex } from 'node:stream';
import { LIMITS } from './limits.ts';

/** Cuts a connection that we ended if its peer does not end it too within {@link LIMITS.closeLingerMs}. */
export function endSoon(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LIMITS.closeLingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
