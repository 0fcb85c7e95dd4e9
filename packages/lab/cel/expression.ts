/** Walking parsed expressions: which names and functions they use. */
import type { parse } from '@bufbuild/cel';

export type Expr = NonNullable<ReturnType<typeof parse>['expr']>;

/** The direct parts of an expression. */
export function partsOf({ exprKind }: Expr): Expr[] {
  const present = (parts: readonly (Expr | undefined)[]) => parts.filter((part) => part !== undefined);
  switch (exprKind.case) {
    case 'selectExpr':
      return present([exprKind.value.operand]);
    case 'callExpr':
      return present([exprKind.value.target, ...exprKind.value.args]);
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return exprKind.value.entries.flatMap(({ keyKind, value }) =>
        present([keyKind.case === 'mapKey' ? keyKind.value : undefined, value]),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      return present([iterRange, accuInit, loopCondition, loopStep, result]);
    }
    default:
      return [];
  }
}

/** The names that an expression takes from outside: `self`, `oldSelf`, `variables`… */
export function freeNames(expr: Expr, bound: readonly string[] = []): Set<string> {
  const { exprKind } = expr;
  if (exprKind.case === 'identExpr') return new Set(bound.includes(exprKind.value.name) ? [] : [exprKind.value.name]);
  const inner =
    exprKind.case === 'comprehensionExpr' ? [...bound, exprKind.value.iterVar, exprKind.value.accuVar] : bound;
  const names = new Set<string>();
  for (const part of partsOf(expr)) {
    const outside = exprKind.case === 'comprehensionExpr' && part === exprKind.value.iterRange;
    for (const name of freeNames(part, outside ? bound : inner)) names.add(name);
  }
  return names;
}

/** Every call: the function's name and, for `a.f()` where `a` is a plain name, the qualified name too. */
export function callsOf(expr: Expr): { name: string; qualified: string | undefined }[] {
  const { exprKind } = expr;
  const calls = partsOf(expr).flatMap(callsOf);
  if (exprKind.case !== 'callExpr') return calls;
  const target = exprKind.value.target?.exprKind;
  const prefix = target?.case === 'identExpr' ? target.value.name : undefined;
  const name = exprKind.value.function;
  return [...calls, { name, qualified: prefix && `${prefix}.${name}` }];
}
