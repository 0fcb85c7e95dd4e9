/**
 * ValidatingAdmissionPolicies and match conditions as pure functions over CEL (lab/cel). The caller lists policies and
 * bindings, knows how a filter matches its request and finds parameter objects; this folder says what they decide, which
 * expressions cannot be compiled, and what types say of them.
 */
export { AdmissionBindings, type AdmissionView } from './bindings.ts';
export { evaluateMatchConditions, type MatchOutcome } from './conditions.ts';
export { conditionFaults, type ExpressionFault, policyFaults } from './faults.ts';
export { evaluatePolicies, ParamsError, type PolicyDenial, type PolicyInput, type PolicyOutcome } from './policy.ts';
export { type SeenKind, typeWarnings } from './type-warnings.ts';
