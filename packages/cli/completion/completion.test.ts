import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, Option } from 'commander';
import { type CompletionDeps, candidatesFor, completionScript, SHELLS } from './index.ts';

const NAMES: Record<string, string[]> = {
  '': ['namespace', 'deployment', 'pod'],
  namespace: ['default', 'shop'],
  pod: ['web-1', 'web-2'],
  deploy: ['web', 'db'],
  deployment: ['web', 'db'],
};

function setUp(): CompletionDeps & { asked: string[] } {
  const asked: string[] = [];
  const program = new Command('weft').option('--context <name>').option('-L, --linkerd-namespace <namespace>');
  const namespace = '-n, --namespace <namespace>';
  program.command('authz').option(namespace);
  program.command('identity').option(namespace);
  program.command('inject').addOption(new Option('-o, --output <format>').choices(['yaml', 'json']));
  const dg = program.command('diagnostics').alias('dg');
  dg.command('proxy-metrics').option(namespace).option('--obfuscate');
  dg.command('policy');
  return {
    asked,
    build: async () => program,
    names: async (kind, space) => {
      asked.push(`${kind}@${space ?? ''}`);
      return NAMES[kind] ?? [];
    },
  };
}
const words = async (...typed: string[]) => (await candidatesFor(typed, setUp())).words;

test('verbs, then verbs below them, then flags', async () => {
  assert.deepEqual(await words('i'), ['identity', 'inject']);
  assert.deepEqual(await words('dg', 'p'), ['policy', 'proxy-metrics']);
  assert.deepEqual(await words('dg', 'proxy-metrics', '--ob'), ['--obfuscate']);
  assert.deepEqual(await words('--context', 'west', 'authz', '--'), [
    '--context',
    '--help',
    '--linkerd-namespace',
    '--namespace',
  ]);
});

test('names come from the cluster, from the namespace that was said', async () => {
  const deps = setUp();
  const answer = await candidatesFor(['authz', '-n', 'shop', 'deploy', 'w'], deps);
  assert.deepEqual([answer, deps.asked], [{ words: ['web'], files: false }, ['deploy@shop']]);
  assert.deepEqual(await words('authz', ''), ['namespace', 'deployment', 'pod']);
  assert.deepEqual(await words('authz', 'deploy/'), ['deploy/web', 'deploy/db']);
  assert.deepEqual(await words('identity', 'web-1', ''), ['web-2']);
  assert.deepEqual(await words('dg', 'proxy-metrics', 'deployment/d'), ['deployment/db']);
  assert.deepEqual(await words('dg', 'policy', ''), ['pod/', 'service/']);
});

test('values of flags: choices, namespaces, files', async () => {
  assert.deepEqual(await words('inject', '-o', ''), ['yaml', 'json']);
  assert.deepEqual(await words('authz', '--namespace', 's'), ['shop']);
  assert.deepEqual(await words('-L', ''), ['default', 'shop']);
  assert.deepEqual(await candidatesFor(['inject', ''], setUp()), { words: [], files: true });
  assert.deepEqual(await candidatesFor(['authz', 'deploy', 'web', 'x'], setUp()), { words: [], files: false });
});

test('there is a script for each shell, for both names of the program', () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell);
    assert.match(script, /__complete/, shell);
    assert.match(script, /\bweft\b[^\n]*\blinkerd\b/, shell);
    assert.ok(!script.includes('undefined'));
  }
});
