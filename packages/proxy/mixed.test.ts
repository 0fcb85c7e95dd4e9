import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { seededRandom } from '#runtime/random';
import { openPolicy, PATH, PATIENT, usePair } from './testing/index.ts';

let app: http.Server;

const pair = usePair({ env: PATIENT });

/** An application on the platform's own HTTP stack: answers with the hash of what it got, framed as the query asks. */
before(async () => {
  app = http.createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk) => hash.update(chunk));
    request.on('end', () => {
      const query = new URL(request.url ?? '/', 'http://x').searchParams;
      const body = Buffer.alloc(Number(query.get('size')), 'z');
      response.setHeader('x-hash', hash.digest('hex'));
      if (query.get('framing') === 'length') response.setHeader('content-length', body.length);
      if (query.get('close')) response.setHeader('connection', 'close');
      for (let at = 0; at < body.length; at += 10_000) response.write(body.subarray(at, at + 10_000));
      response.end();
    });
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const { port } = app.address() as { port: number };
  pair.server.mesh.port(port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(port)] });
});

after(async () => {
  app.closeAllConnections();
  app.close();
});

interface Exchange {
  readonly path: string;
  readonly body: Buffer;
  readonly chunked: boolean;
}

function send(
  agent: http.Agent,
  { path, body, chunked }: Exchange,
): Promise<{ status: number; hash: string; size: number }> {
  return new Promise((resolve, reject) => {
    const headers: http.OutgoingHttpHeaders = chunked ? {} : { 'content-length': body.length };
    const request = http.request(
      { agent, host: '127.0.0.1', port: pair.client.outboundPort, method: 'PUT', path, headers },
      (response) => {
        let size = 0;
        response.on('data', (chunk) => {
          size += chunk.length;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, hash: String(response.headers['x-hash']), size }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    for (let at = 0; at < body.length; at += 7_000) request.write(body.subarray(at, at + 7_000));
    request.end();
  });
}

test('requests of all sizes and framings, many at once, arrive whole and are answered whole', async () => {
  const random = seededRandom(42);
  const pick = (sizes: readonly number[]): number => sizes[Math.floor(random() * sizes.length)]!;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const sizes = [0, 1, 100, 16_384, 65_536, 70_001, 300_000];
  const exchanges = Array.from({ length: 300 }, (_, i): Exchange => {
    const close = random() < 0.1 ? '&close=1' : '';
    const framing = random() < 0.5 ? 'length' : 'chunked';
    const path = `/${i}?size=${pick(sizes)}&framing=${framing}${close}`;
    return { path, body: Buffer.alloc(pick(sizes), i), chunked: random() < 0.5 };
  });
  await Promise.all(
    exchanges.map(async (exchange) => {
      const { status, hash, size } = await send(agent, exchange);
      assert.equal(status, 200, exchange.path);
      assert.equal(hash, createHash('sha256').update(exchange.body).digest('hex'), exchange.path);
      assert.equal(size, Number(/size=(\d+)/.exec(exchange.path)?.[1]), exchange.path);
    }),
  );
  agent.destroy();
  assert.equal(pair.client.metric('response_total', { direction: 'outbound', classification: 'success' }), 300);
  assert.equal(pair.server.metric('response_total', { direction: 'inbound', classification: 'success' }), 300);
});
