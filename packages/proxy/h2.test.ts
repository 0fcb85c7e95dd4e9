import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import {
  CLIENT,
  eventually,
  H2Peer,
  openPolicy,
  PATH,
  SERVER,
  serveH2,
  servicePolicy,
  usePair,
} from './testing/index.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR } = http2.constants;

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

let app: http2.Http2Server;
let handle: Handler;
let session: http2.ClientHttp2Session;
const appSessions = new Set<http2.ServerHttp2Session>();

const pair = usePair();

before(async () => {
  app = http2.createServer({ settings: { maxConcurrentStreams: 5_000 } });
  app.on('session', (made) => {
    appSessions.add(made);
    made.on('close', () => appSessions.delete(made));
    made.on('error', () => undefined);
  });
  app.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const { port } = app.address() as AddressInfo;
  pair.server.mesh.port(port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(port)] });
});

beforeEach(() => {
  session?.destroy();
  session = connect();
});

after(async () => {
  session.destroy();
  for (const made of appSessions) made.destroy();
  app.close();
});

function connect(): http2.ClientHttp2Session {
  const made = http2.connect(`http://127.0.0.1:${pair.client.outboundPort}`);
  made.on('error', () => undefined);
  return made;
}

interface Answer {
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** A whole exchange; fails when the stream is reset. */
function ask(
  headers: http2.OutgoingHttpHeaders,
  body: Buffer | undefined = undefined,
  trailers: http2.OutgoingHttpHeaders | undefined = undefined,
  on: http2.ClientHttp2Session = session,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = on.request(
      { ':authority': 'web.a', ...headers },
      { endStream: body === undefined && !trailers, waitForTrailers: trailers !== undefined },
    );
    const parts: Buffer[] = [];
    let head: Answer['headers'] | undefined;
    let got: http2.IncomingHttpHeaders = {};
    request.on('response', (value) => {
      head = value;
    });
    request.on('trailers', (value) => {
      got = value;
    });
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('error', reject);
    request.on('wantTrailers', () => request.sendTrailers(trailers ?? {}));
    request.on('end', () => {
      if (head) resolve({ headers: head, body: Buffer.concat(parts), trailers: got });
    });
    request.on('close', () => reject(new Error(`closed with ${request.rstCode}`)));
    if (body || trailers) request.end(body);
  });
}

test('a request goes through both proxies as HTTP/2, and both know whom they talk to', async () => {
  let seen: http2.IncomingHttpHeaders = {};
  handle = (stream, headers) => {
    seen = headers;
    stream.respond({ ':status': 200, 'x-answer': '42' });
    stream.end('hello');
  };
  const { headers, body } = await ask({
    ':path': '/x?y=1',
    'l5d-client-id': 'forged',
    'l5d-orig-proto': 'HTTP/1.0',
    'x-mine': 'kept',
  });
  assert.equal(headers[':status'], 200);
  assert.equal(headers['x-answer'], '42');
  assert.equal(headers['l5d-orig-proto'], undefined);
  assert.equal(body.toString(), 'hello');
  assert.equal(seen[':path'], '/x?y=1');
  assert.equal(seen[':authority'], 'web.a');
  assert.equal(seen['x-mine'], 'kept');
  assert.equal(seen['l5d-client-id'], CLIENT);
  assert.equal(seen['l5d-orig-proto'], undefined);
  const out = { direction: 'outbound', tls: 'true', server_id: SERVER };
  await eventually(
    () => pair.client.metric('response_total', { ...out, status_code: '200' }) >= 1,
    'the response is counted',
  );
  const inn = { direction: 'inbound', tls: 'true', client_id: CLIENT };
  await eventually(() => pair.server.metric('response_total', { ...inn, status_code: '200' }) >= 1, 'inbound too');
});

test('bodies stream both ways at once, interleaved', async () => {
  handle = (stream) => {
    stream.respond({ ':status': 200 });
    stream.on('data', (chunk: Buffer) => stream.write(`<${chunk}>`));
    stream.on('end', () => stream.end());
  };
  const streams = [0, 1, 2].map(() => session.request({ ':method': 'POST', ':path': '/', ':authority': 'a' }));
  for (let round = 0; round < 5; round++)
    for (const [index, stream] of streams.entries()) {
      const text = `${index}.${round}`;
      const got = new Promise<string>((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())));
      stream.write(text);
      assert.equal(await got, `<${text}>`);
    }
  for (const stream of streams) {
    const ended = new Promise((resolve) => stream.once('end', resolve));
    stream.end();
    await ended;
  }
});

test('trailers pass both ways', async () => {
  let seen: http2.IncomingHttpHeaders = {};
  handle = (stream) => {
    stream.on('trailers', (trailers) => {
      seen = trailers;
    });
    stream.resume();
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': '9' }));
      stream.end('body');
    });
  };
  const { body, trailers } = await ask({ ':method': 'POST', ':path': '/' }, Buffer.from('in'), { 'x-up': '7' });
  assert.equal(body.toString(), 'body');
  assert.equal(trailers['x-sum'], '9');
  assert.equal(seen['x-up'], '7');
});

test('a response of trailers alone, as gRPC has them, stays one', async () => {
  handle = (stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
  const { headers, body } = await ask(
    { ':method': 'POST', ':path': '/a/b', 'content-type': 'application/grpc' },
    Buffer.from('x'),
  );
  assert.equal(headers['grpc-status'], '5');
  assert.equal(body.length, 0);
});

test('large bodies pass both ways whole, many at once', async () => {
  handle = (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  };
  const sizes = [0, 1, 16_384, 65_535, 65_536, 1_000_000, 3_000_000];
  await Promise.all(
    sizes.map(async (size) => {
      const sent = Buffer.alloc(size, size % 251);
      const { body } = await ask({ ':method': 'POST', ':path': '/' }, sent);
      assert.ok(body.equals(sent), `${size} bytes`);
    }),
  );
});

test('a reset of the client reaches the server, and the connection goes on', async () => {
  let under: http2.ServerHttp2Stream | undefined;
  handle = (stream, headers) => {
    if (headers[':path'] === '/slow') under = stream;
    else stream.respond({ ':status': 204 }, { endStream: true });
  };
  const request = session.request({ ':path': '/slow', ':authority': 'a' });
  request.on('error', () => undefined);
  await eventually(() => under !== undefined, 'the request arrives');
  request.close(NGHTTP2_CANCEL);
  await eventually(() => under!.closed || under!.aborted, 'the server hears of it');
  assert.equal((await ask({ ':path': '/' })).headers[':status'], 204);
});

test('resets of the server reach the client with their codes, also in the middle of a response', async () => {
  const strange = await serveH2(({ stream, request }) => {
    const code = Number(request?.path.slice(2));
    if (request?.path.startsWith('/m')) {
      stream.respond(200, [], false);
      stream.data(Buffer.from('half'), 0, 4, false);
      setTimeout(() => stream.reset(code), 20);
    } else stream.reset(code);
  });
  pair.server.mesh.port(strange.port).set(openPolicy());
  const path = 'strange.a.svc.cluster.local:80';
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(path));
  pair.client.mesh.destination(path).set({ kind: 'add', endpoints: [pair.server.endpoint(strange.port)] });
  const peer = await H2Peer.connect(pair.client.outboundPort);
  for (const code of [NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR])
    for (const when of ['a', 'm']) {
      const seen = peer.request({ ':path': `/${when}${code}` });
      await eventually(() => seen.resetCode !== undefined, `reset ${code} ${when}`);
      assert.equal(seen.resetCode, code);
      assert.equal(seen.body, when === 'm' ? 'half' : '');
      assert.equal(seen.ended, false);
    }
  peer.close();
  strange.close();
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
});

test('a thousand streams at once are all served', async () => {
  handle = (stream, headers) => {
    setTimeout(() => {
      if (stream.closed) return;
      stream.respond({ ':status': 200 });
      stream.end(headers[':path']);
    }, 20);
  };
  const sessions = Array.from({ length: 5 }, connect);
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => ask({ ':path': `/${i}` }, undefined, undefined, sessions[i % 5])),
  );
  for (const [i, { body }] of answers.entries()) assert.equal(body.toString(), `/${i}`);
  for (const made of sessions) made.destroy();
});

test('a server that leaves with GOAWAY again and again loses no request', async () => {
  let served = 0;
  handle = (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
    if (++served % 50 === 0) stream.session?.close();
  };
  for (let round = 0; round < 20; round++)
    await Promise.all(
      Array.from({ length: 25 }, async () => {
        const { headers } = await ask({ ':method': 'POST', ':path': '/' }, Buffer.from('x'));
        assert.equal(headers[':status'], 200);
      }),
    );
});

test('a slow reader stops the sender, and the proxies hold little meanwhile', async () => {
  const size = 48 * 1024 * 1024;
  let written = 0;
  handle = (stream) => {
    stream.respond({ ':status': 200 });
    const block = Buffer.alloc(64 * 1024, 97);
    const more = (): void => {
      while (written < size) {
        written += block.length;
        if (!stream.write(block)) {
          stream.once('drain', more);
          return;
        }
      }
      stream.end();
    };
    more();
  };
  const request = session.request({ ':path': '/', ':authority': 'a' });
  request.pause();
  await new Promise((resolve) => request.once('response', resolve));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(written < 8 * 1024 * 1024, `${written} bytes left the server while nobody reads`);
  let got = 0;
  request.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  request.resume();
  await eventually(() => got === size, 'all of it', 30_000);
});

test('errors of the proxy take the form of gRPC for gRPC, of HTTP for others', async () => {
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy('nowhere.a.svc.cluster.local:80'));
  pair.client.mesh.destination('nowhere.a.svc.cluster.local:80').set({ kind: 'none', exists: true });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const grpc = await ask({ ':method': 'POST', ':path': '/a/b', 'content-type': 'application/grpc' }, Buffer.from('x'));
  assert.equal(grpc.headers[':status'], 200);
  assert.match(String(grpc.headers['grpc-status']), /^(4|14)$/);
  assert.ok(grpc.headers['grpc-message']);
  // The first answer ended its connection.
  const plain = await ask({ ':path': '/' }, undefined, undefined, connect());
  assert.match(String(plain.headers[':status']), /^50[34]$/);
  assert.ok(plain.headers['l5d-proxy-error']);
  pair.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
});
