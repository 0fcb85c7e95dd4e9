import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { ServerAccess } from '../client/index.ts';
import { listenForward, openForward } from './index.ts';

const TARGET = { namespace: 'a', pod: 'web-1', port: 4191 };
const PREFIX = Buffer.from([4191 & 0xff, 4191 >> 8]);

let server: Server;
let access: ServerAccess;
/** What the next connection is answered; undefined: upgraded. */
let refusal: string | undefined;
/** Called with each upgraded connection. */
let upgraded: (socket: Socket, head: string) => void;
let closed: Promise<void>;

/** An unmasked frame of fewer than 126 bytes. */
const frame = (channel: number, data: Buffer | string): Buffer => {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);
  return Buffer.concat([Buffer.from([0x82, payload.length]), payload]);
};

before(async () => {
  server = createServer((socket) => {
    closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {}); // The client hangs up hard.
    socket.once('data', (chunk: Buffer) => {
      const head = chunk.toString();
      if (refusal !== undefined) return void socket.end(refusal);
      const key = /Sec-WebSocket-Key: (.*)\r/.exec(head)?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
      socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`);
      upgraded(socket, head);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  access = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: () => Promise.resolve({ version: '1' }),
    headers: () => Promise.resolve({ authorization: 'Bearer t' }),
  };
});
after(() => server.close());

test('a stream carries what the pod says, without the port numbers, and hangs up when destroyed', async () => {
  refusal = undefined;
  let head = '';
  upgraded = (socket, request) => {
    head = request;
    socket.write(Buffer.concat([frame(0, PREFIX), frame(1, PREFIX), frame(0, 'hello')]));
  };
  const stream = await openForward(access, TARGET);
  const text = await new Promise<string>((resolve) => stream.once('data', (chunk: Buffer) => resolve(String(chunk))));
  assert.equal(text, 'hello');
  assert.match(head, /^GET \/api\/v1\/namespaces\/a\/pods\/web-1\/portforward\?ports=4191 HTTP\/1\.1\r\n/);
  assert.match(head, /\r\nauthorization: Bearer t\r\n/);
  stream.destroy();
  await closed;
});

test('what the node cannot do comes as an error', async () => {
  refusal = undefined;
  upgraded = (socket) =>
    void socket.write(Buffer.concat([frame(0, PREFIX), frame(1, PREFIX), frame(1, 'nobody listens')]));
  const stream = await openForward(access, TARGET);
  const error = await new Promise<Error>((resolve) => stream.once('error', resolve));
  assert.equal(error.message, 'port-forward: nobody listens');
  await closed;
});

test('a refused upgrade is the server’s Status', async () => {
  const body = JSON.stringify({ kind: 'Status', code: 404, reason: 'NotFound', message: 'pods "web-1" not found' });
  refusal = `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await assert.rejects(openForward(access, TARGET), { code: 404, message: 'pods "web-1" not found' });
});

test('a local port carries bytes both ways', async () => {
  refusal = undefined;
  upgraded = (socket) => {
    socket.write(Buffer.concat([frame(0, PREFIX), frame(1, PREFIX)]));
    socket.on('data', (chunk: Buffer) => {
      // One short masked frame: two bytes of head, four of mask, the channel, the data.
      const data = chunk.subarray(6, 6 + (chunk[1]! & 0x7f)).map((byte, at) => byte ^ chunk[2 + (at & 3)]!);
      if ((chunk[0]! & 0x0f) === 2) socket.write(frame(0, `echo ${Buffer.from(data.subarray(1)).toString()}`));
    });
  };
  const forward = await listenForward(access, TARGET);
  const socket = connect({ host: '127.0.0.1', port: forward.port });
  socket.write('hi');
  const text = await new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(String(chunk))));
  assert.equal(text, 'echo hi');
  socket.destroy();
  forward.close();
  await closed;
});
