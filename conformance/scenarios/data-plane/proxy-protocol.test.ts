/** A load balancer in front of a pod that names its clients in PROXY protocol headers: who they are to policies, logs and applications. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { anybodyBut, carrying, everyone, readAll, usePods } from '../../harness/pods/index.ts';
import { parseAnswer, type Served, serveHttp1, serveTcp } from './http.ts';

const HTTP_PORT = 8080;
const BYTES_PORT = 9000;
/** Its connections begin with no header. */
const USUAL_PORT = 8081;
/** What the application heard of its last client. */
let heard: Record<string, unknown> = {};
let app: Served;

const { world, balancer, web } = usePods(
  {
    balancer: { unmeshed: true },
    web: {
      env: {
        WEFT_PROXY_INBOUND_PROXY_PROTOCOL_PORTS: `${HTTP_PORT},${BYTES_PORT}`,
        // Watched from the start, so that the first connection finds its policy there.
        INBOUND_PORTS: `${HTTP_PORT},${BYTES_PORT}`,
        ACCESS_LOG: 'apache',
      },
    },
  },
  () => {
    app = serveHttp1(web, HTTP_PORT, (request, response) => {
      heard = { ...request.headers, url: request.url };
      response.end('web');
    });
    serveHttp1(web, USUAL_PORT, (_request, response) => response.end('usual'));
    serveTcp(web, BYTES_PORT, (socket) => socket.pipe(socket));
    // The balancer itself has no business here; only those for whom it speaks.
    const authorizations = [anybodyBut(balancer.ip)];
    world.port('web', HTTP_PORT, everyone({ authorizations }));
    world.port('web', BYTES_PORT, everyone({ authorizations, protocol: carrying('opaque') }));
  },
);

beforeEach(() => {
  heard = {};
});

const REQUEST = 'GET /who HTTP/1.1\r\nhost: web.a\r\nconnection: close\r\n\r\n';
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of version 2. `command` 1: on behalf of someone; 0: of its own. `family` 0x11: TCP over IPv4, 0x21: over IPv6. */
function binary(command: number, family: number, body: Buffer, version = 2): string {
  const fixed = Buffer.from([(version << 4) | command, family, body.length >> 8, body.length & 255]);
  return Buffer.concat([SIGNATURE, fixed, body]).toString('latin1');
}

const ends = (source: Buffer, destination: Buffer, port: number): Buffer =>
  Buffer.concat([source, destination, Buffer.from([port >> 8, port & 255, 0, 80])]);

/** 2001:db8::7 */
const IPV6 = Buffer.from('20010db8000000000000000000000007', 'hex');
const IPV4 = Buffer.from([192, 0, 2, 7]);
/** An entry that no reader knows. */
const ENTRY = Buffer.from([0xe4, 0, 3, 1, 2, 3]);

/** Sends a header, a byte at a time where `slowly`, and a request; gives the status, 0 for none. */
async function status(header: string, { port = HTTP_PORT, slowly = false } = {}): Promise<number> {
  const socket = await balancer.dial(web.ip, port);
  socket.setNoDelay(true);
  const written = slowly ? header.length : 0;
  for (const byte of header.slice(0, written)) {
    socket.write(Buffer.from(byte, 'latin1'));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return parseAnswer(await readAll(socket, header.slice(written) + REQUEST)).status;
}

const NAMING: Record<string, { header: string; client: string }> = {
  'a line with IPv4': { header: 'PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n', client: '192.0.2.7:4711' },
  'a line with IPv6': { header: 'PROXY TCP6 2001:db8::7 2001:db8::1 4712 80\r\n', client: '[2001:db8::7]:4712' },
  'bytes with IPv4': {
    header: binary(1, 0x11, Buffer.concat([ends(IPV4, IPV4, 4713), ENTRY])),
    client: '192.0.2.7:4713',
  },
  'bytes with IPv6': { header: binary(1, 0x21, ends(IPV6, IPV6, 4714)), client: '[2001:db8::7]:4714' },
};

for (const [form, { header, client }] of Object.entries(NAMING))
  test(`${form} name the client: to the policy and the log, and nothing of them reaches the application`, async () => {
    assert.equal(await status(header), 200);
    assert.equal(heard['url'], '/who');
    assert.equal(await status(header, { slowly: true }), 200);
    const lines = () =>
      web
        .said()
        .split('\n')
        .filter((line) => line.startsWith(`${client} `));
    await eventually(
      `two lines of ${client} in ${web.said()}`,
      3_000,
      async () => lines().length === 2 || undefined,
      20,
    );
  });

test('the policy knows the client by that name, so that one of its own is refused', async () => {
  const before = app.count();
  assert.equal(await status(`PROXY TCP4 ${balancer.ip} 10.0.0.1 4711 80\r\n`), 403);
  const own = Buffer.from(balancer.ip.split('.').map(Number));
  assert.equal(await status(binary(1, 0x11, ends(own, IPV4, 4711))), 403);
  assert.equal(app.count(), before);
});

test('a header that names nobody leaves the client who it is', async () => {
  const before = app.count();
  assert.equal(await status('PROXY UNKNOWN\r\n'), 403);
  assert.equal(await status(binary(0, 0, Buffer.alloc(0))), 403);
  world.port('web', HTTP_PORT, everyone());
  await eventually('a new policy', 3_000, async () => (await status('PROXY UNKNOWN\r\n')) === 200 || undefined, 20);
  world.port('web', HTTP_PORT, everyone({ authorizations: [anybodyBut(balancer.ip)] }));
  await eventually('the old one', 3_000, async () => (await status('PROXY UNKNOWN\r\n')) === 403 || undefined, 20);
  assert.ok(app.count() > before);
});

test('bytes behind the header pass unchanged on a port that nobody looks at', async () => {
  const socket = await balancer.dial(web.ip, BYTES_PORT);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nPROXY is no header here\r\n');
  await eventually('the echo', 3_000, async () => text === 'PROXY is no header here\r\n' || undefined, 5);
  socket.write('more');
  await eventually('more', 3_000, async () => text.endsWith('\r\nmore') || undefined, 5);
  socket.destroy();
});

test('without a proper header a connection is closed unanswered, and the log says why', async () => {
  const before = app.count();
  for (const header of ['', 'PROXY TCP4 192.0.2.7\r\n', binary(1, 0x11, ends(IPV4, IPV4, 1), 3), binary(1, 0x11, IPV4)])
    assert.equal(await status(header), 0, JSON.stringify(header));
  assert.equal(app.count(), before);
  assert.match(web.said(), /only connections with a PROXY protocol header/);
});

test('a port that is not set up for it takes a header for the malformed request that it is', async () => {
  assert.equal(await status('', { port: USUAL_PORT }), 200);
  assert.notEqual(await status('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n', { port: USUAL_PORT }), 200);
});
