import type { destination } from '#api/mesh';
import type { Profile, ProfileRoute, RequestCondition, ResponseCondition, RetryBudget } from '../types.ts';
import { decodeEndpoint } from './endpoint.ts';
import { decodeMethod, decodePattern } from './match.ts';
import { durationMs, Invalid, need, within } from './values.ts';

/** A profile. What cannot be used in it is left out: a route by itself, a class of responses by itself. */
export function decodeProfile(profile: destination.DestinationProfile): Profile {
  return {
    ...(profile.notExported && { notExported: true }),
    fqn: profile.fullyQualifiedName,
    opaque: profile.opaqueProtocol,
    endpoint: profile.endpoint && decodeEndpoint(profile.endpoint),
    routes: profile.routes.flatMap((route) => orNone(() => decodeRoute(route)) ?? []),
    retryBudget: orNone(() => decodeBudget(need(profile.retryBudget, 'the retry budget'))),
    overrides: profile.dstOverrides.flatMap(({ authority, weight }) =>
      weight > 0 && AUTHORITY.test(authority) ? [{ authority, weight }] : [],
    ),
  };
}

/** A name with a port, as endpoints are looked up by. */
const AUTHORITY = /^[A-Za-z0-9._-]+:\d{1,5}$/;

function orNone<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Invalid) return undefined;
    throw error;
  }
}

function decodeRoute(route: destination.Route): ProfileRoute {
  return {
    condition: decodeRequest(need(route.condition, 'the condition of a route')),
    classes: route.responseClasses.flatMap(
      ({ condition, isFailure }) =>
        orNone(() => ({ condition: decodeResponse(need(condition, 'the condition of a class')), isFailure })) ?? [],
    ),
    labels: route.metricsLabels,
    isRetryable: route.isRetryable,
    timeoutMs: orNone(() => (route.timeout ? durationMs(route.timeout) || undefined : undefined)),
  };
}

function decodeRequest({ match }: destination.RequestMatch): RequestCondition {
  switch (match.case) {
    case 'all':
    case 'any':
      return { kind: match.case, of: match.value.matches.map(decodeRequest) };
    case 'not':
      return { kind: 'not', of: decodeRequest(match.value) };
    case 'path':
      return { kind: 'path', regex: decodePattern(match.value.regex) };
    case 'method':
      return { kind: 'method', method: decodeMethod(match.value) };
    default:
      throw new Invalid('a condition without a kind');
  }
}

function decodeResponse({ match }: destination.ResponseMatch): ResponseCondition {
  switch (match.case) {
    case 'all':
    case 'any':
      return { kind: match.case, of: match.value.matches.map(decodeResponse) };
    case 'not':
      return { kind: 'not', of: decodeResponse(match.value) };
    case 'status': {
      const from = within(match.value.min, 100, 599, 'the least status of a range');
      return { kind: 'status', from, to: within(match.value.max, from, 599, 'the greatest status of a range') };
    }
    default:
      throw new Invalid('a condition without a kind');
  }
}

function decodeBudget({ retryRatio, minRetriesPerSecond, ttl }: destination.RetryBudget): RetryBudget {
  return {
    ratio: within(retryRatio, 0, 1_000, 'the ratio of a retry budget'),
    minPerSecond: minRetriesPerSecond,
    ttlMs: within(durationMs(need(ttl, 'the life of a retry budget')), 1_000, 60_000, 'the life of a retry budget'),
  };
}
