/** Match conditions of webhooks and policies. */
import type { MatchCondition } from '#api/kube';
import { type Cel, CelCompileError, CelEvaluationError } from '../cel/index.ts';
import type { AdmissionBindings } from './bindings.ts';
import { POLICY_NAMES } from './names.ts';

/** Whether a hook is to be asked; `failed` leaves it to its failure policy. */
export type MatchOutcome =
  | { readonly kind: 'match' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'failed'; readonly message: string };

const MATCH: MatchOutcome = { kind: 'match' };
const SKIP: MatchOutcome = { kind: 'skip' };

/**
 * All conditions must hold. One that is false decides, whatever errors others gave; without one, errors make it `failed`.
 */
export function evaluateMatchConditions(
  conditions: readonly MatchCondition[] | undefined,
  bindings: AdmissionBindings,
  cel: Cel,
): MatchOutcome {
  const failures: string[] = [];
  for (const { name, expression } of conditions ?? []) {
    const result = evaluate(expression, bindings, cel);
    if (result instanceof Error) failures.push(`expression '${name}' resulted in error: ${result.message}`);
    else if (result !== true) return SKIP;
  }
  return failures.length === 0 ? MATCH : { kind: 'failed', message: failures.join(', ') };
}

function evaluate(expression: string, bindings: AdmissionBindings, cel: Cel): unknown {
  try {
    return cel.compile(expression, POLICY_NAMES).run(bindings.values);
  } catch (error) {
    if (error instanceof CelCompileError || error instanceof CelEvaluationError) return error;
    throw error;
  }
}
