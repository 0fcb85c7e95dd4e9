/** How kubectl and printer columns show a found value: scalars bare, lists and objects as JSON, null as `<nil>`. */
export function printJsonPathValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
