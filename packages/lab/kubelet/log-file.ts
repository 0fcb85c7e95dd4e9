import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LIMITS } from './limits.ts';

/** One line of a container's output. `time` is RFC 3339 with nanoseconds; `text` ends with a newline unless it was split. */
export interface LogLine {
  time: string;
  stream: 'stdout' | 'stderr';
  text: Buffer;
}

const NEWLINE = 0x0a;

/** `2026-11-21T10:00:00.123456000Z`: the clock gives microseconds. */
export function formatNanoTime(epochMs: number): string {
  const micros = Math.floor(epochMs * 1000);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19)}.${fraction}000Z`;
}

const nowText = (): string => formatNanoTime(performance.timeOrigin + performance.now());

/**
 * The log of one container instance, in the format of container runtimes: `<time> stdout F text`, `P` marks a part of a split
 * line. When the file is full it becomes `<path>.1` and a new one begins.
 */
export class LogFile {
  private readonly path: string;
  private fd: number;
  private bytes = 0;
  private readonly partial = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  private readonly followers = new Set<(line: LogLine) => void>();
  private readonly enders = new Set<() => void>();
  private ended = false;
  private lost = 0;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.fd = openSync(path, 'w');
  }

  /** Takes a chunk of output and writes its complete lines. */
  push(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    let rest = this.partial[stream].length === 0 ? Buffer.from(chunk) : Buffer.concat([this.partial[stream], chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.writeLine(stream, rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
    }
    while (rest.length > LIMITS.logLineBytesMax) {
      this.writeLine(stream, rest.subarray(0, LIMITS.logLineBytesMax));
      rest = rest.subarray(LIMITS.logLineBytesMax);
    }
    this.partial[stream] = Buffer.from(rest);
  }

  /** The container ended: writes what is left without a newline and lets followers go. */
  end(): void {
    if (this.ended) return;
    for (const stream of ['stdout', 'stderr'] as const)
      if (this.partial[stream].length > 0) this.writeLine(stream, this.partial[stream]);
    this.ended = true;
    closeSync(this.fd);
    for (const ender of [...this.enders]) ender();
  }

  /** Calls back for each line from now on, and once at the end (at once when it has ended). Returns a stop function. */
  follow(line: (line: LogLine) => void, end: () => void): () => void {
    if (this.ended) {
      end();
      return () => {};
    }
    this.followers.add(line);
    this.enders.add(end);
    return () => {
      this.followers.delete(line);
      this.enders.delete(end);
    };
  }

  private writeLine(stream: 'stdout' | 'stderr', text: Buffer): void {
    if (this.ended) return;
    const line: LogLine = { time: nowText(), stream, text: Buffer.from(text) };
    this.append(encodeLine(line));
    for (const follower of this.followers) follower(line);
  }

  /** A full disk must not take the node down: lines are counted as lost, and said so once there is room. */
  private append(bytes: Buffer): void {
    try {
      if (this.bytes + bytes.length > LIMITS.logFileBytesMax) this.rotate();
      if (this.lost > 0) {
        const note = Buffer.from(`[${this.lost} lines lost: the disk was full]\n`);
        writeSync(this.fd, encodeLine({ time: nowText(), stream: 'stderr', text: note }));
        this.lost = 0;
      }
      writeSync(this.fd, bytes);
      this.bytes += bytes.length;
    } catch {
      this.lost++;
    }
  }

  private rotate(): void {
    closeSync(this.fd);
    renameSync(this.path, `${this.path}.1`);
    this.fd = openSync(this.path, 'a');
    this.bytes = 0;
  }
}

function encodeLine({ time, stream, text }: LogLine): Buffer {
  const whole = text[text.length - 1] === NEWLINE;
  const head = Buffer.from(`${time} ${stream} ${whole ? 'F' : 'P'} `);
  return Buffer.concat(whole ? [head, text] : [head, text, Buffer.from('\n')]);
}

const SPACE = 0x20;

/** Reads back one line written by {@link LogFile}; undefined for what is no such line. */
export function decodeLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const whole = line[second + 1] === 'F'.charCodeAt(0);
  const text = line.subarray(third + 1);
  return {
    time: line.toString('latin1', 0, first),
    stream: line.toString('latin1', first + 1, second) === 'stderr' ? 'stderr' : 'stdout',
    text: whole ? Buffer.concat([text, Buffer.from('\n')]) : Buffer.from(text),
  };
}

/** All lines of an instance's log, the older part first. Missing files are empty. */
export function readLogLines(path: string): LogLine[] {
  const lines: LogLine[] = [];
  for (const file of [`${path}.1`, path]) {
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    for (let start = 0, end = bytes.indexOf(NEWLINE); end >= 0; start = end + 1, end = bytes.indexOf(NEWLINE, start)) {
      const line = decodeLine(bytes.subarray(start, end));
      if (line) lines.push(line);
    }
  }
  return lines;
}
