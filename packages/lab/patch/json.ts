/** Reading, comparing and copying decoded JSON. Keys come from clients, so `__proto__` and `constructor` are plain data. */

export type JsonMap = { [key: string]: unknown };

/** True for a JSON object: neither null nor a list. */
export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own value of `key`, never one inherited from Object.prototype. */
export function getKey(map: JsonMap, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Sets `key` as an own property, also where the key is `__proto__`. */
export function setKey(map: JsonMap, key: string, value: unknown): void {
  if (key !== '__proto__') map[key] = value;
  else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}

/** A shallow copy that keeps odd keys as data. */
export function copyMap(map: JsonMap): JsonMap {
  return { ...map };
}

/** A deep copy of decoded JSON. Frozen snapshots become writable. */
export function cloneJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  if (!isMap(value)) return value;
  const out: JsonMap = {};
  for (const key of Object.keys(value)) setKey(out, key, cloneJson(value[key]));
  return out as T;
}

/** Deep equality; the order of keys does not count, the order of items does. `undefined` members count as absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  if (isMap(a)) return isMap(b) && equalMaps(a, b);
  // 5n and 5 are the same integer.
  return isInteger(a) && isInteger(b) && BigInt(a) === BigInt(b);
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}

function equalMaps(a: JsonMap, b: JsonMap): boolean {
  let size = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    size++;
    if (!equalJson(a[key], getKey(b, key))) return false;
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) size--;
  return size === 0;
}

/** JSON text with sorted keys, integers beyond 2^53 included: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (isMap(value)) {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    return `{${keys
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
      .join(',')}}`;
  }
  return typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null');
}
