import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { originate, secureContext, terminate } from '#runtime/tls';
import { TestCa } from '../testing/index.ts';

const SERVER = 'web.a.serviceaccount.identity.linkerd.cluster.local';
const servers: net.Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

interface Seen {
  identity?: string | undefined;
  failed?: string;
  cipher?: string;
  /** Key exchange group that the server chose (RFC 8446 section 4.2.8). */
  group?: number;
}

/** A port on loopback. */
function listen(accept: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer(accept);
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
  );
}

/** Passes bytes on to a port; gives the first ones that come back. */
function relay(port: number): { port: Promise<number>; answer: Promise<Buffer> } {
  const answer = Promise.withResolvers<Buffer>();
  const accept = (near: net.Socket): void => {
    const far = net.connect({ port, host: '127.0.0.1' });
    near.pipe(far);
    far.pipe(near);
    far.once('data', answer.resolve);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
  };
  return { port: listen(accept), answer: answer.promise };
}

/** One handshake between a client and a server that trust the given authorities, as the server sees it. */
async function handshake(options: {
  ca: TestCa;
  client?: { keyPem: string; chainPem: string };
  trusts?: string;
}): Promise<Seen> {
  const { ca, client, trusts = ca.pem } = options;
  const context = secureContext({ trustAnchorsPem: trusts, ...ca.issue(SERVER) });
  const seen = Promise.withResolvers<Omit<Seen, 'group'>>();
  const port = await listen((socket) =>
    terminate(
      socket,
      { context },
      {
        secured: (secured, identity) => {
          seen.resolve({ identity, cipher: secured.getCipher().name });
          secured.destroy();
        },
        failed: (error, reason) => seen.resolve({ failed: `${reason}: ${error.message}` }),
      },
    ),
  );
  const through = relay(port);
  originate(
    {
      host: '127.0.0.1',
      port: await through.port,
      context: secureContext({ trustAnchorsPem: ca.pem, ...client }),
      serverName: 'anything',
      expectedIdentity: SERVER,
    },
    {
      secured: (secured) => secured.on('error', () => secured.destroy()),
      failed: (error, reason) => {
        if (reason !== 'handshake') seen.reject(error);
      },
    },
  );
  return { ...(await seen.promise), group: chosenGroup(await through.answer) };
}

/** From the key_share extension of a ServerHello in the first record. */
function chosenGroup(record: Buffer): number {
  const SESSION_ID = 5 + 4 + 2 + 32;
  let at = SESSION_ID + 1 + record[SESSION_ID]! + 2 + 1;
  const end = at + 2 + record.readUInt16BE(at);
  for (at += 2; at < end; at += 4 + record.readUInt16BE(at + 2))
    if (record.readUInt16BE(at) === 51) return record.readUInt16BE(at + 4);
  return -1;
}

const ca = new TestCa();

test('AES-128-GCM and key exchange with ML-KEM are what two proxies agree on', async () => {
  const { cipher, group, identity } = await handshake({ ca });
  assert.equal(cipher, 'TLS_AES_128_GCM_SHA256');
  assert.equal(group, 0x11ec, 'X25519MLKEM768');
  assert.equal(identity, undefined, 'a client may come without a certificate');
});

test('clients of every trusted root are known by name, DNS name or SPIFFE URI', async () => {
  const other = new TestCa('other.root.test');
  const trusts = `${ca.pem}${other.pem}`;
  assert.equal((await handshake({ ca, trusts, client: other.issue('api.a') })).identity, 'api.a');
  const spiffe = 'spiffe://cluster.local/ns/a/sa/api';
  assert.equal((await handshake({ ca, trusts, client: ca.issue(spiffe) })).identity, spiffe);
});

test('a client certificate of a foreign root fails the handshake, and the reason says so', async () => {
  const { failed } = await handshake({ ca, client: new TestCa('foreign.root.test').issue('web.a') });
  assert.match(failed ?? '', /^untrusted: client certificate refused: \w+/);
});
