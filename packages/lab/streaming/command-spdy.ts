import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AnyObject } from '#api/kube';
import type { ExecIo, PodRuntime } from '../contract/index.ts';
import { type CommandKind, type CommandOptions, ResizeReader, runCommand } from './command.ts';
import { LIMITS } from './limits.ts';
import { SpdySession, type SpdyStream } from './spdy/index.ts';

/** Serves exec or attach on an upgraded SPDY connection: one stream per `streamtype`. Settles when the connection ended. */
export async function serveCommandSpdy(
  kind: CommandKind,
  pod: AnyObject,
  options: CommandOptions,
  socket: Duplex,
  head: Uint8Array,
  runtime: PodRuntime,
): Promise<void> {
  const streams = new Map<string, SpdyStream>();
  const expected = expectedStreams(options);
  let complete: () => void = () => {};
  const allOpen = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const session = new SpdySession(socket, (stream) => {
    const type = stream.headers['streamtype'] ?? '';
    // Who asks for a terminal and for errors may open a stream for these instead of one for sizes. It stays empty.
    const isExpected = expected.includes(type) || (options.tty && type === 'stderr');
    if (!isExpected || streams.has(type)) return false;
    streams.set(type, stream);
    if (type !== 'stdin') stream.resume();
    if (streams.size === expected.length) complete();
    return {};
  });
  const ended = session.run(head);
  const timer = setTimeout(() => session.close(), LIMITS.streamSetupTimeoutMs);
  const ready = await Promise.race([allOpen.then(() => true), ended.then(() => false)]);
  clearTimeout(timer);
  if (ready) {
    const aborted = new AbortController();
    void ended.then(() => aborted.abort());
    const status = await runCommand(kind, pod, options, ioOf(streams, aborted.signal), runtime);
    await sendOutcome(streams, JSON.stringify(status));
    session.close();
  }
  await ended;
}

const expectedStreams = ({ stdin, stdout, stderr, tty }: CommandOptions): string[] => [
  'error',
  ...(stdin ? ['stdin'] : []),
  ...(stdout ? ['stdout'] : []),
  ...(stderr ? ['stderr'] : []),
  ...(tty ? ['resize'] : []),
];

function ioOf(streams: ReadonlyMap<string, SpdyStream>, signal: AbortSignal): ExecIo {
  const outputs = [streams.get('stdout'), streams.get('stderr')];
  const listeners = new Set<(full: boolean) => void>();
  const tell = (full: boolean): void => {
    for (const listener of listeners) listener(full);
  };
  const write = (stream: SpdyStream | undefined, chunk: Uint8Array): void => {
    if (stream && !stream.destroyed && !stream.writableEnded && !stream.write(chunk)) tell(true);
  };
  const isFree = (): boolean => outputs.every((stream) => !stream?.writableNeedDrain);
  for (const stream of outputs) stream?.on('drain', () => isFree() && tell(false));
  const stdin = streams.get('stdin');
  const resize = streams.get('resize');
  return {
    ...(stdin && { stdin }),
    stdout: (chunk) => write(outputs[0], chunk),
    stderr: (chunk) => write(outputs[1] ?? outputs[0], chunk),
    onResize(listener) {
      const reader = new ResizeReader();
      resize?.on('data', (chunk: Uint8Array) => {
        try {
          for (const { columns, rows } of reader.push(chunk)) listener(columns, rows);
        } catch (error) {
          // What the node's side cannot digest ends this stream, not the process.
          resize.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      });
    },
    onPressure: (listener) => void listeners.add(listener),
    signal,
  };
}

/** Outputs end first, then the error stream tells how it went: clients read until both. */
async function sendOutcome(streams: ReadonlyMap<string, SpdyStream>, status: string): Promise<void> {
  const end = async (stream: SpdyStream | undefined, last?: string): Promise<void> => {
    if (!stream || stream.destroyed) return;
    const closed = once(stream, 'close');
    stream.end(last ?? '');
    await Promise.race([finished(stream, { readable: false }), closed]).catch(() => {
      // The client went away before it heard the outcome.
    });
  };
  await Promise.all([end(streams.get('stdout')), end(streams.get('stderr')), end(streams.get('resize'))]);
  await end(streams.get('error'), status);
}
