import { ptr } from 'bun:ffi';
import { closeSync, fchownSync } from 'node:fs';
import { Writable } from 'node:stream';
import { libc } from '../netns/libc.ts';

const O_CLOEXEC = 0o2000000;

function openPipe(): { readFd: number; writeFd: number } {
  const fds = new Int32Array(2);
  if (libc().pipe2(ptr(fds), O_CLOEXEC) !== 0) throw new Error('no pipe could be opened: too many open files?');
  return { readFd: fds[0] ?? -1, writeFd: fds[1] ?? -1 };
}

/** A pipe that a child writes and we read. */
export interface OutputPipe {
  /** For the child's `stdio`; close our copy with `handedOver` once the child is started. */
  readonly childFd: number;
  handedOver(): void;
  /** Settles when all writers are gone and everything has been delivered, or after `stop`. */
  readonly ended: Promise<void>;
  /** Stops reading even if someone still holds the other end. */
  stop(): void;
}

/** Opens a pipe for a child's output; a promise that `output` returns is awaited before more is read. `owner` may open it again by name, e.g. as /dev/stdout. */
export function openOutput(owner: { uid: number; gid: number }, output: (chunk: Uint8Array) => unknown): OutputPipe {
  const { readFd, writeFd } = openPipe();
  fchownSync(writeFd, owner.uid, owner.gid);
  const reader = Bun.file(readFd).stream().getReader();
  const readAll = async (): Promise<void> => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        await output(value);
      }
    } finally {
      closeSync(readFd);
    }
  };
  return {
    childFd: writeFd,
    handedOver: () => closeSync(writeFd),
    ended: readAll(),
    stop: () => void reader.cancel(),
  };
}

/** A pipe that we write and a child reads. */
export interface InputPipe {
  readonly childFd: number;
  handedOver(): void;
  /** Waits for room; fails with EPIPE when the child reads no more. */
  readonly stream: Writable;
}

/** Opens a pipe for a child's input. */
export function openInput(owner: { uid: number; gid: number }): InputPipe {
  const { readFd, writeFd } = openPipe();
  fchownSync(readFd, owner.uid, owner.gid);
  const sink = Bun.file(writeFd).writer();
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const written = async (): Promise<void> => {
        await sink.write(chunk);
        await sink.flush();
      };
      written().then(() => done(), done);
    },
    destroy(error, done) {
      // Ending may report a broken pipe once more; whoever wrote has been told already.
      Promise.resolve(sink.end())
        .catch(() => {})
        .finally(() => {
          closeSync(writeFd);
          done(error);
        });
    },
  });
  return { childFd: readFd, handedOver: () => closeSync(readFd), stream };
}
