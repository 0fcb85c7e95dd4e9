/**
 * What can be said of a rule without running it: fields that the schema does not have, comparisons of different types, a
 * result that is no bool. Everything else counts as dynamic and is judged when it runs.
 */
import { CelCompileError, type CelProgram, type Expr, partsOf } from '../cel/index.ts';
import { escapeProperty } from './cel-values.ts';
import type { SchemaNode } from './node.ts';

type Type =
  | { readonly kind: 'dyn' }
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'object'; readonly node: SchemaNode }
  | { readonly kind: 'map'; readonly values: Type }
  | { readonly kind: 'list'; readonly items: Type };

const DYN: Type = { kind: 'dyn' };
const scalar = (name: string): Type => ({ kind: 'scalar', name });
const BOOL = scalar('bool');
const INT = scalar('int');
const TEXT = scalar('string');

/** Why the program cannot be a rule (`wanted` bool) or a message (`wanted` string) over `self`; undefined where it can. */
export function ruleTypeError(
  program: CelProgram,
  wanted: 'bool' | 'string',
  self: SchemaNode,
  optionalOldSelf: boolean,
): string | undefined {
  const type = typeOfNode(self);
  const scope = new Map<string, Type>([
    ['self', type],
    ['oldSelf', optionalOldSelf ? DYN : type],
  ]);
  const checker = new Checker(program);
  const result = checker.infer(program.expr, scope);
  if (checker.errors.length > 0) return `compilation failed: ${checker.errors.join('\n')}`;
  if (result.kind === 'dyn' || (result.kind === 'scalar' && result.name === wanted)) return undefined;
  return wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'messageExpression must evaluate to a string';
}

const FORMAT_TYPES: Readonly<Record<string, Type>> = {
  'date-time': scalar('google.protobuf.Timestamp'),
  date: scalar('google.protobuf.Timestamp'),
  duration: scalar('google.protobuf.Duration'),
  byte: scalar('bytes'),
};

function typeOfNode(node: SchemaNode | undefined): Type {
  if (!node || node.intOrString || node.source.nullable) return DYN;
  switch (node.types[0]) {
    case 'string':
      return FORMAT_TYPES[node.source.format ?? ''] ?? TEXT;
    case 'integer':
      return INT;
    case 'number':
      return scalar('double');
    case 'boolean':
      return BOOL;
    case 'array':
      return { kind: 'list', items: typeOfNode(node.items) };
    case 'object':
      return node.additional === undefined
        ? { kind: 'object', node }
        : { kind: 'map', values: node.additional === true ? DYN : typeOfNode(node.additional) };
    default:
      return DYN;
  }
}

const COMPARISONS = new Set(['_==_', '_!=_']);
const ARITHMETIC = new Set(['_+_', '_-_', '_*_', '_/_', '_%_']);

/** Result types of functions where they matter to what stands around them. */
const RESULTS: Readonly<Record<string, Type>> = {
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

type Scope = ReadonlyMap<string, Type>;

class Checker {
  readonly errors: string[] = [];
  private readonly program: CelProgram;

  constructor(program: CelProgram) {
    this.program = program;
  }

  private fail(at: Expr, text: string): Type {
    const error = this.program.errorAt(at, text);
    if (error instanceof CelCompileError) this.errors.push(error.message);
    return DYN;
  }

  infer(expr: Expr, scope: Scope): Type {
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
      default:
        for (const part of partsOf(expr)) this.infer(part, scope);
        return DYN;
    }
  }

  private select(at: Expr, operand: Type, field: string): Type {
    if (operand.kind === 'map') return operand.values;
    if (operand.kind === 'scalar') return this.fail(at, `type '${operand.name}' does not support field selection`);
    if (operand.kind !== 'object') return DYN;
    const { node } = operand;
    const found = [...node.properties].find(([name]) => escapeProperty(name) === field)?.[1];
    if (found) return node.embedded && field === 'metadata' ? DYN : typeOfNode(found);
    if (node.embedded && (field === 'apiVersion' || field === 'kind')) return TEXT;
    if (node.preserves || (node.embedded && field === 'metadata')) return DYN;
    return this.fail(at, `undefined field '${field}'`);
  }

  private call(expr: Expr, name: string, scope: Scope): Type {
    const types = partsOf(expr).map((part) => this.infer(part, scope));
    const [left = DYN, right = DYN, third = DYN] = types;
    if (name === '_[_]') return left.kind === 'list' ? left.items : left.kind === 'map' ? left.values : DYN;
    if (name === '_?_:_') return sameType(right, third) ? right : DYN;
    if (COMPARISONS.has(name) || ARITHMETIC.has(name)) this.overload(expr, name, left, right);
    if (ARITHMETIC.has(name)) return sameType(left, right) ? left : DYN;
    return RESULTS[name] ?? DYN;
  }

  /** Two known types that differ have no `==` and no arithmetic; times and durations mix, so they are let through. */
  private overload(at: Expr, name: string, left: Type, right: Type): void {
    const plain = (type: Type) =>
      type.kind === 'scalar' && !type.name.startsWith('google.') && type.name !== 'null_type';
    if (!plain(left) || !plain(right) || sameType(left, right)) return;
    const names = [left, right].map((type) => (type.kind === 'scalar' ? type.name : type.kind)).join(', ');
    this.fail(at, `found no matching overload for '${name}' applied to '(${names})'`);
  }

  private comprehension({ exprKind }: Expr, scope: Scope): Type {
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

function constantType(kind: string | undefined): Type {
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

function sameType(a: Type, b: Type): boolean {
  return a.kind === 'scalar' && b.kind === 'scalar' && a.name === b.name;
}
