/**
 * The optional syntax (`a.?b`, `a[?i]`), which the CEL library does not read, rewritten as calls that it does:
 * `a.?b.c[0]` -> `a.optionalField("b").optionalField("c").optionalIndex(0)`. Selections after an optional one stay optional
 * until a method is called, as CEL defines.
 */

type Token = { readonly text: string; readonly kind: 'word' | 'space' | 'string' | 'other' };

const TOKEN =
  /(?<space>\s+|\/\/[^\n]*)|(?<string>[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<other>\.\?|\[\?|[\s\S])/y;

/** Rewrites an expression; without optional syntax it comes back unchanged. */
export function rewriteOptionals(source: string): string {
  if (!source.includes('.?') && !source.includes('[?')) return source;
  const tokens = tokenize(source);
  return rewrite(tokens, 0, tokens.length);
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match; match = TOKEN.exec(source)) {
    const kinds = ['space', 'string', 'word', 'other'] as const;
    tokens.push({ text: match[0], kind: kinds.find((kind) => match.groups?.[kind] !== undefined) ?? 'other' });
  }
  return tokens;
}

function skipSpace(tokens: readonly Token[], from: number): number {
  let at = from;
  while (tokens[at]?.kind === 'space') at++;
  return at;
}

/** The index of the bracket that closes the one before `from`. */
function closing(tokens: readonly Token[], from: number): number {
  let depth = 1;
  for (let at = from; at < tokens.length; at++) {
    const { text, kind } = tokens[at] ?? { text: '', kind: 'other' };
    if (kind !== 'other') continue;
    if (text === '[' || text === '[?' || text === '(' || text === '{') depth++;
    if ((text === ']' || text === ')' || text === '}') && --depth === 0) return at;
  }
  return tokens.length;
}

function rewrite(tokens: readonly Token[], start: number, end: number): string {
  let out = '';
  let optional = false;
  for (let at = start; at < end; at++) {
    const { text, kind } = tokens[at] ?? { text: '', kind: 'other' };
    const name = tokens[at + 1];
    const isCall = tokens[skipSpace(tokens, at + 2)]?.text === '(';
    if (text === '.?' && name?.kind === 'word') {
      out += `.optionalField("${name.text}")`;
      optional = true;
      at++;
    } else if (text === '.' && optional && name?.kind === 'word' && !isCall) {
      out += `.optionalField("${name.text}")`;
      at++;
    } else if (text === '[?' || (text === '[' && optional)) {
      const close = closing(tokens, at + 1);
      out += `.optionalIndex(${rewrite(tokens, at + 1, close)})`;
      optional = true;
      at = close;
    } else {
      out += text;
      if (kind !== 'space') optional = false;
    }
  }
  return out;
}
