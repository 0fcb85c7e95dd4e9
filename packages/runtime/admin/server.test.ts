import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, test } from 'node:test';
import type { Listener } from '../net/index.ts';
import { startsHttp2 } from './http2.ts';
import { AdminServer } from './index.ts';

let listener: Listener;

before(async () => {
  const server = new AdminServer({
    '/live': () => ({ status: 200, body: 'live\n' }),
    '/echo': (request) => ({
      status: 200,
      body: `${request.method} ${request.query} ${request.body} ${request.local}`,
    }),
    '/big': () => ({ status: 200, body: 'x'.repeat(10_000) }),
    '/huge': () => ({ status: 200, body: 'x'.repeat(1_000_000) }),
    '/broken': () => {
      throw new Error('on purpose');
    },
  });
  listener = await server.listen('127.0.0.1', 0);
});
after(() => listener.close());

/** Sends bytes, ends, and gives everything that came back. */
function exchange(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(listener.addr.port, '127.0.0.1', () => socket.end(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('answers by path, with the query and body of the request', async () => {
  const url = `http://127.0.0.1:${listener.addr.port}`;
  assert.equal(await (await fetch(`${url}/live`)).text(), 'live\n');
  assert.equal(await (await fetch(`${url}/echo?a=b`, { method: 'PUT', body: 'hi' })).text(), 'PUT a=b hi true');
  assert.equal((await fetch(`${url}/constructor`)).status, 404);
  assert.equal((await fetch(`${url}/broken`)).status, 500);
  assert.equal((await (await fetch(`${url}/big`)).text()).length, 10_000);
});

test('answers pipelined requests in order', async () => {
  const answer = await exchange(
    'GET /echo?1 HTTP/1.1\r\nhost: a\r\n\r\nGET /echo?2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
  );
  assert.match(answer, /GET 1 {2}true.*GET 2 {2}true/s);
});

test('refuses what is no HTTP and bodies that are too long', async () => {
  assert.match(await exchange('hello\r\n\r\n'), /^HTTP\/1.1 400/);
  assert.match(await exchange(`hello\r\n\r\n${'x'.repeat(100_000)}`), /^HTTP\/1.1 400.*close\r\n.*\r\n\r\n$/s);
  assert.match(
    await exchange(`PUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 70000\r\n\r\n${'x'.repeat(70_000)}`),
    /^HTTP\/1.1 413/,
  );
});

test('a target in absolute form means its path', async () => {
  const text = 'GET http://a/echo?x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
  assert.match(await exchange(text), /GET x {2}true/);
});

test('bodies come in chunks too', async () => {
  const text = 'PUT /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n';
  assert.match(await exchange(text), /PUT {2}abcd true/);
});

test('compresses for those who say so, and answers HEAD with the head alone', async () => {
  const get = (path: string, lines: string) =>
    exchange(`${path} HTTP/1.1\r\nhost: a\r\n${lines}\r\nconnection: close\r\n\r\n`);
  const [head = '', body = ''] = (await get('GET /big', 'accept-encoding: deflate, gzip;q=0.5')).split('\r\n\r\n', 2);
  assert.match(head, /content-encoding: gzip/);
  assert.ok(body.length < 1_000);
  assert.doesNotMatch(await get('GET /big', 'accept-encoding: gzip;q=0'), /content-encoding/);
  assert.match(await get('HEAD /big', 'accept: */*'), /^HTTP\/1.1 200.*content-length: 10000\r\n\r\n$/s);
});

test('a server that is closed ends the connections that clients keep open', async () => {
  const closing = await new AdminServer({ '/live': () => ({ status: 200, body: 'live\n' }) }).listen('127.0.0.1', 0);
  const socket = net.connect(closing.addr.port, '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.write('GET /live HTTP/1.1\r\nhost: a\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  closing.close();
  await ended;
});

test('speaks HTTP/2 with those who begin so, as mesh proxies do', async () => {
  const session = http2.connect(`http://127.0.0.1:${listener.addr.port}`);
  const ask = (headers: Record<string, string>, body = ''): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers);
      let [status, text] = [0, ''];
      stream.on('response', (head) => {
        status = Number(head[':status']);
      });
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      stream.on('end', () => resolve([status, text]));
      stream.on('error', reject);
      stream.end(body);
    });
  try {
    assert.deepEqual(await ask({ ':path': '/live' }), [200, 'live\n']);
    assert.deepEqual(await ask({ ':path': '/echo?a=b', ':method': 'PUT' }, 'hi'), [200, 'PUT a=b hi true']);
    assert.equal((await ask({ ':path': '/nothing' }))[0], 404);
    assert.equal((await ask({ ':path': '/broken' }))[0], 500);
    assert.deepEqual(await ask({ ':path': '/huge' }), [200, 'x'.repeat(1_000_000)]);
    assert.deepEqual(await ask({ ':path': '/big', ':method': 'HEAD' }), [200, '']);
  } finally {
    session.close();
  }
});

test('a version is told from few bytes that come one by one', () => {
  for (const [text, isHttp2] of [
    ['', undefined],
    ['P', undefined],
    ['PR', undefined],
    ['PRI', true],
    ['PU', false],
    ['G', false],
  ] as const)
    assert.equal(startsHttp2(Buffer.from(text)), isHttp2, text);
});
