import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, run } from '../harness/index.ts';
import { SUITE_IMAGES } from './pods.ts';
import { readCases, summary } from './run-suite.ts';

test('cases are read from the report, without those that a filter left out', () => {
  const spec = (State: string, more: object = {}) => ({
    LeafNodeType: 'It',
    LeafNodeText: 'does it',
    ContainerHierarchyTexts: ['', 'A service'],
    ContainerHierarchyLabels: [['Optional'], ['DNS']],
    LeafNodeLabels: null,
    State,
    ...more,
  });
  const said = (Message: string) => ({ Failure: { Message } });
  const labels = ['Optional', 'DNS'];
  assert.deepEqual(
    readCases({
      SpecReports: [
        { LeafNodeType: 'BeforeSuite', State: 'passed' },
        spec('passed'),
        spec('skipped'),
        spec('skipped', said('needs two clusters')),
        spec('timedout', said('too slow')),
      ],
    }),
    [
      { name: 'A service does it', labels, state: 'passed', message: '' },
      { name: 'A service does it', labels, state: 'skipped', message: 'needs two clusters' },
      { name: 'A service does it', labels, state: 'failed', message: 'too slow' },
    ],
  );
});

test('cases are counted by label', () => {
  const one = (label: string, state: 'passed' | 'failed' | 'skipped') => ({
    name: '',
    labels: [label],
    state,
    message: '',
  });
  const cases = [one('Required', 'passed'), one('Required', 'failed'), one('Optional', 'skipped')];
  assert.equal(summary(cases, 'Required'), '1 of 2 passed, 0 skipped');
  assert.equal(summary(cases, 'Optional'), '0 of 1 passed, 1 skipped');
});

test('what stands for socat and nc in the pods speaks with one another', { timeout: 20_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-mcs-programs-'));
  for (const [path, text] of SUITE_IMAGES.flatMap(({ files }) => Object.entries(files ?? {}))) {
    const file = join(folder, path.replace(/^.*\//, ''));
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  }
  const port = 20_000 + (process.pid % 20_000);
  const server = spawn(join(folder, 'socat'), [
    '-v',
    '-v',
    `TCP-LISTEN:${port},crlf,reuseaddr,fork`,
    'SYSTEM:echo "pod ip 1.2"',
  ]);
  try {
    await eventually('an answer', 10_000, async () => {
      const { stdout } = await run('sh', ['-c', `echo hi | '${folder}/nc' -v -w 2 -4 localhost ${port}`]);
      return stdout === 'pod ip 1.2\n' ? true : undefined;
    });
  } finally {
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
});
