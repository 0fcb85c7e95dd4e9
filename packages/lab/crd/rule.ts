/** x-kubernetes-validations: rules in CEL over `self` and, for transitions, `oldSelf`. */
import type { CelInput } from '@bufbuild/cel';
import type { ValidationRule } from '#api/kube';
import { type Cel, CelEvaluationError, type CelProgram, NONE, some } from '../cel/index.ts';
import { type FieldCause, fault } from './cause.ts';

export interface Rule {
  readonly source: ValidationRule;
  /** Reads the value before the change. */
  readonly usesOldSelf: boolean;
  /**
   * The fault of `self`, or undefined where it passes. `oldSelf` undefined: there is no value to compare with.
   * `type` is the schema's type, which Kubernetes prints in place of the value.
   */
  check(value: { self: CelInput; oldSelf: CelInput | undefined; path: string; type: string }): FieldCause | undefined;
}

const RULE_NAMES = ['self', 'oldSelf'] as const;

/** Wraps rules; each is parsed when it first runs, as most clusters never touch most rules of most CRDs. */
export function compileRules(rules: readonly ValidationRule[], cel: Cel): Rule[] {
  return rules.map((source) => {
    const program = lazy(() => cel.compile(source.rule, RULE_NAMES));
    const message = lazy(() => cel.compile(source.messageExpression ?? '', RULE_NAMES));
    const usesOldSelf = /\boldSelf\b/.test(source.rule);
    return {
      source,
      usesOldSelf,
      check: ({ self, oldSelf, path, type }) => {
        // Transition rules need something to compare with, unless they say that they can do without.
        if (usesOldSelf && oldSelf === undefined && !source.optionalOldSelf) return undefined;
        const old = source.optionalOldSelf ? (oldSelf === undefined ? NONE : some(oldSelf)) : oldSelf;
        const bindings = { self, ...(old === undefined ? {} : { oldSelf: old }) };
        return run(source, program, message, { bindings, path, type });
      },
    };
  });
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

type Run = { bindings: Record<string, CelInput>; path: string; type: string };

function run(
  source: ValidationRule,
  program: () => CelProgram,
  message: () => CelProgram,
  { bindings, path, type }: Run,
): FieldCause | undefined {
  const label = (source.message || source.rule).trim();
  let passed: unknown;
  try {
    passed = program().run(bindings);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fault.invalid(nameOf(path), type, evaluationFault(error, label));
  }
  if (passed === true) return undefined;
  const detail = messageOf(source, message, bindings) ?? (source.message ? label : `failed rule: ${label}`);
  return failure(source, nameOf(path + fieldPathOf(source)), type, detail);
}

const nameOf = (path: string) => (path === '' ? '<nil>' : path.replace(/^\./, ''));

function evaluationFault(error: Error, label: string): string {
  if (!(error instanceof CelEvaluationError)) return `rule compile error: compilation failed: ${error.message}`;
  if (error.message.startsWith('no such overload'))
    return `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${label}`;
  return `${error.message} evaluating rule: ${label}`;
}

/** What messageExpression says; undefined where it fails or says nothing, so that the fixed message stands. */
function messageOf(
  { messageExpression }: ValidationRule,
  program: () => CelProgram,
  bindings: Record<string, CelInput>,
): string | undefined {
  if (!messageExpression) return undefined;
  try {
    const text = program().run(bindings);
    const usable = typeof text === 'string' && text.trim() !== '' && !/[\n\r]/.test(text.trim());
    return usable ? text.trim() : undefined;
  } catch {
    // Upstream logs this and falls back to the fixed message.
    return undefined;
  }
}

/** `.a['b.c']` -> `.a[b.c]` behind the path of the value. */
function fieldPathOf({ fieldPath }: ValidationRule): string {
  return (fieldPath ?? '').replace(
    /\[['"]((?:\\.|[^'"\\])*)['"]\]/g,
    (_, key: string) => `[${key.replace(/\\(.)/g, '$1')}]`,
  );
}

function failure({ reason }: ValidationRule, field: string, type: string, detail: string): FieldCause {
  switch (reason) {
    case 'FieldValueForbidden':
      return fault.forbidden(field, detail);
    case 'FieldValueRequired':
      return fault.required(field, detail);
    case 'FieldValueDuplicate':
      return fault.duplicate(field, type);
    default:
      return fault.invalid(field, type, detail);
  }
}
