/** A moment as `metav1.Time` prints it: `2026-11-21T10:00:05Z`, second precision. */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** A moment as `metav1.MicroTime` must be printed: exactly six decimals. */
export const formatMicroTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`;

/** Milliseconds since 1970 of an RFC 3339 time; undefined when absent or malformed. */
export function parseTime(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
