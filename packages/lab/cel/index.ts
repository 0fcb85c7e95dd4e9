/**
 * The Common Expression Language with Kubernetes' function libraries: for CRD rules, webhook match conditions and admission
 * policies. Create one {@link Cel} per server; compile once, run often:
 * `cel.compile('object.spec.replicas <= 5', ['object']).runJson({object})`.
 */
export { Cel, CelCompileError, CelEvaluationError, type CelProgram } from './cel.ts';
export { BOOL, type CelType, checkTypes, DYN, INT, mayBe, scalar, TEXT } from './check.ts';
export { type Expr, partsOf } from './expression.ts';
export { type AccessQuestion, authorizerOf } from './functions/authorizer.ts';
export { Patterns } from './functions/pattern.ts';
export { celToJson, durationOf, jsonToCel, NONE, some, timestampOf } from './values.ts';
