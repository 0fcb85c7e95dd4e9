/** Regular expressions, RE2 as in Go: linear in time, unanchored. */
import { CelScalar, celFunc, celList, celMethod, listType } from '@bufbuild/cel';
import { RE2JS } from 're2js';
import { PATTERNS_MAX } from '../limits.ts';

/** Compiles patterns once. Throws with RE2's text where a pattern is malformed. */
export class Patterns {
  private readonly compiled = new Map<string, RE2JS>();

  compile(pattern: string): RE2JS {
    const known = this.compiled.get(pattern);
    if (known) return known;
    const compiled = RE2JS.compile(pattern);
    if (this.compiled.size >= PATTERNS_MAX) this.compiled.clear();
    this.compiled.set(pattern, compiled);
    return compiled;
  }

  /** True where the pattern is found anywhere in the text. */
  test(pattern: string, text: string): boolean {
    return this.compile(pattern).matcher(text).find();
  }
}

const { STRING, INT, BOOL } = CelScalar;

/** matches, find, findAll. */
export function patternFunctions(patterns: Patterns) {
  const all = (text: string, pattern: string, limit: number): string[] => {
    const matcher = patterns.compile(pattern).matcher(text);
    const found: string[] = [];
    while (found.length !== limit && matcher.find()) found.push(matcher.group() ?? '');
    return found;
  };
  return [
    celFunc('matches', [STRING, STRING], BOOL, (text, pattern) => patterns.test(pattern, text)),
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return patterns.test(pattern, this);
    }),
    celMethod('find', STRING, [STRING], STRING, function (pattern) {
      return all(this, pattern, 1)[0] ?? '';
    }),
    celMethod('findAll', STRING, [STRING], listType(STRING), function (pattern) {
      return celList(all(this, pattern, -1));
    }),
    celMethod('findAll', STRING, [STRING, INT], listType(STRING), function (pattern, limit) {
      return celList(all(this, pattern, Number(limit)));
    }),
  ];
}
