/**
 * Defaults of the built-in kinds, keyed by struct: the normal form applies a struct's rows wherever the struct occurs, children
 * first. After pkg/apis/(group)/(version)/defaults.go of Kubernetes 1.34.
 */
import { CONTROL_DEFAULTS } from './control.ts';
import { CORE_DEFAULTS } from './core.ts';
import { POD_DEFAULTS } from './pods.ts';
import type { DefaultsTable } from './rules.ts';
import { WORKLOAD_DEFAULTS } from './workloads.ts';

export { applyDefaults, type DefaultsTable, type StructDefaults } from './rules.ts';

export const DEFAULTS: DefaultsTable = {
  ...POD_DEFAULTS,
  ...CORE_DEFAULTS,
  ...WORKLOAD_DEFAULTS,
  ...CONTROL_DEFAULTS,
};
