/** Sum of a metric over the series that have all these labels, on a page of metrics. */
export function sumOf(page: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let total = 0;
  for (const line of page.split('\n')) {
    const [, found, series = '', value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    if (Object.entries(labels).every(([label, wanted]) => series.includes(`${label}="${wanted}"`)))
      total += Number(value);
  }
  return total;
}
