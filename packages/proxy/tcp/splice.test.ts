import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { FakeClock, systemClock } from '#runtime/clock';
import { LIMITS } from '../limits.ts';
import { type Conn, splice, type TcpScope } from './index.ts';

let server: net.Server;
const sockets: net.Socket[] = [];

before(async () => {
  server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** Both ends of a connection; nothing is read yet. */
async function pair(): Promise<{ near: Conn; far: Conn }> {
  const { port } = server.address() as AddressInfo;
  const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const [near] = (await once(server, 'connection')) as [Conn];
  sockets.push(near, far);
  return { near, far };
}

/** How many of its connections are open. */
class Open implements TcpScope {
  count = 2;
  opened(): void {
    this.count++;
  }
  read(): void {
    // Not looked at.
  }
  wrote(): void {
    // Not looked at.
  }
  closed(): void {
    this.count--;
  }
}

async function text(socket: Conn): Promise<string> {
  let all = '';
  socket.on('data', (chunk: Buffer) => {
    all += chunk.toString('latin1');
  });
  await once(socket, 'end');
  return all;
}

test('bytes and ends pass both ways, each end for itself', async () => {
  const a = await pair();
  const b = await pair();
  const scope = new Open();
  const over = new Promise<void>((done) => {
    splice(
      { socket: a.near, scope, first: Buffer.from('first '), ended: false },
      { socket: b.near, scope, first: undefined, ended: false },
      systemClock,
      done,
    );
  });
  a.far.end('question');
  assert.equal(await text(b.far), 'first question');
  b.far.end('answer');
  assert.equal(await text(a.far), 'answer');
  await over;
  assert.equal(scope.count, 0);
});

test('an end that was said before anybody listened is passed on, too', async () => {
  const a = await pair();
  const b = await pair();
  const scope = new Open();
  a.far.end();
  a.near.resume();
  await once(a.near, 'end');
  const over = new Promise<void>((done) => {
    splice(
      { socket: a.near, scope, first: undefined, ended: false },
      { socket: b.near, scope, first: undefined, ended: false },
      systemClock,
      done,
    );
  });
  assert.equal(await text(b.far), '');
  b.far.end();
  await over;
  assert.equal(scope.count, 0);
});

test('once one side has ended, a silent other side is not waited for without end', async () => {
  const a = await pair();
  const b = await pair();
  const scope = new Open();
  const clock = new FakeClock();
  const over = new Promise<void>((done) => {
    splice(
      { socket: a.near, scope, first: undefined, ended: false },
      { socket: b.near, scope, first: undefined, ended: false },
      clock,
      done,
    );
  });
  clock.advance(2 * LIMITS.halfClosedMs);
  assert.equal(scope.count, 2, 'while both may go on, silence means nothing');
  a.far.end('question');
  assert.equal(await text(b.far), 'question');
  clock.advance(LIMITS.halfClosedMs - 1);
  const answer = once(a.far, 'data');
  b.far.write('still working');
  await answer;
  clock.advance(LIMITS.halfClosedMs - 1);
  assert.equal(scope.count, 2, 'a word in between begins the wait anew');
  clock.advance(1);
  await over;
  assert.deepEqual([scope.count, clock.pending], [0, 0]);
});

test('what came whole goes out whole, though the connection that it came on breaks behind it', async () => {
  const a = await pair();
  const b = await pair();
  const scope = new Open();
  const whole = 4_000_000;
  const over = new Promise<void>((done) => {
    splice(
      { socket: a.near, scope, first: undefined, ended: false },
      { socket: b.near, scope, first: undefined, ended: false },
      systemClock,
      done,
    );
  });
  b.far.end(Buffer.alloc(whole));
  let bytes = 0;
  const ended = once(a.far, 'end');
  a.far.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    // Read so slowly that the other connection breaks long before.
    a.far.pause();
    if (bytes === chunk.length) void once(b.near, 'end').then(() => b.far.resetAndDestroy());
    setTimeout(() => a.far.resume(), 1);
  });
  await ended;
  assert.equal(bytes, whole);
  a.far.end();
  await over;
  assert.equal(scope.count, 0);
});

test('what breaks off in the middle is broken off on the other side', async () => {
  const a = await pair();
  const b = await pair();
  const scope = new Open();
  const over = new Promise<void>((done) => {
    splice(
      { socket: a.near, scope, first: undefined, ended: false },
      { socket: b.near, scope, first: undefined, ended: false },
      systemClock,
      done,
    );
  });
  const error = once(a.far, 'error');
  a.far.resume().on('end', () => assert.fail('as if it were whole'));
  b.far.write('half');
  await once(a.far, 'data');
  b.far.resetAndDestroy();
  assert.equal(((await error)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
  await over;
  assert.equal(scope.count, 0);
});
