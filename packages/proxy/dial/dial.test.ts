import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '#runtime/clock';
import { dial } from './index.ts';

const TIMEOUT_MS = 20;

async function listen(): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return server;
}
const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;

/** Holds the event loop up. */
function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('who was busy beyond the deadline himself takes the connection that was made meanwhile', async () => {
  const target = await listen();
  const outcome = new Promise<string>((resolve) => {
    const client = net.createServer((socket) => {
      socket.on('error', () => {}); // It is of no interest after the connection has come.
      dial(
        { host: '127.0.0.1', port: portOf(target), timeoutMs: TIMEOUT_MS, options: {} },
        { clock: systemClock },
        {
          connected(made) {
            made.destroy();
            resolve('connected');
          },
          failed: ({ code }) => resolve(code),
        },
      );
      // In the same turn, behind the dial: the deadline's timer is due before the network is looked at again.
      work(2 * TIMEOUT_MS);
      socket.destroy();
    });
    client.listen(0, '127.0.0.1', () => net.connect(portOf(client), '127.0.0.1').on('error', () => {}));
    after(() => client.close());
  });
  assert.equal(await outcome, 'connected');
});
