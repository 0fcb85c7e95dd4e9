export interface TableOptions {
  /** Spaces between columns; 3 unless told. */
  gap?: number;
  /** Least widths of the columns. */
  widths?: readonly number[];
  /** Fill the last column up, too, and put the gap behind it. */
  padLast?: boolean;
}

/** Columns aligned by spaces; the last column is not padded unless told. Returns lines with newlines. */
export function renderTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { gap = 3, padLast = false } = options;
  const widths = [...(options.widths ?? [])];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 && !padLast ? cell : cell.padEnd((widths[column] ?? 0) + gap)))
      .join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
