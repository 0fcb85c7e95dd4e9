/** The applications' own TLS, told apart by server name and never opened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import tls from 'node:tls';
import { TestCa } from '#proxy/testing';
import { servicePolicy, usePods } from '../../harness/pods/index.ts';

const VIP = '10.96.0.8';
const PORT = 443;
const CERTIFICATE = new TestCa('application.test').issue('shop.example');

const { world, client, shop, bank } = usePods(
  { client: { env: { OUTBOUND_METRICS_HOSTNAME_LABELS: 'true' } }, shop: {}, bank: {} },
  () => {
    const names: Record<string, string> = {};
    for (const pod of [shop, bank]) {
      const server = tls.createServer({ key: CERTIFICATE.keyPem, cert: CERTIFICATE.chainPem }, (socket) => {
        socket.on('error', () => socket.destroy());
        socket.end(`${pod.name} for ${(socket as unknown as { servername: string }).servername}`);
      });
      pod.inside(() => server.listen(8443, '0.0.0.0'));
      pod.atEnd(() => server.close());
      names[`${pod.name}.example`] = `${pod.name}.a.svc.cluster.local:${PORT}`;
      world.endpoints(`${pod.name}.a.svc.cluster.local:${PORT}`, [pod.endpoint(8443, { hint: 'opaque' })]);
    }
    const policy = servicePolicy(`shop.a.svc.cluster.local:${PORT}`, { protocol: 'tls', servers: names });
    world.policy(`${VIP}:${PORT}`, policy);
  },
);

/** What a TLS client hears after its handshake for that name; rejects when there is none. */
async function hear(servername: string | undefined): Promise<string> {
  const socket = await client.dial(VIP, PORT);
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ socket, ...(servername !== undefined && { servername }), rejectUnauthorized: false });
    let text = '';
    secured.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    secured.on('error', reject);
    secured.on('end', () => (text === '' ? reject(new Error('closed without a word')) : resolve(text)));
    secured.on('close', () => (text === '' ? reject(new Error('closed without a word')) : resolve(text)));
    secured.setTimeout(3_000, () => secured.destroy(new Error('nothing within 3 s')));
  });
}

test('connections go to the backend of the server name in their ClientHello', async () => {
  assert.equal(await hear('shop.example'), 'shop for shop.example');
  assert.equal(await hear('bank.example'), 'bank for bank.example');
  for (const hostname of ['shop.example', 'bank.example'])
    assert.equal(await client.metric('outbound_tls_route_open_total', { hostname }), 1, hostname);
  const name = bank.identity;
  assert.equal(await client.metric('tcp_open_total', { peer: 'dst', tls: 'true', server_id: name }), 1, 'in the mesh');
});

test('other server names, none at all, and what is no TLS are refused', async () => {
  await assert.rejects(hear('other.example'));
  await assert.rejects(hear(undefined));
  const socket = await client.dial(VIP, PORT);
  const ended = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(text));
  });
  socket.write('GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n');
  assert.equal(await ended, '');
});
