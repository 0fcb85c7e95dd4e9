import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FakeIo } from './io.fake.ts';
import { run } from './run.ts';
import { VERSION } from './version.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-run-'));
});
after(() => rm(folder, { recursive: true }));

async function weft(argv: string[], options: { stdin?: string; env?: NodeJS.ProcessEnv } = {}) {
  const io = new FakeIo(options);
  const code = await run(argv, io);
  return { code, stdout: io.stdout, stderr: io.stderr };
}

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: bb
spec:
  template:
    metadata:
      labels:
        app: bb
    spec:
      containers:
      - name: terminus
        args: ["--response-text=hello from east\\n"]
---
apiVersion: v1
kind: Service
metadata:
  name: bb
`;

test('version --client needs no cluster, and global flags may stand before the verb', async () => {
  assert.deepEqual(await weft(['--context', 'west', 'version', '--client', '--short']), {
    code: 0,
    stdout: `${VERSION}\n`,
    stderr: '',
  });
});

test('inject reads standard input, prints documents with separators, and reports on stderr', async () => {
  const { code, stdout, stderr } = await weft(['--context', 'east', 'inject', '-'], { stdin: DEPLOYMENT });
  assert.equal(code, 0);
  assert.match(stdout, /linkerd\.io\/inject: enabled/);
  assert.match(stdout, / - \|\n +--response-text=hello from east\n/);
  assert.match(stdout, /kind: Service\nmetadata:\n {2}name: bb\n---\n$/);
  assert.equal(stderr, '\ndeployment "bb" injected\nservice "bb" skipped\n\n');
});

test('inject prints nothing but reasons when a workload cannot be meshed', async () => {
  const stdin = DEPLOYMENT.replace(
    '    spec:\n      containers',
    '    spec:\n      hostNetwork: true\n      containers',
  );
  const { code, stdout, stderr } = await weft(['inject', '-'], { stdin });
  assert.deepEqual([code, stdout], [1, '']);
  assert.equal(stderr, 'Error transforming resources:\nfailed to inject deployment/bb: hostNetwork is enabled\n');
});

test('uninject takes annotations back', async () => {
  const injected = await weft(['inject', '-'], { stdin: DEPLOYMENT });
  const { stdout, stderr } = await weft(['uninject', '-'], { stdin: injected.stdout });
  assert.doesNotMatch(stdout, /linkerd\.io/);
  assert.match(stderr, /deployment "bb" uninjected\nservice "bb" skipped/);
});

test('mistakes end with one clear line and code 1', async () => {
  const cases: [string[], RegExp][] = [
    [['version', '-L', 'no_such!'], /no_such! is not a valid namespace/],
    [['inject', '/does/not/exist'], /^cannot read \/does\/not\/exist: /],
    [['inject', 'http://example.com/x'], /only https URLs/],
    [['check', '--kubeconfig', '/does/not/exist', '--wait', 'soon'], /--wait: expected a duration/],
    [['version', '--no-such-flag'], /unknown option '--no-such-flag'/],
    [['no-such-verb'], /unknown command "no-such-verb"/],
  ];
  for (const [argv, message] of cases) {
    const { code, stderr } = await weft(argv);
    assert.equal(code, 1, argv.join(' '));
    assert.match(stderr, message);
  }
});

test('an unreadable kubeconfig is a failed check, not a crash', async () => {
  const { code, stdout } = await weft(['check', '--kubeconfig', '/does/not/exist']);
  assert.equal(code, 1);
  assert.match(stdout, /^kubernetes-api\n-{14}\n× can initialize the client\n {4}cannot read kubeconfig/);
  assert.match(stdout, /Status check results are ×\n$/);
});

test('a program linkerd-<word> on PATH runs with its arguments and exit code; flags before it are refused', async () => {
  const file = join(folder, 'linkerd-foo');
  await writeFile(file, '#!/bin/sh\n[ "$*" = "a --b" ] && exit 7\nexit 1\n');
  await chmod(file, 0o755);
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  assert.equal((await weft(['foo', 'a', '--b'], { env })).code, 7);
  const refused = await weft(['--context', 'x', 'foo'], { env });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cannot be placed before the extension name/);
});

test('help lists every verb without loading them', async () => {
  const { stdout } = await weft(['--help']);
  for (const verb of ['check', 'diagnostics', 'inject', 'install', 'lab', 'multicluster', 'version'])
    assert.match(stdout, new RegExp(`^ {2}${verb}`, 'm'));
});

test('identity is the controller when it is called with its arguments, else the verb', async () => {
  const verb = await weft(['identity']);
  assert.deepEqual([verb.code, verb.stderr], [1, 'Provide the pod name argument or use the selector flag\n']);
  assert.equal((await weft(['identity', '-log-nonsense'])).code, 2);
});
