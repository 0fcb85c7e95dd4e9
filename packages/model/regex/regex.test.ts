import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pattern, REGEX_LIMITS, RegexError } from './index.ts';

/** UTF-8 octets as Latin-1 text. */
const octets = (text: string): string => Buffer.from(text).toString('latin1');
const matches = (source: string, text: string): boolean => new Pattern(source).test(octets(text));

const CASES: readonly (readonly [source: string, yes: readonly string[], no: readonly string[]])[] = [
  ['', [''], ['a']],
  ['/api/v\\d+(/.*)?', ['/api/v1', '/api/v22/x/y'], ['/api/v', '/api/v1x', 'x/api/v1']],
  ['a|bc|', ['a', 'bc', ''], ['b', 'ab']],
  ['(?i)get|PoSt', ['GET', 'post', 'Get'], ['gets']],
  ['(?i:a)b', ['Ab', 'ab'], ['aB']],
  ['a(?i)b|c', ['aB', 'C', 'ab'], ['Ab']],
  ['(?P<name>a+)(?<other>b)', ['aab'], ['b']],
  ['[^a-c\\d]x{2,3}', ['dxx', '-xxx'], ['axx', '1xx', 'dx', 'dxxxx']],
  ['a{0,2}b{2,}', ['bb', 'aabbb'], ['aaabb', 'b']],
  ['a{2}', ['aa'], ['a', 'aaa']],
  ['a\\{x}\\{', ['a{x}{'], ['a']],
  ['[]a-]+', [']', 'a-]'], ['b']],
  ['[[:alpha:]_&&[^x]]+', ['ab', 'y'], ['x', '_1']],
  ['[a-z--[aeiou]]', ['b'], ['a', 'e']],
  ['[\\w--\\d]', ['_', 'a'], ['1']],
  ['[a-c~~b-d]', ['a', 'd'], ['b', 'c']],
  ['\\x41\\x{42}\\u0043\\t', ['ABC\t'], ['abc\t']],
  ['a\\.b\\/\\-', ['a.b/-'], ['axb/-']],
  ['^a$|\\Ab\\z', ['a', 'b'], ['ab']],
  ['(?m)a$.^b|c', ['c'], ['a\nb']],
  ['(?ms)a$.^b', ['a\nb'], ['axb']],
  ['\\bab\\b.*', ['ab', 'ab c'], ['abc']],
  ['a\\Bb', ['ab'], ['a b']],
  ['.', ['a', 'é', '€', '𝄞', '\r'], ['\n', 'ab', '']],
  ['(?s).', ['\n'], ['']],
  ['[à-ÿ€]+', ['é€ü'], ['e', 'Ā']],
  ['[^a]', ['é', 'b'], ['a', '']],
  ['(?i)É', ['é', 'É'], ['e']],
  ['\\p{Lu}\\pN?', ['A', 'É4'], ['a', '44']],
  ['\\p{Greek}+\\P{L}', ['αβ1'], ['ab1', 'α']],
  ['(?x) a b # letters\n c', ['abc'], ['a b c']],
  ['(a*)*b', ['b', 'aaab'], ['a', 'aaa']],
  ['(|a)+', ['', 'aa'], ['b']],
  ['a+?b??', ['a', 'aab'], ['b']],
];

test('the syntax of routes means what it says', () => {
  for (const [source, yes, no] of CASES) {
    for (const text of yes) assert.equal(matches(source, text), true, `${source} takes ${JSON.stringify(text)}`);
    for (const text of no) assert.equal(matches(source, text), false, `${source} refuses ${JSON.stringify(text)}`);
  }
});

test('what is no pattern is refused, and the reason names it', () => {
  const reasons: readonly (readonly [string, RegExp])[] = [
    ['(a', /unclosed/],
    ['a)', /unopened/],
    ['[a', /ends too early/],
    ['*a', /behind nothing/],
    ['a\\', /ends too early/],
    ['(?=a)', /looking around/],
    ['(a)\\1', /\\1/],
    ['\\q', /means nothing/],
    ['a{3,2}', /wrong way/],
    // Linkerd's proxy takes no such pattern, and with it none of the policy: people write `/users/{id}` and mean something else.
    ['/users/{id}', /a \{ that begins no count/],
    ['a{', /a \{ that begins no count/],
    ['a{,3}', /a \{ that begins no count/],
    ['\\uD800', /no character/],
    ['\\p{^L}', /no property/],
    ['[\\d-x]', /begins with a class/],
    ['{2}', /behind nothing/],
    ['a(?)', /without a flag/],
    ['a(?i-)', /without a flag/],
    ['(?ii)a', /i twice/],
    ['a{1001}', /more than 1000/],
    ['[z-a]', /wrong way/],
    ['(?P<1>a)', /proper name/],
    ['\\p{Nonsense}', /no property/],
    [`${'('.repeat(200)}a${')'.repeat(200)}`, /nested/],
    ['((a{100}){100}){100}', /steps/],
    ['a'.repeat(REGEX_LIMITS.sourceMax + 1), /longer/],
  ];
  for (const [source, reason] of reasons)
    assert.throws(
      () => new Pattern(source),
      (error: unknown) => error instanceof RegexError && reason.test(error.message),
      source.slice(0, 20),
    );
});

/** Patterns in the syntax common to ours and JavaScript's. */
const { pattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'a',
      'b',
      'c',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '[ab]',
      '[^a]',
      '[a-c1]',
      'é',
      '[é-ü]',
      '\\b',
      '\\B',
      '^',
      '$',
    ),
    fc
      .tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{2}', '{0,2}', '{1,}'))
      .map(([of, count]) => `(?:${of})${count}`),
  ),
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc.array(tie('atom'), { maxLength: 3 }).map((parts) => parts.join('')),
    fc.array(tie('atom'), { minLength: 2, maxLength: 3 }).map((parts) => parts.join('|')),
  ),
}));
const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '1', ' ', '\n', 'é', '€'), { maxLength: 8 })
  .map((all) => all.join(''));

test('agrees with the backtracking engine wherever the syntax is common', () => {
  fc.assert(
    fc.property(pattern, fc.array(text, { maxLength: 8 }), fc.boolean(), (source, texts, fold) => {
      const other = new RegExp(`^(?:${source})$`, fold ? 'iu' : 'u');
      const ours = new Pattern(fold ? `(?i)${source}` : source);
      for (const one of texts)
        assert.equal(ours.test(octets(one)), other.test(one), `${source} ${JSON.stringify(one)}`);
    }),
    { numRuns: 1_000 },
  );
});

test('any text is a pattern or refused with a reason', () => {
  const character = fc.constantFrom(...'ab(){}[]|*+?\\^$.-&~:PpdDwWsSxu<>=!0,19\n é'.split(''));
  fc.assert(
    fc.property(fc.array(character, { maxLength: 20 }), text, (characters, one) => {
      try {
        new Pattern(characters.join('')).test(octets(one));
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('patterns that make backtracking explode take time linear in the text', () => {
  for (const source of ['(a*)*b', '(a|aa)+b', '(.*a){12}', '(a|b)*a(a|b){11}']) {
    const one = new Pattern(source);
    const before = process.cpuUsage();
    assert.equal(one.test(`${'a'.repeat(10_000)}c`), false);
    assert.ok(process.cpuUsage(before).user < 1_000_000, source);
  }
});

test('a pattern whose states would not end keeps a bounded number and still answers right', () => {
  const one = new Pattern('(a|b)*a(a|b){10}');
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b'), { minLength: 12, maxLength: 60 }), (letters) => {
      const whole = letters.join('');
      assert.equal(one.test(whole), letters.at(-11) === 'a');
    }),
    { numRuns: 300 },
  );
});
