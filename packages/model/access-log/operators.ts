import type { AccessEntry } from './entry.ts';

/** One `%NAME%` or `%NAME(argument)%` of a format string. */
export interface OperatorRow {
  readonly doc: string;
  /** What stands in the parentheses, for the reference page; absent: it takes none. */
  readonly argument?: string;
  /** `argument`: '' where it takes none. Undefined or '' is written as `-`. */
  readonly value: (entry: AccessEntry, argument: string) => string | number | undefined;
}

const field = (read: (name: string) => string | undefined, names: string): string | undefined => {
  for (const name of names.toLowerCase().split('?')) {
    const value = read(name.trim());
    if (value !== undefined) return value;
  }
  return undefined;
};

const PSEUDO: Readonly<Record<string, (entry: AccessEntry) => string>> = {
  ':authority': (entry) => entry.authority,
  ':method': (entry) => entry.method,
  ':path': (entry) => entry.path,
};

const time = (wallMs: number): string => new Date(wallMs).toISOString();

/** Operators of format strings, with Envoy's names where Envoy has them. */
export const OPERATORS = {
  BYTES_RECEIVED: {
    doc: 'Size of the request body by its `content-length`.',
    value: (e) => e.requestField('content-length'),
  },
  BYTES_SENT: {
    doc: 'Size of the response body by its `content-length`.',
    value: (e) => e.responseField('content-length'),
  },
  DOWNSTREAM_LOCAL_ADDRESS: { doc: 'Address and port that the client connected to.', value: (e) => e.localAddr },
  DOWNSTREAM_PEER_ID: { doc: 'Mesh identity of the client.', value: (e) => e.clientId },
  DOWNSTREAM_REMOTE_ADDRESS: { doc: 'Address and port of the client.', value: (e) => e.clientAddr },
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: { doc: 'Address of the client.', value: (e) => e.clientIp },
  DURATION: {
    doc: 'Milliseconds from the head of the request to that of the response.',
    value: (e) => Math.round(e.totalMs),
  },
  GRPC_STATUS_NUMBER: {
    doc: 'gRPC status, where the head of the response tells it.',
    value: (e) => (e.grpcStatus < 0 ? undefined : e.grpcStatus),
  },
  PROTOCOL: { doc: 'Version of HTTP, e.g. `HTTP/1.1`.', value: (e) => e.version },
  REQ: {
    doc: 'A field of the request, or the other one if it is absent; `:method`, `:path` and `:authority` too.',
    argument: 'NAME?OTHER',
    value: (e, names) => field((name) => PSEUDO[name]?.(e) ?? e.requestField(name), names),
  },
  REQUEST_DURATION: {
    doc: 'Milliseconds until the request was sent to the application.',
    value: (e) => Math.round(e.processingMs),
  },
  RESP: {
    doc: 'A field of the response, or the other one if it is absent.',
    argument: 'NAME?OTHER',
    value: (e, names) => field((name) => e.responseField(name), names),
  },
  RESPONSE_CODE: { doc: 'Status of the response.', value: (e) => e.status },
  RESPONSE_CODE_DETAILS: {
    doc: 'The code of the fault that the proxy answered itself; see the reference of faults.',
    value: (e) => e.fault ?? 'via_upstream',
  },
  START_TIME: {
    doc: 'When the request began, in UTC, e.g. `2026-01-31T12:00:00.000Z`.',
    value: (e) => time(e.startWallMs),
  },
  URI: { doc: 'Target of the request as the client sent it.', value: (e) => e.uri },
} as const satisfies Record<string, OperatorRow>;
