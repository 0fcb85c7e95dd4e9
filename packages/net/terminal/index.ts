/** Programs on a pseudo-terminal: the one place that uses the runtime's own terminal, which Node has no API for. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../limits.ts';
import { inNamespaces, type NamespacePaths } from '../netns/enter.ts';

/** A program that runs on a terminal of its own. */
export interface TerminalProcess {
  readonly pid: number;
  /** Settles with the exit code, 128 + number for a signal. */
  readonly exited: Promise<number>;
  /** What the program says on descriptor 3, when asked for. */
  readonly status?: Socket;
  write(chunk: Uint8Array): void;
  resize(columns: number, rows: number): void;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a program with a new terminal as its controlling one. Output of both streams arrives mixed, as terminals do. */
export function spawnOnTerminal(
  argv: readonly string[],
  options: {
    namespaces?: NamespacePaths;
    env: Record<string, string>;
    cwd?: string;
    columns?: number;
    rows?: number;
    /** Give the program a pipe on descriptor 3. */
    statusPipe?: boolean;
    output(chunk: Uint8Array): void;
  },
): TerminalProcess {
  let markDrained = (): void => {};
  const drained = new Promise<void>((done) => {
    markDrained = done;
  });
  const terminal = new Bun.Terminal({
    cols: options.columns ?? 80,
    rows: options.rows ?? 24,
    // The runtime reuses the buffer after this call.
    exit: () => markDrained(),
    data: (_terminal, chunk) => options.output(Uint8Array.from(chunk)),
  });
  const child = inNamespaces(options.namespaces ?? {}, () =>
    Bun.spawn([...argv], {
      terminal,
      env: options.env,
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...(options.statusPipe && { stdio: [null, null, null, 'pipe'] as const }),
    }),
  );
  const exited = child.exited.then(async (code) => {
    // A background process may hold the terminal open for ever, so its end is awaited only shortly.
    await Promise.race([drained, sleep(LIMITS.terminalDrainMs)]);
    terminal.close();
    return code;
  });
  const statusFd: unknown = options.statusPipe ? (child.stdio as unknown[])[3] : undefined;
  return {
    ...(typeof statusFd === 'number' && { status: connect({ fd: statusFd } as unknown as NetConnectOpts) }),
    pid: child.pid,
    exited,
    write: (chunk) => void terminal.write(chunk),
    resize: (columns, rows) => terminal.resize(columns, rows),
    kill: (signal) => child.kill(signal),
  };
}
