/** Compiling and evaluating expressions. */
import { type CelInput, type CelValue, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { callsOf, type Expr, freeNames } from './expression.ts';
import { type AccessQuestion, authorizerFunctions } from './functions/authorizer.ts';
import { formatFunctions } from './functions/formats.ts';
import { listFunctions } from './functions/lists.ts';
import { netFunctions } from './functions/net.ts';
import { Patterns, patternFunctions } from './functions/pattern.ts';
import { quantityFunctions } from './functions/quantities.ts';
import { EXPRESSION_CHARS_MAX, PROGRAMS_MAX } from './limits.ts';
import { rewriteOptionals } from './optionals.ts';
import { celToJson, jsonToCel } from './values.ts';

/** An expression that cannot be compiled: `ERROR: <input>:1:6: undeclared reference to 'x' …` with the line and a caret. */
export class CelCompileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelCompileError';
  }
}

/** An expression that failed while it ran, e.g. `no such key: x`. */
export class CelEvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelEvaluationError';
  }
}

export interface CelProgram {
  readonly source: string;
  /** The parsed expression, for static checks. */
  readonly expr: Expr;
  /** Words a fault at `expr`, as cel-go does. */
  errorAt(expr: Expr, text: string): CelCompileError;
  /** Names that it takes from outside, e.g. `self`, `oldSelf`, each with the place of its first use. */
  readonly names: ReadonlyMap<string, Expr>;
  /** Runs it with CEL values. Throws {@link CelEvaluationError}. */
  run(bindings: Record<string, CelInput>): CelValue;
  /** Runs it with plain JSON (integral numbers are ints) and returns plain JSON. Throws {@link CelEvaluationError}. */
  runJson(bindings: Record<string, unknown>): unknown;
}

const NOT_ALLOWED = { allowed: false, reason: '' } as const;

/** Functions that macros and operators compile to, known without a declaration. */
const INTERNAL_CALL = /^(?:_|@|!|-|\W)|_$/;

/**
 * CEL with Kubernetes' libraries (strings, lists, sets, regex, format, ip, cidr, url, quantity, semver, optionals, authorizer). One
 * instance is shared by a whole server: it keeps what it compiled.
 */
export class Cel {
  readonly patterns = new Patterns();
  private readonly env;
  private readonly functionNames: ReadonlySet<string>;
  private readonly programs = new Map<string, CelProgram>();

  /** `decide` answers what expressions ask of `authorizer`; without it, nobody may do anything. */
  constructor(decide: (asked: AccessQuestion) => { allowed: boolean; reason: string } = () => NOT_ALLOWED) {
    const funcs = [
      ...strings,
      ...authorizerFunctions(decide),
      ...listFunctions,
      ...netFunctions,
      ...formatFunctions,
      ...quantityFunctions,
      ...patternFunctions(this.patterns),
    ];
    this.env = celEnv({ funcs });
    this.functionNames = new Set([...this.env.funcs].map((func) => func.name));
  }

  /**
   * Compiles `source`; the same text is compiled once. `allowed` are the names that it may use.
   * Throws {@link CelCompileError}: syntax, an unknown function, a name that is not allowed.
   */
  compile(source: string, allowed: readonly string[]): CelProgram {
    const program = this.programs.get(source) ?? this.build(source);
    for (const [name, at] of program.names)
      if (!allowed.includes(name) && !TYPE_NAMES.has(name)) throw program.errorAt(at, undeclared(name));
    return program;
  }

  private build(source: string): CelProgram {
    if (source.length > EXPRESSION_CHARS_MAX)
      throw new CelCompileError(`expression is longer than ${EXPRESSION_CHARS_MAX} characters`);
    const { expr, positions } = parseExpression(rewriteOptionals(source));
    const errorAt = (at: Expr, text: string) => celError(source, positions[String(at.id)] ?? 0, text);
    for (const { name, qualified, call } of callsOf(expr))
      if (
        !INTERNAL_CALL.test(name) &&
        !this.functionNames.has(name) &&
        !(qualified && this.functionNames.has(qualified))
      )
        throw errorAt(call, undeclared(name));
    const program = this.programOf(source, expr, errorAt);
    if (this.programs.size >= PROGRAMS_MAX) this.programs.clear();
    this.programs.set(source, program);
    return program;
  }

  private programOf(source: string, expr: Expr, errorAt: CelProgram['errorAt']): CelProgram {
    // Namespaces of functions (`format.`, `sets.`) parse as names.
    const names = new Map([...freeNames(expr)].filter(([name]) => !NAMESPACES.has(name)));
    const evaluate = plan(this.env, expr);
    const run = (bindings: Record<string, CelInput>): CelValue => {
      const result = evaluate(bindings);
      if (isCelError(result)) throw new CelEvaluationError(evaluationText(result.message));
      return result;
    };
    return {
      source,
      expr,
      errorAt,
      names,
      run,
      runJson: (bindings) =>
        celToJson(run(Object.fromEntries(Object.entries(bindings).map(([name, value]) => [name, jsonToCel(value)])))),
    };
  }
}

const NAMESPACES = new Set(['format', 'sets', 'optional', 'ip', 'strings', 'math']);

/** Types as values: `type(x) == int`. */
const TYPE_NAMES = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'google',
]);

const undeclared = (name: string) => `undeclared reference to '${name}' (in container '')`;

/** cel-go's layout: position, text, the line and a caret below it. */
function celError(source: string, offset: number, text: string): CelCompileError {
  const before = source.slice(0, offset).split('\n');
  const column = (before.at(-1) ?? '').length;
  const line = source.split('\n')[before.length - 1] ?? '';
  return new CelCompileError(
    `ERROR: <input>:${before.length}:${column + 1}: ${text}\n | ${line}\n | ${'.'.repeat(column)}^`,
  );
}

function parseExpression(source: string): { expr: Expr; positions: Record<string, number> } {
  try {
    const { expr, sourceInfo } = parse(source);
    if (expr) return { expr, positions: sourceInfo?.positions ?? {} };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, line = '1', column = '1', text = message] = /^<input>:(\d+):(\d+): ([\s\S]*)$/.exec(message) ?? [];
    const lineStart =
      source
        .split('\n')
        .slice(0, Number(line) - 1)
        .join('\n').length + (line === '1' ? 0 : 1);
    throw celError(source, lineStart + Number(column) - 1, `Syntax error: ${text}`);
  }
  throw celError(source, 0, 'Syntax error: the expression is empty');
}

/** The library's texts for what clients meet most, in cel-go's words. */
function evaluationText(message: string): string {
  const field = /^field not found: (.*)$/.exec(message);
  if (field) return `no such key: ${field[1]}`;
  const index = /^index (\S+) out of bounds/.exec(message);
  if (index) return `index out of bounds: ${index[1]}`;
  if (message === 'int divide by zero') return 'division by zero';
  if (message.startsWith('found no matching overload')) return 'no such overload';
  return message;
}
