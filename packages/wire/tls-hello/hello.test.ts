import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import fc from 'fast-check';
import { parseClientHello } from './index.ts';

/** The first flight of the platform's own TLS client. */
function hello(options: tls.ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      socket.once('data', (chunk) => {
        resolve(chunk as Buffer);
        client.destroy();
        socket.destroy();
        server.close();
      });
    });
    let client: tls.TLSSocket;
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      client = tls.connect({ host: '127.0.0.1', port, ...options });
      client.on('error', () => {
        // The server hangs up on purpose once it has the hello.
      });
    });
    server.on('error', reject);
  });
}

/** The same handshake bytes cut into records of `size` bytes. */
function rerecord(flight: Buffer, size: number): Buffer {
  const payload = flight.subarray(5, 5 + flight.readUInt16BE(3));
  const records = [];
  for (let at = 0; at < payload.length; at += size) {
    const part = payload.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

test('reads server name and protocols at any split and any record size', async () => {
  const flight = await hello({
    servername: 'Web.A.serviceaccount.identity.linkerd.cluster.local',
    ALPNProtocols: ['h2', 'transport.l5d.io/v1'],
  });
  const want = {
    kind: 'hello',
    hello: { sni: 'web.a.serviceaccount.identity.linkerd.cluster.local', alpn: ['h2', 'transport.l5d.io/v1'] },
  };
  assert.deepEqual(parseClientHello(flight, flight.length), want);
  for (let length = 0; length < flight.length; length++)
    assert.equal(parseClientHello(flight, length).kind, 'more', `after ${length} bytes`);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (size) => {
      const bytes = rerecord(flight, size);
      assert.deepEqual(parseClientHello(bytes, bytes.length), want);
    }),
    { numRuns: 30 },
  );
});

test('a client without a name or protocols is still TLS', async () => {
  const flight = await hello({ servername: '' });
  assert.deepEqual(parseClientHello(flight, flight.length), { kind: 'hello', hello: { sni: undefined, alpn: [] } });
});

test('other protocols are told apart by their first byte', () => {
  for (const text of ['GET / HTTP/1.1\r\n', '\x16\x02', '\x16\x03\x02', '\x15\x03\x01', '\0'])
    assert.equal(parseClientHello(Buffer.from(text, 'latin1'), text.length).kind, 'not-tls', JSON.stringify(text));
});

test('damaged bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      const bytes = Buffer.concat([Buffer.from([22, 3, 1, 0, 180, 1, 0, 0, 176]), tail]);
      parseClientHello(bytes, bytes.length);
    }),
  );
});
