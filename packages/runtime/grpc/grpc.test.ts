import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { DescMethodBiDiStreaming, DescMethodServerStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { encodeGrpcMessage } from '#wire/grpc';
import { createHttp2Connection } from '#wire/http2';
import { FIELDS, fieldValue } from './fields.ts';
import {
  createGrpcClient,
  createGrpcServer,
  encodeMessage,
  type GrpcClient,
  GrpcError,
  type GrpcServer,
  type GrpcServerOptions,
  type ResponseStream,
} from './index.ts';
import { LIMITS } from './limits.ts';

type Text = typeof StringValueSchema;
const parent = { typeName: 'weft.test.Echo' };
/** A method descriptor with what client and server use of it. */
const method = (name: string, methodKind: string) => ({
  name,
  methodKind,
  parent,
  input: StringValueSchema,
  output: StringValueSchema,
});
const Say = method('Say', 'unary') as unknown as DescMethodUnary<Text, Text>;
const Watch = method('Watch', 'server_streaming') as unknown as DescMethodServerStreaming<Text, Text>;
const Chat = method('Chat', 'bidi_streaming') as unknown as DescMethodBiDiStreaming<Text, Text>;

/** Of a peer that is scripted frame by frame. */
const PEER_OPTIONS = {
  streamWindow: 65_535,
  connectionWindow: 65_535,
  maxConcurrentStreams: 100,
  maxFrameSize: 16_384,
  maxHeaderListSize: 16_384,
  headerTableSize: 4096,
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A client over one new TCP connection each time. */
function clientTo(port: number, sockets: net.Socket[] = []): GrpcClient {
  const client = createGrpcClient({
    authority: 'echo.test:80',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
        sockets.push(socket);
      }),
  });
  cleanups.push(() => client.close());
  return client;
}

/** A peer on Node's own HTTP/2. */
async function plainServer(
  answer: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
) {
  const server = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => undefined); // some tests cut streams off
    answer(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, sessions };
}

/** Answers a call with messages and a status. */
function answerWith(stream: http2.ServerHttp2Stream, texts: readonly string[], status = '0'): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  for (const text of texts) stream.write(encodeMessage(StringValueSchema, { value: text }));
  stream.end();
}

async function serve(setUp: (server: GrpcServer) => void, options: GrpcServerOptions = {}) {
  const server = createGrpcServer(options);
  setUp(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const sockets: net.Socket[] = [];
  cleanups.push(() => server.close());
  const client = clientTo(port, sockets);
  return { server, client, sockets, port };
}

/** Collects a stream; `until(n)` resolves with n messages, `ended` with the outcome. */
function collect(client: GrpcClient, text: string, timeoutMs?: number) {
  const messages: string[] = [];
  let wake = () => {};
  let end: (error: GrpcError | undefined) => void = () => {};
  const ended = new Promise<GrpcError | undefined>((resolve) => {
    end = resolve;
  });
  const sink = {
    message: (message: { value: string }) => {
      messages.push(message.value);
      wake();
    },
    ended: (error: GrpcError | undefined) => end(error),
  };
  const cancel = client.serverStream(Watch, { value: text }, sink, timeoutMs === undefined ? {} : { timeoutMs });
  const until = async (count: number) => {
    while (messages.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return messages;
  };
  return { messages, ended, cancel, until };
}

const codeOfFailure = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    (error) => (error as GrpcError).code,
  );
const closed = () => {
  let resolve = () => {};
  const promise = new Promise<void>((r) => {
    resolve = r;
  });
  return { promise, resolve };
};

test('answers a unary call and counts it', async () => {
  const seen: string[] = [];
  const observer = {
    started: () => seen.push('started'),
    received: () => seen.push('received'),
    sent: () => seen.push('sent'),
    handled: (name: { method: string; type: string }, code: string) => seen.push(`${name.method} ${name.type} ${code}`),
  };
  const { client, server } = await serve((s) => s.unary(Say, (request) => ({ value: `re: ${request.value}` })), {
    observer,
  });
  assert.equal((await client.unary(Say, { value: 'hi' })).value, 're: hi');
  await server.close();
  assert.deepEqual(seen, ['started', 'received', 'sent', 'Say unary OK']);
});

test('carries messages larger than a flow-control window both ways', async () => {
  const { client } = await serve((s) => s.unary(Say, (request) => ({ value: request.value })));
  const value = 'x'.repeat(300_000);
  assert.equal((await client.unary(Say, { value })).value, value);
});

test('carries the status and its text, with characters outside ASCII', async () => {
  const { client } = await serve((s) =>
    s.unary(Say, () => {
      throw new GrpcError('FAILED_PRECONDITION', 'Kühe: 100 %\nno');
    }),
  );
  await assert.rejects(client.unary(Say, {}), (error: GrpcError) => {
    assert.equal(error.code, 'FAILED_PRECONDITION');
    assert.equal(error.message, 'Kühe: 100 %\nno');
    return true;
  });
});

test('reports a bug in a handler as UNKNOWN and hands it to the server', async () => {
  const bugs: unknown[] = [];
  const { client } = await serve((s) => s.unary(Say, () => Promise.reject(new TypeError('oops'))), {
    onBug: (name, error) => bugs.push([name, (error as Error).message]),
  });
  assert.equal(await codeOfFailure(client.unary(Say, {})), 'UNKNOWN');
  assert.deepEqual(bugs, [['weft.test.Echo/Say', 'oops']]);
});

test('an answer that cannot be encoded is a bug of the handler, not the end of the process', async () => {
  const bugs: string[] = [];
  const answer = {
    get value(): string {
      throw new Error('no text');
    },
  };
  const { client } = await serve((s) => s.unary(Say, () => answer), { onBug: (name) => bugs.push(name) });
  assert.equal(await codeOfFailure(client.unary(Say, {})), 'UNKNOWN');
  assert.deepEqual(bugs, ['weft.test.Echo/Say']);
});

test('a message that its taker cannot make sense of ends the call', async () => {
  const gone = closed();
  const { client } = await serve((s) =>
    s.serverStream(Watch, (_, stream) => {
      stream.onClose(gone.resolve);
      stream.write({ value: 'odd' });
    }),
  );
  const error = await new Promise<GrpcError | undefined>((resolve) => {
    const message = () => {
      throw new Error('what is this');
    };
    client.serverStream(Watch, {}, { message, ended: resolve });
  });
  assert.equal(error?.code, 'INTERNAL');
  assert.match(error.message, /what is this/);
  await gone.promise;
});

test('refuses methods it does not have with UNIMPLEMENTED', async () => {
  const { client } = await serve(() => {});
  assert.equal(await codeOfFailure(client.unary(Say, {})), 'UNIMPLEMENTED');
});

test('streams messages, then the status', async () => {
  const { client } = await serve((s) =>
    s.serverStream(Watch, (request, stream) => {
      stream.write({ value: `${request.value} 1` });
      stream.write({ value: `${request.value} 2` });
      stream.end(new GrpcError('ABORTED', 'enough'));
    }),
  );
  const call = collect(client, 'tick');
  assert.equal((await call.ended)?.code, 'ABORTED');
  assert.deepEqual(call.messages, ['tick 1', 'tick 2']);
});

test('tells the handler when the caller cancels, and calls the sink no more', async () => {
  const gone = closed();
  const { client } = await serve((s) =>
    s.serverStream(Watch, (_, stream) => {
      stream.onClose(gone.resolve);
      stream.write({ value: 'first' });
    }),
  );
  const call = collect(client, '');
  await call.until(1);
  call.cancel();
  await gone.promise;
  assert.equal(await Promise.race([call.ended, Promise.resolve('silent')]), 'silent');
});

test('ends a call at its deadline on both sides', async () => {
  const gone = closed();
  const { client } = await serve((s) => s.serverStream(Watch, (_, stream) => stream.onClose(gone.resolve)));
  const call = collect(client, '', 30);
  assert.equal((await call.ended)?.code, 'DEADLINE_EXCEEDED');
  await gone.promise;
});

test('ends calls with UNAVAILABLE when the connection is lost, and connects again for the next', async () => {
  const { client, sockets } = await serve((s) =>
    s.serverStream(Watch, (_, stream) => void stream.write({ value: 'up' })),
  );
  const first = collect(client, '');
  await first.until(1);
  sockets[0]?.destroy();
  assert.equal((await first.ended)?.code, 'UNAVAILABLE');
  const second = collect(client, '');
  assert.deepEqual(await second.until(1), ['up']);
  second.cancel();
  assert.equal(sockets.length, 2);
});

test('fails with UNAVAILABLE when nothing listens', async () => {
  const client = createGrpcClient({ authority: 'x:1', connect: () => Promise.reject(new Error('refused')) });
  await assert.rejects(
    client.unary(Say, {}),
    (error: GrpcError) => error.code === 'UNAVAILABLE' && /refused/.test(error.message),
  );
});

test('tells the writer that a slow reader falls behind, and when it has caught up', async () => {
  const state = { stopped: 0, sent: 0, drained: false };
  const { port } = await serve((s) =>
    s.serverStream(Watch, (_, stream) => {
      const value = 'x'.repeat(10_000);
      for (; state.sent < 1000; state.sent += 1) if (!stream.write({ value })) break;
      stream.onWritable(() => {
        state.drained = true;
      });
    }),
  );
  const session = http2.connect(`http://127.0.0.1:${port}`);
  cleanups.push(() => session.destroy());
  const call = session.request({
    ':method': 'POST',
    ':path': '/weft.test.Echo/Watch',
    'content-type': 'application/grpc',
  });
  call.end(encodeGrpcMessage(new Uint8Array()));
  await new Promise((resolve) => call.once('response', resolve));
  assert.ok(state.sent < 100, `stopped after ${state.sent}`);
  const reading = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (!state.drained) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  call.resume();
  await reading;
});

test('close ends streams with OK', async () => {
  const open: ResponseStream<Text>[] = [];
  const { client, server } = await serve((s) =>
    s.serverStream(Watch, (_, stream) => {
      open.push(stream);
      stream.write({ value: 'up' });
    }),
  );
  const call = collect(client, '');
  await call.until(1);
  await server.close();
  assert.equal(await call.ended, undefined);
});

test('holds a thousand streams on one connection and reaches each', async () => {
  const open: ResponseStream<Text>[] = [];
  const { client, sockets } = await serve((s) => s.serverStream(Watch, (_, stream) => void open.push(stream)));
  const calls = Array.from({ length: 1000 }, () => collect(client, ''));
  while (open.length < 1000) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const stream of open) stream.write({ value: 'news' });
  await Promise.all(calls.map((call) => call.until(1)));
  assert.equal(sockets.length, 1);
  for (const call of calls) call.cancel();
});

test('finds a dead peer by ping', async () => {
  const mute = net.createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  const client = createGrpcClient({
    authority: 'x',
    connect: async () => net.connect(port, '127.0.0.1'),
    keepAlive: { intervalMs: 10, timeoutMs: 10 },
  });
  cleanups.push(
    () => mute.close(),
    () => client.close(),
  );
  assert.equal(await codeOfFailure(client.unary(Say, {})), 'UNAVAILABLE');
});

test('takes an answer that is not gRPC for what its HTTP status means', async () => {
  const { port } = await plainServer((stream) => {
    stream.respond({ ':status': 503 });
    stream.end('down');
  });
  assert.equal(await codeOfFailure(clientTo(port).unary(Say, {})), 'UNAVAILABLE');
});

test('refuses malformed requests with INVALID_ARGUMENT and compressed ones with UNIMPLEMENTED', async () => {
  const { port } = await serve((s) => s.unary(Say, () => ({})));
  const session = http2.connect(`http://127.0.0.1:${port}`);
  cleanups.push(() => session.destroy());
  const statusOf = (body: Buffer) =>
    new Promise((resolve) => {
      const call = session.request({
        ':method': 'POST',
        ':path': '/weft.test.Echo/Say',
        'content-type': 'application/grpc',
      });
      call.on('response', (headers) => resolve(headers['grpc-status']));
      call.end(body);
    });
  assert.equal(await statusOf(encodeGrpcMessage(Buffer.from('ffffff', 'hex'))), '3');
  assert.equal(await statusOf(Buffer.alloc(0)), '3');
  assert.equal(await statusOf(Buffer.from('0100000000', 'hex')), '12');
  assert.equal(await statusOf(Buffer.from('00ffffffff', 'hex')), '8');
});

test('takes a status in the only header block, and one that comes with another HTTP status', async () => {
  const { port } = await plainServer((stream, headers) => {
    const status = headers['x-status'] as string;
    stream.respond(
      {
        ':status': Number(status),
        'content-type': 'application/grpc',
        'grpc-status': '5',
        'grpc-message': 'not%20here',
      },
      { endStream: true },
    );
  });
  const client = clientTo(port);
  for (const status of ['200', '404'])
    await assert.rejects(client.unary(Say, {}, { metadata: { 'x-status': status } }), (error: GrpcError) => {
      assert.deepEqual([error.code, error.message], ['NOT_FOUND', 'not here']);
      return true;
    });
});

test('takes what is no gRPC, a stream without a status and a cut message for failures', async () => {
  const { port } = await plainServer((stream, headers) => {
    const kind = headers['x-kind'];
    if (kind === 'html') {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html>');
    } else if (kind === 'silent') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.end(encodeMessage(StringValueSchema, { value: 'x' }));
    } else {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
    }
  });
  const client = clientTo(port);
  const codes: string[] = [];
  for (const kind of ['html', 'silent', 'cut'])
    codes.push(await codeOfFailure(client.unary(Say, {}, { metadata: { 'x-kind': kind } })));
  assert.deepEqual(codes, ['UNKNOWN', 'UNAVAILABLE', 'INTERNAL']);
});

test('maps resets of HTTP/2 to codes', async () => {
  const ignore = () => undefined;
  const server = net.createServer((socket) => {
    const codec = createHttp2Connection<never>('server', PEER_OPTIONS, FIELDS, {
      request: (stream, { fields }) => stream.reset(Number(fieldValue(fields, 'x-code'))),
      response: ignore,
      data: ignore,
      trailers: ignore,
      reset: ignore,
      writable: ignore,
      available: ignore,
      goaway: ignore,
      pong: ignore,
      fault: ignore,
      output: ignore,
    });
    socket.on('data', (chunk: Buffer) => {
      codec.receive(chunk, 0);
      for (let bytes = codec.takeOutput(10_000); bytes; bytes = codec.takeOutput(10_000)) socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  const client = clientTo((server.address() as AddressInfo).port);
  const codes: string[] = [];
  for (const code of ['7', '8', '11', '12', '2'])
    codes.push(await codeOfFailure(client.unary(Say, {}, { metadata: { 'x-code': code } })));
  assert.deepEqual(codes, ['UNAVAILABLE', 'CANCELLED', 'RESOURCE_EXHAUSTED', 'PERMISSION_DENIED', 'INTERNAL']);
});

test('a server that says GOAWAY finishes its streams while new calls get a new connection', async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const { port, sessions } = await plainServer((stream, headers) => {
    if (headers[':path'] === '/weft.test.Echo/Watch') held.push(stream);
    else answerWith(stream, ['done']);
  });
  const sockets: net.Socket[] = [];
  const client = clientTo(port, sockets);
  const watch = collect(client, '');
  while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  sessions[0]?.goaway(0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await client.unary(Say, {})).value, 'done');
  assert.equal(sockets.length, 2);
  answerWith(held[0]!, ['late']);
  assert.equal(await watch.ended, undefined);
  assert.deepEqual(watch.messages, ['late']);
});

test('calls beyond the streams that the server admits get other connections, then wait for their turn', async () => {
  let most = 0;
  let open = 0;
  const { port, sessions } = await plainServer(
    (stream) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open -= 1;
        answerWith(stream, ['ok']);
      }, 5);
    },
    { maxConcurrentStreams: 3 },
  );
  const client = clientTo(port);
  await client.unary(Say, {}); // its settings are known now
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.unary(Say, {})));
  assert.equal(answers.length, 100);
  assert.ok(sessions.length > 1 && sessions.length <= LIMITS.connectionsMax, `${sessions.length} connections`);
  assert.ok(most <= 3 * LIMITS.connectionsMax, `${most} at once`);
});

test('a call whose deadline passes, or that is cancelled, while there is no connection ends then', async () => {
  const client = createGrpcClient({ authority: 'x', connect: () => new Promise(() => undefined) });
  const started = performance.now();
  assert.equal(await codeOfFailure(client.unary(Say, {}, { timeoutMs: 20 })), 'DEADLINE_EXCEEDED');
  assert.ok(performance.now() - started < 10_000);
  const abort = new AbortController();
  const call = client.unary(Say, {}, { signal: abort.signal });
  abort.abort();
  assert.equal(await codeOfFailure(call), 'CANCELLED');
});

test('close ends calls that wait for a connection, and closes one that comes too late', async () => {
  let connect: (socket: net.Socket) => void = () => {};
  const client = createGrpcClient({
    authority: 'x',
    connect: () =>
      new Promise((resolve) => {
        connect = resolve;
      }),
  });
  const call = client.unary(Say, {});
  client.close();
  assert.equal(await codeOfFailure(call), 'UNAVAILABLE');
  const late = new net.Socket();
  connect(late);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(late.destroyed, true);
});

test('metadata reaches the handler; what gRPC forbids is refused', async () => {
  const { client } = await serve((s) =>
    s.unary(Say, (_, context) => ({ value: `${context.metadata('weft-features')} ${context.metadata('other')}` })),
  );
  const answer = await client.unary(Say, {}, { metadata: { 'weft-features': 'delay' } });
  assert.equal(answer.value, 'delay undefined');
  for (const metadata of [{ 'grpc-status': '0' }, { Upper: 'x' }, { x: 'line\nfeed' }, { te: 'gzip' }] as Record<
    string,
    string
  >[])
    await assert.rejects(client.unary(Say, {}, { metadata }), TypeError);
});

test('what writers send the moment they may stays in order, however much of it there is', async () => {
  const [streams, messages] = [40, 8];
  const expected = (value: string, i: number) => `${value}-${i}-`.padEnd(100_000, value);
  const server = createGrpcServer();
  server.serverStream(Watch, ({ value }, stream) => {
    let sent = 0;
    const send = () => {
      while (sent < messages && stream.writable) {
        stream.write({ value: expected(value, sent) });
        sent += 1;
      }
      if (sent === messages) stream.end();
    };
    stream.onWritable(send);
    send();
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => server.close());
  const sockets: net.Socket[] = [];
  const client = clientTo(port, sockets);
  const ended = Array.from({ length: streams }, (_, n) => {
    const value = String.fromCharCode(97 + (n % 26));
    let heard = 0;
    return new Promise<void>((resolve, reject) => {
      client.serverStream(
        Watch,
        { value },
        {
          message(message) {
            if (message.value !== expected(value, heard)) reject(new Error(`stream ${n}: message ${heard} is another`));
            heard += 1;
          },
          ended: (error) =>
            heard === messages ? resolve() : reject(error ?? new Error(`stream ${n} ended after ${heard} messages`)),
        },
      );
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  sockets[0]?.pause();
  setTimeout(() => sockets[0]?.resume(), 50);
  await Promise.all(ended);
});

test('streams messages both ways, and holds requests back while the handler pauses', async () => {
  const seen: string[] = [];
  let resume = () => {};
  const { client } = await serve((s) =>
    s.duplex(Chat, (stream) => {
      resume = () => stream.resume();
      return {
        message({ value }) {
          seen.push(value);
          stream.write({ value: value.toUpperCase() });
          if (value === 'b') stream.pause();
        },
        ended: () => stream.end(),
      };
    }),
  );
  const answers: string[] = [];
  let end: (error: GrpcError | undefined) => void = () => {};
  const ended = new Promise<GrpcError | undefined>((resolve) => {
    end = resolve;
  });
  const call = client.duplex(Chat, { message: ({ value }) => void answers.push(value), ended: end });
  for (const value of ['a', 'b', 'c']) call.write({ value });
  call.end();
  while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(seen, ['a', 'b']);
  resume();
  assert.equal(await ended, undefined);
  assert.deepEqual(answers, ['A', 'B', 'C']);
});

test('a paused handler slows the caller down', async () => {
  let taken = 0;
  let stream: { resume(): void } | undefined;
  const { client } = await serve((s) =>
    s.duplex(Chat, (each) => {
      stream = each;
      each.pause();
      return {
        message() {
          taken += 1;
        },
        ended: () => each.end(),
      };
    }),
  );
  const done = closed();
  const call = client.duplex(Chat, { message: () => undefined, ended: done.resolve });
  const value = 'x'.repeat(10_000);
  let sent = 0;
  const go = () => {
    while (sent < 100) {
      sent += 1;
      if (!call.write({ value })) return;
    }
    call.end();
  };
  call.onWritable(go);
  while (!stream) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(taken, 0);
  assert.ok(sent < 20, `stopped after ${sent}`);
  stream.resume();
  await done.promise;
  assert.equal(taken, 100);
});

test('one encoding serves many streams', async () => {
  const open: ResponseStream<Text>[] = [];
  const { client } = await serve((s) => s.serverStream(Watch, (_, stream) => void open.push(stream)));
  const calls = Array.from({ length: 10 }, () => collect(client, ''));
  while (open.length < 10) await new Promise((resolve) => setTimeout(resolve, 1));
  const news = encodeMessage(StringValueSchema, { value: 'news' });
  for (const stream of open) stream.writeEncoded(news);
  for (const call of calls) assert.deepEqual(await call.until(1), ['news']);
});

test('what all calls say in one turn of the event loop leaves as one write', async () => {
  const { port } = await serve((s) => s.unary(Say, (request) => ({ value: request.value })));
  let writes = 0;
  const client = createGrpcClient({
    authority: 'x',
    connect: () =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
        const write = socket.write.bind(socket) as (chunk: Uint8Array) => boolean;
        socket.write = ((chunk: Uint8Array) => {
          writes += 1;
          return write(chunk);
        }) as typeof socket.write;
      }),
  });
  cleanups.push(() => client.close());
  await client.unary(Say, {});
  await new Promise((resolve) => setTimeout(resolve, 10));
  writes = 0;
  const calls = Array.from({ length: 50 }, () => client.unary(Say, { value: 'x' }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(writes, 1);
  await Promise.all(calls);
});

test('a stream whose peer does not read is broken off before it fills memory', async () => {
  const seen: string[] = [];
  const observer = {
    started: () => undefined,
    received: () => undefined,
    sent: () => undefined,
    handled: (_: unknown, code: string) => void seen.push(code),
  };
  const value = 'x'.repeat(1_000_000);
  let written = 0;
  const { port } = await serve(
    (s) =>
      s.serverStream(Watch, (_, stream) => {
        let open = true;
        stream.onClose(() => {
          open = false;
        });
        for (; open && written < 100; written += 1)
          if (!stream.write({ value }) && !stream.writable) open = seen.length === 0;
      }),
    { observer },
  );
  const session = http2.connect(`http://127.0.0.1:${port}`);
  cleanups.push(() => session.destroy());
  const call = session.request({
    ':method': 'POST',
    ':path': '/weft.test.Echo/Watch',
    'content-type': 'application/grpc',
  });
  const code = new Promise<number | undefined>((resolve) => {
    call.on('close', () => resolve(call.rstCode));
    call.on('error', () => undefined); // 'close' follows
  });
  call.end(encodeGrpcMessage(new Uint8Array()));
  assert.equal(await code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.deepEqual(seen, ['RESOURCE_EXHAUSTED']);
  assert.ok(written * value.length <= LIMITS.heldBytesMax + 2 * value.length, `${written} messages`);
});

test('close lets a unary call under way finish', async () => {
  let answer: ((value: { value: string }) => void) | undefined;
  const { client, server } = await serve((s) =>
    s.unary(
      Say,
      () =>
        new Promise<{ value: string }>((resolve) => {
          answer = resolve;
        }),
    ),
  );
  const call = client.unary(Say, {});
  while (!answer) await new Promise((resolve) => setTimeout(resolve, 1));
  const done = server.close();
  answer({ value: 'at last' });
  assert.equal((await call).value, 'at last');
  const started = performance.now();
  await done;
  assert.ok(performance.now() - started < LIMITS.drainMsMax);
});
