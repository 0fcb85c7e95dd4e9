/** Kubernetes' list functions, sets, optionals, and string functions that the library lacks. */
import {
  type CelInput,
  type CelList,
  CelScalar,
  type CelValue,
  celError,
  celFunc,
  celList,
  celMethod,
  isCelList,
  isCelMap,
  isCelUint,
  listType,
} from '@bufbuild/cel';
import { NONE, some } from '../values.ts';

const { DYN, BOOL, INT, STRING } = CelScalar;
const LIST = listType(DYN);

/** Orders two values of one kind; throws where they cannot be ordered. */
function compare(a: CelValue, b: CelValue): number {
  const left = isCelUint(a) ? a.value : a;
  const right = isCelUint(b) ? b.value : b;
  const ordered = (value: unknown) => ['bigint', 'number', 'string', 'boolean'].includes(typeof value);
  if (!ordered(left) || !ordered(right)) throw celError('no such overload');
  const [x, y] = [left, right] as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Equality as `==` has it: numbers of all kinds by value, containers by content. */
export function equalCel(a: CelValue, b: CelValue): boolean {
  const left = isCelUint(a) ? a.value : a;
  const right = isCelUint(b) ? b.value : b;
  if (isCelList(left) && isCelList(right)) {
    const items = [...right];
    return left.size === right.size && [...left].every((item, i) => equalCel(item, items[i] ?? null));
  }
  if (isCelMap(left) && isCelMap(right)) {
    if (left.size !== right.size) return false;
    return [...left].every(([key, item]) => {
      const other = right.get(key);
      return other !== undefined && equalCel(item, other);
    });
  }
  const numeric = (value: unknown) => typeof value === 'bigint' || typeof value === 'number';
  if (numeric(left) && numeric(right))
    return !((left as number) < (right as number) || (left as number) > (right as number));
  return left === right;
}

function sum(list: CelList): CelInput {
  let total: bigint | number = 0n;
  for (const [index, item] of [...list].entries()) {
    if (typeof item !== 'bigint' && typeof item !== 'number') throw celError('no such overload');
    total = index === 0 ? item : (total as number) + (item as number);
  }
  return total;
}

function extreme(list: CelList, sign: 1 | -1): CelInput {
  const items = [...list];
  const [first] = items;
  if (first === undefined) throw celError(`${sign < 0 ? 'min' : 'max'} called on empty list`);
  return items.reduce((best, item) => (compare(item, best) === sign ? item : best), first) as CelInput;
}

const contains = (list: CelList, wanted: CelValue) => [...list].some((item) => equalCel(item, wanted));
const containsAll = (list: CelList, wanted: CelList) => [...wanted].every((item) => contains(list, item));
const reverseText = (text: string) => [...text].reverse().join('');

/** What `oldSelf.value()` and friends say of an optional without value. */
function unwrap(optional: CelList): CelInput {
  const [value] = [...optional];
  if (value === undefined) throw celError('optional.none() dereference');
  return value as CelInput;
}

/** A field of a map that may be missing, or of an optional map. */
function optionalField(target: CelValue, key: CelValue): CelInput {
  if (isCelList(target) && typeof key === 'string') {
    const [value] = [...target];
    return value === undefined ? NONE : optionalField(value, key);
  }
  if (isCelList(target)) return optionalItem(target, key);
  if (!isCelMap(target) || typeof key === 'object') throw celError('no such overload');
  const found = target.get(key as string);
  return found === undefined ? NONE : some(found as CelInput);
}

function optionalItem(list: CelList, index: CelValue): CelInput {
  const found = [...list][Number(index)];
  return found === undefined ? NONE : some(found as CelInput);
}

const isZero = (value: CelValue) =>
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  value === 0n ||
  ((isCelList(value) || isCelMap(value)) && value.size === 0);

/** isSorted, sum, min, max, indexOf, lastIndexOf; sets.*; optional.*; reverse. */
export const listFunctions = [
  celMethod('isSorted', LIST, [], BOOL, function () {
    const items = [...this];
    return items.every((item, i) => i === 0 || compare(items[i - 1] ?? null, item) <= 0);
  }),
  celMethod('sum', LIST, [], DYN, function () {
    return sum(this);
  }),
  celMethod('min', LIST, [], DYN, function () {
    return extreme(this, -1);
  }),
  celMethod('max', LIST, [], DYN, function () {
    return extreme(this, 1);
  }),
  celMethod('indexOf', LIST, [DYN], INT, function (wanted) {
    return BigInt([...this].findIndex((item) => equalCel(item, wanted)));
  }),
  celMethod('lastIndexOf', LIST, [DYN], INT, function (wanted) {
    return BigInt([...this].findLastIndex((item) => equalCel(item, wanted)));
  }),
  celMethod('reverse', STRING, [], STRING, function () {
    return reverseText(this);
  }),
  celFunc('sets.contains', [LIST, LIST], BOOL, (list, wanted) => containsAll(list, wanted)),
  celFunc('sets.equivalent', [LIST, LIST], BOOL, (a, b) => containsAll(a, b) && containsAll(b, a)),
  celFunc('sets.intersects', [LIST, LIST], BOOL, (a, b) => [...a].some((item) => contains(b, item))),
  celFunc('optional.of', [DYN], LIST, (value) => some(value as CelInput)),
  celFunc('optional.none', [], LIST, () => NONE),
  celFunc('optional.ofNonZeroValue', [DYN], LIST, (value) => (isZero(value) ? NONE : some(value as CelInput))),
  celMethod('hasValue', LIST, [], BOOL, function () {
    return this.size > 0;
  }),
  celMethod('value', LIST, [], DYN, function () {
    return unwrap(this);
  }),
  celMethod('orValue', LIST, [DYN], DYN, function (other) {
    return this.size > 0 ? unwrap(this) : (other as CelInput);
  }),
  celMethod('or', LIST, [LIST], LIST, function (other) {
    return celList([...(this.size > 0 ? this : other)] as CelInput[]);
  }),
  celMethod('optionalField', DYN, [DYN], LIST, function (key) {
    return optionalField(this, key) as CelList;
  }),
  celMethod('optionalIndex', DYN, [DYN], LIST, function (key) {
    return (isCelList(this) && typeof key === 'bigint' ? optionalItem(this, key) : optionalField(this, key)) as CelList;
  }),
];
