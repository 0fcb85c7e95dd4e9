import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { HTTP2_ERROR } from '#wire/http2';
import {
  CLIENT,
  endpoint,
  eventually,
  fieldsOf,
  openPolicy,
  PATH,
  serve,
  serveH2,
  servicePolicy,
  usePair,
  Wire,
} from './testing/index.ts';

let app: Awaited<ReturnType<typeof serve>>;
/** What the application got, all connections together. */
let seen = '';
let answer: (socket: Socket, text: string) => void;

const pair = usePair();

before(async () => {
  app = await serve((socket) => {
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      answer(socket, chunk.toString('latin1'));
    });
    socket.on('end', () => socket.end());
  });
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port, { h2: true })] });
});

after(async () => {
  app.close();
});

const ok = (body: string, extra = ''): string =>
  `HTTP/1.1 200 OK\r\n${extra}content-length: ${body.length}\r\n\r\n${body}`;

/** Sends, and waits for an answer. */
async function talk(text: string, pattern: RegExp): Promise<Wire> {
  seen = '';
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send(text);
  await wire.expect(pattern);
  return wire;
}

test('a request of HTTP/1 reaches the application as it was, though it travelled as HTTP/2', async () => {
  answer = (socket) => socket.write(ok('hello', 'x-mine: 1\r\n'));
  const wire = await talk(
    'GET /x?y HTTP/1.1\r\nhost: web.a\r\nl5d-client-id: forged\r\nl5d-orig-proto: HTTP/1.0\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n',
    /^HTTP\/1.1 200 OK\r\nx-mine: 1\r\ncontent-length: 5\r\n\r\nhello$/,
  );
  assert.equal(seen, `GET /x?y HTTP/1.1\r\nhost: web.a\r\nl5d-client-id: ${CLIENT}\r\n\r\n`);
  assert.ok(pair.server.metric('inbound_tcp_transport_header_connections_total', { session_protocol: 'http/2' }) >= 1);
  wire.socket.end();
});

test('many connections of applications share one connection between the proxies', async () => {
  answer = (socket) => socket.write(ok('x'));
  const opened = (): number => pair.client.metric('tcp_open_total', { peer: 'dst' });
  const first = await talk('GET / HTTP/1.1\r\nhost: a\r\n\r\n', /\r\n\r\nx$/);
  const before = opened();
  const wires = await Promise.all(
    Array.from({ length: 20 }, () => talk('GET / HTTP/1.1\r\nhost: a\r\n\r\n', /\r\n\r\nx$/)),
  );
  assert.equal(opened(), before);
  for (const wire of [first, ...wires]) wire.socket.end();
});

test('chunked bodies and trailers pass both ways', async () => {
  answer = (socket, text) => {
    if (text.endsWith('0\r\nx-t: 1\r\n\r\n'))
      socket.write(
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n',
      );
  };
  seen = '';
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nte: trailers\r\n\r\n2\r\nhi\r\n');
  await eventually(() => seen.includes('2\r\nhi\r\n'), 'the first chunk arrives before the second is sent');
  wire.send('0\r\nx-t: 1\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n$/);
  assert.match(
    seen,
    /^POST \/ HTTP\/1.1\r\n[\s\S]*transfer-encoding: chunked\r\n[\s\S]*\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n$/,
  );
  wire.socket.end();
});

test('responses without bodies keep their lengths and the connection', async () => {
  answer = (socket, text) => {
    if (text.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n');
    else if (text.startsWith('DELETE')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    else if (text.startsWith('OPTIONS')) socket.write('HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n');
    else socket.write(ok('end'));
  };
  const wire = await talk('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 200 OK\r\ncontent-length: 500\r\n\r\n$/);
  wire.send('DELETE / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 204 No Content\r\n\r\n$/);
  wire.send('OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n$/);
  assert.match(seen, /OPTIONS \* HTTP/);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/\r\n\r\nend$/);
  wire.socket.end();
});

test('100-continue reaches the client before it sends the body', async () => {
  answer = (socket, text) => {
    if (text.includes('expect')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    else socket.write(ok(text));
  };
  const wire = await talk(
    'PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n',
    /^HTTP\/1.1 100 Continue\r\n\r\n$/,
  );
  wire.send('body');
  await wire.expect(/200 OK[\s\S]*body$/);
  wire.socket.end();
});

test('a client that expects leave to send its body gets it, though the server behind the other proxy says nothing', async () => {
  answer = (socket, text) => {
    if (!text.includes('expect')) socket.write(ok(text));
  };
  const wire = await talk(
    'PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n',
    /^HTTP\/1.1 100 Continue\r\n\r\n$/,
  );
  wire.send('body');
  await wire.expect(/200 OK[\s\S]*body$/);
  wire.socket.end();
});

test('a client of HTTP/1.0 is answered as one', async () => {
  answer = (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nold');
  const wire = await talk('GET /old HTTP/1.0\r\nhost: a\r\n\r\n', /^HTTP\/1.[01] 200 OK\r\n[\s\S]*old$/);
  await wire.expectClosed();
  assert.match(seen, /^GET \/old HTTP\/1.[01]\r\nhost: a\r\n/);
});

test('the absolute form stays one', async () => {
  answer = (socket) => socket.write(ok('x'));
  const wire = await talk('GET http://web.a:80/abs?q HTTP/1.1\r\nhost: other\r\n\r\n', /\r\n\r\nx$/);
  assert.match(seen, /^GET http:\/\/web\.a:80\/abs\?q HTTP\/1.1\r\nhost: web\.a:80\r\n/);
  wire.socket.end();
});

test('an upgrade to another protocol goes through as HTTP/1 and becomes a tunnel', async () => {
  answer = (socket, text) => {
    if (text.includes('upgrade: websocket'))
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nwelcome');
    else socket.write(`you said ${text}`);
  };
  const wire = await talk(
    'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
    /^HTTP\/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nwelcome$/i,
  );
  wire.send('more');
  await wire.expect(/you said more/);
  wire.socket.end();
  await wire.expectClosed();
});

test('a client that goes away takes its request with it, and leaves the others alone', async () => {
  let gone = false;
  answer = (socket, text) => {
    if (!text.includes('/slow')) {
      socket.write(ok('fine'));
      return;
    }
    socket.on('close', () => {
      gone = true;
    });
  };
  const other = await talk('GET / HTTP/1.1\r\nhost: a\r\n\r\n', /fine$/);
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => seen.includes('/slow'), 'the request arrives');
  wire.socket.resetAndDestroy();
  await eventually(() => gone, 'the application sees the end');
  other.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await other.expect(/fine$/);
  other.socket.end();
});

test('a response that is cut off is cut off for the client too', async () => {
  answer = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    setTimeout(() => socket.destroy(), 20);
  };
  const wire = await talk('GET / HTTP/1.1\r\nhost: a\r\n\r\n', /abc$/);
  await wire.expectClosed();
  assert.equal(wire.text, '');
});

test('a reset of the HTTP/2 in between is told as what it is', async () => {
  const path = 'strange.a.svc.cluster.local:80';
  const strange = await serveH2(({ stream, request }) => {
    const origProto = request?.fields.find(({ name }) => name === 'l5d-orig-proto')?.value;
    if (request?.path === '/reset') stream.reset(HTTP2_ERROR.CANCEL);
    else stream.respond(200, fieldsOf({ 'x-saw': String(origProto), 'content-length': '0' }), true);
  });
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(path));
  pair.client.mesh.destination(path).set({ kind: 'add', endpoints: [endpoint(strange.port, { h2: true })] });
  const fine = await talk('GET http://a/x HTTP/1.1\r\nhost: a\r\n\r\n', /x-saw: HTTP\/1.1; absolute-form\r\n/);
  fine.socket.end();
  const wire = await talk(
    'GET /reset HTTP/1.1\r\nhost: a\r\n\r\n',
    /^HTTP\/1.1 502 Bad Gateway\r\n[\s\S]*l5d-proxy-error: upgraded connection failed with HTTP\/2 reset: CANCEL/,
  );
  await wire.expectClosed();
  strange.close();
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
});
