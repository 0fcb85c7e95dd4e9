import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '#runtime/random';
import { HTTP2_ERROR } from '#wire/http2';
import { fieldsOf, H2Peer, type SeenStream, serveH2 } from '../testing/index.ts';
import { hop } from './h2-hop.fake.ts';

/** A busy machine takes its time: seconds for the longest of them. */
const WITHIN_MS = 60_000;

const text = (seed: number, bytes: number): string => `${seed}.`.repeat(Math.ceil(bytes / 2)).slice(0, bytes);

/** Answers a request as its seed says: sooner or later, whole, in parts, with trailers, broken off or not at all. */
function answer(seen: SeenStream, peer: H2Peer): void {
  const seed = Number(seen.request?.path.slice(1));
  const random = seededRandom(seed * 7919 + 1);
  const { stream } = seen;
  const size = sizeOf(seed);
  const fate = random();
  const later = (run: () => void): void => {
    if (random() < 0.5) run();
    else setTimeout(run, random() * 4);
  };
  later(() => {
    if (fate < 0.05) stream.reset(HTTP2_ERROR.REFUSED_STREAM);
    else if (fate < 0.1) stream.reset(HTTP2_ERROR.INTERNAL_ERROR);
    else {
      stream.respond(200, fieldsOf({ 'x-seed': String(seed) }), false);
      const body = Buffer.from(text(seed, size), 'latin1');
      const half = Math.floor(size / 2);
      stream.data(body, 0, half, false);
      later(() => {
        if (fate < 0.15) stream.reset(HTTP2_ERROR.CANCEL);
        else if (fate < 0.18) peer.connection.goaway(HTTP2_ERROR.NO_ERROR, true);
        else if (fate < 0.19) peer.close();
        stream.data(body, half, size, fate > 0.5);
        if (fate <= 0.5) stream.trailers(fieldsOf({ 'x-end': String(seed) }));
      });
    }
  });
}

const sizeOf = (seed: number): number => [0, 1, 300, 20_000, 70_000, 300_000][seed % 6]!;

/** One client's requests, some at once; each is looked at when it is over. Told to leave, the client comes back. */
async function load(
  connect: () => Promise<H2Peer>,
  random: Random,
  count: number,
  next: () => number,
): Promise<number> {
  let peer = connect();
  let whole = 0;
  const one = async (): Promise<void> => {
    const seed = next();
    const upload = random() < 0.5 ? text(seed, sizeOf(seed + 1)) : undefined;
    if (!(await peer).connection.canOpen) peer = connect();
    const seen = (await peer).request({ ':method': 'POST', ':path': `/${seed}` }, upload, random() < 0.9);
    if (random() < 0.1) setTimeout(() => cancel(seen), random() * 5);
    await over(seen);
    if (!seen.ended || seen.response?.status !== 200) return;
    assert.equal(seen.response.fields.find(({ name }) => name === 'x-seed')?.value, String(seed));
    assert.equal(seen.body, text(seed, sizeOf(seed)));
    if (seen.trailers) assert.equal(seen.trailers[0]?.value, String(seed));
    whole++;
  };
  const worker = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await one();
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  (await peer).close();
  return whole;
}

function cancel(seen: SeenStream): void {
  if (seen.ended || seen.resetCode !== undefined) return;
  seen.resetCode = -1;
  seen.stream.reset(HTTP2_ERROR.CANCEL);
}

async function over(seen: SeenStream): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!seen.ended && seen.resetCode === undefined) {
    assert.ok(performance.now() < deadline, `the stream of ${seen.request?.path} hangs`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test('whatever clients and servers do to streams and connections, no response is mixed up, lost or left hanging', {
  timeout: 2 * WITHIN_MS,
}, async () => {
  const app = await serveH2(answer, { streamWindow: 50_000, connectionWindow: 200_000, maxConcurrentStreams: 60 });
  const proxy = await hop(app.port);
  const windows = [{}, { streamWindow: 10_000 }, { streamWindow: 100_000, connectionWindow: 150_000 }];
  let seed = 0;
  const counts = await Promise.all(
    windows.map((options, i) =>
      load(
        () => H2Peer.connect(proxy.port, options),
        seededRandom(i + 1),
        6,
        () => ++seed,
      ),
    ),
  );
  const whole = counts.reduce((sum, count) => sum + count, 0);
  assert.ok(whole > seed * 0.6, `${whole} of ${seed} were answered whole`);
  const deadline = performance.now() + WITHIN_MS;
  while (proxy.side.inFlight > 0 || proxy.upstream.openStreams > 0 || proxy.servers.size > 0) {
    assert.ok(
      performance.now() < deadline,
      `left: ${proxy.side.inFlight} exchanges, ${proxy.upstream.openStreams} streams`,
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  proxy.close();
  app.close();
});
