/** What one client can do to others: nothing. Each limit harms who passes it and nobody else. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, pssMB } from '../../harness/index.ts';
import { readAll, usePods } from '../../harness/pods/index.ts';
import { call, connectHttp2, get, parseAnswer, type Served, serveHttp1, serveHttp2 } from './http.ts';

const VIP = '10.96.0.11';
const PATH = 'web.a.svc.cluster.local';
/** As LIMITS.headMs of the proxy, with the time between its looks. */
const SLOW_HEAD_MS = 12_000;
/** A proxy that may have so few files open takes 50 connections, of both directions together. */
const OPEN_FILES = 164;
let webServer: Served;
const open: Socket[] = [];

const { world, client, plain, web, small } = usePods(
  { client: {}, plain: { unmeshed: true }, web: {}, small: { openFilesMax: OPEN_FILES } },
  () => {
    webServer = serveHttp1(web, 8080, (_request, response) => response.end('web'));
    world.service(`${VIP}:80`, `${PATH}:80`, [web.endpoint(8080)]);
  },
);

after(() => {
  for (const socket of open) socket.destroy();
});

/** Asks one after the other until told to stop; the result is how many were not answered 200. */
function honest(): () => Promise<{ asked: number; failed: number }> {
  let stopped = false;
  const counts = { asked: 0, failed: 0 };
  const asking = (async () => {
    while (!stopped) {
      const { status } = await get(client, VIP, 80).catch(() => ({ status: 0 }));
      counts.asked++;
      if (status !== 200) counts.failed++;
      await sleep(5);
    }
  })();
  return async () => {
    stopped = true;
    await asking;
    return counts;
  };
}

/** Both faces of the proxies: an application's of its own proxy, and an unmeshed client's of a pod's. */
const FACES = [
  { face: 'outbound', from: () => client, to: () => VIP, port: 80 },
  { face: 'inbound', from: () => plain, to: () => web.ip, port: 8080 },
] as const;

/** Begun at once, looked at by the last test: heads that come a byte at a time. */
const slow: { face: string; answer: Promise<string>; startMs: number }[] = [];

test('a request head may come in pieces, as long as it comes in time', async () => {
  for (const { face, from, to, port } of FACES) {
    const late = await from().dial(to(), port);
    open.push(late);
    const startMs = performance.now();
    slow.push({ face, startMs, answer: readAll(late, 'GET / HTTP/1.1\r\nhost: w', SLOW_HEAD_MS + 5_000) });
    // Bytes that trickle in are no reason to wait longer.
    const trickle = setInterval(() => late.write('e'), 1_000);
    late.once('close', () => clearInterval(trickle));
    const socket = await from().dial(to(), port);
    const answer = readAll(socket, 'GET / HT');
    for (const part of ['TP/1.1\r\nho', 'st: web.a\r\nconnec', 'tion: close\r\n\r\n']) {
      await sleep(20);
      socket.write(part);
    }
    assert.match(await answer, /^HTTP\/1.1 200 /, face);
  }
});

test('headers that are too large are refused, and never sent on', async () => {
  const before = webServer.count();
  for (const { face, from, to, port } of FACES) {
    const socket = await from().dial(to(), port);
    const head = `GET / HTTP/1.1\r\nhost: web.a\r\nx-large: ${'x'.repeat(200_000)}\r\n\r\n`;
    const { status } = parseAnswer(await readAll(socket, head));
    assert.equal(status, 431, face);
  }
  assert.equal(webServer.count(), before);
});

test('so are those of HTTP/2, where the other streams go on', async () => {
  serveHttp2(web, 9090, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('h2');
  });
  world.service(`${VIP}:81`, `${PATH}:81`, [web.endpoint(9090)]);
  const session = await connectHttp2(client, VIP, 81);
  const large = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x-${i}`, 'y'.repeat(4_000)]));
  const refused = await call(session, { ':path': '/', ...large }).then(
    ({ status }) => status,
    () => 'reset' as const,
  );
  assert.ok(refused === 431 || refused === 'reset', String(refused));
  session.destroy();
  const other = await connectHttp2(client, VIP, 81);
  assert.equal((await call(other, { ':path': '/' })).status, 200);
  other.destroy();
});

test('a connection has so many streams at once and no more; further requests wait their turn', async () => {
  let now = 0;
  let most = 0;
  serveHttp2(web, 9091, (stream) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      stream.respond({ ':status': 200 }, { endStream: true });
    }, 100);
  });
  world.service(`${VIP}:82`, `${PATH}:82`, [web.endpoint(9091)]);
  const session = await connectHttp2(client, VIP, 82);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  const answers = await Promise.all(Array.from({ length: 600 }, () => call(session, { ':path': '/' })));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(session.remoteSettings.maxConcurrentStreams, 250);
  assert.ok(most <= 250, `${most} at once`);
  session.destroy();
});

const { NGHTTP2_ENHANCE_YOUR_CALM: ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR: NO_ERROR } = http2.constants;

test('who opens and resets streams without end is sent away; others notice nothing', { timeout: 30_000 }, async () => {
  for (const { face, from, to, port } of FACES) {
    const pod = face === 'outbound' ? client : web;
    const beforeMB = pssMB(pod.proxy.pid!);
    const stop = honest();
    const session = await connectHttp2(from(), to(), port);
    let goaway: number | undefined;
    session.on('goaway', (code: number) => {
      goaway ??= code;
    });
    for (let round = 0; round < 200 && !session.destroyed && !session.closed; round++) {
      for (let i = 0; i < 50; i++) rapidlyReset(session);
      await sleep(1);
    }
    await eventually(`${face}: the end of the connection`, 5_000, async () => session.destroyed || undefined, 10);
    // A server that gives up first ends the connections of clients that are no proxies, too.
    assert.ok(goaway === ENHANCE_YOUR_CALM || goaway === NO_ERROR, `${face}: GOAWAY of ${goaway}`);
    const { asked, failed } = await stop();
    assert.ok(asked > 0 && failed === 0, `${face}: ${failed} of ${asked} other requests failed`);
    const grownMB = pssMB(pod.proxy.pid!) - beforeMB;
    assert.ok(grownMB < 40, `${face}: ${grownMB.toFixed(0)} MB more`);
  }
});

function rapidlyReset(session: http2.ClientHttp2Session): void {
  if (session.destroyed || session.closed) return;
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => stream.destroy());
  stream.close(8);
}

test('connections beyond what the proxy may have are closed at once, and those before them go on', async () => {
  serveHttp1(small, 8080, (_request, response) => response.end('small'));
  const first = await plain.dial(small.ip, 8080);
  open.push(first);
  const status = (): Promise<string> =>
    new Promise((resolve, reject) => {
      first.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 0, 15)));
      first.once('close', () => reject(new Error('the first connection was closed')));
      first.write('GET / HTTP/1.1\r\nhost: small\r\n\r\n');
    });
  assert.equal(await status(), 'HTTP/1.1 200 OK');
  const more = await Promise.all(Array.from({ length: 80 }, () => plain.dial(small.ip, 8080)));
  open.push(...more);
  let closed = 0;
  let answered = 0;
  for (const socket of more) {
    socket.on('error', () => socket.destroy());
    socket.once('close', () => closed++);
    socket.once('data', () => answered++);
    socket.on('end', () => socket.end());
    socket.write('GET / HTTP/1.1\r\nhost: small\r\n\r\n');
  }
  await eventually('an answer or an end for each', 5_000, async () => closed + answered >= 80 || undefined, 10);
  assert.deepEqual([answered, closed], [49, 31]);
  assert.equal(await status(), 'HTTP/1.1 200 OK');
  const labels = { direction: 'inbound', reason: 'connections' };
  assert.ok((await small.metric('accepted_connections_refused_total', labels)) >= 31);
  assert.match(small.said(), /the proxy is at a limit/);
  for (const socket of more) socket.destroy();
  await eventually(
    'room again',
    3_000,
    async () => ((await get(plain, small.ip, 8080)).status === 200 ? true : undefined),
    20,
  );
});

test('a head that does not come is answered 408, byte by byte or not', { timeout: 30_000 }, async () => {
  for (const { face, answer, startMs } of slow) {
    const { status } = parseAnswer(await answer);
    const waitedMs = performance.now() - startMs;
    assert.equal(status, 408, face);
    assert.ok(waitedMs < SLOW_HEAD_MS, `${face}: ${waitedMs} ms`);
  }
});
