/** One term: the field's value must equal, or with `not` differ from, `value`. */
export interface FieldRequirement {
  readonly field: string;
  readonly value: string;
  readonly not: boolean;
}

/**
 * Parses `spec.nodeName=a,status.phase!=Running`; `\,`, `\=` and `\\` are escapes.
 * @throws Error whose message fits kube's 400 answers
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitUnescaped(text, ',')
    .filter((term) => term !== '')
    .map(parseTerm);
}

/** True when every requirement holds; an absent field counts as the empty text. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  readField: (field: string) => string | undefined,
): boolean {
  return requirements.every(({ field, value, not }) => ((readField(field) ?? '') === value) !== not);
}

function parseTerm(term: string): FieldRequirement {
  const found = /^((?:[^=!\\]|\\.)*?)(!=|==|=)(.*)$/s.exec(term);
  if (!found) throw new Error(`invalid selector: '${term}'; can't understand '${term}'`);
  return { field: found[1]!.trim(), not: found[2] === '!=', value: unescaped(found[3]!.trim()) };
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [''];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '\\') parts.push(`${parts.pop()}${character}${text[++at] ?? ''}`);
    else if (character === separator) parts.push('');
    else parts.push(`${parts.pop()}${character}`);
  }
  return parts;
}

const unescaped = (value: string): string => value.replace(/\\(.)/g, '$1');
