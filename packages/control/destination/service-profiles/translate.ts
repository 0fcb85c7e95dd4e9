/** ServiceProfiles as proxies get them. */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import { destination, httpTypes } from '#api/mesh';
import { parseGoDuration, parseQuantity } from '#model/annotations';
import type { ProfileSpec, RequestCondition, ResponseCondition } from './record.ts';

/** What a ServiceProfile says, for any port of its service. */
export interface TranslatedProfile {
  routes: readonly destination.Route[];
  retryBudget: destination.RetryBudget;
  /** Authorities without port mean the port that was asked for. */
  overrides: readonly { authority: string; weight: number }[];
}

/** Retry budget of profiles that set none. */
export const DEFAULT_RETRY_BUDGET: destination.RetryBudget = create(destination.RetryBudgetSchema, {
  retryRatio: 0.2,
  minRetriesPerSecond: 10,
  ttl: { seconds: 10n, nanos: 0 },
});

/** Translates a ServiceProfile. Throws a sentence for the operator when a part of it means nothing. */
export function translateSpec(spec: ProfileSpec): TranslatedProfile {
  return {
    routes: (spec.routes ?? []).map(toRoute),
    retryBudget: toBudget(spec.retryBudget),
    overrides: (spec.dstOverrides ?? []).map(toOverride),
  };
}

function toRoute(route: NonNullable<ProfileSpec['routes']>[number]): destination.Route {
  const where = `route "${route.name}"`;
  const timeoutMs = route.timeout ? durationMs(route.timeout, `${where}: timeout`) : 0;
  return create(destination.RouteSchema, {
    condition: toRequestMatch(route.condition, where),
    responseClasses: (route.responseClasses ?? []).map((each) => ({
      condition: toResponseMatch(each.condition, where),
      isFailure: each.isFailure ?? false,
    })),
    metricsLabels: { route: route.name },
    isRetryable: route.isRetryable ?? false,
    ...(timeoutMs > 0 && { timeout: toDuration(timeoutMs) }),
  });
}

function toRequestMatch(condition: RequestCondition | undefined, where: string): destination.RequestMatch {
  const make = (match: destination.RequestMatch['match']) => create(destination.RequestMatchSchema, { match });
  const many = (list: RequestCondition[]) =>
    create(destination.RequestMatch_SeqSchema, { matches: list.map((each) => toRequestMatch(each, where)) });
  const matches: destination.RequestMatch[] = [];
  if (condition?.all) matches.push(make({ case: 'all', value: many(condition.all) }));
  if (condition?.any) matches.push(make({ case: 'any', value: many(condition.any) }));
  if (condition?.not) matches.push(make({ case: 'not', value: toRequestMatch(condition.not, where) }));
  if (condition?.pathRegex)
    matches.push(make({ case: 'path', value: create(destination.PathMatchSchema, { regex: condition.pathRegex }) }));
  if (condition?.method) matches.push(make({ case: 'method', value: toMethod(condition.method) }));
  return only(matches, where) ?? make({ case: 'all', value: create(destination.RequestMatch_SeqSchema, { matches }) });
}

function toResponseMatch(condition: ResponseCondition | undefined, where: string): destination.ResponseMatch {
  const make = (match: destination.ResponseMatch['match']) => create(destination.ResponseMatchSchema, { match });
  const many = (list: ResponseCondition[]) =>
    create(destination.ResponseMatch_SeqSchema, { matches: list.map((each) => toResponseMatch(each, where)) });
  const matches: destination.ResponseMatch[] = [];
  if (condition?.all) matches.push(make({ case: 'all', value: many(condition.all) }));
  if (condition?.any) matches.push(make({ case: 'any', value: many(condition.any) }));
  if (condition?.not) matches.push(make({ case: 'not', value: toResponseMatch(condition.not, where) }));
  if (condition?.status) {
    const { min = 0, max = 0 } = condition.status;
    // One bound alone means that one status.
    const range = { min: min || max, max: max || min };
    matches.push(make({ case: 'status', value: create(destination.HttpStatusRangeSchema, range) }));
  }
  return only(matches, where) ?? make({ case: 'all', value: create(destination.ResponseMatch_SeqSchema, { matches }) });
}

/** The single match, undefined for several (all must hold); none is an error. */
function only<M>(matches: readonly M[], where: string): M | undefined {
  if (matches.length === 0) throw new Error(`${where}: a condition sets no field`);
  return matches.length === 1 ? matches[0] : undefined;
}

function toMethod(text: string): httpTypes.HttpMethod {
  const name = text.toUpperCase();
  const registered = httpTypes.HttpMethod_RegisteredSchema.values.find((value) => value.name === name)?.number;
  return create(httpTypes.HttpMethodSchema, {
    type: registered === undefined ? { case: 'unregistered', value: text } : { case: 'registered', value: registered },
  });
}

function toBudget(budget: ProfileSpec['retryBudget']): destination.RetryBudget {
  if (!budget) return DEFAULT_RETRY_BUDGET;
  return create(destination.RetryBudgetSchema, {
    retryRatio: budget.retryRatio ?? 0,
    minRetriesPerSecond: budget.minRetriesPerSecond ?? 0,
    ttl: toDuration(durationMs(budget.ttl ?? '', 'retryBudget.ttl')),
  });
}

/** Weights are thousandths of the quantity, times ten: 1 is 10000. */
function toOverride({ authority, weight: text }: { authority: string; weight: number | string }) {
  const weight = parseQuantity(String(text));
  if (weight === undefined || weight < 0)
    throw new Error(`dstOverrides: weight of ${authority} is no quantity: "${text}"`);
  return { authority, weight: Math.ceil(weight * 1000) * 10 };
}

function durationMs(text: string, where: string): number {
  const ms = parseGoDuration(text);
  if (ms === undefined) throw new Error(`${where}: expected a duration such as 300ms, got "${text}"`);
  return ms;
}

/** A protobuf Duration of so many milliseconds. */
function toDuration(ms: number): Duration {
  const nanos = Math.round(ms * 1e6);
  return create(DurationSchema, { seconds: BigInt(Math.trunc(nanos / 1e9)), nanos: nanos % 1e9 });
}
