import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { formatAddr, listen, originalDst, setSocketOptions, unmapIp } from './index.ts';

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
