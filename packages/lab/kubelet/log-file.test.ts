import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatNanoTime, LogFile, readLogLines } from './log-file.ts';
import { logTail, selectLines, streamLog } from './log-reader.ts';

async function withLog(action: (log: LogFile, path: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  const path = join(folder, 'c', '1.log');
  const log = new LogFile(path);
  try {
    await action(log, path);
  } finally {
    log.end();
    rmSync(folder, { recursive: true });
  }
}

const text = (path: string): string => Buffer.concat(readLogLines(path).map((line) => line.text)).toString();

test('chunks become lines whatever their bounds, per stream', async () => {
  await withLog((log, path) => {
    log.push('stdout', Buffer.from('on'));
    log.push('stderr', Buffer.from('oops\n'));
    log.push('stdout', Buffer.from('e\ntwo\nthr'));
    log.end();
    const lines = readLogLines(path).map((line) => `${line.stream}:${line.text}`);
    assert.deepEqual(lines, ['stderr:oops\n', 'stdout:one\n', 'stdout:two\n', 'stdout:thr']);
  });
});

test('a long line is split but reads back whole', async () => {
  await withLog((log, path) => {
    const long = `${'x'.repeat(50_000)}\n`;
    log.push('stdout', Buffer.from(long));
    assert.equal(text(path), long);
  });
});

test('a follower gets what was there, then what comes, each line once, until the end', async () => {
  await withLog(async (log, path) => {
    log.push('stdout', Buffer.from('one\n'));
    let got = '';
    const done = streamLog(
      { path, writer: log },
      { container: 'c', follow: true },
      (chunk) => (got += Buffer.from(chunk)),
      new AbortController().signal,
    );
    log.push('stdout', Buffer.from('two\n'));
    log.end();
    await done;
    assert.equal(got, 'one\ntwo\n');
  });
});

test('a follower that gives up is let go', async () => {
  await withLog(async (log, path) => {
    const ender = new AbortController();
    const done = streamLog({ path, writer: log }, { container: 'c', follow: true }, () => {}, ender.signal);
    ender.abort();
    await done;
  });
});

test('tail, since and byte limits cut as kubectl asks', async () => {
  await withLog(async (log, path) => {
    for (const word of ['a', 'b', 'c']) log.push('stdout', Buffer.from(`${word}\n`));
    const read = async (options: object): Promise<string> => {
      let got = '';
      await streamLog(
        { path, writer: undefined },
        { container: 'c', ...options },
        (chunk) => (got += Buffer.from(chunk)),
        new AbortController().signal,
      );
      return got;
    };
    assert.equal(await read({ tailLines: 2 }), 'b\nc\n');
    assert.equal(await read({ tailLines: 0 }), '');
    assert.equal(await read({ limitBytes: 3 }), 'a\nb');
    assert.match(await read({ timestamps: true, tailLines: 1 }), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z c\n$/);
    assert.equal(logTail(path, { lines: 2, bytes: 3 }), '\nc\n');
  });
});

test('lines before the asked time are left out', () => {
  const line = (ms: number) => ({ time: formatNanoTime(ms), stream: 'stdout' as const, text: Buffer.from(`${ms}\n`) });
  const picked = selectLines([line(1_000), line(5_000)], { container: 'c', sinceSeconds: 4 }, 8_000);
  assert.deepEqual(
    picked.map(({ text: each }) => each.toString()),
    ['5000\n'],
  );
});
