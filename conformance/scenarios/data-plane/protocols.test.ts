/** Every protocol between real proxies: gRPC streams both ways, HTTP/1 carried as HTTP/2, WebSocket, CONNECT, servers that speak first. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type http2 from 'node:http2';
import { test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { readAll, type servicePolicy, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, messages } from './grpc.ts';
import { connectHttp2, get, parseAnswer, serveHttp1, serveHttp2, serveTcp } from './http.ts';

const VIP = '10.96.0.2';

const { world, client, web } = usePods({ client: { env: { OUTBOUND_HTTP_FAILFAST_TIMEOUT: '300ms' } }, web: {} });

/** Makes `VIP:port` lead to the same port of the web pod. */
function expose(port: number, options: Parameters<typeof servicePolicy>[1] = {}, hint: 'h2' | 'opaque' = 'h2'): void {
  const path = `web.a.svc.cluster.local:${port}`;
  world.service(`${VIP}:${port}`, path, [web.endpoint(port, { hint })], options);
}

test('gRPC streams flow both ways at once, message by message, and end with trailers', async () => {
  serveHttp2(web, 9000, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-heard': String(heard) }));
    let pending = Buffer.alloc(0);
    let heard = 0;
    stream.on('data', (chunk: Buffer) => {
      const { texts, rest } = messages(Buffer.concat([pending, chunk]));
      pending = Buffer.from(rest);
      heard += texts.length;
      for (const text of texts) stream.write(message(`echo ${text}`));
    });
    stream.on('end', () => stream.end());
  });
  expose(9000);
  const session = await connectHttp2(client, VIP, 9000);
  const one = async (name: string): Promise<void> => {
    const stream = session.request({ ...GRPC, ':path': '/chat.Chat/Talk' });
    const got: string[] = [];
    let pending = Buffer.alloc(0);
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('trailers', (seen) => {
      trailers = seen;
    });
    stream.on('data', (chunk: Buffer) => {
      const { texts, rest } = messages(Buffer.concat([pending, chunk]));
      pending = Buffer.from(rest);
      got.push(...texts);
    });
    for (let i = 0; i < 20; i++) {
      stream.write(message(`${name} ${i}`));
      // The answer to this message comes before the next one is sent.
      await eventually(`${name}'s answer ${i}`, 5_000, async () => got.length === i + 1 || undefined, 2);
    }
    stream.end();
    await new Promise((resolve) => stream.once('close', resolve));
    assert.deepEqual(
      got,
      Array.from({ length: 20 }, (_, i) => `echo ${name} ${i}`),
    );
    assert.deepEqual([trailers['grpc-status'], trailers['x-heard']], ['0', '20']);
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(one));
  session.close();
  const labels = { direction: 'outbound', tls: 'true', grpc_status: '0', classification: 'success' };
  await eventually(
    'four calls are counted by their gRPC status',
    3_000,
    async () => (await client.metric('response_total', labels)) === 4 || undefined,
  );
});

test('a gRPC call that nobody can serve gets a gRPC status, not an HTTP error', async () => {
  world.service(`${VIP}:9001`, 'nobody.a.svc.cluster.local:9001', []);
  const session = await connectHttp2(client, VIP, 9001);
  const stream = session.request({ ...GRPC, ':path': '/a.B/C' });
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
  stream.resume();
  assert.deepEqual(
    [headers[':status'], headers['grpc-status'], headers['content-type']],
    [200, '4', 'application/grpc'],
  );
  session.destroy();
});

test('HTTP/1 travels as HTTP/2 between the proxies and is HTTP/1 again for the application', async () => {
  let seen = '';
  serveHttp1(web, 9002, (request, response) => {
    seen = `${request.httpVersion} ${request.method} ${request.url} ${request.headers.host} ${request.headers['l5d-client-id']} ${request.headers['l5d-orig-proto']}`;
    response.setHeader('trailer', 'x-sum');
    response.write('one ');
    response.write('two');
    response.addTrailers({ 'x-sum': '7' });
    response.end();
  });
  expose(9002);
  const answer = await get(client, VIP, 9002, '/path?x=1', ['l5d-client-id: forged']);
  assert.equal(answer.status, 200);
  assert.match(answer.body, /one /);
  assert.match(answer.body, /x-sum: 7/i);
  assert.equal(answer.headers['l5d-orig-proto'], undefined);
  assert.equal(seen, `1.1 GET /path?x=1 web.a ${client.identity} undefined`);
  const header = { session_protocol: 'http/2', target_port: '9002' };
  assert.ok((await web.metric('inbound_tcp_transport_header_connections_total', header)) >= 1);
});

test('WebSocket passes: the upgrade is granted and frames flow both ways', async () => {
  serveTcp(web, 9004, (socket) => {
    socket.once('data', (chunk: Buffer) => {
      const key = /sec-websocket-key: (\S+)/i.exec(chunk.toString())?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      socket.on('data', (frame: Buffer) => socket.write(frame));
    });
  });
  expose(9004);
  const socket = await client.dial(VIP, 9004);
  const key = randomBytes(16).toString('base64');
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  socket.write(
    `GET /ws HTTP/1.1\r\nhost: web.a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
  );
  await eventually('the switch of protocols', 5_000, async () => bytes.includes('\r\n\r\n') || undefined, 5);
  const answer = parseAnswer(bytes.toString('latin1'));
  assert.equal(answer.status, 101);
  assert.equal(answer.headers['upgrade'], 'websocket');
  bytes = Buffer.alloc(0);
  for (let i = 0; i < 5; i++) {
    const frame = randomBytes(1_000 * (i + 1));
    socket.write(frame);
    await eventually(`frame ${i} comes back`, 5_000, async () => bytes.length >= frame.length || undefined, 5);
    assert.deepEqual(bytes, frame);
    bytes = Buffer.alloc(0);
  }
  socket.destroy();
});

test('CONNECT opens a tunnel to the application, through which bytes pass unread', async () => {
  serveTcp(web, 9005, (socket) => {
    socket.once('data', (head: Buffer) => {
      socket.write(/^CONNECT db\.example:5432 HTTP\/1\.1\r\n/.test(head.toString()) ? OPEN : 'HTTP/1.1 400 No\r\n\r\n');
      socket.on('data', (chunk: Buffer) => socket.write(chunk));
    });
  });
  expose(9005);
  const socket = await client.dial(VIP, 9005);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write('CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n');
  await eventually('the tunnel', 5_000, async () => text.includes('\r\n\r\n') || undefined, 5);
  assert.equal(parseAnswer(text).status, 200);
  text = '';
  socket.write('\0no HTTP');
  await eventually('the echo', 5_000, async () => text === '\0no HTTP' || undefined, 5);
  socket.destroy();
});

const OPEN = 'HTTP/1.1 200 Connection Established\r\n\r\n';

test('a database whose server speaks first answers at once on an opaque port, over mutual TLS', async () => {
  // The greeting of MySQL: a length, a number, version 10 and a name.
  const greeting = Buffer.concat([Buffer.from([10, 0, 0, 0, 10]), Buffer.from('8.0-weft\0')]);
  serveTcp(web, 3306, (socket) => {
    socket.write(greeting);
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
  });
  expose(3306, { protocol: 'opaque' }, 'opaque');
  const startMs = performance.now();
  const socket = await client.dial(VIP, 3306);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  await eventually('the greeting', 5_000, async () => bytes.length >= greeting.length || undefined, 2);
  assert.ok(performance.now() - startMs < 450, 'nobody waits for the client to speak');
  assert.deepEqual(bytes, greeting);
  const query = randomBytes(100_000);
  socket.write(query);
  await eventually('the echo', 5_000, async () => bytes.length >= greeting.length + query.length || undefined, 5);
  assert.deepEqual(bytes.subarray(greeting.length), query);
  socket.destroy();
  const labels = { direction: 'outbound', peer: 'dst', tls: 'true', target_port: '3306', server_id: web.identity };
  assert.equal(await client.metric('tcp_open_total', labels), 1);
});

test('a server that speaks first on a port that is looked at answers after the detection time', async () => {
  serveTcp(web, 3307, (socket) => socket.write('220 late\r\n'));
  expose(3307, {}, 'opaque');
  const socket = await client.dial(VIP, 3307);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await eventually('the greeting', 5_000, async () => text === '220 late\r\n' || undefined, 20);
  socket.destroy();
});

test("an application's own TLS passes unread", async () => {
  // A ClientHello for another name, as far as detection reads it.
  const hello = clientHello('db.example');
  let seen = Buffer.alloc(0);
  serveTcp(web, 9443, (socket) =>
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      socket.end('tls bytes');
    }),
  );
  expose(9443);
  const socket = await client.dial(VIP, 9443);
  assert.equal(await readAll(socket, hello.toString('latin1')), 'tls bytes');
  assert.deepEqual(seen, hello);
});

/** A TLS ClientHello record with a server name and nothing else. */
function clientHello(name: string): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
  const host = Buffer.from(name);
  const entry = Buffer.concat([Buffer.from([0]), u16(host.length), host]);
  const list = Buffer.concat([u16(entry.length), entry]);
  const extension = Buffer.concat([u16(0), u16(list.length), list]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    randomBytes(32),
    Buffer.from([0]),
    u16(2),
    Buffer.from([0x13, 0x01]),
    Buffer.from([1, 0]),
    u16(extension.length),
    extension,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), u16(handshake.length), handshake]);
}
