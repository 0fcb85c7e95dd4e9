/**
 * What can be said of an expression without running it: fields that a type does not have, comparisons of different types, the
 * type of the result. Everything else counts as dynamic and is judged when it runs.
 */
import { CelCompileError, type CelProgram } from './cel.ts';
import { type Expr, partsOf } from './expression.ts';

/** A type as far as it is known before running. */
export type CelType =
  | { readonly kind: 'dyn' }
  /** `name` in CEL's words: bool, int, double, string, bytes, google.protobuf.Timestamp… */
  | { readonly kind: 'scalar'; readonly name: string }
  /** `field` gives a field's type; undefined where there is no such field. */
  | { readonly kind: 'object'; field(name: string): CelType | undefined }
  | { readonly kind: 'map'; readonly values: CelType }
  | { readonly kind: 'list'; readonly items: CelType };

export const DYN: CelType = { kind: 'dyn' };
/** A type of CEL without parts. */
export const scalar = (name: string): CelType => ({ kind: 'scalar', name });
export const BOOL: CelType = scalar('bool');
export const INT: CelType = scalar('int');
export const TEXT: CelType = scalar('string');

/** The type of a program's result where its free names have these types (others: dynamic), and cel-go's text for each fault. */
export function checkTypes(
  program: CelProgram,
  names: ReadonlyMap<string, CelType>,
): { readonly result: CelType; readonly errors: readonly string[] } {
  const checker = new Checker(program);
  const result = checker.infer(program.expr, names);
  return { result, errors: checker.errors };
}

/** Whether a result of this type may turn out to be of one of these scalar types. */
export const mayBe = (type: CelType, ...wanted: readonly string[]): boolean =>
  type.kind === 'dyn' || (type.kind === 'scalar' && wanted.includes(type.name));

const COMPARISONS = new Set(['_==_', '_!=_']);
const ARITHMETIC = new Set(['_+_', '_-_', '_*_', '_/_', '_%_']);

/** Result types of functions where they matter to what stands around them. */
const RESULTS: Readonly<Record<string, CelType>> = {
  '_&&_': BOOL,
  '_||_': BOOL,
  '!_': BOOL,
  '_<_': BOOL,
  '_<=_': BOOL,
  '_>_': BOOL,
  '_>=_': BOOL,
  '_==_': BOOL,
  '_!=_': BOOL,
  '@in': BOOL,
  startsWith: BOOL,
  endsWith: BOOL,
  contains: BOOL,
  matches: BOOL,
  size: INT,
  int: INT,
  string: TEXT,
  lowerAscii: TEXT,
  upperAscii: TEXT,
  substring: TEXT,
  replace: TEXT,
  trim: TEXT,
};

type Scope = ReadonlyMap<string, CelType>;

class Checker {
  readonly errors: string[] = [];
  private readonly program: CelProgram;

  constructor(program: CelProgram) {
    this.program = program;
  }

  private fail(at: Expr, text: string): CelType {
    const error = this.program.errorAt(at, text);
    if (error instanceof CelCompileError) this.errors.push(error.message);
    return DYN;
  }

  infer(expr: Expr, scope: Scope): CelType {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'identExpr':
        return scope.get(exprKind.value.name) ?? DYN;
      case 'constExpr':
        return constantType(exprKind.value.constantKind.case);
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value;
        const type = operand ? this.select(expr, this.infer(operand, scope), field) : DYN;
        return testOnly ? BOOL : type;
      }
      case 'callExpr':
        return this.call(expr, exprKind.value.function, scope);
      case 'comprehensionExpr':
        return this.comprehension(expr, scope);
      case 'listExpr':
        return this.list(expr, scope);
      case 'structExpr':
        for (const part of partsOf(expr)) this.infer(part, scope);
        return { kind: 'map', values: DYN };
      default:
        for (const part of partsOf(expr)) this.infer(part, scope);
        return DYN;
    }
  }

  /** Optionals are rewritten into lists whose items nobody declared. */
  private list(expr: Expr, scope: Scope): CelType {
    for (const part of partsOf(expr)) this.infer(part, scope);
    return { kind: 'list', items: DYN };
  }

  private select(at: Expr, operand: CelType, field: string): CelType {
    if (operand.kind === 'map') return operand.values;
    if (operand.kind === 'scalar') return this.fail(at, `type '${operand.name}' does not support field selection`);
    if (operand.kind !== 'object') return DYN;
    return operand.field(field) ?? this.fail(at, `undefined field '${field}'`);
  }

  private call(expr: Expr, name: string, scope: Scope): CelType {
    const types = partsOf(expr).map((part) => this.infer(part, scope));
    const [left = DYN, right = DYN, third = DYN] = types;
    if (name === '_[_]') return left.kind === 'list' ? left.items : left.kind === 'map' ? left.values : DYN;
    if (name === '_?_:_') return sameType(right, third) ? right : DYN;
    if (COMPARISONS.has(name) || ARITHMETIC.has(name)) this.overload(expr, name, left, right);
    if (ARITHMETIC.has(name)) return sameType(left, right) ? left : DYN;
    return RESULTS[name] ?? DYN;
  }

  /** Two known types that differ have no `==` and no arithmetic; times and durations mix, so they are let through. */
  private overload(at: Expr, name: string, left: CelType, right: CelType): void {
    const plain = (type: CelType) =>
      type.kind === 'scalar' && !type.name.startsWith('google.') && type.name !== 'null_type';
    if (!plain(left) || !plain(right) || sameType(left, right)) return;
    const names = [left, right].map((type) => (type.kind === 'scalar' ? type.name : type.kind)).join(', ');
    this.fail(at, `found no matching overload for '${name}' applied to '(${names})'`);
  }

  private comprehension({ exprKind }: Expr, scope: Scope): CelType {
    if (exprKind.case !== 'comprehensionExpr') return DYN;
    const { iterRange, iterVar, accuVar, accuInit, loopCondition, loopStep, result } = exprKind.value;
    const range = iterRange ? this.infer(iterRange, scope) : DYN;
    const item = range.kind === 'list' ? range.items : range.kind === 'map' ? TEXT : DYN;
    const accumulator = accuInit ? this.infer(accuInit, scope) : DYN;
    const inner = new Map([...scope, [iterVar, item], [accuVar, accumulator]]);
    for (const part of [loopCondition, loopStep]) if (part) this.infer(part, inner);
    const type = result ? this.infer(result, inner) : DYN;
    // filter and map gather into a list that starts empty.
    return type.kind === 'list' ? { kind: 'list', items: DYN } : type;
  }
}

function constantType(kind: string | undefined): CelType {
  switch (kind) {
    case 'boolValue':
      return BOOL;
    case 'int64Value':
      return INT;
    case 'doubleValue':
      return scalar('double');
    case 'stringValue':
      return TEXT;
    default:
      return DYN;
  }
}

function sameType(a: CelType, b: CelType): boolean {
  return a.kind === 'scalar' && b.kind === 'scalar' && a.name === b.name;
}
