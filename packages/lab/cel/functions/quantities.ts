/** Kubernetes' quantities and semantic versions in CEL. Quantities are exact: an integer count of billionths. */
import { type CelMap, CelScalar, celError, celFunc, celMethod, mapType } from '@bufbuild/cel';
import { fieldOf, opaque } from '../values.ts';

const { STRING, BOOL, INT, DOUBLE, DYN } = CelScalar;
const MAP = mapType(STRING, DYN);

const NANO = 1_000_000_000n;
/** Suffix -> [multiplier, divisor]. */
const SUFFIXES: Record<string, readonly [bigint, bigint]> = {
  n: [1n, NANO],
  u: [1n, 1_000_000n],
  m: [1n, 1000n],
  '': [1n, 1n],
  k: [1000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  Pi: [1n << 50n, 1n],
  Ei: [1n << 60n, 1n],
};
const QUANTITY = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

/** The quantity in billionths, rounded up; undefined where malformed. */
function parseQuantity(text: string): bigint | undefined {
  const match = QUANTITY.exec(text);
  if (!match || (match[2] === undefined && !match[3])) return undefined;
  const [, sign = '', whole = '0', fraction = '', suffix = '', exponent] = match;
  const power = Number(exponent ?? 0);
  const [multiplier, divisor] = SUFFIXES[suffix] ?? [1n, 1n];
  const numerator = BigInt(whole + fraction) * multiplier * NANO * 10n ** BigInt(Math.max(power, 0));
  const denominator = divisor * 10n ** BigInt(fraction.length + Math.max(-power, 0));
  const nanos = (numerator + denominator - 1n) / denominator;
  return sign === '-' ? -nanos : nanos;
}

function requireQuantity(text: string): CelMap {
  const nanos = parseQuantity(text);
  if (nanos === undefined) throw celError(`quantities must match the regular expression '${QUANTITY.source}'`);
  return quantityValue(nanos);
}

const quantityValue = (nanos: bigint) => opaque('kubernetes.Quantity', { nanos });
const nanosOf = (value: CelMap) => fieldOf(value, 'kubernetes.Quantity', 'nanos') as bigint;
const isWhole = (nanos: bigint) => nanos % NANO === 0n && nanos / NANO < 1n << 63n && nanos / NANO >= -(1n << 63n);

const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9A-Za-z.-]+)?$/;

function versionValue(text: string): CelMap {
  const match = VERSION.exec(text);
  if (!match) throw celError(`semver parse error: ${text}`);
  const [, major = '0', minor = '0', patch = '0', pre = ''] = match;
  return opaque('kubernetes.Semver', { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), pre });
}

const isVersion = (value: CelMap) => value.get('$type') === 'kubernetes.Semver';
const order = (a: bigint | string, b: bigint | string) => (a < b ? -1 : a > b ? 1 : 0);

function compareVersions(a: CelMap, b: CelMap): number {
  for (const part of ['major', 'minor', 'patch']) {
    const found = order(
      fieldOf(a, 'kubernetes.Semver', part) as bigint,
      fieldOf(b, 'kubernetes.Semver', part) as bigint,
    );
    if (found !== 0) return found;
  }
  return comparePre(String(fieldOf(a, 'kubernetes.Semver', 'pre')), String(fieldOf(b, 'kubernetes.Semver', 'pre')));
}

/** A release is above its pre-releases; numeric parts compare as numbers and stand below words. */
function comparePre(a: string, b: string): number {
  if (a === '' || b === '') return order(b === '' ? 0n : 1n, a === '' ? 0n : 1n);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [xNumber, yNumber] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    const found =
      xNumber && yNumber ? order(BigInt(x), BigInt(y)) : xNumber !== yNumber ? (xNumber ? -1 : 1) : order(x, y);
    if (found !== 0) return found;
  }
  return 0;
}

function compare(a: CelMap, b: CelMap): number {
  return isVersion(a) ? compareVersions(a, b) : order(nanosOf(a), nanosOf(b));
}

const versionPart = (part: string) =>
  celMethod(part, MAP, [], INT, function () {
    return fieldOf(this, 'kubernetes.Semver', part) as bigint;
  });

/** quantity, isQuantity, semver, isSemver and their methods. */
export const quantityFunctions = [
  celFunc('isQuantity', [STRING], BOOL, (text) => parseQuantity(text) !== undefined),
  celFunc('quantity', [STRING], MAP, requireQuantity),
  celMethod('sign', MAP, [], INT, function () {
    return BigInt(order(nanosOf(this), 0n));
  }),
  celMethod('isInteger', MAP, [], BOOL, function () {
    return isWhole(nanosOf(this));
  }),
  celMethod('asInteger', MAP, [], INT, function () {
    if (!isWhole(nanosOf(this))) throw celError('cannot convert value to integer');
    return nanosOf(this) / NANO;
  }),
  celMethod('asApproximateFloat', MAP, [], DOUBLE, function () {
    return Number(nanosOf(this)) / Number(NANO);
  }),
  ...(['add', 'sub'] as const).flatMap((name) => {
    const sign = name === 'add' ? 1n : -1n;
    return [
      celMethod(name, MAP, [MAP], MAP, function (other) {
        return quantityValue(nanosOf(this) + sign * nanosOf(other));
      }),
      celMethod(name, MAP, [INT], MAP, function (other) {
        return quantityValue(nanosOf(this) + sign * other * NANO);
      }),
    ];
  }),
  celMethod('isLessThan', MAP, [MAP], BOOL, function (other) {
    return compare(this, other) < 0;
  }),
  celMethod('isGreaterThan', MAP, [MAP], BOOL, function (other) {
    return compare(this, other) > 0;
  }),
  celMethod('compareTo', MAP, [MAP], INT, function (other) {
    return BigInt(compare(this, other));
  }),
  celFunc('isSemver', [STRING], BOOL, (text) => VERSION.test(text)),
  celFunc('semver', [STRING], MAP, versionValue),
  versionPart('major'),
  versionPart('minor'),
  versionPart('patch'),
];
