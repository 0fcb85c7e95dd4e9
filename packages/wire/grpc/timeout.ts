/** The `grpc-timeout` header: at most eight digits and a unit, e.g. `500m`. */

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds, rounded up; undefined when absent or malformed. */
export function decodeTimeout(text: string | undefined): number | undefined {
  const found = text === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(text);
  return found ? Math.ceil(Number(found[1]) * (UNITS_MS[found[2] ?? ''] ?? 0)) : undefined;
}

/** The header's value for a deadline `ms` from now. */
export function encodeTimeout(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  return whole < 1e8 ? `${whole}m` : `${Math.min(Math.ceil(whole / 1000), 99_999_999)}S`;
}
