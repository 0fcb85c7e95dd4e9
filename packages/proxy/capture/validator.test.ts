import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { parseValidatorArgs, validate } from './validator.ts';

test('the arguments of the injector are read', () => {
  assert.deepEqual(
    parseValidatorArgs([
      ...['--log-format', 'plain', '--log-level', 'debug', '--connect-addr', '1.1.1.1:20001'],
      ...['--listen-addr', '0.0.0.0:4140', '--timeout', '10s'],
    ]),
    { connect: { host: '1.1.1.1', port: 20001 }, listen: { host: '0.0.0.0', port: 4140 }, timeoutMs: 10_000 },
  );
  assert.deepEqual(parseValidatorArgs(['--listen-addr=[::]:4140']).listen, { host: '::', port: 4140 });
  assert.throws(() => parseValidatorArgs(['--what']), /unknown argument/);
  assert.throws(() => parseValidatorArgs(['--timeout', 'soon']), /expected a duration/);
  assert.throws(() => parseValidatorArgs(['--connect-addr', 'here']), /expected HOST:PORT/);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('a connection that comes back proves the redirection', async () => {
  const here = { host: '127.0.0.1', port: await freePort() };
  assert.equal(await validate({ connect: here, listen: here, timeoutMs: 2000 }), undefined);
});

test('a connection that goes elsewhere, or nowhere, does not', async () => {
  const listen = { host: '127.0.0.1', port: await freePort() };
  const nobody = { host: '127.0.0.1', port: await freePort() };
  assert.match(
    (await validate({ connect: nobody, listen, timeoutMs: 300 })) ?? '',
    /was not redirected .* is the CNI plug-in/,
  );
  const other = createServer((socket) => socket.end('hello\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const found = await validate({ connect: { host: '127.0.0.1', port }, listen, timeoutMs: 300 });
  other.close();
  assert.match(found ?? '', /somebody else answered|timed out/);
});
