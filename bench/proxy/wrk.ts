/** wrk: 32 keep-alive connections that ask again as soon as they are answered. */
import { run } from '#net/programs';
import { CLIENT_NS } from './addresses.ts';

export const CONNECTIONS = 32;

export interface Load {
  requests: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Loads `url` from the client's namespace; rejects unless every answer was a success and no connection failed. */
export async function runWrk(url: string, seconds: number): Promise<Load> {
  const args = ['netns', 'exec', CLIENT_NS, 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', url];
  const { stdout } = await run('ip', args, { timeoutMs: (seconds + 20) * 1000 });
  return parseWrk(stdout);
}

/** Reads wrk's report. Throws on answers other than 2xx and 3xx, on socket errors, and when nothing was answered. */
export function parseWrk(report: string): Load {
  const complaint = /^\s*(Non-2xx or 3xx responses: \d+|Socket errors: .*)$/m.exec(report)?.[1];
  if (complaint !== undefined) throw new Error(`the load was not served cleanly: ${complaint.trim()}`);
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(report)?.[1];
    if (found === undefined) throw new Error(`wrk reported no ${pattern.source}: ${report}`);
    return found;
  };
  const requests = Number(find(/(\d+) requests in/));
  if (requests === 0) throw new Error('no request was answered');
  return {
    requests,
    perSecond: Number(find(/Requests\/sec:\s+([\d.]+)/)),
    p50Ms: milliseconds(find(/^\s*50%\s+(\S+)/m)),
    p99Ms: milliseconds(find(/^\s*99%\s+(\S+)/m)),
  };
}

const UNITS_US: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000, m: 60_000_000 };

function milliseconds(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)([a-z]+)$/.exec(text) ?? [];
  const factor = UNITS_US[unit];
  if (factor === undefined) throw new Error(`"${text}" is no duration of wrk`);
  return (Number(number) * factor) / 1000;
}
