/** Runs the suites from the client's side: `bun driver.ts PLAN PIDS`; results as JSON on standard output. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FACES, type Face } from './faces.ts';
import { type Case, get, group } from './http1/case.ts';
import { HTTP1_CORPUS } from './http1/corpus/index.ts';
import { runCase } from './http1/run.ts';
import { Origin } from './origin/client.ts';
import { ORIGIN_SOCKET, type Plan, type Results, TLS_FOLDER } from './plan.ts';
import type { Verdict } from './verdict.ts';

const READY_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 100;
const PROBE = group('Probe', 'forward', [['plain', 'RFC 9112 3', get()]])[0]!;

const wanted = (plan: Plan, face: Face) =>
  (plan.peers || face.contender === 'Weft') && (plan.faces === undefined || plan.faces.includes(face.name));

/** Until a plain request comes through. */
async function ready(face: Face, origin: Origin): Promise<void> {
  let seen = 'nothing';
  for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
    try {
      const verdict = await runCase(PROBE, face, origin, TLS_FOLDER);
      if (verdict.answers[0] === '200') return;
      seen = verdict.answers.join(', ');
    } catch (error) {
      seen = String(error);
    }
  }
  throw new Error(`${face.contender} (${face.name}) does not serve plain requests: ${seen}`);
}

async function runFace(face: Face, cases: readonly Case[], origin: Origin): Promise<Verdict[]> {
  await ready(face, origin);
  const verdicts: Verdict[] = [];
  for (const each of cases) verdicts.push(await runCase(each, face, origin, TLS_FOLDER));
  return verdicts;
}

async function main(plan: Plan): Promise<Results> {
  const origin = new Origin(ORIGIN_SOCKET);
  const cases = HTTP1_CORPUS.filter(({ id }) => plan.only === undefined || id.includes(plan.only));
  const faces = FACES.filter((face) => face.version === 'http1' && wanted(plan, face));
  const verdicts = (await Promise.all(faces.map((face) => runFace(face, cases, origin)))).flat();
  origin.close();
  return { verdicts };
}

try {
  const results = await main(JSON.parse(process.argv[2] ?? '{}') as Plan);
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`http: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
