import type { LogOptions } from '../contract/index.ts';
import { parseTime } from '../kinds/index.ts';
import type { LogFile, LogLine } from './log-file.ts';
import { readLogLines } from './log-file.ts';

/** Where one container instance's log is, and its writer while it runs. */
export interface LogSource {
  path: string;
  writer: LogFile | undefined;
}

/** The lines that the options ask for, oldest first. */
export function selectLines(lines: readonly LogLine[], options: LogOptions, nowMs: number): LogLine[] {
  const sinceMs =
    options.sinceSeconds === undefined ? parseTime(options.sinceTime) : nowMs - options.sinceSeconds * 1000;
  const recent = sinceMs === undefined ? [...lines] : lines.filter(({ time }) => (parseTime(time) ?? 0) >= sinceMs);
  if (options.tailLines === undefined) return recent;
  return options.tailLines === 0 ? [] : recent.slice(-options.tailLines);
}

/** Writes a log as `kubectl logs` wants it; with `follow` until the container ends or the caller gives up. */
export function streamLog(
  source: LogSource,
  options: LogOptions,
  write: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  let bytesLeft = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const emit = (line: LogLine): void => {
    const text = options.timestamps ? Buffer.concat([Buffer.from(`${line.time} `), line.text]) : line.text;
    if (bytesLeft <= 0) return;
    write(text.length <= bytesLeft ? text : text.subarray(0, bytesLeft));
    bytesLeft -= text.length;
  };
  // Reading and subscribing happen in one turn, so no line is lost or doubled between them.
  for (const line of selectLines(readLogLines(source.path), options, Date.now())) emit(line);
  if (!options.follow || !source.writer || signal.aborted) return Promise.resolve();
  const { writer } = source;
  return new Promise((done) => {
    const finish = (): void => {
      stop();
      signal.removeEventListener('abort', finish);
      done();
    };
    let stop = (): void => {};
    signal.addEventListener('abort', finish);
    stop = writer.follow((line) => {
      emit(line);
      if (bytesLeft <= 0) finish();
    }, finish);
  });
}

/** The end of a log as a termination message: at most so many lines and bytes. */
export function logTail(path: string, limits: { lines: number; bytes: number }): string {
  const lines = readLogLines(path).slice(-limits.lines);
  const bytes = Buffer.concat(lines.map(({ text }) => text));
  return bytes.subarray(Math.max(0, bytes.length - limits.bytes)).toString('utf8');
}
