/**
 * The built-in kinds as data: their types and merge rules from the tables of api/kube, decoding of protobuf bodies,
 * normal form and defaults, validation, and the columns that `kubectl get` prints.
 */
export * from './defaults/index.ts';
export * from './field-schema.ts';
export * from './normal-form.ts';
export * from './printers/index.ts';
export * from './protobuf/index.ts';
export * from './quantity.ts';
export * from './times.ts';
export * from './types.ts';
export * from './validate/index.ts';
