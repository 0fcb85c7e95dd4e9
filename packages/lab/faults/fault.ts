import type { Cidr } from './delay-line.ts';
import { LIMITS } from './limits.ts';

/** A cluster's name and all addresses that are its own: pods, nodes, services, load balancers. */
export interface Territory {
  name: string;
  cidrs: readonly Cidr[];
}

/** What can be wrong between two clusters, with its measure. */
export type Trouble =
  | { kind: 'delay'; ms: number; jitterMs: number }
  | { kind: 'loss'; percent: number }
  | { kind: 'partition' };

/** Something wrong between two clusters, in both directions. */
export type Fault = Trouble & {
  /** Names, sorted. */
  clusters: readonly [string, string];
  sinceMs: number;
  /** When it ends by itself; absent: when it is healed. */
  untilMs?: number;
};

/** The pairs that one or two names of clusters mean: one stands for it and each other. Throws a sentence for the operator. */
export function pairsOf(names: readonly string[], all: readonly string[]): [string, string][] {
  for (const name of names)
    if (!all.includes(name)) throw new Error(`there is no cluster "${name}" in this lab; there are: ${all.join(', ')}`);
  const [one = '', other] = names;
  if (other !== undefined) {
    if (one === other) throw new Error(`cluster "${one}" is whole in itself; name another one to part it from`);
    return [sorted(one, other)];
  }
  const others = all.filter((name) => name !== one);
  if (others.length === 0) throw new Error(`cluster "${one}" is the only one of this lab`);
  return others.map((name) => sorted(one, name));
}

const sorted = (a: string, b: string): [string, string] => (a < b ? [a, b] : [b, a]);

/** Faults after a new one: one of its kind between the same clusters is replaced. */
export function withTrouble(
  faults: readonly Fault[],
  trouble: Trouble,
  where: { pairs: readonly [string, string][]; nowMs: number; durationMs: number | undefined },
): Fault[] {
  const { pairs, nowMs, durationMs } = where;
  checkTrouble(trouble);
  if (durationMs !== undefined && !(durationMs > 0 && durationMs <= LIMITS.durationMsMax))
    throw new Error(`a fault lasts more than nothing and at most ${LIMITS.durationMsMax / 3_600_000} hours`);
  const kept = faults.filter(({ kind, clusters }) => kind !== trouble.kind || !isAmong(pairs, clusters));
  const ends = durationMs !== undefined && { untilMs: nowMs + durationMs };
  return [...kept, ...pairs.map((clusters): Fault => ({ ...trouble, clusters, sinceMs: nowMs, ...ends }))];
}

/** Faults that are left when those between the given pairs are undone. */
export const healed = (faults: readonly Fault[], pairs: readonly [string, string][]): Fault[] =>
  faults.filter(({ clusters }) => !isAmong(pairs, clusters));

/** Those that have not ended by themselves. */
export const current = (faults: readonly Fault[], nowMs: number): Fault[] =>
  faults.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);

const isAmong = (pairs: readonly (readonly [string, string])[], [a, b]: readonly [string, string]): boolean =>
  pairs.some(([one, other]) => one === a && other === b);

function checkTrouble(trouble: Trouble): void {
  if (trouble.kind === 'loss' && !(trouble.percent > 0 && trouble.percent <= 100))
    throw new Error(`a loss is more than 0 and at most 100 percent, not ${trouble.percent}`);
  if (trouble.kind !== 'delay') return;
  if (!(trouble.ms > 0 && trouble.ms <= LIMITS.delayMsMax))
    throw new Error(`a delay is more than 0 and at most ${LIMITS.delayMsMax} ms, not ${trouble.ms}`);
  if (!(trouble.jitterMs >= 0 && trouble.jitterMs <= trouble.ms))
    throw new Error(`a delay varies by 0 up to its own ${trouble.ms} ms, not by ${trouble.jitterMs}`);
}

/** A fault in words: `delay of 100 ms (+-20)`. */
export function describeTrouble(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'delay':
      return `delay of ${trouble.ms} ms each way${trouble.jitterMs > 0 ? `, give or take ${trouble.jitterMs} ms` : ''}`;
    case 'loss':
      return `loss of ${trouble.percent} % of packets`;
    case 'partition':
      return 'partition';
  }
}
