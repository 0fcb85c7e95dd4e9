/** One connection to a face: what is sent, and everything that comes back until nothing more does. */
import type { Socket } from 'node:net';

export interface Heard {
  readonly bytes: Buffer;
  /** How the peer ended the connection; `no`: it stays open. */
  readonly closed: 'no' | 'ended' | 'reset';
  /** Nothing came in time and we ended our side: whether the close came only after that. */
  readonly afterOurEnd: boolean;
}

export interface TalkOptions {
  readonly writes: readonly Buffer[];
  /** Whether what was heard so far answers all that was asked. */
  readonly answered: (heard: Buffer) => boolean;
  /** With nothing answered: how long until we end our side. */
  readonly quietMs?: number;
  /** Called with each chunk; what it returns is sent. */
  readonly reply?: (chunk: Buffer) => Buffer | undefined;
}

/** Between two writes, so that they arrive apart. */
const GAP_MS = 2;
/** When all is answered: how long a further word is waited for. */
const SETTLE_MS = 10;
const QUIET_MS = 300;
/** Where an answer must come, a busy machine may take longer. */
export const ANSWER_MS = 5_000;
/** After that, how long the peer may take to end its side. */
const END_MS = 3_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects when there is no connection at all. */
export async function talk(
  socket: Socket,
  { writes, answered, reply, quietMs = QUIET_MS }: TalkOptions,
): Promise<Heard> {
  const chunks: Buffer[] = [];
  let closed: Heard['closed'] = 'no';
  let connected = false;
  let failure: Error | undefined;
  /** Held back while a frame may be half sent. */
  const replies: Buffer[] = [];
  let allSent = false;
  let wake = () => {};
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    const answer = reply?.(chunk);
    if (answer && answer.length > 0) replies.push(answer);
    if (allSent) sendReplies();
    wake();
  });
  socket.on('end', () => {
    if (closed === 'no') closed = 'ended';
    wake();
  });
  socket.on('error', (error) => {
    failure = error;
    closed = 'reset';
    wake();
  });
  socket.on('close', () => {
    if (closed === 'no') closed = 'ended';
    wake();
  });
  const waitFor = async (ms: number, done: () => boolean): Promise<boolean> => {
    for (const deadlineMs = performance.now() + ms; !done(); ) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  };
  const over = () => closed !== 'no';
  const sendReplies = () => {
    for (const each of replies.splice(0)) if (!socket.destroyed) socket.write(each);
  };
  for (const [index, bytes] of writes.entries()) {
    if (index > 0) await sleep(GAP_MS);
    if (over()) break;
    socket.write(bytes);
  }
  allSent = true;
  sendReplies();
  const heard = () => Buffer.concat(chunks);
  let afterOurEnd = false;
  if (await waitFor(quietMs, () => over() || answered(heard()))) await waitFor(SETTLE_MS, over);
  else {
    afterOurEnd = true;
    socket.end();
    await waitFor(END_MS, over);
  }
  socket.destroy();
  if (failure && !connected && chunks.length === 0 && !('encrypted' in socket))
    throw new Error(`no connection: ${failure.message}`);
  return { bytes: heard(), closed, afterOurEnd };
}
