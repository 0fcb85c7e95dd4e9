/** What the types of the objects say of a policy's expressions: `status.typeChecking` of a policy. */
import type { ValidatingAdmissionPolicySpec } from '#api/kube';
import type { Cel, CelType } from '../cel/index.ts';
import { walkPolicy } from './faults.ts';

/** A kind that a policy may get to see. */
export interface SeenKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly type: CelType;
}

/** One entry of `status.typeChecking.expressionWarnings`. */
export interface ExpressionWarning {
  /** e.g. `spec.validations[0].expression`. */
  readonly fieldRef: string;
  /** A line per kind and what is wrong with it: `apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'foo'…`. */
  readonly warning: string;
}

/** Kinds that are judged; a policy for everything is not checked against the whole cluster. */
const KINDS_MAX = 10;

/** Faults of the expressions when their objects are of these kinds; expressions that are faulty whatever the kind are left out. */
export function typeWarnings(
  spec: ValidatingAdmissionPolicySpec,
  kinds: readonly SeenKind[],
  params: CelType | undefined,
  cel: Cel,
): ExpressionWarning[] {
  const texts = new Map<string, string[]>();
  for (const { group, version, kind, type } of kinds.slice(0, KINDS_MAX)) {
    const objects = new Map<string, CelType>([
      ['object', type],
      ['oldObject', type],
      ...(params ? ([['params', params]] as const) : []),
    ]);
    const name = `${group ? `${group}/` : ''}${version}, Kind=${kind}`;
    for (const { field, detail } of walkPolicy(spec, cel, objects)) {
      const lines = texts.get(field) ?? [];
      lines.push(`${name}: ${detail.replace(/^compilation failed: /, '')}\n`);
      texts.set(field, lines);
    }
  }
  return [...texts].map(([fieldRef, lines]) => ({ fieldRef, warning: lines.join('\n') }));
}
