import type { DelayedPair } from './delay-line.ts';
import type { Fault, Territory } from './fault.ts';

/** The table's name in the lab's root; nothing else lives in it. */
export const TABLE = 'lab-faults';

/** Set on packets that shall travel by the delay line. */
export const DELAY_MARK = '0x10000';
/** Routing table that leads to the delay line. */
export const DELAY_ROUTES = 100;
/** Names of delay lines' interfaces begin like this; their packets have been through. */
export const DELAY_DEVICES = 'delay';

/** Before connections are tracked: what is lost here was never seen, what is delayed is seen when it comes out. */
const PRIORITY = -310;
/** Loss is drawn among so many, which is exact to the hundredth of a percent. */
const DRAWS = 10_000;

const ORDER: Readonly<Record<Fault['kind'], number>> = { partition: 0, loss: 1, delay: 2 };

/** The nft script that puts faults (and no others) in force in the lab's root, in one transaction. Pure. */
export function faultScript(faults: readonly Fault[], territories: readonly Territory[], nowMs: number): string {
  const sets: string[] = [];
  const rules: string[] = [];
  const inOrder = [...faults].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  inOrder.forEach((fault, index) => {
    for (const [from, to] of directionsOf(fault, territories)) {
      const name = `until-${index}-${to.name}`;
      if (fault.untilMs !== undefined) sets.push(endingSet(name, to, fault.untilMs - nowMs));
      const destination = fault.untilMs === undefined ? `{ ${to.cidrs.join(', ')} }` : `@${name}`;
      rules.push(`ip saddr { ${from.cidrs.join(', ')} } ip daddr ${destination} ${verdictOf(fault)}`);
    }
  });
  const clean = [`add table ip ${TABLE}`, `delete table ip ${TABLE}`];
  if (rules.length === 0) return `${clean.join('\n')}\n`;
  const body = [
    ...sets,
    '  chain passing {',
    `    type filter hook prerouting priority ${PRIORITY};`,
    `    iifname "${DELAY_DEVICES}*" accept;`,
    ...rules.map((rule) => `    ${rule};`),
    '  }',
  ];
  return `${[...clean, `table ip ${TABLE} {`, ...body, '}'].join('\n')}\n`;
}

function directionsOf({ clusters }: Fault, territories: readonly Territory[]): [Territory, Territory][] {
  const [a, b] = clusters.map((name) => territories.find((each) => each.name === name));
  if (!a || !b) throw new Error(`a fault between ${clusters.join(' and ')}, of which one is not in this lab`);
  return [
    [a, b],
    [b, a],
  ];
}

/** Its elements leave by themselves, and with them what the rule meets. */
const endingSet = (name: string, { cidrs }: Territory, leftMs: number): string => {
  const elements = cidrs.map((cidr) => `${cidr} timeout ${Math.max(1, Math.round(leftMs))}ms`).join(', ');
  return `  set ${name} { type ipv4_addr; flags interval, timeout; elements = { ${elements} }; }`;
};

function verdictOf(fault: Fault): string {
  switch (fault.kind) {
    case 'partition':
      return 'drop';
    case 'loss': {
      const lost = Math.max(1, Math.round((fault.percent / 100) * DRAWS));
      return lost < DRAWS ? `numgen random mod ${DRAWS} < ${lost} drop` : 'drop';
    }
    case 'delay':
      return `meta mark set meta mark | ${DELAY_MARK} notrack`;
  }
}

/** What the delay line has to know of faults. */
export const delayedPairs = (faults: readonly Fault[], territories: readonly Territory[]): DelayedPair[] =>
  faults.flatMap((fault) => {
    const [direction] = directionsOf(fault, territories);
    if (fault.kind !== 'delay' || !direction) return [];
    const [a, b] = direction;
    return [{ between: [a.cidrs, b.cidrs], ms: fault.ms, jitterMs: fault.jitterMs }];
  });
