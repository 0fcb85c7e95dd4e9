import { createHash, randomBytes } from 'node:crypto';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { ApiError } from '../client/errors.ts';
import { LIMITS } from '../client/limits.ts';
import { query, resourcePath } from '../client/paths.ts';
import type { ServerAccess } from '../client/session.ts';
import { encodeFrame, FrameDecoder, OPCODE } from './websocket.ts';

export interface ForwardTarget {
  namespace: string;
  pod: string;
  /** Port inside the pod's network namespace. */
  port: number;
}

export interface LocalForward {
  /** On 127.0.0.1. */
  port: number;
  close(): void;
}

/** Channels of `v4.channel.k8s.io` for the one port that we ask for. Each begins with the port, two bytes, little endian. */
const DATA_CHANNEL = 0;
const ERROR_CHANNEL = 1;
const PROTOCOL = 'v4.channel.k8s.io';
/** How long a closing connection may take to flush. */
const GOODBYE_MS = 1_000;
const HANDSHAKE_BYTES_MAX = 64 * 1024;
/** RFC 6455 section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A byte stream to a pod's port. Fails with what the node said when nothing listens there. */
export async function openForward(access: ServerAccess, target: ForwardTarget): Promise<Duplex> {
  const server = new URL(access.server);
  const path =
    server.pathname.replace(/\/$/, '') +
    resourcePath(
      { group: '', version: 'v1', resource: 'pods' },
      { namespace: target.namespace, name: target.pod, subresource: 'portforward' },
    ) +
    query({ ports: target.port });
  const socket = await dial(server, access);
  try {
    const rest = await upgrade(socket, server, path, await access.headers());
    return new ForwardStream(socket, rest);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Listens on a loopback port; each connection becomes a stream of its own to the pod. */
export async function listenForward(
  access: ServerAccess,
  target: ForwardTarget,
  onError: (error: Error) => void = () => {},
): Promise<LocalForward> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    openForward(access, target).then(
      (stream) => {
        stream.on('error', (error) => {
          onError(error);
          socket.destroy();
        });
        stream.on('close', () => socket.destroy());
        socket.on('close', () => stream.destroy());
        socket.pipe(stream).pipe(socket);
      },
      (error: Error) => {
        onError(error);
        socket.destroy();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Uses a loopback port that leads into a pod; when that fails, what the forwarding failed with is thrown before what it led to. */
export async function throughForward<T>(
  access: ServerAccess,
  target: ForwardTarget,
  use: (port: number) => Promise<T>,
): Promise<T> {
  let failure: Error | undefined;
  const forward = await listenForward(access, target, (error) => {
    failure = error;
  });
  try {
    return await use(forward.port);
  } catch (error) {
    throw failure ?? error;
  } finally {
    forward.close();
  }
}

async function dial(server: URL, access: ServerAccess): Promise<Socket> {
  const secure = server.protocol === 'https:';
  const host = server.hostname.replace(/^\[|\]$/g, '');
  const port = Number(server.port || (secure ? 443 : 80));
  const { version: _, ...tls } = await access.tls();
  return new Promise((resolve, reject) => {
    const socket = secure
      ? connectTls({ host, port, ALPNProtocols: ['http/1.1'], ...tls }, () => done())
      : connectTcp({ host, port }, () => done());
    const timer = setTimeout(() => socket.destroy(new Error('connect timed out')), LIMITS.connectTimeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(new Error(`cannot reach the API server ${server.origin}: ${error.message}`, { cause: error }));
    };
    const done = (): void => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      resolve(socket);
    };
    socket.once('error', fail);
  });
}

/** Sends the upgrade request and resolves with the bytes that came after the answer's head. */
function upgrade(
  socket: Socket,
  server: URL,
  path: string,
  headers: Record<string, string | string[]>,
): Promise<Buffer> {
  const key = randomBytes(16).toString('base64');
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${server.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
  ];
  for (const [name, value] of Object.entries(headers))
    for (const each of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${each}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const accept = createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
  return readHead(socket).then(({ status, head, rest }) => {
    if (status !== 101) throw ApiError.fromResponse(status, rest.toString('utf8'));
    if (!head.toLowerCase().includes(`sec-websocket-accept: ${accept.toLowerCase()}`))
      throw new Error('port-forward: the server did not accept the websocket key');
    return rest;
  });
}

function readHead(socket: Socket): Promise<{ status: number; head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => finish(new Error('port-forward: no answer in time')), LIMITS.requestTimeoutMs);
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeListener('data', onData);
      socket.removeListener('error', finish);
      socket.removeListener('close', onClose);
      socket.pause();
      const end = received.indexOf('\r\n\r\n');
      if (error || end < 0) {
        reject(error ?? new Error('port-forward: the answer has no end'));
        return;
      }
      const head = received.subarray(0, end).toString('latin1');
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
      resolve({ status, head, rest: received.subarray(end + 4) });
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\r\n\r\n');
      if (received.length > HANDSHAKE_BYTES_MAX) finish(new Error('port-forward: the answer is too long'));
      if (end < 0 || received.length > HANDSHAKE_BYTES_MAX) return;
      const length = /content-length: (\d+)/i.exec(received.subarray(0, end).toString('latin1'))?.[1];
      // A refusal explains itself in its body; wait for it.
      if (length === undefined || received.length >= end + 4 + Number(length)) finish();
    };
    const onClose = (): void =>
      finish(received.includes('\r\n\r\n') ? undefined : new Error('port-forward: connection closed'));
    socket.on('data', onData);
    socket.on('error', finish);
    socket.on('close', onClose);
  });
}

class ForwardStream extends Duplex {
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  #skip = [2, 2];
  #error = '';

  constructor(socket: Socket, first: Buffer) {
    super();
    this.#socket = socket;
    this.#decoder = new FrameDecoder({
      message: (payload) => this.#message(payload),
      control: (opcode, payload) => this.#control(opcode, payload),
    });
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.#ended());
    socket.on('drain', () => this.emit('forward-drain'));
    if (first.length > 0) this.#received(first);
    socket.resume();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const payload = Buffer.allocUnsafe(chunk.length + 1);
    payload[0] = DATA_CHANNEL;
    payload.set(chunk, 1);
    if (this.#socket.write(encodeFrame(OPCODE.binary, payload, randomBytes(4)))) callback();
    else this.once('forward-drain', callback);
  }

  override _final(callback: () => void): void {
    // The protocol has no half-close: a close would cut off the answer. The peer closes when it is done.
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // Say goodbye, but wait for nobody: a peer that does not hang up must not keep this process alive.
    const socket = this.#socket;
    socket.end(encodeFrame(OPCODE.close, Buffer.alloc(0), randomBytes(4)), () => socket.destroy());
    socket.unref();
    setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
    callback(error);
  }

  #received(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #message(payload: Buffer): void {
    const channel = payload[0] ?? 0;
    const skip = Math.min(this.#skip[channel] ?? 0, payload.length - 1);
    this.#skip[channel] = (this.#skip[channel] ?? 0) - skip;
    const data = payload.subarray(1 + skip);
    if (data.length === 0) return;
    if (channel === ERROR_CHANNEL) this.#error += data.toString('utf8');
    else if (channel === DATA_CHANNEL && !this.push(data)) this.#socket.pause();
    if (this.#error) this.destroy(new Error(`port-forward: ${this.#error}`));
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#socket.write(encodeFrame(OPCODE.pong, payload, randomBytes(4)));
    if (opcode === OPCODE.close) this.#ended();
  }

  #ended(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null);
  }
}
