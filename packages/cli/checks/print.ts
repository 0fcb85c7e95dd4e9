import type { Io } from '../context.ts';
import { style } from '../output/index.ts';
import type { CategoryResult, CheckResult } from './check.ts';

export type OutputFormat = 'table' | 'json' | 'short';

/** Whether anything but warnings failed. */
export const succeeded = (categories: readonly CategoryResult[]): boolean =>
  categories.every(({ results }) => results.every(({ result }) => result !== 'error'));

/** The results as Linkerd prints them; `short` leaves out what succeeded. Ends with the verdict unless told otherwise. */
export function printResults(
  categories: readonly CategoryResult[],
  format: 'table' | 'short',
  io: Pick<Io, 'out' | 'colors'>,
): void {
  const marks = style(io);
  for (const { name, results } of categories) {
    const shown = format === 'short' ? results.filter(({ result }) => result !== 'success') : results;
    if (shown.length === 0) continue;
    io.out(`${name}\n${'-'.repeat(name.length)}\n`);
    for (const result of shown) io.out(lines(result, marks));
    io.out('\n');
  }
}

export function printVerdict(success: boolean, io: Pick<Io, 'out' | 'colors'>): void {
  const marks = style(io);
  io.out(`Status check results are ${success ? marks.ok : marks.error}\n`);
}

function lines(result: CheckResult, marks: ReturnType<typeof style>): string {
  const mark = { success: marks.ok, warning: marks.warning, error: marks.error }[result.result];
  let text = `${mark} ${result.description}\n`;
  for (const item of result.items) text += `\t* ${item}\n`;
  if (result.error !== undefined) {
    for (const line of result.error.split('\n')) text += `    ${line}\n`;
    text += `    see ${result.hint} for hints\n`;
  }
  return text;
}

/** `{success, categories: [{categoryName, checks: [{description, hint?, error?, result}]}]}`, two spaces deep. */
export function resultsJson(categories: readonly CategoryResult[]): string {
  const body = {
    success: succeeded(categories),
    categories: categories
      .filter(({ results }) => results.length > 0)
      .map(({ name, results }) => ({
        categoryName: name,
        checks: results.map(({ description, hint, error, result }) => ({
          description,
          ...(error !== undefined && { hint, error }),
          result,
        })),
      })),
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
