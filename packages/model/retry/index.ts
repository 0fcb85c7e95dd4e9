/**
 * When a request is tried again, and how long it may take: policies of routes, the request headers that change them where a route
 * allows it, and the budget of profile routes. Pure: time is an argument.
 */
export { RETRY_BUDGET_DEFAULT, RetryBudget, type RetryBudgetConfig } from './budget.ts';
export { RETRY_HEADERS, readRetryHeaders, readTimeoutHeaders, type TimeoutHeaders } from './headers.ts';
export {
  backoffMs,
  parseGrpcConditions,
  parseHttpConditions,
  type RetryBackoff,
  RetryPolicy,
  type RetryPolicyFields,
  type StatusRange,
} from './policy.ts';
export { PROFILE_RETRIES_MAX, ProfileRetry } from './profile.ts';
