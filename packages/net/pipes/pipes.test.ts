import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { openInput, openOutput } from './index.ts';

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const openFiles = (): number => readdirSync('/proc/self/fd').length;

test('a child can open its output again by name, and all of it arrives', async () => {
  let got = '';
  const pipe = openOutput(me, (chunk) => {
    got += Buffer.from(chunk).toString();
  });
  const child = spawn('sh', ['-c', 'echo one; echo two > /dev/stdout'], { stdio: ['ignore', pipe.childFd, 'ignore'] });
  pipe.handedOver();
  await once(child, 'exit');
  await pipe.ended;
  assert.equal(got, 'one\ntwo\n');
});

test('a stopped pipe lets go of a writer that never ends', async () => {
  const before = openFiles();
  const pipe = openOutput(me, () => {});
  const child = spawn('sleep', ['5'], { stdio: ['ignore', pipe.childFd, 'ignore'] });
  pipe.handedOver();
  pipe.stop();
  await pipe.ended;
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(openFiles(), before);
});

test('input larger than a pipe waits for the reader and ends with end', async () => {
  let got = '';
  const [input, output] = [openInput(me), openOutput(me, (chunk) => (got += Buffer.from(chunk).toString()))];
  const child = spawn('sh', ['-c', 'wc -c < /dev/stdin'], { stdio: [input.childFd, output.childFd, 'ignore'] });
  for (const pipe of [input, output]) pipe.handedOver();
  input.stream.end(Buffer.alloc(300_000));
  await once(child, 'exit');
  await output.ended;
  assert.equal(got.trim(), '300000');
});

test('writing to a child that has ended is an error of the stream', async () => {
  const input = openInput(me);
  const child = spawn('true', { stdio: [input.childFd, 'ignore', 'ignore'] });
  input.handedOver();
  await once(child, 'exit');
  input.stream.write('x');
  const [error] = (await once(input.stream, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'EPIPE');
});
