import { parseGoDuration } from '#model/annotations';
import { UserError } from '../context.ts';

/** Milliseconds of a Go duration such as `5m` or `30s`. */
export function readDuration(flag: string, text: string): number {
  const ms = parseGoDuration(text);
  if (ms === undefined || ms < 0) throw new UserError(`${flag}: expected a duration such as 5m or 30s, got "${text}"`);
  return ms;
}
