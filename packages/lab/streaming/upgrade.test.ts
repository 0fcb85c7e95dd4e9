import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, test } from 'node:test';
import { constants, createDeflate } from 'node:zlib';
import type { AnyObject } from '#api/kube';
import { ApiError, type ExecIo, type PodRuntime } from '../contract/index.ts';
import { handleUpgrade, type StreamingKind } from './index.ts';
import { encodeData, encodePing, encodeSynStream, SpdyDecoder, type SpdyFrame } from './spdy/frames.ts';
import { DICTIONARY, encodeHeaders } from './spdy/headers.ts';
import { clientFrame } from './websocket/client.fake.ts';

const pod: AnyObject = {
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { containers: [{ name: 'main' }] },
};

let aborted = (): void => {};

/** A runtime whose `exec` is a little shell of one command, and whose pod echoes on port 80. */
const runtime: PodRuntime = {
  logs: async () => {},
  attach: async (_pod, _options, io) => {
    io.stdout(Buffer.from('attached'));
    return { exitCode: 0 };
  },
  async exec(_pod, { command, tty }, io) {
    const [name, argument] = command;
    if (name === 'exit') return { exitCode: Number(argument) };
    if (name === 'missing') throw ApiError.of('InternalError', 'no such program');
    if (name === 'wait') {
      await once(io.signal, 'abort');
      aborted();
      return { exitCode: 0 };
    }
    if (name === 'size') return { exitCode: await firstResize(io) };
    if (name === 'flood') {
      for (let at = 0; at < 200; at++) io.stdout(Buffer.alloc(10_000, 'x'));
      return { exitCode: 0 };
    }
    io.stderr(Buffer.from(tty ? '' : 'err'));
    for await (const chunk of io.stdin ?? []) io.stdout(Buffer.from(String(chunk).toUpperCase()));
    return { exitCode: 0 };
  },
  async dial(_pod, port) {
    if (port !== 80) throw new Error(`connect ECONNREFUSED 127.0.0.1:${port}`);
    const wire = new PassThrough();
    return wire;
  },
};
const firstResize = (io: ExecIo): Promise<number> =>
  new Promise((resolve) => io.onResize?.((columns, rows) => resolve(columns + rows)));

let server: Server | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** Serves one kind of upgrade and opens a client connection with these request headers. */
async function open(kind: StreamingKind, query: string, headers: readonly string[]): Promise<Socket> {
  server = createServer();
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const url = new URL(request.url ?? '', 'http://x');
    void handleUpgrade(kind, { pod, query: url.searchParams }, request, socket, head, runtime);
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.write([`POST /x?${query} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', ...headers, '', ''].join('\r\n'));
  return socket;
}

async function readUntil(socket: Socket, isDone: (bytes: Buffer) => boolean): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (!isDone(bytes)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
  }
  return bytes;
}

const END_OF_HEAD = '\r\n\r\n';
async function headOf(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  const bytes = await readUntil(socket, (all) => all.includes(END_OF_HEAD));
  const end = bytes.indexOf(END_OF_HEAD) + 4;
  return { head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end) };
}

/** A SPDY client over some transport: opens streams, gathers what comes back by stream. */
class SpdyClient {
  readonly text = new Map<number, string>();
  readonly ended = new Set<number>();
  readonly others: SpdyFrame[] = [];
  private readonly decoder = new SpdyDecoder();
  private readonly deflate = createDeflate({ dictionary: Buffer.from(DICTIONARY), flush: constants.Z_SYNC_FLUSH });
  private readonly send: (frame: Uint8Array) => void;
  private readonly pieces: Buffer[] = [];
  private changed: () => void = () => {};

  constructor(send: (frame: Uint8Array) => void) {
    this.send = send;
    this.deflate.on('data', (piece: Buffer) => this.pieces.push(piece));
  }

  receive(bytes: Uint8Array): void {
    for (const frame of this.decoder.push(bytes)) {
      if (frame.type === 'data') {
        this.text.set(frame.streamId, (this.text.get(frame.streamId) ?? '') + Buffer.from(frame.bytes).toString());
        if (frame.fin) this.ended.add(frame.streamId);
      } else this.others.push(frame);
    }
    this.changed();
  }

  async open(streamId: number, headers: Record<string, string>): Promise<void> {
    await new Promise<void>((done) => this.deflate.write(encodeHeaders(headers), () => done()));
    this.send(encodeSynStream(streamId, Buffer.concat(this.pieces.splice(0))));
  }

  data(streamId: number, text: string, fin = false): void {
    this.send(encodeData(streamId, Buffer.from(text), fin));
  }

  ping(id: number): void {
    this.send(encodePing(id));
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone())
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
  }
}

async function spdy(
  kind: StreamingKind,
  query: string,
  protocol: string,
): Promise<{ client: SpdyClient; socket: Socket; head: string }> {
  const socket = await open(kind, query, [
    'Upgrade: SPDY/3.1',
    `X-Stream-Protocol-Version: ${protocol}`,
    'X-Stream-Protocol-Version: v3.channel.k8s.io',
  ]);
  const { head, rest } = await headOf(socket);
  const client = new SpdyClient((frame) => socket.write(frame));
  client.receive(rest);
  socket.on('data', (chunk: Buffer) => client.receive(chunk));
  return { client, socket, head };
}

interface WebSocketClient {
  head: string;
  socket: Socket;
  /** Payloads of binary messages so far. */
  messages: Buffer[];
  send(...bytes: number[]): void;
  until(isDone: () => boolean): Promise<void>;
  closed: Promise<unknown>;
}

async function webSocket(kind: StreamingKind, query: string, protocols: string): Promise<WebSocketClient> {
  const socket = await open(kind, query, [
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${protocols}`,
  ]);
  const { head, rest } = await headOf(socket);
  const messages: Buffer[] = [];
  let pending = Buffer.alloc(0);
  let changed = (): void => {};
  const take = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = serverFrame(pending); frame; frame = serverFrame(pending)) {
      if (frame.opcode === 2) messages.push(frame.payload);
      pending = pending.subarray(frame.bytes);
    }
    changed();
  };
  take(rest);
  socket.on('data', take);
  return {
    head,
    socket,
    messages,
    send: (...bytes) => void socket.write(clientFrame(2, Uint8Array.from(bytes))),
    async until(isDone) {
      while (!isDone())
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
    },
    closed: once(socket, 'close'),
  };
}

function serverFrame(bytes: Buffer): { opcode: number; payload: Buffer; bytes: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (bytes.length < 2 + extended) return undefined;
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = 2 + extended + length;
  return bytes.length < end
    ? undefined
    : { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(2 + extended, end), bytes: end };
}

const ascii = (text: string): number[] => [...Buffer.from(text)];
const channelText = (client: WebSocketClient, channel: number): string =>
  client.messages
    .filter((message) => message[0] === channel)
    .map((message) => message.toString('utf8', 1))
    .join('');
const V4 = 'v4.channel.k8s.io';
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';

test('exec over SPDY: streams in, streams out, success on the error stream, then the end', async () => {
  const { client, socket, head } = await spdy('exec', 'command=upper&stdin=true&stdout=true&stderr=true', V4);
  assert.match(head, /^HTTP\/1\.1 101 .*\r\n/);
  assert.match(head, /X-Stream-Protocol-Version: v4\.channel\.k8s\.io/);
  for (const [at, streamtype] of ['error', 'stdin', 'stdout', 'stderr'].entries())
    await client.open(2 * at + 1, { streamtype });
  client.data(3, 'hello ');
  client.data(3, 'there', true);
  await client.until(() => client.ended.has(1));
  assert.deepEqual([client.text.get(5), client.text.get(7)], ['HELLO THERE', 'err']);
  assert.deepEqual(JSON.parse(client.text.get(1) ?? ''), { metadata: {}, status: 'Success' });
  await once(socket, 'close');
});

test('exec over SPDY: with a terminal, a stream for errors may stand in for that of sizes, and stays empty', async () => {
  const { client } = await spdy('exec', 'command=upper&stdin=true&stdout=true&stderr=true&tty=true', V4);
  for (const [at, streamtype] of ['error', 'stdin', 'stdout', 'stderr'].entries())
    await client.open(2 * at + 1, { streamtype });
  client.data(3, 'hello', true);
  await client.until(() => client.ended.has(1));
  assert.deepEqual([client.text.get(5), client.text.get(7) ?? ''], ['HELLO', '']);
  assert.equal(JSON.parse(client.text.get(1) ?? '').status, 'Success');
});

test('exec over SPDY: an exit code comes as a cause, a failed start as an internal error', async () => {
  for (const [command, reason] of [
    ['command=exit&command=3', 'NonZeroExitCode'],
    ['command=missing', 'InternalError'],
  ] as const) {
    const { client } = await spdy('exec', `${command}&stdout=true`, V4);
    await client.open(1, { streamtype: 'error' });
    await client.open(3, { streamtype: 'stdout' });
    await client.until(() => client.ended.has(1));
    const status = JSON.parse(client.text.get(1) ?? '');
    assert.deepEqual([status.status, status.reason], ['Failure', reason]);
    if (reason === 'NonZeroExitCode') assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '3' }]);
    else assert.match(status.message, /no such program/);
  }
});

test('exec over SPDY: the terminal size reaches the program, pings come back', async () => {
  const { client } = await spdy('exec', 'command=size&stdin=true&stdout=true&tty=true', V4);
  for (const [at, streamtype] of ['error', 'stdin', 'stdout', 'resize'].entries())
    await client.open(2 * at + 1, { streamtype });
  client.ping(1);
  client.data(7, '{"Width":80,');
  client.data(7, '"Height":24}\n');
  await client.until(() => client.ended.has(1));
  assert.equal(JSON.parse(client.text.get(1) ?? '').details.causes[0].message, '104');
  assert.ok(client.others.some((frame) => frame.type === 'ping' && frame.id === 1));
});

test('a client that goes away ends the program', async () => {
  const { client, socket } = await spdy('exec', 'command=wait&stdout=true', V4);
  await client.open(1, { streamtype: 'error' });
  await client.open(3, { streamtype: 'stdout' });
  await client.until(() => client.others.filter((frame) => frame.type === 'synReply').length === 2);
  const ended = new Promise<void>((done) => {
    aborted = done;
  });
  socket.destroy();
  await ended;
});

test('more output than the network takes arrives whole', async () => {
  const { client } = await spdy('exec', 'command=flood&stdout=true', V4);
  await client.open(1, { streamtype: 'error' });
  await client.open(3, { streamtype: 'stdout' });
  await client.until(() => client.ended.has(1));
  assert.equal(client.text.get(3)?.length, 2_000_000);
});

test('exec over WebSocket v5: stdin is closed by its own message', async () => {
  const client = await webSocket('exec', 'command=upper&stdin=true&stdout=true&stderr=true', 'v5.channel.k8s.io');
  assert.match(client.head, /Sec-WebSocket-Protocol: v5\.channel\.k8s\.io/);
  client.send(0, ...ascii('hello'));
  client.send(255, 0);
  await client.closed;
  assert.deepEqual([channelText(client, 1), channelText(client, 2)], ['HELLO', 'err']);
  assert.deepEqual(JSON.parse(channelText(client, 3)), { metadata: {}, status: 'Success' });
});

test('exec over WebSocket: size and exit code', async () => {
  const client = await webSocket(
    'exec',
    'command=size&stdin=true&stdout=true&tty=true',
    'v5.channel.k8s.io, v4.channel.k8s.io',
  );
  client.send(4, ...ascii('{"Width":0,"Height":0}'));
  client.send(4, ...ascii('{"Width":100,"Height":40}'));
  await client.closed;
  assert.equal(JSON.parse(channelText(client, 3)).details.causes[0].message, '140');
});

test('attach reaches the running program', async () => {
  const client = await webSocket('attach', 'stdout=true', V4);
  await client.closed;
  assert.equal(channelText(client, 1), 'attached');
});

test('port-forward over SPDY: pairs of streams by request, half-closed at the end', async () => {
  const { client } = await spdy('portforward', '', 'portforward.k8s.io');
  for (const request of [0, 1, 2]) {
    await client.open(4 * request + 1, { streamtype: 'error', port: '80', requestid: String(request) });
    await client.open(4 * request + 3, { streamtype: 'data', port: '80', requestid: String(request) });
    client.data(4 * request + 3, `ping ${request}`, true);
  }
  await client.until(() => [3, 7, 11].every((id) => client.ended.has(id)));
  assert.deepEqual(
    [3, 7, 11].map((id) => client.text.get(id)),
    ['ping 0', 'ping 1', 'ping 2'],
  );
  assert.deepEqual(
    [1, 5, 9].map((id) => client.text.get(id) ?? ''),
    ['', '', ''],
  );
});

test('port-forward over SPDY: a dead port is told on the error stream, others go on', async () => {
  const { client } = await spdy('portforward', '', 'portforward.k8s.io');
  await client.open(1, { streamtype: 'error', port: '81', requestid: '0' });
  await client.open(3, { streamtype: 'data', port: '81', requestid: '0' });
  await client.until(() => client.ended.has(1));
  assert.equal(client.text.get(1), 'error forwarding port 81 to pod web, uid u1: connect ECONNREFUSED 127.0.0.1:81');
  await client.open(5, { streamtype: 'error', port: '80', requestid: '1' });
  await client.open(7, { streamtype: 'data', port: '80', requestid: '1' });
  client.data(7, 'still here', true);
  await client.until(() => client.ended.has(7));
  assert.equal(client.text.get(7), 'still here');
});

test('port-forward inside a WebSocket tunnel is the same SPDY', async () => {
  const tunnel = await webSocket('portforward', '', TUNNEL);
  assert.ok(tunnel.head.includes(`Sec-WebSocket-Protocol: ${TUNNEL}`));
  const client = new SpdyClient((frame) => tunnel.send(...frame));
  let seen = 0;
  const pump = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) {
      if (seen === tunnel.messages.length) await tunnel.until(() => tunnel.messages.length > seen);
      client.receive(tunnel.messages[seen++]!);
    }
  };
  await client.open(1, { streamtype: 'error', port: '80', requestid: '0' });
  await client.open(3, { streamtype: 'data', port: '80', requestid: '0' });
  client.data(3, 'through the tunnel', true);
  await pump(() => client.ended.has(3));
  assert.equal(client.text.get(3), 'through the tunnel');
});

test('port-forward over WebSocket channels: each led by its port, v4 even where v5 is offered first', async () => {
  const client = await webSocket('portforward', 'ports=80&ports=81', 'v5.channel.k8s.io, v4.channel.k8s.io');
  assert.match(client.head, /Sec-WebSocket-Protocol: v4\.channel\.k8s\.io/);
  await client.until(() => client.messages.length >= 5);
  const leads = [0, 1, 2, 3].map((channel) =>
    client.messages.find((message) => message[0] === channel)?.subarray(1, 3),
  );
  assert.deepEqual(
    leads.map((lead) => lead?.readUInt16LE(0)),
    [80, 80, 81, 81],
  );
  assert.match(channelText(client, 3).slice(2), /ECONNREFUSED/);
  client.send(0, ...ascii('hi'));
  await client.until(() => channelText(client, 0).endsWith('hi'));
});

async function answer(
  kind: StreamingKind,
  query: string,
  headers: readonly string[],
): Promise<{ head: string; body: { message: string; code: number } }> {
  const socket = await open(kind, query, headers);
  const bytes: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(bytes).toString().split(END_OF_HEAD);
  return { head, body: JSON.parse(body) };
}

test('what cannot be served is answered with a Status instead of 101', async () => {
  const spdyV4 = ['Upgrade: SPDY/3.1', `X-Stream-Protocol-Version: ${V4}`];
  const noCommand = await answer('exec', 'stdout=true', spdyV4);
  assert.match(noCommand.head, /^HTTP\/1\.1 400 /);
  assert.equal(noCommand.body.message, 'you must specify a command for exec');
  const old = await answer('exec', 'command=x&stdout=true', [
    'Upgrade: SPDY/3.1',
    'X-Stream-Protocol-Version: v2.channel.k8s.io',
  ]);
  assert.equal(old.body.code, 403);
  const unknown = await answer('exec', 'command=x&stdout=true', [
    'Upgrade: websocket',
    'Sec-WebSocket-Key: x',
    'Sec-WebSocket-Protocol: other',
  ]);
  assert.match(
    unknown.body.message,
    /no common protocol for exec: offered other, served v5\.channel\.k8s\.io, v4\.channel\.k8s\.io/,
  );
  const neither = await answer('exec', 'command=x&stdout=true', ['Upgrade: h2c']);
  assert.match(neither.body.message, /expected SPDY\/3\.1 or websocket/);
});
