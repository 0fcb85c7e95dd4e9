/** Without leading zeros, of a bounded length. */
const NUMBER = /^[1-9]\d{0,30}$/;

/** Whether one resourceVersion comes before another. Those that are no numbers, as Kubernetes' are, cannot be compared. */
export function isOlder(version: string, than: string): boolean {
  if (!NUMBER.test(version) || !NUMBER.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
