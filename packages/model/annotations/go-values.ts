/** Readers for values that annotations carry, in the spellings that Linkerd's Go programs accept. Undefined: not such a value. */

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** `strconv.ParseBool`. */
export function parseBool(text: string): boolean | undefined {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

/** `enabled` or `disabled`. */
export function parseSwitch(text: string): boolean | undefined {
  if (text === 'enabled') return true;
  return text === 'disabled' ? false : undefined;
}

const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** `time.ParseDuration`, e.g. `1h30m`, `1.5s`, `-1ms`, `0`; in milliseconds. */
export function parseGoDuration(text: string): number | undefined {
  const body = text.replace(/^[+-]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  if (body === '0') return 0;
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let ms = 0;
  while (part.lastIndex < body.length) {
    const found = part.exec(body);
    if (!found) return undefined;
    ms += Number(found[1]) * (UNIT_MS[found[2] ?? ''] ?? 0);
  }
  return body === '' ? undefined : sign * ms;
}

/** A whole number in base 10, e.g. `2102` or `-1`. */
export function parseInteger(text: string): number | undefined {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A port number. */
export function parsePort(text: string): number | undefined {
  const port = parseInteger(text);
  return port !== undefined && port >= 0 && port <= 65535 ? port : undefined;
}

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A Kubernetes quantity, e.g. `100m`, `64Mi`, `1e3`, as a number. */
export function parseQuantity(text: string): number | undefined {
  const found = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (!found) return undefined;
  return Number(`${found[1]}${found[2] ?? ''}`) * (SUFFIXES[found[3] ?? ''] ?? Number.NaN);
}

/** The text itself; empty is none. */
export function parseText(text: string): string | undefined {
  return text === '' ? undefined : text;
}
