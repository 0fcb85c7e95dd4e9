/**
 * Validation of the built-in kinds: enums from the tables, everything else from rules keyed by struct, in kube's words.
 * Metadata, allocated addresses and the change of pods are the API server's own business. After pkg/apis/(group)/validation of
 * Kubernetes 1.34.
 */
import type { FieldTable } from '#api/kube';
import { builtins, type TypeRegistry } from '../types.ts';
import { At, type FieldCause } from './cause.ts';
import { isEmpty, type Json, runChecks } from './checks.ts';
import { CONTROL_RULES } from './control.ts';
import { CORE_RULES } from './core.ts';
import { POD_RULES } from './pods.ts';
import type { RulesTable, Scope } from './rules.ts';
import { WORKLOAD_RULES } from './workloads.ts';

export { cause, type FieldCause } from './cause.ts';
export {
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  labelValue,
  pathSegment,
  qualifiedName,
  type TextRule,
} from './names.ts';

/** All rules; a struct has one row. */
export const VALIDATION_RULES: RulesTable = { ...POD_RULES, ...CORE_RULES, ...WORKLOAD_RULES, ...CONTROL_RULES };

/** Fields of an object that its own strategy validates, or nobody does. */
const SKIPPED = new Set(['metadata', 'status']);

/**
 * Findings about an object in normal form with defaults, in the order of its fields. `old` is the stored object that it
 * replaces: some fields may not change. Empty: valid.
 */
export function validateBuiltin(typeId: string, object: Json, old?: Json): FieldCause[] {
  const causes: FieldCause[] = [];
  new Validation(builtins, { root: object, old }).struct(typeId, object, new At('', causes));
  return causes;
}

class Validation {
  readonly #registry: TypeRegistry;
  readonly #scope: Scope;

  constructor(registry: TypeRegistry, scope: Scope) {
    this.#registry = registry;
    this.#scope = scope;
  }

  struct(id: string, value: Json, at: At): void {
    const rules = VALIDATION_RULES[id];
    for (const field of this.#registry.type(id).fields.values()) {
      const child = value[field.name];
      if (at.path === '' && SKIPPED.has(field.name)) continue;
      const checks = rules?.fields?.[field.name];
      if (checks) runChecks(checks, child, at.child(field.name), value);
      if (child !== undefined && child !== null) this.#below(field, field.wrap, child, at.child(field.name));
    }
    rules?.check?.(value, at, this.#scope);
  }

  #below(field: FieldTable, wrap: FieldTable['wrap'], value: unknown, at: At): void {
    const [outer, ...inner] = wrap;
    if (outer === 'list')
      (value as unknown[]).forEach((item, index) => {
        this.#below(field, inner, item, at.item(index));
      });
    else if (outer === 'map') {
      if (field.base === 'ref')
        for (const [key, item] of Object.entries(value as Json)) this.#below(field, inner, item, at.item(key));
    } else if (field.ref) this.struct(field.ref, value as Json, at);
    else if (field.stringType) this.#enum(field.stringType, value, at);
  }

  #enum(type: string, value: unknown, at: At): void {
    const allowed = OPEN.has(type) ? undefined : this.#registry.enumOf(type);
    if (allowed && !isEmpty(value) && !allowed.includes(String(value))) at.notSupported(value, allowed);
  }
}

/** Enums with rules of their own: they take part of their values only, or their text is different. */
const OPEN = new Set([
  'admissionregistration/v1.OperationType',
  'admissionregistration/v1.SideEffectClass',
  'discovery/v1.AddressType',
  'certificates/v1.KeyUsage',
  'core/v1.Signal',
]);
