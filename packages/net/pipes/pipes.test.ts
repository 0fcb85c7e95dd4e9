import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openInput, openOutput } from './index.ts';

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const fileOf = (fd: number | string): string => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'closed while it was asked for';
  }
};
const openEnds = (pipe: string): number => readdirSync('/proc/self/fd').filter((fd) => fileOf(fd) === pipe).length;

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
  const pipe = openOutput(me, () => {});
  const file = fileOf(pipe.childFd);
  assert.ok(openEnds(file) >= 2);
  const child = spawn('sleep', ['5'], { stdio: ['ignore', pipe.childFd, 'ignore'] });
  pipe.handedOver();
  pipe.stop();
  await pipe.ended;
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The runtime closes its own copy of the descriptor in a later turn.
  for (let turn = 0; openEnds(file) > 0 && turn < 200; turn++) await setTimeout(10);
  assert.equal(openEnds(file), 0);
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
