/** What puts load on a contender: wrk for HTTP/1.1, h2load for HTTP/2 and for fixed rates. Every answer must be a success. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#net/programs';
import { CLIENT_NS } from '../../conformance/harness/pair/index.ts';

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Beyond the load's own time. */
const SLACK_S = 30;
const OPEN_FILES = 16_384;

async function inClient(seconds: number, argv: readonly string[]): Promise<string> {
  const args = ['netns', 'exec', CLIENT_NS, 'prlimit', `--nofile=${OPEN_FILES}`, ...argv];
  return (await run('ip', args, { timeoutMs: (seconds + SLACK_S) * 1000 })).stdout;
}

export interface WrkOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
}

/** wrk: each connection asks again as soon as it is answered. */
export async function runWrk(url: string, { connections, seconds, headers = [] }: WrkOptions): Promise<Load> {
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency'];
  return parseWrk(await inClient(seconds, ['wrk', ...flags, ...headers.flatMap((header) => ['-H', header]), url]));
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

export interface H2loadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** At once on each connection of HTTP/2; absent: HTTP/1.1. */
  readonly streams?: number;
  /** Requests a second of all connections together; absent: as fast as they are answered. */
  readonly rate?: number;
}

/** An empty message of gRPC: no compression, length 0. */
const GRPC_MESSAGE = Buffer.alloc(5);

/** h2load; with streams it sends unary calls of gRPC. */
export async function runH2load(url: string, options: H2loadOptions): Promise<Load> {
  const { connections, seconds, streams, rate } = options;
  const folder = mkdtempSync('/run/bench/h2load-');
  const [body, log] = [join(folder, 'body'), join(folder, 'log')];
  writeFileSync(body, GRPC_MESSAGE);
  const grpc = ['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const kind = streams === undefined ? ['--h1'] : ['-m', String(streams), ...grpc];
  const pace = rate === undefined ? [] : ['--rps', String(rate / connections)];
  const flags = ['-t1', '-c', String(connections), '-D', String(seconds), `--log-file=${log}`, ...kind, ...pace];
  try {
    const report = await inClient(seconds, ['h2load', ...flags, url]);
    return parseH2load(report, readFileSync(log, 'latin1'), seconds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads h2load's report and its log of requests (start in us, status, us until the end; tab-separated). */
export function parseH2load(report: string, log: string, seconds: number): Load {
  const counts = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(
    report,
  );
  if (!counts) throw new Error(`h2load reported no requests: ${report}`);
  const [done, succeeded, failed, errored] = counts.slice(1).map(Number);
  if (failed !== 0 || errored !== 0 || done !== succeeded)
    throw new Error(`the load was not served cleanly: ${counts[0]}`);
  if (!done) throw new Error('no request was answered');
  const bad = /status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(report);
  if (!bad || bad.slice(1).some((count) => count !== '0'))
    throw new Error(`answers were no success: ${bad?.[0] ?? report}`);
  const tookUs = Float64Array.from(log.trimEnd().split('\n'), (line) => Number(line.split('\t')[2])).sort();
  const at = (share: number): number =>
    (tookUs[Math.min(tookUs.length - 1, Math.floor(tookUs.length * share))] ?? 0) / 1000;
  return { requests: done, perSecond: done / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
