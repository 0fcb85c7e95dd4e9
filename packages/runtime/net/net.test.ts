import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { getSocketOption, setBacklog } from '../ffi/index.ts';
import {
  boundReceiveBuffer,
  formatAddr,
  freeReceiveBuffer,
  listen,
  originalDst,
  setSocketOptions,
  takenBytes,
  unmapIp,
} from './index.ts';
import { fdOf } from './options.ts';

const SOL_TCP = 6;
const TCP_INFO = 11;

test('addresses are written as URLs have them, and IPv4 in IPv6 is unwrapped', () => {
  assert.equal(formatAddr('10.0.0.1', 80), '10.0.0.1:80');
  assert.equal(formatAddr('fd00::1', 80), '[fd00::1]:80');
  assert.equal(unmapIp('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(unmapIp('::1'), '::1');
});

test('a connection that was not redirected has no other destination, and takes socket options', async () => {
  const seen = await new Promise<{ dst: unknown; addr: string }>((resolve, reject) => {
    const listening = listen({ host: '127.0.0.1', port: 0 }, (socket) => {
      setSocketOptions(socket, { keepaliveMs: 1000, userTimeoutMs: 1000 });
      const dst = originalDst(socket);
      socket.destroy();
      void listening.then((listener) => {
        listener.close();
        resolve({ dst, addr: listener.addr.ip });
      });
    });
    listening.then((listener) => net.connect(listener.addr.port, '127.0.0.1').on('error', () => undefined), reject);
  });
  assert.equal(seen.addr, '127.0.0.1');
  assert.equal(seen.dst, undefined);
});

test('a port in use is an error, not an event nobody hears', async () => {
  const listener = await listen({ host: '127.0.0.1', port: 0 }, (socket) => socket.destroy());
  await assert.rejects(
    listen({ host: '127.0.0.1', port: listener.addr.port }, (socket) => socket.destroy()),
    /EADDRINUSE/,
  );
  listener.close();
});

test('as many connections as told may wait to be accepted, whatever the runtime thinks', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const fd = fdOf(server);
  assert.ok(fd !== undefined && setBacklog(fd, 1_000));
  // tcp_info of a listening socket: tcpi_sacked is the length of its queue.
  const info = getSocketOption(fd, SOL_TCP, TCP_INFO, 64);
  assert.ok(info);
  assert.equal(new DataView(info.buffer, info.byteOffset).getUint32(28, true), 1_000);
  server.close();
});

test('a bounded receive buffer makes reads small, and a freed one large again', async () => {
  const sent = Buffer.alloc(16_000_000);
  const server = net.createServer((socket) => socket.on('error', () => undefined).end(sent));
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as net.AddressInfo;
  const bounded: number[] = [];
  const freed: number[] = [];
  await new Promise<void>((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => boundReceiveBuffer(socket, 32 * 1024));
    let seenBytes = 0;
    socket.on('data', (chunk) => {
      const before = seenBytes;
      seenBytes += chunk.length;
      (before < 4_000_000 ? bounded : freed).push(chunk.length);
      if (before < 4_000_000 && seenBytes >= 4_000_000) freeReceiveBuffer(socket);
    });
    socket.on('close', resolve);
  });
  server.close();
  assert.ok(Math.max(...bounded) <= 128 * 1024, `${Math.max(...bounded)}`);
  assert.ok(Math.max(...freed) > 256 * 1024, `${Math.max(...freed)}`);
});

test('what a peer has taken is told', async () => {
  const server = net.createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as net.AddressInfo;
  const socket = net.connect({ port, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  const before = takenBytes(socket) ?? Number.NaN;
  socket.write(Buffer.alloc(10_000));
  for (let i = 0; i < 100 && takenBytes(socket) === before; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((takenBytes(socket) ?? Number.NaN) - before, 10_000);
  socket.destroy();
  assert.equal(takenBytes(socket), undefined);
  server.close();
});
