/** Resource quantities (`500m`, `1.5Gi`, `1e3`) in exact arithmetic, written the one way in which kube stores them. */

/** value = mantissa × 10^exponent × 2^binary. */
interface Parts {
  mantissa: bigint;
  exponent: number;
  binary: number;
  format: 'decimal' | 'binary' | 'exponent';
}

const DECIMAL = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 } as const;
const DECIMAL_SUFFIX = new Map<number, string>(Object.entries(DECIMAL).map(([suffix, power]) => [power, suffix]));
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const SYNTAX = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE])([+-]?0*\d{1,3})|(n|u|m|k|M|G|T|P|E|[KMGTPE]i)?)$/;
/** Longer texts and powers of more than three digits are refused, where kube caps them: exact arithmetic on them would take minutes. */
const TEXT_LENGTH_MAX = 256;
/** Finer than this does not exist: rounded up, away from zero. */
const FINEST_EXPONENT = -9;
const TEN = 10n;

/** Go's complaint about a malformed quantity, as clients see it. */
export const QUANTITY_PATTERN = "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** `1000m` -> `1`, `0.5` -> `500m`, `1024Ki` -> `1Mi`; undefined for what is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  const parts = parse(text);
  return parts && write(parts);
}

/**
 * The quantity as a number in base units, rounded as doubles are: `250m` of cpu is 0.25, `64Mi` is 67108864. Absent is 0; NaN
 * for what is no quantity.
 */
export function quantityNumber(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'number') return quantity;
  const parts = parse(quantity);
  return parts ? Number(`${parts.mantissa}e${parts.exponent}`) * 2 ** parts.binary : Number.NaN;
}

function parse(text: string): Parts | undefined {
  const match = text.length <= TEXT_LENGTH_MAX ? SYNTAX.exec(text) : null;
  if (!match) return undefined;
  const [, sign = '', digits = '', e, power = '0', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}` || '0');
  const exponent = -fraction.length;
  if (e) return roundedUp({ mantissa, exponent: exponent + Number(power), binary: 0, format: 'exponent' });
  const binary = BINARY.indexOf(suffix as (typeof BINARY)[number]);
  if (binary > 0) return roundedUp({ mantissa, exponent, binary: binary * 10, format: 'binary' });
  const shift = DECIMAL[suffix as keyof typeof DECIMAL];
  return roundedUp({ mantissa, exponent: exponent + shift, binary: 0, format: 'decimal' });
}

/** Folds the power of two into the mantissa and drops what is finer than a billionth. */
function roundedUp({ mantissa, exponent, binary, format }: Parts): Parts {
  let value = mantissa * 2n ** BigInt(binary);
  let power = exponent;
  if (power < FINEST_EXPONENT) {
    const unit = TEN ** BigInt(FINEST_EXPONENT - power);
    const exact = value % unit === 0n;
    value = value / unit + (exact ? 0n : value < 0n ? -1n : 1n);
    power = FINEST_EXPONENT;
  }
  return { mantissa: value, exponent: power, binary: 0, format };
}

function write(parts: Parts): string {
  if (parts.mantissa === 0n) return '0';
  const { mantissa, exponent, format } = shortened(parts);
  if (format === 'binary' && exponent >= 0) {
    const value = mantissa * TEN ** BigInt(exponent);
    if (value <= -1024n || value >= 1024n) return writeBinary(value);
  }
  return writeDecimal({ mantissa, exponent, binary: 0, format });
}

/** No trailing zeros in the mantissa. */
function shortened({ mantissa, exponent, ...rest }: Parts): Parts {
  let [value, power] = [mantissa, exponent];
  while (value % TEN === 0n) {
    value /= TEN;
    power++;
  }
  return { ...rest, mantissa: value, exponent: power };
}

function writeBinary(value: bigint): string {
  let [rest, index] = [value, 0];
  while (rest % 1024n === 0n && index < BINARY.length - 1) {
    rest /= 1024n;
    index++;
  }
  return `${rest}${BINARY[index]}`;
}

/** Mantissa without fraction and the largest multiple of three as exponent. */
function writeDecimal({ mantissa, exponent, format }: Parts): string {
  const power = Math.floor(exponent / 3) * 3;
  const capped = Math.min(power, DECIMAL.E);
  const value = mantissa * TEN ** BigInt(exponent - capped);
  if (format === 'exponent') return capped === 0 ? `${value}` : `${value}e${capped}`;
  return `${value}${DECIMAL_SUFFIX.get(capped)}`;
}
