/**
 * The calling process, `bun client.ts PORT`. Commands: `open N:C` opens N streams over C connections and answers when each has its
 * first message; `expect` begins to wait for one more message on every stream, and `await` answers when all came, with how long
 * each took since then.
 */
import { destination } from '#api/mesh';
import type { GrpcClient } from '#runtime/grpc';
import { loopbackClient } from '../loopback.ts';
import { answerCommands } from '../worker.ts';

const port = Number(process.argv[2]);
let missing = 0;
let arrived = () => {};
let startMs = 0;
let tookMs: number[] = [];

const sink = {
  message() {
    tookMs.push(performance.now() - startMs);
    missing -= 1;
    if (missing === 0) arrived();
  },
  ended(error: unknown) {
    console.error('a stream ended', error);
    process.exit(1);
  },
};

function next(count: number): Promise<number[]> {
  missing = count;
  tookMs = [];
  startMs = performance.now();
  return new Promise((resolve) => {
    arrived = () => resolve(tookMs);
  });
}

let streams = 0;
let expected: Promise<number[]>;
answerCommands({}, () => ({ streams }), {
  async open(argument) {
    const [count = 0, connections = 1] = argument.split(':').map(Number);
    const clients: GrpcClient[] = Array.from({ length: connections }, () => loopbackClient('destination:8086', port));
    const all = next(count);
    for (let i = 0; i < count; i++)
      clients[i % connections]!.serverStream(destination.Destination.method.get, { path: `web-${i}.shop:80` }, sink);
    streams += count;
    await all;
  },
  expect() {
    expected = next(streams);
  },
  await: async () => ({ tookMs: await expected }),
});
