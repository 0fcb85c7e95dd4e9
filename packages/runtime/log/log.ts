import { type Filter, parseFilter } from './filter.ts';
import { FloodGuard } from './flood.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Named values beside the message, e.g. `{'client.addr': '10.0.0.1:5000'}`. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  error(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  /** Whether a debug line would be written: saves making its fields. */
  readonly debugging: boolean;
  /** The same log under another target, e.g. `linkerd_app_inbound`. */
  target(name: string): Log;
}

/** Where lines go, one call a line, with its line feed. */
export type LogSink = (line: string) => void;

export interface LogOptions {
  format: 'plain' | 'json';
  filter: Filter;
  write: LogSink;
  /** Seconds since the process started, for plain lines. */
  uptimeSeconds(): number;
  /** Milliseconds since 1970, for JSON lines. */
  wallMs(): number;
  /** Told of each line left out because too many of its kind came in one second; absent: nothing is left out. */
  suppressed?(target: string): void;
}

/**
 * A log whose filter can be changed while it runs. Plain: `[     0.012345s]  INFO ThreadId(01) target: message field=value`.
 * JSON: `{"timestamp":"…","level":"INFO","fields":{"message":"…"},"target":"…","threadId":"ThreadId(1)"}`.
 */
export function createLog(
  options: LogOptions,
  target = 'linkerd_proxy',
): Log & { setFilter(text: string): string | undefined; filterText(): string } {
  const state: State = { filter: options.filter, flood: options.suppressed && new FloodGuard() };
  const log = makeLog(options, state, target);
  return Object.defineProperties(log, {
    setFilter: {
      value(text: string): string | undefined {
        const parsed = parseFilter(text);
        if ('error' in parsed) return parsed.error;
        state.filter = parsed.value;
        return undefined;
      },
    },
    filterText: { value: () => state.filter.text },
  }) as ReturnType<typeof createLog>;
}

interface State {
  filter: Filter;
  readonly flood: FloodGuard | undefined;
}

function makeLog(options: LogOptions, state: State, target: string): Log {
  const text = options.format === 'json' ? json : plain;
  const write = (level: Level, message: string, fields?: Fields): void => {
    if (!state.filter.enabled(target, level)) return;
    // Whoever asks for debug lines wants all of them.
    if (!state.flood || level === 'debug') {
      options.write(text(options, target, level, message, fields));
      return;
    }
    const suppressed = state.flood.admit(`${level} ${target} ${message}`, options.uptimeSeconds());
    if (suppressed < 0) options.suppressed?.(target);
    else options.write(text(options, target, level, message, suppressed > 0 ? { ...fields, suppressed } : fields));
  };
  return {
    error: (message, fields) => write('error', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
    get debugging() {
      return state.filter.enabled(target, 'debug');
    },
    target: (name) => makeLog(options, state, name),
  };
}

function plain(options: LogOptions, target: string, level: Level, message: string, fields: Fields = {}): string {
  const uptime = options.uptimeSeconds().toFixed(6).padStart(12);
  const named = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');
  return `[${uptime}s] ${level.toUpperCase().padStart(5)} ThreadId(01) ${target}: ${oneLine(message + named)}\n`;
}

/** Peers choose some of the texts that are logged; they must not be able to begin a line of their own. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function json(options: LogOptions, target: string, level: Level, message: string, fields: Fields = {}): string {
  const timestamp = new Date(options.wallMs()).toISOString();
  return `${JSON.stringify({ timestamp, level: level.toUpperCase(), fields: { message, ...fields }, target, threadId: 'ThreadId(1)' })}\n`;
}
