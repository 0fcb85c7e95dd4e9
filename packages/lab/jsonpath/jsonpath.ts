/** Parsing a path into steps, and walking them. */

/** A path that cannot be read; the message says what and where. */
export class JsonPathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonPathError';
  }
}

export interface JsonPath {
  readonly source: string;
  /** Everything that the path leads to, in order; empty where it leads nowhere. */
  find(root: unknown): unknown[];
}

type Step = (nodes: readonly unknown[], root: unknown) => unknown[];

/** Parses e.g. `.status.conditions[?(@.type=="Ready")].status` or `{.spec.replicas}`. Throws {@link JsonPathError}. */
export function parseJsonPath(source: string): JsonPath {
  const inner = /^\{([\s\S]*)\}$/.exec(source.trim())?.[1] ?? source.trim();
  const steps = new PathParser(inner).steps();
  return { source, find: (root) => walk(steps, root, root) };
}

function walk(steps: readonly Step[], start: unknown, root: unknown): unknown[] {
  let nodes: unknown[] = [start];
  for (const step of steps) nodes = step(nodes, root);
  return nodes;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function field(name: string): Step {
  return (nodes) => nodes.flatMap((node) => (isMap(node) && Object.hasOwn(node, name) ? [node[name]] : []));
}

function childrenOf(node: unknown): unknown[] {
  if (Array.isArray(node)) return node;
  return isMap(node) ? Object.values(node) : [];
}

const wildcard: Step = (nodes) => nodes.flatMap(childrenOf);

const DEPTH_MAX = 1000;

function descendants(node: unknown, depth = 0): unknown[] {
  if (depth > DEPTH_MAX) return [];
  return [node, ...childrenOf(node).flatMap((child) => descendants(child, depth + 1))];
}

const recursive: Step = (nodes) => nodes.flatMap((node) => descendants(node));

type Range = { from: number | undefined; to: number | undefined; step: number };

function slice({ from, to, step }: Range): Step {
  return (nodes) =>
    nodes.flatMap((node) => {
      if (!Array.isArray(node)) return [];
      const place = (at: number) => Math.min(at < 0 ? at + node.length : at, node.length);
      const out: unknown[] = [];
      for (let i = place(from ?? 0); i < place(to ?? node.length); i += step) if (i >= 0) out.push(node[i]);
      return out;
    });
}

function index(at: number): Step {
  return (nodes) =>
    nodes.flatMap((node) => {
      if (!Array.isArray(node)) return [];
      const place = at < 0 ? at + node.length : at;
      return place >= 0 && place < node.length ? [node[place]] : [];
    });
}

function union(steps: readonly Step[]): Step {
  return (nodes, root) => steps.flatMap((step) => step(nodes, root));
}

type Operand = (node: unknown, root: unknown) => unknown[];

function filter(left: Operand, operator: string | undefined, right: Operand): Step {
  const passes = (node: unknown, root: unknown) => {
    const found = left(node, root);
    if (operator === undefined) return found.length > 0;
    return found.length > 0 && compare(found[0], operator, right(node, root)[0]);
  };
  return (nodes, root) =>
    nodes.flatMap((node) => (Array.isArray(node) ? node : [])).filter((node) => passes(node, root));
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (right === undefined || typeof left !== typeof right) return operator === '!=' && right !== undefined;
  const [a, b] = [left as number, right as number];
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

const NAME = /(?:\\.|[^.[\]{}()*,'"\s=<>!?@\\])+/y;
const NUMBER = /-?\d+(?:\.\d+)?/y;
const QUOTED = /'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"/y;
const OPERATOR = /==|!=|<=|>=|<|>/y;

class PathParser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  steps(): Step[] {
    const steps = this.path();
    if (this.at < this.text.length) this.fail('unexpected character');
    return steps;
  }

  private fail(what: string): never {
    throw new JsonPathError(`invalid JSONPath "${this.text}": ${what} at position ${this.at}`);
  }

  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at += match[0].length;
    return match ?? undefined;
  }

  private skip(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private space(): void {
    this.take(/\s*/y);
  }

  /** Steps up to the end or to a character that closes what surrounds the path. */
  private path(): Step[] {
    const steps: Step[] = [];
    if (!this.skip('$')) this.skip('@');
    for (;;) {
      if (this.skip('..')) {
        steps.push(recursive);
        if (this.text[this.at] !== '[') steps.push(this.name());
      } else if (this.skip('.')) {
        if (this.at < this.text.length && this.text[this.at] !== '[') steps.push(this.name());
      } else if (this.skip('[')) steps.push(this.bracket());
      else if (steps.length === 0 && this.at === 0 && this.text !== '') steps.push(this.name());
      else return steps;
    }
  }

  private name(): Step {
    if (this.skip('*')) return wildcard;
    const match = this.take(NAME);
    return match ? field(match[0].replace(/\\(.)/g, '$1')) : this.fail('a field name is missing');
  }

  private bracket(): Step {
    this.space();
    if (this.skip('?(')) return this.filter();
    const parts: Step[] = [];
    do {
      this.space();
      parts.push(this.bracketPart());
      this.space();
    } while (this.skip(','));
    if (!this.skip(']')) this.fail('"]" is missing');
    return parts.length === 1 && parts[0] ? parts[0] : union(parts);
  }

  private bracketPart(): Step {
    if (this.skip('*')) return wildcard;
    const quoted = this.quoted();
    if (quoted !== undefined) return field(quoted);
    const range = this.take(/(-?\d+)?\s*:\s*(-?\d+)?(?:\s*:\s*(\d+))?/y);
    if (range) {
      const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
      const step = number(range[3]) ?? 1;
      if (step === 0) this.fail('the step of a slice must not be 0');
      return slice({ from: number(range[1]), to: number(range[2]), step });
    }
    const single = this.take(/-?\d+/y);
    if (single) return index(Number(single[0]));
    const match = this.take(NAME);
    return match ? field(match[0]) : this.fail('an index, a slice or a quoted name is missing');
  }

  private quoted(): string | undefined {
    const match = this.take(QUOTED);
    return match && (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1');
  }

  private filter(): Step {
    this.space();
    const left = this.operand();
    this.space();
    const operator = this.take(OPERATOR)?.[0];
    this.space();
    const right = operator ? this.operand() : () => [];
    this.space();
    if (!this.skip(')]')) this.fail('")]" is missing');
    return filter(left, operator, right);
  }

  private operand(): Operand {
    const quoted = this.quoted();
    if (quoted !== undefined) return () => [quoted];
    const word = this.take(/(?:true|false|null)\b/y)?.[0];
    if (word) return () => [JSON.parse(word) as unknown];
    const number = this.take(NUMBER);
    if (number) return () => [Number(number[0])];
    const start = this.text[this.at];
    if (start !== '@' && start !== '$' && start !== '.') this.fail('a value or a path is missing');
    const steps = this.path();
    return (node, root) => walk(steps, start === '$' ? root : node, root);
  }
}
