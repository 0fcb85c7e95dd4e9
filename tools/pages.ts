/** Parts of the reference pages. */

/** Cells of one line. */
export type Row = readonly string[];

/** A page that says what it is made from. */
export function page(title: string, source: string, text: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, `<!-- Made by \`npm run generate\` from ${source}; do not edit. -->`, text, ...parts].join('\n\n')}\n`;
}

/** A table of Markdown. */
export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text as it is typed; nothing stays nothing. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
