/** Compiling and evaluating expressions. */
import { type CelInput, type CelValue, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { callsOf, type Expr, freeNames } from './expression.ts';
import { formatFunctions } from './functions/formats.ts';
import { listFunctions } from './functions/lists.ts';
import { netFunctions } from './functions/net.ts';
import { Patterns, patternFunctions } from './functions/pattern.ts';
import { quantityFunctions } from './functions/quantities.ts';
import { EXPRESSION_CHARS_MAX, PROGRAMS_MAX } from './limits.ts';
import { rewriteOptionals } from './optionals.ts';
import { celToJson, jsonToCel } from './values.ts';

/** An expression that cannot be compiled, with the text that Kubernetes shows after `compilation failed: `. */
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
  /** Names that it takes from outside, e.g. `self`, `oldSelf`. */
  readonly names: ReadonlySet<string>;
  /** Runs it with CEL values. Throws {@link CelEvaluationError}. */
  run(bindings: Record<string, CelInput>): CelValue;
  /** Runs it with plain JSON (integral numbers are ints) and returns plain JSON. Throws {@link CelEvaluationError}. */
  runJson(bindings: Record<string, unknown>): unknown;
}

/** Functions that macros and operators compile to, known without a declaration. */
const INTERNAL_CALL = /^(?:_|@|!|-|\W)|_$/;

/**
 * CEL with Kubernetes' libraries (strings, lists, sets, regex, format, ip, cidr, url, quantity, semver, optionals). One
 * instance is shared by a whole server: it keeps what it compiled.
 */
export class Cel {
  readonly patterns = new Patterns();
  private readonly env;
  private readonly functionNames: ReadonlySet<string>;
  private readonly programs = new Map<string, CelProgram>();

  constructor() {
    const funcs = [
      ...strings,
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
    for (const name of program.names)
      if (!allowed.includes(name) && !TYPE_NAMES.has(name))
        throw new CelCompileError(`undeclared reference to '${name}' (in container '')`);
    return program;
  }

  private build(source: string): CelProgram {
    if (source.length > EXPRESSION_CHARS_MAX)
      throw new CelCompileError(`expression is longer than ${EXPRESSION_CHARS_MAX} characters`);
    const expr = parseExpression(rewriteOptionals(source));
    for (const { name, qualified } of callsOf(expr))
      if (
        !INTERNAL_CALL.test(name) &&
        !this.functionNames.has(name) &&
        !(qualified && this.functionNames.has(qualified))
      )
        throw new CelCompileError(`undeclared reference to '${name}' (in container '')`);
    const program = this.programOf(source, expr);
    if (this.programs.size >= PROGRAMS_MAX) this.programs.clear();
    this.programs.set(source, program);
    return program;
  }

  private programOf(source: string, expr: Expr): CelProgram {
    // Namespaces of functions (`format.`, `sets.`) parse as names.
    const names = new Set([...freeNames(expr)].filter((name) => !NAMESPACES.has(name)));
    const evaluate = plan(this.env, expr);
    const run = (bindings: Record<string, CelInput>): CelValue => {
      const result = evaluate(bindings);
      if (isCelError(result)) throw new CelEvaluationError(evaluationText(result.message));
      return result;
    };
    return {
      source,
      expr,
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

function parseExpression(source: string): Expr {
  try {
    const { expr } = parse(source);
    if (expr) return expr;
  } catch (error) {
    throw new CelCompileError(`Syntax error: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new CelCompileError('Syntax error: the expression is empty');
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
