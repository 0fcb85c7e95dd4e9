import { type Cell, Histogram } from './cells.ts';
import type { Family } from './family.ts';

/** `prometheus`: text format 0.0.4. `openmetrics`: OpenMetrics 1.0, where families of counters are named without `_total`. */
export type TextFormat = 'prometheus' | 'openmetrics';

/** Media types of the two formats. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The lines that introduce a family. */
export function headText({ name, type, help }: Family, format: TextFormat): string {
  const text = help.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
  if (format === 'prometheus') return `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`;
  // OpenMetrics: a counter's samples end in _total; counters with other names are not what it calls counters.
  const isTotal = name.endsWith('_total');
  const family = type === 'counter' && isTotal ? name.slice(0, -'_total'.length) : name;
  const kind = type === 'counter' && !isTotal ? 'unknown' : type;
  return `# HELP ${family} ${text.replaceAll('"', '\\"')}\n# TYPE ${family} ${kind}\n`;
}

/** The samples of one series. */
export function seriesText(name: string, labels: string, cell: Cell): string {
  if (cell instanceof Histogram) return histogramText(name, labels, cell);
  return labels === '' ? `${name} ${numberText(cell.value)}\n` : `${name}{${labels}} ${numberText(cell.value)}\n`;
}

function histogramText(name: string, labels: string, cell: Histogram): string {
  const before = labels === '' ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
  const braces = labels === '' ? '' : `{${labels}}`;
  const bounds = boundTexts(name, cell.bounds);
  let text = '';
  let total = 0;
  for (let i = 0; i < bounds.length; i++) {
    total += cell.counts[i]!;
    text += `${before}${bounds[i]!}"} ${total}\n`;
  }
  text += `${before}+Inf"} ${cell.count}\n`;
  return `${text}${name}_sum${braces} ${numberText(cell.sum)}\n${name}_count${braces} ${cell.count}\n`;
}

const texts = new WeakMap<readonly number[], readonly string[]>();

/** Milliseconds are whole (`5`), all others say that they are not (`5.0`), as in Linkerd: queries name these texts. */
function boundTexts(name: string, bounds: readonly number[]): readonly string[] {
  let found = texts.get(bounds);
  if (!found) {
    const whole = name.endsWith('_ms');
    found = bounds.map((bound) => (Number.isInteger(bound) && !whole ? `${bound}.0` : String(bound)));
    texts.set(bounds, found);
  }
  return found;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
