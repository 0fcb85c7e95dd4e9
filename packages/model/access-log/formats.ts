import type { AccessEntry, AccessLogFormat } from './entry.ts';
import { OPERATORS, type OperatorRow } from './operators.ts';

const TRACE_FIELDS = ['x-b3-traceid', 'x-request-id', 'x-amzn-trace-id'] as const;

/** `<client address> <identity or -> - [<time>] "<method> <target> <version>" <status>`. Source: Linkerd proxy. */
const apache: AccessLogFormat = (entry) =>
  `${entry.clientAddr} ${entry.clientId ?? '-'} - [${new Date(entry.startWallMs).toISOString()}] ` +
  `"${safe(entry.method)} ${safe(entry.uri)} ${entry.version}" ${entry.status}\n`;

/** One object a line, keys as Linkerd's proxy writes them. */
const json: AccessLogFormat = (entry) => {
  let trace = '';
  for (const name of TRACE_FIELDS) trace ||= entry.requestField(name) ?? '';
  return `${JSON.stringify({
    'client.addr': entry.clientAddr,
    'client.id': entry.clientId ?? '',
    timestamp: new Date(entry.startWallMs).toISOString(),
    method: entry.method,
    uri: entry.uri,
    version: entry.version,
    trace_id: trace,
    request_bytes: entry.requestField('content-length') ?? '',
    status: entry.status,
    response_bytes: entry.responseField('content-length') ?? '',
    total_ns: Math.round(entry.totalMs * 1e6),
    processing_ns: Math.round(entry.processingMs * 1e6),
    user_agent: entry.requestField('user-agent') ?? '',
    host: entry.authority,
  })}\n`;
};

/**
 * Reads `apache`, `json`, or a format string with operators of {@link OPERATORS}, e.g.
 * `%START_TIME% %REQ(:METHOD)% %REQ(X-REQUEST-ID):36% %RESPONSE_CODE%`: `:36` cuts a value, `%%` is a per cent sign.
 */
export function parseAccessLogFormat(text: string): { value: AccessLogFormat } | { error: string } {
  if (text === 'apache') return { value: apache };
  if (text === 'json') return { value: json };
  if (!text.includes('%')) return { error: 'must be apache, json, or a format with operators such as %START_TIME%' };
  const parts: (string | ((entry: AccessEntry) => string))[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('%', at);
    if (start < 0) {
      parts.push(text.slice(at));
      break;
    }
    if (start > at) parts.push(text.slice(at, start));
    const end = text.indexOf('%', start + 1);
    if (end < 0) return { error: `has no second % after ${JSON.stringify(text.slice(start, start + 20))}` };
    const made = end === start + 1 ? '%' : operator(text.slice(start + 1, end));
    if (typeof made === 'object') return made;
    parts.push(made);
    at = end + 1;
  }
  return {
    value: (entry) => {
      let line = '';
      for (const part of parts) line += typeof part === 'string' ? part : part(entry);
      return `${line}\n`;
    },
  };
}

function operator(text: string): ((entry: AccessEntry) => string) | { error: string } {
  const match = /^([A-Z_]+)(?:\(([^()]+)\))?(?::(\d{1,5}))?$/.exec(text);
  const name = match?.[1] ?? '';
  const row: OperatorRow | undefined = Object.hasOwn(OPERATORS, name)
    ? OPERATORS[name as keyof typeof OPERATORS]
    : undefined;
  if (!row) return { error: `names %${text}%, which is no operator` };
  const argument = match?.[2] ?? '';
  if ((argument !== '') !== (row.argument !== undefined))
    return { error: `names %${text}%, which takes ${row.argument === undefined ? 'no argument' : 'an argument'}` };
  const max = match?.[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3]);
  return (entry) => {
    const value = row.value(entry, argument);
    return value === undefined || value === '' ? '-' : safe(String(value)).slice(0, max);
  };
}

/** Clients choose targets and fields: they must not be able to end a quoted part or a line. */
function safe(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a line
  return /["\\\u0000-\u001f\u007f]/.test(text)
    ? // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      text.replace(/["\\\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text;
}
