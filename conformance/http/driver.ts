/** Runs the suites from the client's side: `bun driver.ts PLAN PIDS`; results as JSON on standard output. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FACES, type Face } from './faces.ts';
import * as http1 from './http1/case.ts';
import { HTTP1_CORPUS } from './http1/corpus/index.ts';
import { runCase as runHttp1 } from './http1/run.ts';
import * as http2 from './http2/case.ts';
import { HTTP2_CORPUS } from './http2/corpus/index.ts';
import { runCase as runHttp2 } from './http2/run.ts';
import { Origin } from './origin/client.ts';
import { ORIGIN_SOCKET, type Plan, type Results, TLS_FOLDER } from './plan.ts';
import type { Verdict } from './verdict.ts';

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 100;

interface Probe {
  readonly id: string;
  readonly run: (face: Face, origin: Origin) => Promise<Verdict>;
}

const http1Probe = (each: http1.Case): Probe => ({
  id: each.id,
  run: (face, origin) => runHttp1(each, face, origin, TLS_FOLDER),
});
const http2Probe = (each: http2.Case): Probe => ({
  id: each.id,
  run: (face, origin) => runHttp2(each, face, origin, TLS_FOLDER),
});

/** A plain request, and all cases, of each version. */
const PLAIN = {
  http1: http1Probe(http1.group('Plain', 'forward', [['plain', 'RFC 9112 3', http1.get()]])[0]!),
  http2: http2Probe(http2.group('Plain', 'forward', [['plain', 'RFC 9113 8.3.1', http2.get()]])[0]!),
};
const CORPUS = { http1: HTTP1_CORPUS.map(http1Probe), http2: HTTP2_CORPUS.map(http2Probe) };

const wanted = (plan: Plan, face: Face) =>
  (plan.peers || face.contender === 'Weft') &&
  (plan.faces === undefined || plan.faces.includes(`${face.version}: ${face.name}`));

/** Until a plain request comes through. */
async function ready(face: Face, origin: Origin): Promise<void> {
  let seen = 'nothing';
  for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
    try {
      const verdict = await PLAIN[face.version].run(face, origin);
      if (verdict.outcome === 'forwarded' && verdict.answers.join() === '200') return;
      seen = `${verdict.outcome}, ${verdict.answers.join(', ')}`;
    } catch (error) {
      seen = String(error);
    }
  }
  throw new Error(`${face.contender} (${face.name}, ${face.version}) does not serve plain requests: ${seen}`);
}

async function runFace(face: Face, plan: Plan, origin: Origin): Promise<Verdict[]> {
  await ready(face, origin);
  const verdicts: Verdict[] = [];
  for (const each of CORPUS[face.version])
    if (plan.only === undefined || each.id.includes(plan.only)) verdicts.push(await each.run(face, origin));
  return verdicts;
}

async function main(plan: Plan): Promise<Results> {
  const origin = new Origin(ORIGIN_SOCKET);
  const faces = FACES.filter((face) => wanted(plan, face));
  const verdicts = (await Promise.all(faces.map((face) => runFace(face, plan, origin)))).flat();
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
