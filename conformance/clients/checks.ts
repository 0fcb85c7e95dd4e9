/** Clients of other languages print a line of JSON for each thing that they tried; tests ask for what must have worked. */
import assert from 'node:assert/strict';
import { run } from '../harness/index.ts';

/** Check -> why it failed; undefined where it did not. */
export type Checks = ReadonlyMap<string, string | undefined>;

const LIMIT_MS = 400_000;

/** Runs a client against a cluster to its end. */
export async function runChecks(program: string, args: readonly string[], kubeconfig: string): Promise<Checks> {
  const { stdout, stderr, code } = await run(program, args, { env: { KUBECONFIG: kubeconfig }, timeoutMs: LIMIT_MS });
  const lines = stdout.split('\n').filter((line) => line !== '');
  const results = lines.map((line) => JSON.parse(line) as { check: string; error?: string });
  assert.ok(results.length > 0, `${program} exited ${code} without a result:\n${stderr}`);
  return new Map(results.map(({ check, error }) => [check, error]));
}

/** Fails unless the check was made and went well. */
export function assertPassed(checks: Checks, name: string): void {
  assert.ok(checks.has(name), `no such check: ${name}; there were: ${[...checks.keys()].join('; ')}`);
  assert.equal(checks.get(name), undefined);
}

/** Fails where there are checks that no test asked for. */
export function assertAllAsked(checks: Checks, asked: readonly string[]): void {
  assert.deepEqual(
    [...checks.keys()].filter((name) => !asked.includes(name)),
    [],
  );
}
