import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { startAdmin } from './admin.ts';
import { runProcess } from './process.ts';

const flags = { 'admin-addr': { default: '127.0.0.1:0' as string, doc: '' } };
const never = () => Promise.reject(new Error('must not be built'));

test('answers probes and metrics on the admin port', async () => {
  let ready = false;
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, ready: () => ready, metrics: () => 'up 1\n' });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  assert.equal(await get('/ping'), '200 pong');
  assert.equal(await get('/live'), '200 ok');
  assert.equal(await get('/ready'), '500 not ready');
  ready = true;
  assert.equal(await get('/ready'), '200 ok');
  assert.equal(await get('/metrics'), '200 up 1');
  assert.match(await get('/other'), /^404/);
  admin.close();
});

test('exits with 2 for arguments that it does not understand, and with 1 when it cannot start', async () => {
  const spec = { name: 'test', flags, adminFlag: 'admin-addr' as const };
  assert.equal(await runProcess(['-nope'], {}, { ...spec, build: never }), 2);
  assert.equal(await runProcess(['-log-format=xml'], {}, { ...spec, build: never }), 2);
  assert.equal(await runProcess(['-log-level=off', '-admin-addr=nowhere'], {}, { ...spec, build: never }), 1);
  assert.equal(await runProcess(['-log-level=off'], {}, { ...spec, build: () => Promise.reject(new Error('no')) }), 1);
});

test('runs until a signal, then drains and exits with 0', async () => {
  const seen: string[] = [];
  const exit = runProcess(
    ['-log-level=off'],
    {},
    {
      name: 'test',
      flags,
      adminFlag: 'admin-addr',
      build: async () => {
        seen.push('built');
        setTimeout(() => process.emit('SIGTERM'), 5);
        return {
          ready: () => true,
          drain: async () => {
            seen.push('drained');
          },
        };
      },
    },
  );
  assert.equal(await exit, 0);
  assert.deepEqual(seen, ['built', 'drained']);
});

test('what retires goes on serving after a signal, not ready any more, and drains then', async () => {
  const seen: string[] = [];
  const port = await freePort();
  const probe = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status;
  const exit = runProcess(
    ['-log-level=off', `-admin-addr=127.0.0.1:${port}`],
    {},
    {
      name: 'test',
      flags,
      adminFlag: 'admin-addr',
      lingerMs: 500,
      build: async () => ({
        ready: () => true,
        retire: () => seen.push('retired'),
        drain: async () => {
          seen.push('drained');
        },
      }),
    },
  );
  await until('it is ready', async () => (await probe().catch(() => 0)) === 200);
  process.emit('SIGTERM');
  await until('it was told', () => seen.length > 0);
  assert.equal(await probe(), 500);
  assert.deepEqual(seen, ['retired']);
  assert.equal(await exit, 0);
  assert.deepEqual(seen, ['retired', 'drained']);
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `not within 15 seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
