import { PassThrough } from 'node:stream';
import type { AnyObject } from '#api/kube';
import type { ExecIo, PodRuntime } from '../contract/index.ts';
import { type CommandKind, type CommandOptions, ResizeReader, runCommand } from './command.ts';
import { drained } from './drained.ts';
import { CLOSE, type WebSocketConnection } from './websocket/index.ts';

/** Channels of `v4.channel.k8s.io` and `v5.channel.k8s.io`: the first byte of each message. */
const CHANNELS = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

const prefix = (channel: number): Uint8Array => Uint8Array.of(channel);

/** Serves exec or attach on a WebSocket with channels. Settles when the connection ended. */
export async function serveCommandWebSocket(
  kind: CommandKind,
  pod: AnyObject,
  options: CommandOptions,
  connection: WebSocketConnection,
  head: Uint8Array,
  runtime: PodRuntime,
): Promise<void> {
  const stdin = new PassThrough();
  // The program may stop reading before the client stops sending.
  stdin.on('error', () => {});
  if (!options.stdin) stdin.end();
  const aborted = new AbortController();
  const resize = new ResizeListeners();
  const reading = readChannels(connection, head, stdin, resize)
    // What the node's side cannot digest ends this connection, not the process.
    .catch((error) => connection.close(CLOSE.internalError, String(error)))
    .finally(() => {
      stdin.end();
      aborted.abort();
    });
  const status = await runCommand(
    kind,
    pod,
    options,
    ioOf(options, connection, stdin, resize, aborted.signal),
    runtime,
  );
  await connection.send(prefix(CHANNELS.error), Buffer.from(JSON.stringify(status)));
  connection.close(CLOSE.normal);
  stdin.destroy();
  await reading;
}

class ResizeListeners {
  private readonly reader = new ResizeReader();
  private readonly listeners = new Set<(columns: number, rows: number) => void>();
  private last: { columns: number; rows: number } | undefined;

  /** Hears the size that came before too. */
  add(listener: (columns: number, rows: number) => void): void {
    this.listeners.add(listener);
    if (this.last) listener(this.last.columns, this.last.rows);
  }

  push(chunk: Uint8Array): void {
    for (const size of this.reader.push(chunk)) {
      this.last = size;
      for (const listener of this.listeners) listener(size.columns, size.rows);
    }
  }
}

async function readChannels(
  connection: WebSocketConnection,
  head: Uint8Array,
  stdin: PassThrough,
  resize: ResizeListeners,
): Promise<void> {
  for await (const message of connection.messages(head)) {
    const [channel, second] = message;
    if (channel === CHANNELS.resize) resize.push(message.subarray(1));
    else if (channel === CHANNELS.close && second === CHANNELS.stdin) stdin.end();
    else if (channel === CHANNELS.stdin && message.length > 1 && !stdin.writableEnded && !stdin.destroyed) {
      if (!stdin.write(message.subarray(1))) await drained(stdin);
    }
  }
}

function ioOf(
  options: CommandOptions,
  connection: WebSocketConnection,
  stdin: PassThrough,
  resize: ResizeListeners,
  signal: AbortSignal,
): ExecIo {
  const listeners = new Set<(full: boolean) => void>();
  const tell = (full: boolean): void => {
    for (const listener of listeners) listener(full);
  };
  connection.onDrain(() => tell(false));
  const write = (channel: number, chunk: Uint8Array): void => {
    if (!connection.closed && !connection.sendNow(prefix(channel), chunk)) tell(true);
  };
  return {
    ...(options.stdin && { stdin }),
    stdout: (chunk) => write(CHANNELS.stdout, chunk),
    stderr: (chunk) => write(options.stderr ? CHANNELS.stderr : CHANNELS.stdout, chunk),
    onResize: (listener) => resize.add(listener),
    onPressure: (listener) => void listeners.add(listener),
    signal,
  };
}
