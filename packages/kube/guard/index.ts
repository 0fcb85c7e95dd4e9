/**
 * A guard before an API server that belongs to others: whatever it sends, it costs no more than a budget says, has the shape of what was
 * asked for, and names no addresses that are none of its own.
 */
export { refusedAddress } from './addresses.ts';
export type { AnswerBudget } from './budget.ts';
export { createAnswerGuard, type GuardObserver } from './guard.ts';
