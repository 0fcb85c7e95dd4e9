/**
 * ValidatingAdmissionPolicies and match conditions as pure functions over CEL (lab/cel). The caller lists policies and
 * bindings, knows how a rule matches its request and finds parameter objects; this folder says what they decide.
 * Audit annotations and the `authorizer` variable are left out.
 */
export { AdmissionBindings, type AdmissionView } from './bindings.ts';
export { evaluateMatchConditions, type MatchOutcome } from './conditions.ts';
export { evaluatePolicies, type PolicyDenial, type PolicyInput, type PolicyOutcome } from './policy.ts';
