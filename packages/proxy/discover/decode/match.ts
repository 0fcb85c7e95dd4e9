import type { grpcRoute, httpRoute, httpTypes } from '#api/mesh';
import { Pattern, RegexError } from '#model/regex';
import type { HostMatch, HttpMatch, TextMatch, TextPattern } from '../types.ts';
import { Invalid, need } from './values.ts';

/** What the HTTP routes of both directions say about requests. */
export function decodeMatch(match: httpRoute.HttpRouteMatch): HttpMatch {
  return {
    path: match.path && decodeText(match.path.kind),
    headers: match.headers.map(decodeHeaderMatch),
    query: match.queryParams.map(({ name, value }) => ({ name, match: decodeText(value) })),
    method: match.method && decodeMethod(match.method),
  };
}

/** The same for gRPC routes. A rule without matches takes every call. */
export function decodeGrpcMatches(matches: readonly grpcRoute.GrpcRouteMatch[]): HttpMatch[] {
  if (matches.length === 0) return [{ ...NO_CONDITION, rpc: ANY_RPC }];
  return matches.map(({ rpc, headers }) => ({
    ...NO_CONDITION,
    rpc: rpc ? { service: rpc.service, method: rpc.method } : ANY_RPC,
    headers: headers.map(decodeHeaderMatch),
  }));
}

const NO_CONDITION: HttpMatch = { path: undefined, headers: [], query: [], method: undefined };
const ANY_RPC = { service: '', method: '' };

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'HEAD', 'TRACE'] as const;

export function decodeMethod({ type }: httpTypes.HttpMethod): string {
  const method = type.case === 'registered' ? METHODS[type.value] : type.value;
  if (!method) throw new Invalid('a method without a name');
  return method;
}

function decodeHeaderMatch({ name, value }: httpRoute.HeaderMatch): HttpMatch['headers'][number] {
  return { name: name.toLowerCase(), match: decodeText(value) };
}

function decodeText(kind: { case: string | undefined; value?: unknown }): TextMatch {
  const value =
    kind.value instanceof Uint8Array ? Buffer.from(kind.value).toString('latin1') : String(kind.value ?? '');
  switch (kind.case) {
    case 'exact':
    case 'prefix':
      return { kind: kind.case, value };
    case 'regex':
      return { kind: 'regex', regex: decodePattern(value) };
    default:
      throw new Invalid('a match without a kind');
  }
}

/** Always compared with the whole value. */
export function decodePattern(source: string): TextPattern {
  try {
    return new Pattern(source);
  } catch (error) {
    if (error instanceof RegexError) throw new Invalid(error.message);
    throw error;
  }
}

/** Hosts of HTTP routes and server names of TLS routes have one form. */
export function decodeHost({
  match,
}: {
  match:
    | { case: 'exact'; value: string }
    | { case: 'suffix'; value: { reverseLabels: string[] } }
    | { case: undefined; value?: undefined };
}): HostMatch {
  if (match.case === 'exact') return { kind: 'exact', value: match.value.toLowerCase() };
  const { reverseLabels } = need(match.value, 'a host match');
  return { kind: 'suffix', value: [...reverseLabels].reverse().join('.').toLowerCase() };
}
