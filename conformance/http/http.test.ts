/**
 * The suites of HTTP in small: every case at every face of Weft, all of h2spec, the worst floods for a moment.
 * Runs alone: the floods' bounds are of time and memory.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { compiledExecutable } from '#cli/executable';
import { repository, run } from '../harness/index.ts';
import { ANSWERS } from './answers/corpus.ts';
import { FACES } from './faces.ts';
import type { Results, Tools } from './plan.ts';
import { CORPUS } from './probes.ts';
import { failureLines } from './report.ts';
import { runSuites } from './run-suites.ts';

const FLOODS = [
  'rapid-reset',
  'late-reset',
  'made-you-reset',
  'continuation',
  'header-bomb',
  'window-stall',
  'slow-headers',
];
const FLOOD_SECONDS = 2;
const INSTALL_TIMEOUT_MS = 300_000;
const OWN_FACES = FACES.filter(({ contender }) => contender === 'Weft');

let results: Results;

before(async () => {
  const installed = await run('node', [join(repository, 'tools', 'conformance.mjs'), 'http', '--tools'], {
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  assert.equal(installed.code, 0, installed.stderr);
  results = await runSuites({
    weft: [compiledExecutable()],
    suites: ['corpus', 'answers', 'h2spec', 'floods'],
    tools: JSON.parse(installed.stdout) as Tools,
    peers: false,
    floods: FLOODS,
    floodSeconds: FLOOD_SECONDS,
    floodsTogether: true,
  });
});

const linesOf = (part: Partial<Results>) => failureLines({ verdicts: [], answers: [], specs: [], floods: [], ...part });

for (const { version, name } of OWN_FACES)
  test(`malformed requests of ${version} are refused and odd ones served: ${name}`, () => {
    const verdicts = results.verdicts.filter((each) => each.version === version && each.face === name);
    assert.equal(verdicts.length, CORPUS[version].length);
    assert.deepEqual(linesOf({ verdicts }), []);
  });

test('malformed responses of servers reach no client, nor the next one', () => {
  assert.equal(new Set(results.answers.map(({ face }) => face)).size, 4);
  assert.equal(results.answers.length, ANSWERS.length * 4);
  assert.deepEqual(linesOf({ answers: results.answers }), []);
});

test('h2spec passes at both faces, and through mutual TLS', () => {
  assert.deepEqual(
    results.specs.map(({ face }) => face),
    ['inbound', 'outbound', 'inbound, mesh TLS'],
  );
  assert.deepEqual(linesOf({ specs: results.specs }), []);
});

test('floods leave memory bounded and other connections served', () => {
  assert.equal(results.floods.length, FLOODS.length * 2);
  assert.deepEqual(linesOf({ floods: results.floods }), []);
});
