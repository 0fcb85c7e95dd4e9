import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { builtinImages } from './builtin.ts';

test('the pause image ends by itself when it is told to', async () => {
  const [command = '', ...words] = builtinImages().find(({ name }) => name.endsWith('/pause'))?.entrypoint ?? [];
  const child = spawn(command, words, { detached: true, stdio: 'ignore' });
  try {
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(child.exitCode, null);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  } finally {
    // Its own group: what it waited for is in there, too.
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  }
});
