/** Costs against the number of linked clusters as an SVG: a panel each, a line for each mode, both axes from nothing. */
import type { Costs } from './results.ts';
import type { Cost } from './run.ts';

const [WIDTH, HEIGHT, MARGIN, GAP, TOP] = [200, 160, 40, 60, 40] as const;
const COLOURS = { flat: '#06c', federated: '#c60', gateway: '#393' } as const;
const PANELS: readonly [title: string, of: (cost: Cost) => number][] = [
  ['sync, s', ({ syncMs }) => syncMs / 1000],
  ['mirrors: CPU, s', ({ mirrorsCpuSeconds }) => mirrorsCpuSeconds],
  ['mirrors: PSS added, MB', ({ mirrorsGrowthMB }) => mirrorsGrowthMB],
  ['destination: CPU, s', ({ destinationCpuSeconds }) => destinationCpuSeconds],
  ['destination: PSS added, MB', ({ destinationGrowthMB }) => destinationGrowthMB],
];

/** A straight line through the corner is a cost that grows with the clusters. */
export function plot(costs: Costs): string {
  const width = MARGIN + PANELS.length * (WIDTH + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${TOP + HEIGHT + 50}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...Object.entries(COLOURS).map(
      ([mode, colour], i) => `<text x="${MARGIN + i * 80}" y="16" fill="${colour}">${mode}</text>`,
    ),
    ...PANELS.map(([title, of], i) => panel(title, of, costs, MARGIN + i * (WIDTH + GAP))),
    '</svg>',
    '',
  ].join('\n');
}

function panel(title: string, of: (cost: Cost) => number, costs: Costs, left: number): string {
  const all = Object.values(costs).flat();
  const largest = { clusters: Math.max(...all.map(({ clusters }) => clusters)), cost: Math.max(...all.map(of)) };
  const bottom = TOP + HEIGHT;
  const x = (clusters: number) => left + (clusters / largest.clusters) * WIDTH;
  const y = (cost: number) => bottom - (Math.max(0, cost) / largest.cost) * HEIGHT;
  const ticks = [...new Set(all.map(({ clusters }) => clusters))].map(
    (clusters) => `<text x="${x(clusters)}" y="${bottom + 16}" text-anchor="middle">${clusters}</text>`,
  );
  const lines = Object.entries(costs).map(([mode, series]) => {
    const colour = COLOURS[mode as keyof typeof COLOURS];
    const at = series.map((cost) => `${x(cost.clusters).toFixed(1)},${y(of(cost)).toFixed(1)}`);
    const dots = at.map((point) => {
      const [cx, cy] = point.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`;
    });
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${at.join(' ')}"/>${dots.join('')}`;
  });
  return [
    `<path d="M${left} ${TOP}V${bottom}H${left + WIDTH}" fill="none" stroke="#999"/>`,
    `<text x="${left - 4}" y="${TOP + 4}" text-anchor="end">${Number(largest.cost.toPrecision(2))}</text>`,
    ...ticks,
    `<text x="${left + WIDTH / 2}" y="${bottom + 34}" text-anchor="middle">${title}</text>`,
    ...lines,
  ].join('\n');
}
