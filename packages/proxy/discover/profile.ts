import type { EndpointInfo } from './endpoint-info.ts';
import type { TextPattern } from './http-routes.ts';

/** What a service's profile says of a destination. */
export interface Profile {
  /** This gateway may not reach the name; nothing else is told of it. */
  readonly notExported?: true;
  /** '' when the address is no service. */
  readonly fqn: string;
  readonly opaque: boolean;
  /** The address is this one endpoint. */
  readonly endpoint: EndpointInfo | undefined;
  readonly routes: readonly ProfileRoute[];
  /** Undefined: nothing is retried. */
  readonly retryBudget: RetryBudget | undefined;
  /** Where requests go instead of the service itself; `authority` is `name:port`. */
  readonly overrides: readonly { readonly authority: string; readonly weight: number }[];
}

export interface ProfileRoute {
  readonly condition: RequestCondition;
  /** The first that holds decides; without one, 5xx and gRPC errors are failures. */
  readonly classes: readonly { readonly condition: ResponseCondition; readonly isFailure: boolean }[];
  /** For metrics, without the prefix `rt_`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly isRetryable: boolean;
  /** To the response head, retries included. */
  readonly timeoutMs: number | undefined;
}

/** Retries that may be spent: a part of the requests of the last `ttlMs`, and some always. */
export interface RetryBudget {
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly ttlMs: number;
}

/** Conditions of a profile joined: none of `all` fails, one of `any` holds, `not` does not hold. */
type Joined<T> =
  | { readonly kind: 'all' | 'any'; readonly of: readonly (T | Joined<T>)[] }
  | { readonly kind: 'not'; readonly of: T | Joined<T> };

export type RequestTest =
  | { readonly kind: 'path'; readonly regex: TextPattern }
  | { readonly kind: 'method'; readonly method: string };

export type RequestCondition = RequestTest | Joined<RequestTest>;

/** Both ends included. */
export type ResponseTest = { readonly kind: 'status'; readonly from: number; readonly to: number };

export type ResponseCondition = ResponseTest | Joined<ResponseTest>;

/** Whether a profile's condition holds for a request; `path` is without query. */
export function profileHolds(condition: RequestCondition, method: string, path: string): boolean {
  switch (condition.kind) {
    case 'path':
      return condition.regex.test(path);
    case 'method':
      return condition.method === method;
    case 'all':
      return condition.of.every((one) => profileHolds(one, method, path));
    case 'any':
      return condition.of.some((one) => profileHolds(one, method, path));
    case 'not':
      return !profileHolds(condition.of, method, path);
  }
}
