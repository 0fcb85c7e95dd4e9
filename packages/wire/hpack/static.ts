/** The static table of HPACK (RFC 7541 appendix A): names and values, in order; index 1 is the first row. */
const ROWS: readonly (readonly [string, string?])[] = [
  [':authority'],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
];

/** Rows of the static table; the dynamic table begins behind it. */
export const STATIC_COUNT = ROWS.length;

/** Name and value of each index, [0] unused. */
export const STATIC_FIELDS: readonly (readonly [string, string])[] = [
  ['', ''],
  ...ROWS.map(([name, value = '']) => [name, value] as const),
];

const indexes = new Map<string, number>();
for (const [index, [name]] of STATIC_FIELDS.entries()) if (index > 0 && !indexes.has(name)) indexes.set(name, index);

/** Index of the first row with this name, 0 for none. */
export function staticNameIndex(name: string): number {
  return indexes.get(name) ?? 0;
}

/** Index of the row with this name and value, 0 for none; `first` is the name's index. */
export function staticIndex(first: number, name: string, value: string): number {
  for (let i = first; i <= STATIC_COUNT && STATIC_FIELDS[i]![0] === name; i++)
    if (value !== '' && STATIC_FIELDS[i]![1] === value) return i;
  return 0;
}
