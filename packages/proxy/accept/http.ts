import { LIMITS } from '../limits.ts';
import type { Conn } from '../tcp/index.ts';
import { decideHttp } from './decide.ts';
import { type Peeked, peek } from './peek.ts';
import type { DetectOptions } from './tls.ts';

/** What a connection carries; `bytes` were read and must be passed on, `ended`: the client sends no more. */
export interface HttpSeen {
  /** `timeout`: nothing could be told in time. */
  readonly protocol: 'http/1' | 'http/2' | 'not-http' | 'timeout';
  readonly bytes: Buffer;
  readonly ended: boolean;
}

/** How detection ended, as a label of the detection metrics. */
export type DetectResult = 'http/1' | 'http/2' | 'not_http' | 'read_timeout' | 'error';

/** Looks which version of HTTP a connection speaks, if any; undefined: it closed before anything could be told. */
export function detectHttp(
  socket: Conn,
  options: DetectOptions & { readonly ended?: boolean },
  done: (seen: HttpSeen | undefined, result: DetectResult, seconds: number) => void,
): void {
  const { clock, first } = options;
  const startMs = clock.nowMs();
  const finish = (result: Peeked<ReturnType<typeof decideHttp>>): void => {
    const seen = seenOf(result);
    done(seen, seen ? LABELS[seen.protocol] : 'error', (clock.nowMs() - startMs) / 1000);
  };
  // A peer that has said all cannot be waited for.
  if (options.ended) finish(decided(first) ?? { kind: 'ended', bytes: first });
  else peek(socket, { ...options, bytesMax: LIMITS.detectBytesMax }, decideHttp, finish);
}

const LABELS = {
  'http/1': 'http/1',
  'http/2': 'http/2',
  'not-http': 'not_http',
  timeout: 'read_timeout',
} as const satisfies Record<HttpSeen['protocol'], DetectResult>;

function decided(bytes: Buffer): Peeked<ReturnType<typeof decideHttp>> | undefined {
  const value = decideHttp(bytes);
  return value === undefined ? undefined : { kind: 'decided', value, bytes };
}

function seenOf(result: Peeked<ReturnType<typeof decideHttp>>): HttpSeen | undefined {
  switch (result.kind) {
    case 'decided':
      return { protocol: result.value ?? 'not-http', bytes: result.bytes, ended: false };
    case 'timeout':
      return { protocol: 'timeout', bytes: result.bytes, ended: false };
    case 'full':
      return { protocol: 'not-http', bytes: result.bytes, ended: false };
    case 'ended':
      return result.bytes.length > 0 ? { protocol: 'not-http', bytes: result.bytes, ended: true } : undefined;
    case 'broken':
      return undefined;
  }
}
