const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** JSON with sorted keys, without nulls and empty lists: equal for objects that the API server would call equal. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || (Array.isArray(inner) && inner.length === 0)) return undefined;
    if (typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A short stable hash for names and labels: ten letters that form no words, e.g. `5d8c7bfx9k`. */
export function nameHash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    low = Math.imul(low ^ text.charCodeAt(at), 0x01000193) >>> 0;
    high = Math.imul(high ^ (low >>> 13) ^ text.charCodeAt(at), 0x85ebca6b) >>> 0;
  }
  let letters = '';
  for (const half of [low, high])
    for (let rest = half, digit = 0; digit < 5; digit++, rest = Math.floor(rest / LETTERS.length))
      letters += LETTERS[rest % LETTERS.length];
  return letters;
}
