import type { RequestCondition } from './types.ts';

/** Whether a profile's condition holds for a request; `path` is without query. */
export function profileHolds(condition: RequestCondition, method: string, path: string): boolean {
  switch (condition.kind) {
    case 'path':
      return condition.regex.test(path);
    case 'method':
      return condition.method === method;
    case 'all':
      return condition.of.every((one) => profileHolds(one, method, path));
    case 'any':
      return condition.of.some((one) => profileHolds(one, method, path));
    case 'not':
      return !profileHolds(condition.of, method, path);
  }
}
