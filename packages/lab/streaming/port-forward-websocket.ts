import { Duplex, Writable } from 'node:stream';
import type { AnyObject } from '#api/kube';
import { ApiError, type PodRuntime } from '../contract/index.ts';
import { LIMITS } from './limits.ts';
import { forward } from './port-forward.ts';
import type { WebSocketConnection } from './websocket/index.ts';

/** The ports of the query: `?ports=80&ports=81` or `?ports=80,81`. @throws ApiError BadRequest */
export function portsOf(query: URLSearchParams): number[] {
  const ports = query
    .getAll('ports')
    .flatMap((value) => value.split(','))
    .map(Number);
  if (ports.length === 0) throw ApiError.of('BadRequest', 'query parameter "ports" is required');
  if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    throw ApiError.of(
      'BadRequest',
      `query parameter "ports" must hold ports from 1 to 65535, got ${query.getAll('ports')}`,
    );
  if (ports.length > LIMITS.webSocketPortsMax)
    throw ApiError.of('BadRequest', `at most ${LIMITS.webSocketPortsMax} ports can be forwarded at once`);
  return ports;
}

/** One direction-pair of a WebSocket channel: messages with its number in front. */
class Channel extends Duplex {
  private readonly connection: WebSocketConnection;
  private readonly number: Uint8Array;
  private wanted: (() => void) | undefined;

  constructor(connection: WebSocketConnection, number: number) {
    super({ readableHighWaterMark: LIMITS.streamBufferBytesMax });
    this.connection = connection;
    this.number = Uint8Array.of(number);
    // The end is told by 'close'.
    this.on('error', () => {});
  }

  async receive(bytes: Uint8Array): Promise<void> {
    if (this.destroyed || bytes.length === 0 || this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.wanted = resolve;
    });
  }

  override _read(): void {
    this.wanted?.();
    this.wanted = undefined;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.connection
      .send(this.number, chunk)
      .then((sent) => done(sent ? null : new Error('the WebSocket is closed')), done);
  }

  /** Channels have no half-close: when the pod's side ends, the client's end is of no use any more. */
  override _final(done: (error?: Error | null) => void): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    done(error);
  }
}

/**
 * Serves port-forward on WebSocket channels: port i has data on channel 2i and errors on 2i+1, each led by the port as two bytes,
 * little-endian. The connection ends when all forwarded connections did.
 */
export async function servePortForwardWebSocket(
  pod: AnyObject,
  ports: readonly number[],
  connection: WebSocketConnection,
  head: Uint8Array,
  runtime: PodRuntime,
): Promise<void> {
  const channels = ports.map((_port, at) => new Channel(connection, 2 * at));
  const forwarded = ports.map(async (port, at) => {
    const lead = Uint8Array.of(port & 0xff, port >> 8);
    const data = channels[at]!;
    await connection.send(Uint8Array.of(2 * at), lead);
    await connection.send(Uint8Array.of(2 * at + 1), lead);
    await forward(pod, { port, data, error: errorChannel(connection, 2 * at + 1) }, runtime);
  });
  void Promise.allSettled(forwarded).then(() => connection.close());
  for await (const message of connection.messages(head)) {
    const channel = message[0] ?? 1;
    if (channel % 2 === 0) await channels[channel / 2]?.receive(message.subarray(1));
  }
  for (const channel of channels) channel.destroy();
}

const errorChannel = (connection: WebSocketConnection, number: number): Writable =>
  new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      connection.send(Uint8Array.of(number), chunk).then(() => done(), done);
    },
  });
