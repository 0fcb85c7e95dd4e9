import { NEWLINE, WORD } from './char-set.ts';
import { REGEX_LIMITS } from './limits.ts';
import { compile, type Program } from './program.ts';
import { type Assertion, parse } from './syntax.ts';

/** What stands on one side of a place in the text; only patterns with assertions tell them apart. */
type Side = 'edge' | 'newline' | 'word' | 'other';

/** Where the automaton may be after some text. */
interface State {
  /** Steps reached, before assertions between the last octet and the next are looked at. */
  readonly steps: readonly number[];
  readonly before: Side;
  /** By class of the next octet. */
  readonly next: (State | undefined)[];
  /** Whether the text may end here; undefined: not looked at yet. */
  matches: boolean | undefined;
}

/**
 * A pattern to compare whole texts with. Its automaton is made deterministic as texts are read, state by state, so most texts cost
 * one lookup an octet, and none costs more than the steps of the automaton an octet.
 */
export class Pattern {
  readonly source: string;
  readonly #program: Program;
  /** Octet -> class: octets that no step tells apart. */
  readonly #classes: Uint8Array;
  readonly #classCount: number;
  /** An octet of each class. */
  readonly #samples: number[];
  #states = new Map<string, State>();
  #start: State;

  /** Throws a RegexError. */
  constructor(source: string) {
    this.source = source;
    this.#program = compile(parse(source), source);
    const { classes, samples } = classify(this.#program);
    this.#classes = classes;
    this.#samples = samples;
    this.#classCount = samples.length;
    this.#start = this.#state([this.#program.start], 'edge');
  }

  /** Whether the whole text matches; `text` is octets as Latin-1, so that UTF-8 is compared as UTF-8. */
  test(text: string): boolean {
    const classes = this.#classes;
    let state = this.#start;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) return false;
      const at = classes[code]!;
      state = state.next[at] ?? this.#step(state, at);
      if (state.steps.length === 0) return false;
    }
    state.matches ??= this.#closure(state.steps, state.before, 'edge').some(
      (step) => this.#program.steps[step]!.kind === 'match',
    );
    return state.matches;
  }

  #step(state: State, at: number): State {
    const octet = this.#samples[at]!;
    const side = this.#program.hasAssertions ? sideOf(octet) : 'other';
    const reached = new Set<number>();
    for (const step of this.#closure(state.steps, state.before, side)) {
      const found = this.#program.steps[step]!;
      if (found.kind === 'octet' && this.#program.sets[found.set]![octet] === 1) reached.add(found.next);
    }
    const next = this.#state(
      [...reached].sort((a, b) => a - b),
      side,
    );
    state.next[at] = next;
    return next;
  }

  #state(steps: readonly number[], before: Side): State {
    const key = `${before} ${steps.join()}`;
    let state = this.#states.get(key);
    if (!state) {
      // Transitions of states that are dropped lead into each other and go with them; the start stays.
      if (this.#states.size >= REGEX_LIMITS.statesMax) {
        this.#states = new Map();
        this.#start = this.#empty(this.#start.steps, 'edge');
      }
      state = this.#empty(steps, before);
      this.#states.set(key, state);
    }
    return state;
  }

  #empty(steps: readonly number[], before: Side): State {
    return { steps, before, next: new Array(this.#classCount), matches: undefined };
  }

  /** All steps that take an octet or match, reached without taking one. */
  #closure(from: readonly number[], before: Side, after: Side): number[] {
    const seen = new Set<number>(from);
    const open = [...from];
    const found: number[] = [];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      const one = this.#program.steps[step]!;
      const ways =
        one.kind === 'split'
          ? [one.b, one.a]
          : one.kind === 'assert' && holds(one.what, before, after)
            ? [one.next]
            : NO_WAYS;
      if (one.kind === 'octet' || one.kind === 'match') found.push(step);
      for (const way of ways) {
        if (seen.has(way)) continue;
        seen.add(way);
        open.push(way);
      }
    }
    return found;
  }
}

const NO_WAYS: readonly number[] = [];

function holds(what: Assertion, before: Side, after: Side): boolean {
  switch (what) {
    case 'text-start':
      return before === 'edge';
    case 'text-end':
      return after === 'edge';
    case 'line-start':
      return before === 'edge' || before === 'newline';
    case 'line-end':
      return after === 'edge' || after === 'newline';
    case 'word':
      return (before === 'word') !== (after === 'word');
    case 'no-word':
      return (before === 'word') === (after === 'word');
  }
}

const isWithin = (set: typeof WORD, octet: number): boolean => set.some(([from, to]) => octet >= from && octet <= to);

function sideOf(octet: number): Side {
  if (isWithin(NEWLINE, octet)) return 'newline';
  return isWithin(WORD, octet) ? 'word' : 'other';
}

/** Octets that all sets of a program treat alike share a class. */
function classify({ sets, hasAssertions }: Program): { classes: Uint8Array; samples: number[] } {
  const classes = new Uint8Array(256);
  const samples: number[] = [];
  const known = new Map<string, number>();
  for (let octet = 0; octet < 256; octet++) {
    let text = hasAssertions ? sideOf(octet) : '';
    for (const set of sets) text += set[octet];
    let found = known.get(text);
    if (found === undefined) {
      found = samples.push(octet) - 1;
      known.set(text, found);
    }
    classes[octet] = found;
  }
  return { classes, samples };
}
