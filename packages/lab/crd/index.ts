/**
 * Custom resources as pure functions: CustomResourceDefinitions (defaults, validation, names and conditions), and each of
 * their versions compiled into what the API server asks of a kind (pruning, defaults, validation with CEL rules, merge rules,
 * columns, scale). Create one `Cel` (lab/cel) per server and pass it everywhere.
 */
export type { FieldCause } from './cause.ts';
export type { Column } from './columns.ts';
export { defaultDefinition, validateDefinition } from './definition.ts';
export { readScale, type ScaleValues, writeScale } from './scale.ts';
export { isEstablished, reconcileStatus } from './status.ts';
export { type CompiledVersion, compileVersion, convertObject } from './version.ts';
