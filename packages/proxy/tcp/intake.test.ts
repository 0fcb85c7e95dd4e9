import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { FakeClock } from '#runtime/clock';
import { LIMITS } from '../limits.ts';
import { Intake } from './index.ts';

/** The largest read of 8 MB when the first bytes take so long. */
async function largestRead(tookMs: number): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).end(Buffer.alloc(8_000_000)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clock = new FakeClock();
  const socket = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  const intake = new Intake(socket, clock);
  let largest = 0;
  socket.on('data', (chunk: Buffer) => {
    largest = Math.max(largest, chunk.length);
    intake.read(chunk.length);
    clock.advance(tookMs * (chunk.length / LIMITS.provenBytes));
  });
  await new Promise((resolve) => socket.once('close', resolve));
  server.close();
  return largest;
}

test('reads stay small where bytes are taken slowly, and grow where they are taken fast', async () => {
  assert.ok((await largestRead(2 * LIMITS.provenMs)) <= 4 * LIMITS.narrowReceiveBytes);
  assert.ok((await largestRead(LIMITS.provenMs / 2)) > 4 * LIMITS.narrowReceiveBytes);
});
