/** Runs a plan in namespaces of its own. Needs root. */
import { join } from 'node:path';
import { runIsolated } from '../harness/pair/index.ts';
import { ATTACKS } from './floods/index.ts';
import type { Plan, Results } from './plan.ts';

/** Start, corpus and h2spec, with plenty to spare for a busy machine. */
const SLACK_SECONDS = 300;
/** Of a flood at one face, beside its own time: until the machine is quiet, and memory back. */
const FLOOD_SLACK_SECONDS = 90;
const FLOOD_FACES = 2;

export function runSuites(plan: Plan): Promise<Results> {
  const floods = plan.suites.includes('floods') ? ATTACKS.length * FLOOD_FACES : 0;
  const limitS = SLACK_SECONDS + floods * (plan.floodSeconds + FLOOD_SLACK_SECONDS);
  return runIsolated<Results>(join(import.meta.dirname, 'inside.ts'), plan, limitS * 1000);
}
