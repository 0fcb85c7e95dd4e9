import { CronExpressionParser } from 'cron-parser';
import type { CronJob } from '../../kinds/index.ts';
import { parseTime } from '../../kinds/index.ts';

/** More missed times than this are reported and not counted one by one. */
const MISSED_MAX = 100;

/** Times of a schedule around a moment. `missed` counts up to a hundred. */
export interface Due {
  /** The latest time that has come since the last start, if any. */
  lastMs: number | undefined;
  /** The next time to come. */
  nextMs: number;
  missed: number;
}

/**
 * When a CronJob is due: times after its last start (or its creation), and within its starting deadline. Time zone by name, else UTC.
 * @throws Error with the reason when schedule or zone cannot be read
 */
export function dueTimes(job: CronJob, nowMs: number): Due {
  const { schedule, timeZone, startingDeadlineSeconds } = job.spec;
  const since = parseTime(job.status?.lastScheduleTime) ?? parseTime(job.metadata.creationTimestamp) ?? nowMs;
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : nowMs - startingDeadlineSeconds * 1000;
  const fromMs = Math.max(since, deadlineMs ?? 0);
  const times = timesAfter(schedule, timeZone, fromMs);
  let lastMs: number | undefined;
  let missed = 0;
  let nextMs = times();
  while (nextMs <= nowMs && missed < MISSED_MAX) {
    lastMs = nextMs;
    missed++;
    nextMs = times();
  }
  if (nextMs > nowMs) return { lastMs, nextMs, missed };
  const later = timesAfter(schedule, timeZone, nowMs);
  return { lastMs: latestBefore(schedule, timeZone, nowMs), nextMs: later(), missed: missed + 1 };
}

/** Whether a hundred times or more were missed, which tells of a clock or a schedule gone wrong. */
export const tooMany = ({ missed }: Due): boolean => missed > MISSED_MAX;

function parse(schedule: string, timeZone: string | undefined, fromMs: number) {
  const zone = timeZone ?? 'UTC';
  assertZone(zone);
  return CronExpressionParser.parse(schedule, { currentDate: new Date(fromMs), tz: zone });
}

function timesAfter(schedule: string, timeZone: string | undefined, fromMs: number): () => number {
  const expression = parse(schedule, timeZone, fromMs);
  return () => expression.next().getTime();
}

const latestBefore = (schedule: string, timeZone: string | undefined, nowMs: number): number =>
  parse(schedule, timeZone, nowMs + 1)
    .prev()
    .getTime();

function assertZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new Error(`unknown time zone ${timeZone}`);
  }
}
