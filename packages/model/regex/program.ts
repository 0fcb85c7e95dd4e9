import type { CharSet } from './char-set.ts';
import { REGEX_LIMITS } from './limits.ts';
import { RegexError } from './scanner.ts';
import type { Assertion, Node } from './syntax.ts';
import { encodings, type Octets } from './utf8.ts';

/** One step of the automaton; numbers are steps to go on with. */
export type Step =
  /** Takes one octet of `set`, an index into the program's sets. */
  | { readonly kind: 'octet'; readonly set: number; readonly next: number }
  | { readonly kind: 'split'; readonly a: number; b: number }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'match' };

/** An automaton over octets. */
export interface Program {
  readonly steps: readonly Step[];
  readonly start: number;
  /** Sets of octets, each as 256 flags. */
  readonly sets: readonly Uint8Array[];
  readonly hasAssertions: boolean;
}

/** Writes a tree out as an automaton, from its end backwards. Throws when it becomes too large. */
export function compile(node: Node, source: string): Program {
  const compiler = new Compiler(source);
  const start = compiler.write(node, compiler.emit({ kind: 'match' }));
  return { steps: compiler.steps, start, sets: compiler.sets, hasAssertions: compiler.hasAssertions };
}

class Compiler {
  readonly steps: Step[] = [];
  readonly sets: Uint8Array[] = [];
  hasAssertions = false;
  readonly #source: string;
  readonly #setsByText = new Map<string, number>();

  constructor(source: string) {
    this.#source = source;
  }

  emit(step: Step): number {
    if (this.steps.length >= REGEX_LIMITS.stepsMax)
      throw new RegexError(
        `${JSON.stringify(this.#source.slice(0, 100))} is too large for a regular expression: it takes more than ${REGEX_LIMITS.stepsMax} steps`,
      );
    return this.steps.push(step) - 1;
  }

  /** The step that begins `node` and goes on with `next`. */
  write(node: Node, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#set(node.set, next);
      case 'all':
        return node.of.reduceRight((after, part) => this.write(part, after), next);
      case 'any':
        return this.#any(node.of.map((branch) => this.write(branch, next)));
      case 'repeat':
        return this.#repeat(node.of, node.min, node.max, next);
      case 'assert':
        this.hasAssertions = true;
        return this.emit({ kind: 'assert', what: node.what, next });
    }
  }

  #any(branches: readonly number[]): number {
    return branches.reduceRight((b, a) => this.emit({ kind: 'split', a, b }));
  }

  #repeat(node: Node, min: number, max: number, next: number): number {
    let after = next;
    let copies = min;
    if (max === Number.POSITIVE_INFINITY) {
      // The body leads back to a choice between it and going on; the choice is the last step of the repeat.
      const loop = this.emit({ kind: 'split', a: next, b: next });
      const body = this.write(node, loop);
      (this.steps[loop] as { b: number }).b = body;
      after = min === 0 ? loop : body;
      copies = Math.max(0, min - 1);
    } else for (let i = min; i < max; i++) after = this.emit({ kind: 'split', a: this.write(node, after), b: next });
    for (let i = 0; i < copies; i++) after = this.write(node, after);
    return after;
  }

  /** Single octets together, longer encodings one by one; the empty set leads nowhere. */
  #set(set: CharSet, next: number): number {
    const all = encodings(set);
    const single = all.filter(({ length }) => length === 1).map(([range]) => range!);
    const branches = all.filter(({ length }) => length > 1).map((octets) => this.#octets(octets, next));
    if (single.length > 0 || branches.length === 0)
      branches.unshift(this.emit({ kind: 'octet', set: this.#setOf(single), next }));
    return this.#any(branches);
  }

  #octets(octets: Octets, next: number): number {
    return octets.reduceRight(
      (after, range) => this.emit({ kind: 'octet', set: this.#setOf([range]), next: after }),
      next,
    );
  }

  #setOf(ranges: Octets): number {
    const text = ranges.join();
    const known = this.#setsByText.get(text);
    if (known !== undefined) return known;
    const flags = new Uint8Array(256);
    for (const [from, to] of ranges) flags.fill(1, from, to + 1);
    this.#setsByText.set(text, this.sets.push(flags) - 1);
    return this.sets.length - 1;
  }
}
