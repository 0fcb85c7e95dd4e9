import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLIENT, endpoint, eventually, openPolicy, PATH, SERVER, serve, usePair, Wire } from './testing/index.ts';

/** What the application got, all connections together. */
let seen = '';
let app: Awaited<ReturnType<typeof serve>>;
/** How the application answers a request head or body. */
let answer: (socket: import('node:net').Socket, text: string) => void;

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
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
});

after(async () => {
  app.close();
});

const ok = (body: string, extra = ''): string =>
  `HTTP/1.1 200 OK\r\n${extra}content-length: ${body.length}\r\n\r\n${body}`;

test('a request goes through both proxies over mutual TLS, and both know whom they talk to', async () => {
  seen = '';
  answer = (socket) => socket.write(ok('hello'));
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET /x HTTP/1.1\r\nhost: web.a\r\nl5d-client-id: forged\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello/);
  assert.equal(seen, `GET /x HTTP/1.1\r\nhost: web.a\r\nl5d-client-id: ${CLIENT}\r\n\r\n`);
  const out = { direction: 'outbound', tls: 'true', server_id: SERVER, authority: PATH, dst_service: 'web' };
  assert.equal(pair.client.metric('request_total', out), 1);
  assert.equal(pair.client.metric('response_total', { ...out, status_code: '200', classification: 'success' }), 1);
  const inn = {
    direction: 'inbound',
    tls: 'true',
    client_id: CLIENT,
    srv_name: 'all-unauthenticated',
    route_name: 'default',
  };
  assert.equal(pair.server.metric('request_total', inn), 1);
  assert.equal(pair.server.metric('response_total', { ...inn, status_code: '200' }), 1);
  assert.equal(pair.server.metric('response_latency_ms_count', inn), 1);
  assert.equal(
    pair.server.metric('inbound_http_authz_allow_total', { client_id: CLIENT, authz_name: 'all-unauthenticated' }),
    1,
  );
  assert.equal(
    pair.client.metric('outbound_http_route_request_statuses_total', { http_status: '200', route_name: 'http' }),
    1,
  );
  wire.socket.end();
});

test('keep-alive: many requests use one connection on each hop', async () => {
  answer = (socket) => socket.write(ok('x'));
  const before = app.connections();
  const wire = await Wire.connect(pair.client.outboundPort);
  for (let i = 0; i < 20; i++) {
    wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await wire.expect(/200 OK[\s\S]*?\r\n\r\nx/);
  }
  assert.ok(app.connections() - before <= 1);
  wire.socket.end();
});

test('pipelined requests are answered in order, one at a time', async () => {
  let under = 0;
  answer = (socket, text) => {
    const path = /GET (\S+)/.exec(text)?.[1] ?? '';
    assert.equal(++under, 1);
    setTimeout(() => {
      under--;
      socket.write(ok(path));
    }, 5);
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send([1, 2, 3, 4].map((n) => `GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
  await wire.expect(/\/1[\s\S]*\/2[\s\S]*\/3[\s\S]*\/4/);
  wire.socket.end();
});

test('chunked bodies and trailers pass, hop-by-hop fields do not', async () => {
  seen = '';
  answer = (socket, text) => {
    if (text.includes('0\r\n'))
      socket.write(
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nkeep-alive: 5\r\nl5d-proxy-error: nope\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n',
      );
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nproxy-connection: close\r\n\r\n2\r\nhi\r\n');
  await new Promise((resolve) => setTimeout(resolve, 20));
  wire.send('0\r\nx-t: 1\r\nl5d-client-id: forged\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n$/);
  assert.match(
    seen,
    /^POST \/ HTTP\/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nl5d-client-id: client\S+\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n$/,
  );
  wire.socket.end();
});

test('100-continue reaches the client before it sends the body', async () => {
  answer = (socket, text) => {
    if (text.includes('expect')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    else socket.write(ok(text));
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
  wire.send('body');
  await wire.expect(/200 OK[\s\S]*body$/);
  wire.socket.end();
});

test('an upgrade turns the connection into a tunnel, early bytes included', async () => {
  answer = (socket, text) => {
    if (text.includes('upgrade'))
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\nwelcome');
    else socket.write(`you said ${text}`);
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nearly');
  await wire.expect(/^HTTP\/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nwelcome/);
  await wire.expect(/you said early/);
  wire.send('more');
  await wire.expect(/you said more/);
  wire.socket.end();
  await wire.expectClosed();
});

test('responses to HEAD have no body, and the connection goes on', async () => {
  answer = (socket, text) =>
    socket.write(text.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n' : ok('y'));
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/content-length: 500\r\n\r\n$/);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/\r\n\r\ny$/);
  wire.socket.end();
});

test('a response that ends with its connection gets a framing, so that its end is certain and the connection stays', async () => {
  answer = (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it');
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n$/);
  wire.send('GET / HTTP/1.0\r\nhost: a\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 200 OK\r\nconnection: close\r\n\r\nall of it$/);
  await wire.expectClosed();
});

test('a response that is cut off is cut off for the client too, never completed', async () => {
  answer = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    setTimeout(() => socket.destroy(), 20);
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/abc$/);
  await wire.expectClosed();
  assert.equal(wire.text, '');
});

test('ambiguous framing is refused and never reaches the application', async () => {
  seen = '';
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n');
  await wire.expect(/^HTTP\/1.1 400 Bad Request\r\nconnection: close\r\nl5d-proxy-error: [\s\S]*\r\n\r\n/);
  await wire.expectClosed();
  assert.equal(seen, '');
});

test('a kept connection that the server closed meanwhile costs no request', async () => {
  let served = 0;
  answer = (socket) => {
    served++;
    if (served === 2) socket.resetAndDestroy();
    else socket.write(ok('fine'));
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/fine/);
  wire.send('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/fine/);
  assert.equal(served, 3);
  wire.socket.end();
});

test('an unmeshed endpoint gets plain text, and an unmeshed client reaches a meshed server', async () => {
  answer = (socket) => socket.write(ok('plain'));
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(app.port)] });
  pair.client.mesh.destination(PATH).push({ kind: 'remove', addrs: [{ ip: '127.0.0.1', port: 1 }] });
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/plain/);
  assert.ok(pair.client.metric('request_total', { no_tls_reason: 'not_provided_by_service_discovery' }) >= 1);
  wire.socket.end();
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });

  seen = '';
  pair.server.inboundDst = { ip: '127.0.0.1', port: app.port };
  const stranger = await Wire.connect(pair.server.inboundPort);
  stranger.send('GET / HTTP/1.1\r\nhost: a\r\nL5d-Client-Id: forged\r\n\r\n');
  await stranger.expect(/plain/);
  assert.doesNotMatch(seen, /client-id/i);
  assert.equal(pair.server.metric('request_total', { tls: 'no_identity', no_tls_reason: 'no_tls_from_remote' }), 1);
  pair.server.inboundDst = undefined;
  stranger.socket.end();
});

test('large bodies pass both ways, and a slow reader does not fill the proxies', async () => {
  const size = 64 * 1024 * 1024;
  const block = Buffer.alloc(64 * 1024, 97);
  answer = (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
    let left = size;
    let waited = 0;
    const more = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!socket.write(block)) {
          waited++;
          socket.once('drain', more);
          return;
        }
      }
      assert.ok(waited > 3);
    };
    more();
  };
  const before = process.memoryUsage().rss;
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.socket.removeAllListeners('data');
  let got = 0;
  wire.socket.pause();
  wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 32 * 1024 * 1024, `${grown} bytes more while nobody reads`);
  wire.socket.on('data', (chunk) => {
    got += chunk.length;
  });
  wire.socket.resume();
  await eventually(() => got >= size, `all bytes; got ${got}`, 30_000);
  wire.socket.destroy();
});

test('a client that has said all may still hear the answer', async () => {
  answer = (socket) => setTimeout(() => socket.write(ok('late')), 20);
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.socket.end('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await wire.expect(/late$/);
  await wire.expectClosed();
});

test('a client that goes away takes its request with it', async () => {
  let appSocket: import('node:net').Socket | undefined;
  answer = (socket) => {
    appSocket = socket;
  };
  const wire = await Wire.connect(pair.client.outboundPort);
  wire.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => appSocket !== undefined, 'the request arrives');
  let gone = false;
  appSocket!.on('end', () => {
    gone = true;
  });
  appSocket!.on('close', () => {
    gone = true;
  });
  wire.socket.resetAndDestroy();
  await eventually(() => gone, 'the application sees the end');
});
