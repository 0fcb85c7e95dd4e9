/**
 * TUN devices: a network interface whose packets a program reads and writes. Blocking by design: a program that does nothing but
 * move packets waits in the kernel instead of an event loop.
 */
import { ptr } from 'bun:ffi';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { libc } from '../netns/libc.ts';

const DEVICE_FILE = '/dev/net/tun';
const TUNSETIFF = 0x4004_54ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
const POLLIN = 0x0001;

/** Somebody has removed the interface. */
export class TunGoneError extends Error {
  override readonly name = 'TunGoneError';
}

/** One interface, held by a descriptor: it goes when that is closed. */
export interface Tun {
  /** Reads one packet and gives its length; undefined when none waits. @throws TunGoneError */
  read(into: Uint8Array): number | undefined;
  /** Gives a packet to the kernel as received. False when the kernel did not take it, as when the interface is down. */
  write(packet: Uint8Array): boolean;
  /** Waits until a packet can be read, at most `timeoutMs` (-1: without end); false when none came. */
  wait(timeoutMs: number): boolean;
  close(): void;
}

/** Makes an interface of that name (15 letters at most) in the caller's network namespace. It is down and has no address. */
export function openTun(name: string): Tun {
  const fd = openSync(DEVICE_FILE, constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name.slice(0, IFNAMSIZ - 1));
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFNAMSIZ);
  if (libc().ioctl(fd, TUNSETIFF, ptr(request)) !== 0) {
    closeSync(fd);
    throw new Error(`interface ${name} could not be made: is there one of this name, and is this process root?`);
  }
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(fd, 0);
  return {
    read: (into) => tried(() => readSync(fd, into), 'EAGAIN'),
    write: (packet) => tried(() => writeSync(fd, packet), 'EAGAIN', 'EIO', 'EINVAL') !== undefined,
    wait(timeoutMs) {
      pollfd.writeInt16LE(POLLIN, 4);
      return libc().poll(ptr(pollfd), 1, timeoutMs) > 0;
    },
    close: () => closeSync(fd),
  };
}

/** The result of a system call; undefined for the errors that are no news. */
function tried(call: () => number, ...quiet: readonly string[]): number | undefined {
  try {
    return call();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (quiet.includes(code)) return undefined;
    throw code === 'EBADFD' ? new TunGoneError('the interface was removed') : error;
  }
}
