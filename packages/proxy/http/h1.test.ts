import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryPolicy } from '#model/retry';
import { FakeClock } from '#runtime/clock';
import { createFlusher } from '#runtime/flush';
import { LIMITS } from '../limits.ts';
import { Connections } from './connections.ts';
import type { Exchange, HttpSide, Plan } from './exchange.ts';
import { Http1Server } from './h1-server.ts';
import { STRIP } from './names.ts';
import { createHttpShared } from './shared.ts';
import { FakeSocket } from './socket.fake.ts';

/** An HTTP/1 hop between a scripted client and scripted servers. */
class Hop {
  readonly clock = new FakeClock();
  readonly client: FakeSocket;
  readonly servers: FakeSocket[] = [];
  readonly failed: string[] = [];
  readonly server: Http1Server;
  closed = 0;
  readonly #turns: (() => void)[] = [];

  constructor(plan: Partial<Plan> = {}, client = new FakeSocket(), first = '') {
    this.client = client;
    const flusher = createFlusher((callback) => this.#turns.push(callback));
    const shared = { ...createHttpShared(this.clock), flusher };
    const scope = { opened: nothing, read: nothing, wrote: nothing, closed: nothing };
    const connections = new Connections({
      dial: (sink) => {
        const socket = new FakeSocket();
        this.servers.push(socket);
        sink.connected(socket.conn);
        return nothing;
      },
      scope,
      clock: this.clock,
      shared,
      countMax: 10,
      idleMs: 3_000,
      failed: (exchange, fault) => exchange.unavailable(fault),
    });
    const side: HttpSide = {
      shared,
      clock: this.clock,
      random: () => 0,
      strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
      obeyPeerClose: true,
      observers: [],
      inFlightMax: 10,
      inFlight: 0,
      failed: (code) => this.failed.push(code),
    };
    const whole: Plan = {
      timeouts: undefined,
      retry: undefined,
      allowsRequestHeaders: false,
      dispatch: (exchange: Exchange) => {
        exchange.upstream = connections;
        return undefined;
      },
      ...plan,
    };
    this.server = new Http1Server(this.client.conn, Buffer.from(first), {
      side,
      router: { route: () => whole },
      client: {
        ip: '10.0.0.1',
        port: 40_000,
        dst: { ip: '10.96.0.10', port: 80 },
        identity: undefined,
        tls: { tls: 'no_identity', no_tls_reason: 'loopback' },
      },
      scope,
      explain: true,
      closed: () => {
        this.closed++;
      },
    });
  }

  /** The client sends; gives what reaches the server. */
  request(text: string): string {
    this.client.receive(text);
    this.turn();
    return this.servers.at(-1)?.take() ?? '';
  }

  /** The server sends; gives what reaches the client. */
  response(text: string, server = this.servers.length - 1): string {
    this.servers[server]!.receive(text);
    this.turn();
    return this.client.take();
  }

  turn(): void {
    for (const turn of this.#turns.splice(0)) turn();
  }
}

function nothing(): void {
  // Not counted here.
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('a head and the body behind it leave in one write', () => {
  const hop = new Hop();
  hop.client.receive('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello');
  hop.turn();
  assert.deepEqual(hop.servers[0]!.writes, ['POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello']);
  hop.servers[0]!.receive(OK);
  hop.turn();
  assert.deepEqual(hop.client.writes, [OK]);
});

test('requests that came together are answered in order, by one connection', () => {
  const hop = new Hop();
  const path = (n: number) => `GET /${n} HTTP/1.1\r\nhost: a\r\n\r\n`;
  assert.equal(hop.request(path(1) + path(2)), path(1));
  assert.ok(hop.client.paused);
  assert.equal(hop.response(OK), OK);
  assert.equal(hop.servers[0]!.take(), path(2));
  assert.equal(hop.response(OK), OK);
  assert.equal(hop.servers.length, 1);
  assert.equal(hop.client.paused, false);
});

test('HTTP/1.0: the original destination stands in for a host, and the connection stays where that was asked for', () => {
  const hop = new Hop();
  assert.equal(
    hop.request('GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n'),
    'GET / HTTP/1.1\r\nhost: 10.96.0.10:80\r\n\r\n',
  );
  assert.equal(hop.response(OK), 'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok');
  hop.request('GET / HTTP/1.0\r\n\r\n');
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
  assert.equal(hop.response(chunked), 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc');
  assert.equal(hop.client.state, 'ended');
});

test('a response to HTTP/1.0 that breaks off is reset, since a mere end would complete it', () => {
  const hop = new Hop();
  hop.request('GET / HTTP/1.0\r\n\r\n');
  hop.response('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  hop.servers[0]!.receiveEnd();
  hop.turn();
  assert.equal(hop.client.state, 'reset');
});

test('an answer that overtakes the request passes, and both connections end', () => {
  const hop = new Hop();
  hop.request('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart');
  assert.match(hop.response('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n'), /^HTTP\/1.1 413 /);
  assert.equal(hop.servers[0]!.state, 'closed');
  assert.equal(hop.client.state, 'ended');
  hop.client.receive('the rest is thrown away');
  hop.clock.advance(LIMITS.lingerMs);
  assert.equal(hop.client.state, 'closed');
  assert.equal(hop.closed, 1);
});

test('a client that goes away in the middle of its request cuts it off upstream', () => {
  const hop = new Hop();
  hop.request('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart');
  hop.client.receiveEnd();
  assert.equal(hop.servers[0]!.state, 'reset');
  assert.equal(hop.client.state, 'closed');
});

test('a head that does not come to its end in time is answered 408; silence between requests is not bounded', () => {
  const hop = new Hop();
  hop.clock.advance(LIMITS.headMs * 2);
  hop.client.receive('GET / HTTP/1.1\r\nho');
  hop.clock.advance(LIMITS.headMs - 1);
  assert.equal(hop.client.take(), '');
  hop.client.receive('st: a\r\nx-slow:');
  hop.clock.advance(LIMITS.headSweepMs + 1);
  assert.match(hop.client.take(), /^HTTP\/1.1 408 Request Timeout\r\nconnection: close\r\n/);
  assert.deepEqual(hop.failed, ['slow-client']);
  const quick = new Hop();
  quick.client.receive('GET / HTTP/1.1\r\nho');
  quick.clock.advance(LIMITS.headMs - 1_000);
  quick.request('st: a\r\n\r\n');
  quick.clock.advance(LIMITS.headMs);
  assert.equal(quick.response(OK), OK);
  assert.equal(quick.clock.pending, 1); // the sweep of the pool
});

test('bytes that nobody asked for end the connection that they came by', () => {
  const hop = new Hop();
  hop.request(GET);
  hop.response(OK);
  hop.servers[0]!.receive('HTTP/1.1 200 OK\r\n\r\n');
  assert.equal(hop.servers[0]!.state, 'closed');
  hop.request(GET);
  assert.equal(hop.servers.length, 2);
  hop.response(`${OK}HTTP/1.1 500 Surprise\r\n\r\n`);
  assert.equal(hop.servers[1]!.state, 'closed');
});

test('a switch of protocols that nobody asked for, or a malformed head, is 502', () => {
  for (const text of ['HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', 'SSH-2.0-OpenSSH\r\n\r\n']) {
    const hop = new Hop();
    hop.request(GET);
    assert.match(hop.response(text), /^HTTP\/1.1 502 Bad Gateway\r\n/);
    assert.equal(hop.servers[0]!.state, 'reset');
  }
});

test('CONNECT becomes a tunnel, and what is left to send when both have ended is sent', () => {
  const hop = new Hop();
  assert.equal(
    hop.request('CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n'),
    'CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n',
  );
  assert.equal(hop.response('HTTP/1.1 200 OK\r\n\r\nhello'), 'HTTP/1.1 200 OK\r\n\r\nhello');
  hop.servers[0]!.receiveEnd();
  assert.equal(hop.client.state, 'ended');
  hop.client.receive('bye');
  hop.client.receiveEnd();
  assert.equal(hop.servers[0]!.take(), 'bye');
  assert.equal(hop.servers[0]!.state, 'ended');
});

test('a tunnel whose ends have both been said does not wait for ever for a peer that takes nothing', () => {
  for (const stuck of ['client', 'server'] as const) {
    const hop = new Hop();
    hop.request('CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n');
    hop.response('HTTP/1.1 200 OK\r\n\r\n');
    const server = hop.servers[0]!;
    const socket = stuck === 'client' ? hop.client : server;
    socket.room = false;
    server.receive('the last of it');
    server.receiveEnd();
    hop.client.receive('the last of it');
    hop.client.receiveEnd();
    hop.clock.advance(LIMITS.finishMs - 1);
    assert.equal(socket.state, 'ended', stuck);
    hop.clock.advance(1);
    assert.match(socket.state, /closed|reset/, stuck);
  }
});

test('a large body is written as it comes, and a full socket stops the other side', () => {
  const hop = new Hop();
  hop.request(GET);
  const piece = 'x'.repeat(LIMITS.gatheredBytesMax);
  hop.client.room = false;
  hop.servers[0]!.receive(`HTTP/1.1 200 OK\r\ncontent-length: ${piece.length * 2}\r\n\r\n`);
  hop.servers[0]!.receive(piece);
  assert.equal(hop.client.writes.at(-1), piece);
  assert.ok(hop.servers[0]!.paused);
  hop.client.drain();
  assert.equal(hop.servers[0]!.paused, false);
  hop.response(piece);
  assert.equal(hop.client.state, 'open');
});

test('a retried response is read to its end when it is short, so that the connection serves again', () => {
  const retry = new RetryPolicy({
    limit: 1,
    bytesMax: 10,
    perTryMs: undefined,
    backoff: undefined,
    statuses: [{ from: 503, to: 503 }],
    grpcCodes: [],
  });
  const hop = new Hop({ retry });
  hop.request(GET);
  assert.equal(hop.response('HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nso'), '');
  assert.equal(hop.servers.length, 2);
  hop.response('ry', 0);
  assert.equal(hop.response(OK, 1), OK);
  assert.equal(hop.servers[0]!.state, 'open');

  hop.request(GET);
  hop.response(`HTTP/1.1 503 No\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(LIMITS.discardBytesMax + 1)}`, 1);
  assert.equal(hop.servers[1]!.state, 'reset');
  assert.equal(hop.response(OK, 0), OK);

  hop.request(GET);
  hop.response('HTTP/1.1 503 No\r\ncontent-length: 10\r\n\r\n', 0);
  hop.clock.advance(LIMITS.lingerMs);
  assert.equal(hop.servers[0]!.state, 'reset');
});

test('a drain ends an idle connection at once, and a busy one with its response', () => {
  const idle = new Hop();
  idle.server.drain();
  assert.equal(idle.client.state, 'ended');
  const busy = new Hop();
  busy.request(GET);
  busy.server.drain();
  assert.equal(busy.client.state, 'open');
  assert.match(busy.response(OK), /\r\nconnection: close\r\n/);
  assert.equal(busy.client.state, 'ended');
});

test('the last response of a connection reaches a client that reads slowly', () => {
  const hop = new Hop();
  hop.request('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  hop.client.room = false;
  hop.response(OK);
  assert.equal(hop.client.state, 'ended');
  hop.clock.advance(LIMITS.lingerMs * 5);
  assert.equal(hop.client.state, 'ended', 'not cut off');
  hop.client.drain();
  hop.clock.advance(LIMITS.lingerMs);
  assert.equal(hop.client.state, 'closed');
  assert.equal(hop.clock.pending, 0);
});

test('a client that never takes the last response is cut off in the end, whether or not it has said its end', () => {
  for (const says of [true, false]) {
    const hop = new Hop();
    hop.request('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    if (says) hop.client.receiveEnd();
    hop.client.room = false;
    hop.response(OK);
    hop.clock.advance(LIMITS.finishMs);
    assert.equal(hop.client.state, 'closed');
  }
});

test('a response that lasts until the end of its connection is whole only if that was ended, not broken', () => {
  const endless = 'HTTP/1.1 200 OK\r\n\r\nabc';
  const passed = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n';
  const ways: [(server: FakeSocket) => void, string, FakeSocket['state']][] = [
    [(server) => server.receiveEnd(), '0\r\n\r\n', 'open'],
    [(server) => server.emit('error', Object.assign(new Error(), { code: 'ECONNRESET' })), '', 'closed'],
    [(server) => server.destroy(), '', 'closed'],
  ];
  for (const [over, rest, state] of ways) {
    const hop = new Hop();
    hop.request(GET);
    assert.equal(hop.response(endless), passed);
    over(hop.servers[0]!);
    hop.turn();
    assert.equal(hop.client.take(), rest);
    assert.equal(hop.client.state, state);
  }
});

test('informational heads without end are no response', () => {
  const hop = new Hop();
  const hints = 'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n';
  for (let i = 0; i < 2; i++) {
    hop.request(GET);
    for (let n = 0; n < LIMITS.informationalsMax; n++) hop.response(hints);
    assert.equal(hop.response(OK), OK);
  }
  hop.request(GET);
  hop.response(hints.repeat(LIMITS.informationalsMax));
  assert.match(hop.response(hints), /^HTTP\/1.1 502 /);
  assert.equal(hop.servers[0]!.state, 'reset');
});

test('a client that had said its end before the connection was taken over gets its answer, and the end', async () => {
  const client = new FakeSocket();
  client.receiveEnd();
  const hop = new Hop({}, client, GET);
  await Promise.resolve();
  hop.turn();
  assert.equal(hop.response(OK), OK);
  assert.equal(client.state, 'ended');

  const silent = new FakeSocket();
  silent.receiveEnd();
  new Hop({}, silent);
  await Promise.resolve();
  assert.equal(silent.state, 'ended');
});

test('a server that ends behind an informational head has not answered', () => {
  const hop = new Hop();
  hop.request(GET);
  assert.match(hop.response('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'), /^HTTP\/1.1 103 /);
  hop.servers[0]!.receiveEnd();
  hop.turn();
  assert.match(hop.client.take(), /^HTTP\/1.1 502 /);
});
