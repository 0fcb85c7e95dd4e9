import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { systemClock } from '#runtime/clock';
import { HTTP2_ERROR } from '#wire/http2';
import { H2Peer, serveH2 } from '../testing/index.ts';
import { hop as openHop, SETTINGS } from './h2-hop.fake.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function hop(...args: Parameters<typeof openHop>): ReturnType<typeof openHop> {
  const made = await openHop(...args);
  closers.push(() => made.close());
  return made;
}

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

async function application(handle: Handler, settings: http2.Settings = {}) {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer({ settings });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sessions };
}

function connect(port: number): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  closers.push(() => session.destroy());
  return session;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
  readonly code: number;
}

/** What came of a request, whole or not. */
function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const request = session.request({ ':path': '/', ...headers }, { endStream: body === undefined });
    let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    const parts: Buffer[] = [];
    request.on('response', (got) => {
      head = got;
    });
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('error', () => undefined);
    request.on('close', () =>
      resolve({
        status: head[':status'],
        headers: head,
        body: Buffer.concat(parts).toString('latin1'),
        code: request.rstCode,
      }),
    );
    if (body) request.end(body);
  });
}

async function eventually(check: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!check()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('many clients share one connection to the server', async () => {
  const app = await application((stream, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(headers[':path']);
  });
  const { port, toApp, side } = await hop(app.port);
  const sessions = [connect(port), connect(port), connect(port)];
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(sessions[i % 3]!, { ':path': `/${i}` })));
  for (const [i, { status, body }] of answers.entries()) assert.deepEqual([status, body], [200, `/${i}`]);
  assert.equal(toApp.total, 1);
  assert.equal(side.inFlight, 0);
});

test('a server that takes few streams a connection gets more connections, up to a bound, and the rest waits', async () => {
  let most = 0;
  let under = 0;
  const app = await application(
    (stream) => {
      most = Math.max(most, ++under);
      setTimeout(() => {
        under--;
        stream.respond({ ':status': 200 });
        stream.end('x');
      }, 10);
    },
    { maxConcurrentStreams: 4 },
  );
  const { port, toApp } = await hop(app.port);
  const session = connect(port);
  // The limit is known once the server's SETTINGS came.
  await ask(session, {});
  const answers = await Promise.all(Array.from({ length: 120 }, () => ask(session, {})));
  assert.deepEqual([...new Set(answers.map(({ status, code }) => status ?? -code))], [200]);
  assert.ok(toApp.total > 1 && toApp.total <= 8, `${toApp.total} connections`);
  assert.ok(most <= 32, `${most} at once`);
});

test('a client that opens more streams than it may is refused those, not cut off', async () => {
  const app = await application((stream) =>
    setTimeout(() => stream.respond({ ':status': 204 }, { endStream: true }), 20),
  );
  const small = { ...SETTINGS, codec: { ...SETTINGS.codec, maxConcurrentStreams: 5 } };
  const { port } = await hop(app.port, { server: small });
  const session = connect(port);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(session, {})));
  // A client that knows the limit waits; one that does not yet is told REFUSED_STREAM.
  assert.ok(answers.every(({ status, code }) => status === 204 || code === HTTP2_ERROR.REFUSED_STREAM));
  assert.equal((await ask(session, {})).status, 204);
});

test('resets pass both ways as what they are', async () => {
  const app = await serveH2(({ stream, request }) => {
    const code = Number(request?.path.slice(1));
    if (code >= 0) stream.reset(code);
  });
  closers.push(app.close);
  const { port, side } = await hop(app.port);
  const client = await H2Peer.connect(port);
  closers.push(() => client.close());
  for (const code of [HTTP2_ERROR.CANCEL, HTTP2_ERROR.INTERNAL_ERROR, HTTP2_ERROR.ENHANCE_YOUR_CALM]) {
    const seen = client.request({ ':path': `/${code}`, ':method': 'POST' }, 'x');
    await eventually(() => seen.resetCode !== undefined, 'a reset');
    assert.equal(seen.resetCode, code);
  }
  const hanging = client.request({ ':path': '/hang' });
  await eventually(() => app.peers[0]!.streams.length === 4, 'the request arrives');
  hanging.stream.reset(HTTP2_ERROR.CANCEL);
  await eventually(() => app.peers[0]!.streams[3]!.resetCode === HTTP2_ERROR.CANCEL, 'the server hears of it');
  assert.equal(side.inFlight, 0);
});

test('requests that the server surely did not see are sent again, whatever their method', async () => {
  let refusals = 0;
  const app = await serveH2(({ stream }) => {
    if (refusals++ < 2) stream.reset(HTTP2_ERROR.REFUSED_STREAM);
    else stream.respond(204, [], true);
  });
  closers.push(app.close);
  const { port } = await hop(app.port);
  assert.equal((await ask(connect(port), { ':method': 'POST' }, Buffer.from('x'))).status, 204);
  assert.equal(refusals, 3);
});

test('requests above the last stream of GOAWAY go to a new connection, those below finish', async () => {
  const app = await serveH2((seen, peer) => {
    if (seen.request?.path !== '/first') seen.stream.respond(204, [], true);
    else {
      peer.connection.goaway(HTTP2_ERROR.NO_ERROR, false);
      setTimeout(() => seen.stream.respond(202, [], true), 30);
    }
  });
  closers.push(app.close);
  const { port } = await hop(app.port);
  const session = connect(port);
  await ask(session, {});
  const answers = await Promise.all([
    ask(session, { ':path': '/first', ':method': 'POST' }, Buffer.from('x')),
    ...Array.from({ length: 10 }, () => ask(session, { ':method': 'POST' }, Buffer.from('x'))),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, ...new Array<number>(10).fill(204)],
  );
  assert.equal(app.peers.length, 2);
});

test('after GOAWAY what is under way finishes and the next request opens a new connection', async () => {
  const app = await application((stream, headers) => {
    if (headers[':path'] === '/leave') stream.session?.close();
    setTimeout(() => {
      stream.respond({ ':status': 200 });
      stream.end('late');
    }, 30);
  });
  const { port, toApp } = await hop(app.port);
  const session = connect(port);
  const first = ask(session, { ':path': '/leave' });
  await new Promise((resolve) => setTimeout(resolve, 15));
  const second = ask(session, {});
  assert.equal((await first).body, 'late');
  assert.equal((await second).body, 'late');
  assert.equal(toApp.total, 2);
  await eventually(() => toApp.open === 1, 'the connection that was left is closed');
});

test('a drain says GOAWAY, finishes what is under way and closes', async () => {
  const app = await application((stream) =>
    setTimeout(() => {
      stream.respond({ ':status': 200 });
      stream.end('done');
    }, 50),
  );
  const { port, servers } = await hop(app.port);
  const session = connect(port);
  let goaway = false;
  session.on('goaway', () => {
    goaway = true;
  });
  const under = ask(session, {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const server of servers) server.drain();
  assert.equal((await under).body, 'done');
  await eventually(() => servers.size === 0, 'the connection closes');
  assert.ok(goaway);
});

test('an idle connection drains at once', async () => {
  const app = await application((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
  // No timer ends it.
  const clock = { ...systemClock, after: () => ({ cancel: () => undefined }) };
  const { port, servers } = await hop(app.port, { clock });
  await ask(connect(port), {});
  for (const server of servers) server.drain();
  await eventually(() => servers.size === 0, 'the connection closes');
});

test('a client that does not answer pings is cut off, and told of to the operator', async () => {
  const app = await application((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
  const keepAlive = { intervalMs: 30, timeoutMs: 30, whileIdle: true };
  const { port, servers, refused } = await hop(app.port, { server: { ...SETTINGS, keepAlive } });
  const silent = net.connect(port, '127.0.0.1');
  silent.on('error', () => undefined);
  silent.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  await eventually(() => servers.size === 1, 'it is there');
  await eventually(() => servers.size === 0, 'it is gone');
  assert.equal(refused[0]?.code, 'h2-client-silent');
  const alive = connect(port);
  await ask(alive, {});
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal((await ask(alive, {})).status, 204);
  silent.destroy();
});

test('a server that does not answer pings is given up, and its requests fail', async () => {
  const dead = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  });
  await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
  closers.push(() => dead.close());
  const keepAlive = { intervalMs: 30, timeoutMs: 30, whileIdle: false };
  const { port, toApp } = await hop((dead.address() as AddressInfo).port, { client: { ...SETTINGS, keepAlive } });
  const { status, headers } = await ask(connect(port), { ':method': 'POST' }, Buffer.from('x'));
  assert.equal(status, 502);
  assert.match(String(headers['l5d-proxy-error']), /did not answer a ping/);
  await eventually(() => toApp.open === 0, 'the connection is closed');
});

test('a broken connection is told from its clients, and bad frames end it with a reason', async () => {
  const app = await application((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
  const { port, refused, servers } = await hop(app.port);
  const bad = net.connect(port, '127.0.0.1');
  bad.on('error', () => undefined);
  let got = Buffer.alloc(0);
  bad.on('data', (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
  });
  bad.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  bad.write(Buffer.from([0, 0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
  await eventually(() => refused.length === 1, 'the fault is reported');
  assert.equal(refused[0]?.code, 'h2-client-malformed');
  await eventually(() => servers.size === 0, 'the connection closes');
  assert.ok(got.includes(Buffer.from([7, 0, 0, 0, 0, 0])), 'GOAWAY was sent');
  bad.destroy();
});

test('a server that refuses connections fails the requests that wait', async () => {
  const { port } = await hop(1);
  const { status } = await ask(connect(port), {});
  assert.equal(status, 502);
});

test('a whole response to a request that is not read to its end reaches a slow reader whole', async () => {
  const size = 200_000;
  const app = await serveH2(({ stream }) => {
    stream.respond(200, [], false);
    stream.data(Buffer.alloc(size, 'z'), 0, size, true);
  });
  closers.push(app.close);
  const { port, side } = await hop(app.port);
  const peer = await H2Peer.connect(port, { streamWindow: 10_000 });
  closers.push(() => peer.close());
  const seen = peer.request({ ':method': 'POST' }, 'a part', false);
  await eventually(() => seen.ended, 'the response ends');
  assert.equal(seen.body.length, size);
  await eventually(() => seen.resetCode === HTTP2_ERROR.NO_ERROR, 'the rest of the request is declined');
  assert.equal(side.inFlight, 0);
});

test('CONNECT opens a tunnel whose sides end for themselves', async () => {
  const app = await serveH2(({ stream, request }) => {
    if (request?.authority === 'db:5432') stream.respond(200, [], false);
    else stream.respond(403, [], true);
  });
  closers.push(app.close);
  const { port, side } = await hop(app.port);
  const peer = await H2Peer.connect(port);
  closers.push(() => peer.close());
  const refused = peer.request({ ':method': 'CONNECT', ':authority': 'other:1', ':path': '' }, 'early', false);
  await eventually(() => refused.ended, 'the refusal');
  assert.equal(refused.response?.status, 403);
  const tunnel = peer.request({ ':method': 'CONNECT', ':authority': 'db:5432', ':path': '' }, 'early', false);
  await eventually(() => tunnel.response !== undefined, 'the consent');
  const far = app.peers[0]!.streams[1]!;
  assert.equal(far.request?.path, '');
  await eventually(() => far.body === 'early', 'what was said before');
  assert.equal(app.peers[0]!.streams[0]!.body, '');
  tunnel.stream.data(Buffer.from('-more'), 0, 5, true);
  await eventually(() => far.ended && far.body === 'early-more', 'one side ends');
  far.stream.data(Buffer.from('answer'), 0, 6, true);
  await eventually(() => tunnel.ended && tunnel.body === 'answer', 'the other side ends later');
  await eventually(() => side.inFlight === 0, 'it is over');
});

test('a slow reader holds its own stream back and no other', async () => {
  let written = 0;
  const app = await application((stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] !== '/large') {
      stream.end('small');
      return;
    }
    const block = Buffer.alloc(16_384, 98);
    const more = (): void => {
      while (written < 8 * 1024 * 1024) {
        written += block.length;
        if (!stream.write(block)) {
          stream.once('drain', more);
          return;
        }
      }
      stream.end();
    };
    more();
  });
  const { port, servers } = await hop(app.port);
  const session = connect(port);
  const slow = session.request({ ':path': '/large' });
  slow.pause();
  await new Promise((resolve) => slow.once('response', resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await ask(session, {})).body, 'small');
  assert.ok(written < 2 * 1024 * 1024, `${written} bytes left the server`);
  assert.equal(servers.size, 1);
  let got = 0;
  slow.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  slow.resume();
  await eventually(() => got === 8 * 1024 * 1024, 'all of it');
});
