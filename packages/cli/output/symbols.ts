import colors from 'picocolors';
import type { Io } from '../context.ts';

/** Marks of results, as Linkerd prints them. */
export const SYMBOLS = { ok: '√', warning: '‼', error: '×' } as const;

/** The marks in colour where the terminal shows it. */
export function style(io: Pick<Io, 'colors'>): typeof SYMBOLS {
  const { createColors } = colors;
  const paint = createColors(io.colors);
  const marks = {
    ok: paint.bold(paint.green(SYMBOLS.ok)),
    warning: paint.bold(paint.yellow(SYMBOLS.warning)),
    error: paint.bold(paint.red(SYMBOLS.error)),
  };
  return marks as unknown as typeof SYMBOLS;
}
