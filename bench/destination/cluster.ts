/**
 * The Kubernetes API for the destination service, `bun cluster.ts SHAPE`. Commands: `flip SERVICE` takes an endpoint of the service out or
 * puts it back in, and answers when the event left; `storm RATE:SECONDS` does so at random; `state` says which endpoints are in, for the
 * last check.
 */
import { seededRandom } from '#runtime/random';
import { SimulatedCluster } from '../simulated-cluster.ts';
import { answerCommands } from '../worker.ts';
import { decodeShape, sharedMs } from './shape.ts';

const shape = decodeShape(process.argv[2]);
const cluster = new SimulatedCluster(shape);
const random = seededRandom(11);
const below = (max: number) => Math.floor(random() * max);

/** Changes `rate` times a second, in turns of 10 ms. */
async function storm(rate: number, seconds: number): Promise<{ changes: number; atMs: number }> {
  const startMs = performance.now();
  let changes = 0;
  while (changes < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - startMs) / 1000) * rate));
    for (; changes < due; changes++) cluster.flip(below(shape.services), below(shape.endpoints));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { changes, atMs: sharedMs() };
}

const turns = new Map<number, number>();
answerCommands({ port: await cluster.listen() }, () => ({}), {
  flip(argument) {
    const i = Number(argument);
    const turn = turns.get(i) ?? 0;
    turns.set(i, turn + 1);
    // Out, in, the next one out, in: the number of endpoints stays nearly the same.
    cluster.flip(i, (turn >> 1) % shape.endpoints);
    return { atMs: sharedMs() };
  },
  storm(argument) {
    const [rate = 0, seconds = 0] = argument.split(':').map(Number);
    return storm(rate, seconds);
  },
  state: () => ({ ready: cluster.ready.map((flags) => Array.from(flags).join('')) }),
});
