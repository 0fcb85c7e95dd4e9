/** Cost against size as an SVG: three panels, both axes logarithmic. */
import type { Growth } from './results.ts';

const [WIDTH, HEIGHT, MARGIN, GAP] = [300, 220, 56, 30] as const;

/** CPU of a change against services, endpoints and proxies. */
export function plot(growth: Growth): string {
  const points = Object.values(growth).flat();
  const ms = points.map(({ changeCpuUs }) => changeCpuUs / 1000);
  const range = {
    min: 10 ** Math.floor(Math.log10(Math.min(...ms))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...ms))),
  };
  const panels = Object.entries(growth).map(([name, series], i) =>
    panel(name, series, range, MARGIN + i * (WIDTH + GAP)),
  );
  const width = MARGIN + panels.length * (WIDTH + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT + 70}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${MARGIN}" y="18">CPU ms of the destination service for a change of an endpoint that all proxies follow</text>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel(name: string, series: Growth['services'], range: { min: number; max: number }, left: number): string {
  const values = series.map(({ value }) => value);
  const [first, last] = [Math.min(...values), Math.max(...values)];
  const top = 30;
  const x = (value: number) => left + (Math.log(value / first) / Math.log(last / first)) * WIDTH;
  const y = (ms: number) => top + HEIGHT - (Math.log(ms / range.min) / Math.log(range.max / range.min)) * HEIGHT;
  const at = series.map(({ value, changeCpuUs }) => [x(value), y(changeCpuUs / 1000)] as const);
  const ticks: string[] = [];
  for (let ms = range.min; ms <= range.max * 1.001; ms *= 10)
    ticks.push(
      `<line x1="${left}" x2="${left + WIDTH}" y1="${y(ms)}" y2="${y(ms)}" stroke="#ddd"/>`,
      `<text x="${left - 6}" y="${y(ms) + 4}" text-anchor="end">${Number(ms.toPrecision(1))}</text>`,
    );
  return [
    ...ticks,
    ...values.map((value) => `<text x="${x(value)}" y="${top + HEIGHT + 18}" text-anchor="middle">${value}</text>`),
    `<text x="${left + WIDTH / 2}" y="${top + HEIGHT + 36}" text-anchor="middle">${name}</text>`,
    `<polyline fill="none" stroke="#06c" stroke-width="2" points="${at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')}"/>`,
    ...at.map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="#06c"/>`),
  ].join('\n');
}
