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

/** The names that an expression takes from outside (`self`, `oldSelf`…), each with its first use. */
export function freeNames(expr: Expr, bound: readonly string[] = []): Map<string, Expr> {
  const { exprKind } = expr;
  if (exprKind.case === 'identExpr') {
    const { name } = exprKind.value;
    return new Map(bound.includes(name) ? [] : [[name, expr]]);
  }
  const loop = exprKind.case === 'comprehensionExpr' ? exprKind.value : undefined;
  const inner = loop ? [...bound, loop.iterVar, loop.accuVar] : bound;
  const names = new Map<string, Expr>();
  for (const part of partsOf(expr))
    for (const [name, at] of freeNames(part, part === loop?.iterRange ? bound : inner))
      if (!names.has(name)) names.set(name, at);
  return names;
}

/** Every call: the function's name and, for `a.f()` where `a` is a plain name, the qualified name too. */
export function callsOf(expr: Expr): { name: string; qualified: string | undefined; call: Expr }[] {
  const { exprKind } = expr;
  const calls = partsOf(expr).flatMap(callsOf);
  if (exprKind.case !== 'callExpr') return calls;
  const target = exprKind.value.target?.exprKind;
  const prefix = target?.case === 'identExpr' ? target.value.name : undefined;
  const name = exprKind.value.function;
  return [...calls, { name, qualified: prefix && `${prefix}.${name}`, call: expr }];
}
