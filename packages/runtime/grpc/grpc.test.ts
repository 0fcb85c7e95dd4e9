import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { DescMethodServerStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { encodeFrame, FrameDecoder } from './framing.ts';
import {
  createGrpcClient,
  createGrpcServer,
  type GrpcClient,
  GrpcError,
  type GrpcServer,
  type GrpcServerOptions,
  type ResponseStream,
} from './index.ts';
import { codeOf, decodeMessageText, encodeMessageText } from './status.ts';
import { decodeTimeout, encodeTimeout } from './timeout.ts';

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

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(setUp: (server: GrpcServer) => void, options: GrpcServerOptions = {}) {
  const server = createGrpcServer(options);
  setUp(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const sockets: net.Socket[] = [];
  const client = createGrpcClient({
    authority: 'echo.test:80',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
        sockets.push(socket);
      }),
  });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
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
  call.end(encodeFrame(new Uint8Array()));
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
  const plain = http2.createServer((_, response) => response.writeHead(503).end('down'));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as AddressInfo;
  const client = createGrpcClient({ authority: 'x', connect: async () => net.connect(port, '127.0.0.1') });
  cleanups.push(
    () => plain.close(),
    () => client.close(),
  );
  assert.equal(await codeOfFailure(client.unary(Say, {})), 'UNAVAILABLE');
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
  assert.equal(await statusOf(encodeFrame(Buffer.from('ffffff', 'hex'))), '3');
  assert.equal(await statusOf(Buffer.alloc(0)), '3');
  assert.equal(await statusOf(Buffer.from('0100000000', 'hex')), '12');
  assert.equal(await statusOf(Buffer.from('00ffffffff', 'hex')), '8');
});

test('cuts messages the same however the bytes are split', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 50 }), (messages, step) => {
      const bytes = Buffer.concat(messages.map((message) => encodeFrame(message)));
      const decoder = new FrameDecoder();
      const seen: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += step)
        decoder.push(bytes.subarray(at, at + step), (message) => seen.push(Buffer.from(message)));
      assert.deepEqual(
        seen.map(String),
        messages.map((message) => String(Buffer.from(message))),
      );
      assert.equal(decoder.hasRemainder, false);
    }),
  );
});

test('reads back any status text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => decodeMessageText(encodeMessageText(text)) === text),
  );
  assert.equal(decodeMessageText('100% %zz'), '100% %zz');
});

test('reads timeouts of every unit and writes those it reads', () => {
  assert.deepEqual(['1H', '2M', '3S', '4m', '5u', '6n', 'x', '123456789m', undefined].map(decodeTimeout), [
    3_600_000,
    120_000,
    3000,
    4,
    1,
    1,
    undefined,
    undefined,
    undefined,
  ]);
  fc.assert(fc.property(fc.integer({ min: 0, max: 99_999_999 }), (ms) => decodeTimeout(encodeTimeout(ms)) === ms));
  assert.equal(codeOf('5'), 'NOT_FOUND');
  assert.equal(codeOf('99'), 'UNKNOWN');
});
