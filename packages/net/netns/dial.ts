import { ptr } from 'bun:ffi';
import { closeSync } from 'node:fs';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../limits.ts';
import { inNamespaces } from './enter.ts';
import { ERRNO, libc } from './libc.ts';

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;

const ERROR_NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, number]) => [number, name]));

/** A connection attempt that failed. `code` is an errno name such as `ECONNREFUSED`. */
export class DialError extends Error {
  readonly code: string;

  constructor(target: string, code: string) {
    super(`connect ${code} ${target}`);
    this.name = 'DialError';
    this.code = code;
  }
}

/**
 * Opens a TCP connection to an IPv4 address from inside a network namespace (absent: our own). The socket allows half-open
 * use. Rejects with {@link DialError}. Needs no helper process.
 */
export async function dialIn(
  netPath: string | undefined,
  target: { address: string; port: number; timeoutMs: number; signal?: AbortSignal },
): Promise<Socket> {
  const fd = startConnect(netPath, target);
  const name = `${target.address}:${target.port}`;
  let pauseMs: number = LIMITS.dialPollFirstMs;
  const deadlineMs = Date.now() + target.timeoutMs;
  try {
    for (;;) {
      const state = connectState(fd);
      if (state === 'connected') break;
      if (state !== 'pending') throw new DialError(name, state);
      if (target.signal?.aborted || Date.now() >= deadlineMs) throw new DialError(name, 'ETIMEDOUT');
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LIMITS.dialPollCapMs);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  // Bun adopts an open descriptor here; Node's types know only the constructor's option of that name.
  const socket = connect({ fd, allowHalfOpen: true } as unknown as NetConnectOpts);
  socket.setNoDelay(true);
  return socket;
}

function startConnect(netPath: string | undefined, target: { address: string; port: number }): number {
  const address = ipv4SocketAddress(target.address, target.port);
  return inNamespaces(netPath === undefined ? {} : { net: netPath }, () => {
    const fd = libc().socket(AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) throw new DialError(`${target.address}:${target.port}`, 'EMFILE');
    libc().connect(fd, ptr(address), address.length);
    return fd;
  });
}

function connectState(fd: number): 'connected' | 'pending' | string {
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, ptr(value), ptr(length));
  const error = value[0] ?? 0;
  if (error !== 0) return ERROR_NAMES.get(error) ?? `errno ${error}`;
  const peer = new Uint8Array(16);
  const peerLength = new Uint32Array([16]);
  return libc().getpeername(fd, ptr(peer), ptr(peerLength)) === 0 ? 'connected' : 'pending';
}

/** `struct sockaddr_in` of an IPv4 address in dotted form. */
export function ipv4SocketAddress(address: string, port: number): Uint8Array {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(Number.isInteger(part) && part >= 0 && part <= 255)))
    throw new Error(`not an IPv4 address: ${address}`);
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint16(0, AF_INET, true);
  new DataView(bytes.buffer).setUint16(2, port, false);
  bytes.set(parts, 4);
  return bytes;
}
