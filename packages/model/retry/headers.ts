import { READERS } from '../proxy-config/index.ts';
import { parseGrpcConditions, parseHttpConditions, RETRY_DEFAULT, RetryPolicy } from './policy.ts';

/** Request headers that a route may allow; they are removed from requests that take such a route. */
export const RETRY_HEADERS = [
  'l5d-request-timeout',
  'l5d-response-timeout',
  'l5d-retry-grpc',
  'l5d-retry-http',
  'l5d-retry-limit',
  'l5d-retry-timeout',
  'l5d-timeout',
] as const;

type Header = (typeof RETRY_HEADERS)[number];

/** Gives a header's value, or undefined when the request has none. */
type Read = (name: Header) => string | undefined;

/** Times in milliseconds that a request asks for; absent: it does not. */
export interface TimeoutHeaders {
  readonly requestMs?: number;
  readonly responseMs?: number;
}

/**
 * The policy of a request whose route allows headers: each header that can be read takes the place of what `base` says. Without
 * `base`, any of them makes a policy; undefined when there is none. Unreadable values are ignored, as in Linkerd.
 */
export function readRetryHeaders(read: Read, base: RetryPolicy | undefined): RetryPolicy | undefined {
  const http = read('l5d-retry-http');
  const grpc = read('l5d-retry-grpc');
  const limit = readLimit(read('l5d-retry-limit'));
  const perTryMs = readDuration(read('l5d-retry-timeout'));
  if (http === undefined && grpc === undefined && limit === undefined && perTryMs === undefined) return base;
  const { bytesMax, backoff, ...old } = base ?? RETRY_DEFAULT;
  return new RetryPolicy({
    limit: limit ?? old.limit,
    bytesMax,
    perTryMs: perTryMs ?? old.perTryMs,
    backoff,
    statuses: http === undefined ? old.statuses : parseHttpConditions(http),
    grpcCodes: grpc === undefined ? old.grpcCodes : parseGrpcConditions(grpc),
  });
}

/** `l5d-request-timeout` goes before its older name `l5d-timeout`. */
export function readTimeoutHeaders(read: Read): TimeoutHeaders {
  const requestMs = readDuration(read('l5d-request-timeout')) ?? readDuration(read('l5d-timeout'));
  const responseMs = readDuration(read('l5d-response-timeout'));
  return {
    ...(requestMs === undefined ? {} : { requestMs }),
    ...(responseMs === undefined ? {} : { responseMs }),
  };
}

const LIMIT_MAX = 65_535;

function readLimit(text: string | undefined): number | undefined {
  const limit = text !== undefined && /^\d{1,5}$/.test(text.trim()) ? Number(text) : LIMIT_MAX + 1;
  return limit <= LIMIT_MAX ? limit : undefined;
}

function readDuration(text: string | undefined): number | undefined {
  const parsed = text === undefined ? undefined : READERS.duration(text);
  return parsed && 'value' in parsed ? parsed.value : undefined;
}
