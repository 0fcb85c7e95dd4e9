import { afterHearing, type Clock } from '#runtime/clock';
import type { Conn } from '../tcp/index.ts';

/** What came of looking at the first bytes; `bytes` are all that were read and must be passed on. */
export type Peeked<T> =
  | { kind: 'decided'; value: T; bytes: Buffer }
  /** The time or the bytes allowed for it are used up. */
  | { kind: 'timeout' | 'full'; bytes: Buffer }
  /** The peer ended its side (`ended`) or the connection broke before a decision. */
  | { kind: 'ended'; bytes: Buffer }
  | { kind: 'broken'; errno: string };

export interface PeekOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Bytes that are known already. */
  readonly first: Buffer;
}

/**
 * Reads until `decide` gives an answer. Afterwards the socket is paused and has no listeners of ours but one that keeps late
 * errors from being thrown; whoever takes over resumes it.
 */
export function peek<T>(
  socket: Conn,
  options: PeekOptions,
  decide: (bytes: Buffer) => T | undefined,
  done: (result: Peeked<T>) => void,
): void {
  let bytes = options.first;
  const early = bytes.length > 0 ? decide(bytes) : undefined;
  if (early !== undefined) {
    done({ kind: 'decided', value: early, bytes });
    return;
  }
  const finish = (result: Peeked<T>): void => {
    timer.cancel();
    socket.pause();
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('error', onError);
    socket.off('close', onClose);
    done(result);
  };
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const value = decide(bytes);
    if (value !== undefined) finish({ kind: 'decided', value, bytes });
    else if (bytes.length >= options.bytesMax) finish({ kind: 'full', bytes });
  };
  const onEnd = (): void => finish({ kind: 'ended', bytes });
  const onError = (error: NodeJS.ErrnoException): void =>
    finish({ kind: 'broken', errno: error.code ?? error.message });
  const onClose = (): void => finish({ kind: 'broken', errno: '' });
  const timer = afterHearing(options.clock, options.timeoutMs, () => finish({ kind: 'timeout', bytes }));
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.resume();
}
