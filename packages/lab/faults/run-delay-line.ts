import { openTun, TunGoneError } from '#net/tun';
import { type DelayedPair, DelayLine } from './delay-line.ts';
import { LIMITS } from './limits.ts';

/** What the process is told. */
export interface DelayLineConfig {
  /** Name of its interface. */
  device: string;
  pairs: readonly DelayedPair[];
}

/**
 * Passes packets on later than they came, until its interface is removed. Waits in the kernel, not in an event loop: nothing else
 * runs in this process.
 */
export function runDelayLine({ device, pairs }: DelayLineConfig, ready: () => void): void {
  const tun = openTun(device);
  const line = new DelayLine(pairs, Math.random);
  const buffer = new Uint8Array(LIMITS.packetBytesMax);
  const send = (packet: Uint8Array): void => void tun.write(packet);
  ready();
  try {
    for (;;) {
      line.release(performance.now(), send);
      const dueMs = line.nextDueMs();
      if (!tun.wait(dueMs === undefined ? -1 : Math.max(0, Math.ceil(dueMs - performance.now())))) continue;
      const length = tun.read(buffer);
      if (length === undefined) continue;
      const packet = buffer.subarray(0, length);
      if (!line.push(packet, performance.now())) send(packet);
    }
  } catch (error) {
    if (!(error instanceof TunGoneError)) throw error;
  } finally {
    tun.close();
  }
}
