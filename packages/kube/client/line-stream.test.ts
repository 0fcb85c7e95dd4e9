import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { after, test } from 'node:test';
import { createKubeClient } from './http-client.ts';
import type { KubeClient } from './types.ts';

const clientOf = (server: Http2Server): KubeClient =>
  createKubeClient({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tls: () => Promise.resolve({ version: '1' }),
    headers: () => Promise.resolve({}),
  });

test('lines whose connection is cut break off, those that end and those that nobody wants any more do not', async () => {
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('stream', (opened, headers) => {
    const stream = opened as ServerHttp2Stream;
    stream.on('error', () => {}); // A cut connection resets its streams.
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/short') stream.end('one\n');
    else stream.write('one\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = clientOf(server);
  after(() => {
    client.close();
    server.close();
  });
  const read = (path: string) => {
    let begun = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    return { ...client.lines(path, () => begun()), first };
  };
  await read('/short').done;

  const unwanted = read('/long');
  await unwanted.first;
  unwanted.stop();
  await unwanted.done;

  const cut = read('/long');
  await cut.first;
  for (const socket of sockets) socket.destroy();
  await assert.rejects(cut.done, /the connection to the API server was lost/);
});

test('an answer whose connection is cut is asked for again, and never taken for a whole one', async () => {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('stream', (opened) => {
    const stream = opened as ServerHttp2Stream;
    stream.on('error', () => {}); // A cut connection resets its streams.
    stream.respond({ ':status': 200 });
    asked += 1;
    const cut = () => {
      for (const socket of sockets) socket.destroy();
    };
    if (asked > 1) stream.end('whole');
    else stream.write('ha', () => setTimeout(cut, 20));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = clientOf(server);
  after(() => {
    client.close();
    server.close();
  });
  assert.equal((await client.raw('/')).body, 'whole');
});
