import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const said = (child: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> =>
  new Promise((resolve) => child[stream]?.once('data', (chunk: Buffer) => resolve(chunk.toString())));
const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve));

test('terminus answers in the published form, keeps a caller’s UID, and goes on serving after SIGTERM', async () => {
  const port = await freePort();
  const child = start('terminus', `--h1-server-port=${port}`, '--response-text=hello from east\n');
  try {
    await said(child, 'stdout');
    const url = `http://127.0.0.1:${port}`;
    assert.match(
      await (await fetch(url)).text(),
      new RegExp(
        `^{"requestUID":"in:http-sid:terminus-grpc:-1-h1:${port}-\\d{1,9}","payload":"hello from east\\\\n"}$`,
      ),
    );
    const echoed = await fetch(url, { method: 'POST', body: '{"requestUID":"u1"}' });
    assert.equal(((await echoed.json()) as { requestUID: string }).requestUID, 'u1');
    child.kill('SIGTERM');
    await said(child, 'stdout');
    assert.equal((await fetch(url)).status, 200);
  } finally {
    child.kill('SIGKILL');
  }
});

test('failures on demand are 500, and the service ends after as many requests as asked', async () => {
  const port = await freePort();
  const child = start('terminus', '--h1-server-port', String(port), '--percent-failure=100', '--terminate-after=1');
  const end = ended(child);
  await said(child, 'stdout');
  assert.equal((await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })).status, 500);
  assert.equal(await end, 0);
});

test('what it cannot do it says', async () => {
  const child = start('terminus', '--grpc-server-port=9090');
  const end = ended(child);
  assert.match(await said(child, 'stderr'), /gRPC server is not part of this program/);
  assert.equal(await end, 1);
});
