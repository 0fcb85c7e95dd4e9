import type { Preference } from './preference.ts';

/** What is known of one cluster's part in a service. */
export interface MemberHealth {
  /** Name of the cluster, or `local`. */
  readonly cluster: string;
  /** Endpoints that are ready, and all that are not on their way out. */
  readonly ready: number;
  readonly total: number;
  /** Its API has not answered for long: what is known of it is old. */
  readonly stale: boolean;
}

/** Where the endpoints of a cluster stand. */
export interface Placement {
  /** Level of priority: 0 is used first. */
  readonly priority: number;
  /** Factor of the weights of its endpoints. */
  readonly weight: number;
}

export interface Placements {
  /** By cluster; those that get no traffic at all are missing. */
  readonly byCluster: ReadonlyMap<string, Placement>;
  /** When to ask again although nothing changed; undefined: never. */
  readonly dueMs: number | undefined;
}

/** A level that lacked endpoints; since when it has enough again. */
interface Shortage {
  enoughSinceMs: number | undefined;
}

/**
 * Orders the clusters of one federated service, moment by moment. A level that is short of ready endpoints shares its traffic with the
 * next one, so that what is left of it is not overrun, and has it for itself again when it was well for a while. Remembers which
 * levels are short; everything else comes from the arguments.
 */
export class ClusterLevels {
  readonly #shortages = new Map<string, Shortage>();

  place(preference: Preference, members: readonly MemberHealth[], nowMs: number): Placements {
    const { staleClusters } = preference;
    const fresh = members.filter(({ stale }) => !stale || staleClusters === 'keep');
    const stale = staleClusters === 'demote' ? members.filter((each) => !fresh.includes(each)) : [];
    const { groups, dueMs } = this.#groups(preference, fresh, nowMs);
    if (stale.length > 0) groups.push(stale);
    const byCluster = new Map<string, Placement>();
    for (const [priority, group] of groups.entries())
      for (const member of group)
        byCluster.set(member.cluster, { priority, weight: weightOf(member, group, preference.weights) });
    return { byCluster, dueMs };
  }

  /** Clusters of one priority each: a level, and the ones after it for as long as it is short. */
  #groups(preference: Preference, members: readonly MemberHealth[], nowMs: number) {
    const groups: MemberHealth[][] = [];
    let dueMs: number | undefined;
    let joins = false;
    for (const [name, level] of levelsOf(preference, members)) {
      if (joins) groups.at(-1)?.push(...level);
      else groups.push([...level]);
      const { short, againMs } = this.#judge(name, level, preference, nowMs);
      joins = short;
      if (againMs !== undefined) dueMs = Math.min(dueMs ?? againMs, againMs);
    }
    return { groups, dueMs };
  }

  #judge(name: string, level: readonly MemberHealth[], { minHealthy, returnAfterMs }: Preference, nowMs: number) {
    const ready = level.reduce((sum, each) => sum + each.ready, 0);
    const total = level.reduce((sum, each) => sum + each.total, 0);
    const shortage = this.#shortages.get(name);
    if (ready === 0 || ready < minHealthy * total) {
      this.#shortages.set(name, { enoughSinceMs: undefined });
      return { short: true };
    }
    if (!shortage) return { short: false };
    shortage.enoughSinceMs ??= nowMs;
    const againMs = shortage.enoughSinceMs + returnAfterMs;
    if (nowMs < againMs) return { short: true, againMs };
    this.#shortages.delete(name);
    return { short: false };
  }
}

/** Levels that have a member here, by what they are called; those without a place in the order make the last one. */
function levelsOf({ order }: Preference, members: readonly MemberHealth[]): Map<string, MemberHealth[]> {
  const levels = new Map<string, MemberHealth[]>();
  for (const names of [...order, undefined]) {
    const level = members.filter(({ cluster }) =>
      names ? names.includes(cluster) : !order.some((each) => each.includes(cluster)),
    );
    if (level.length > 0) levels.set(names?.join('+') ?? '', level);
  }
  return levels;
}

/** Shares are of clusters: endpoints of one that has many of them count less. */
function weightOf(
  member: MemberHealth,
  group: readonly MemberHealth[],
  weights: ReadonlyMap<string, number> | undefined,
): number {
  if (!weights || member.ready === 0) return 1;
  const share = ({ cluster }: MemberHealth) => weights.get(cluster) ?? 1;
  const serving = group.filter(({ ready }) => ready > 0);
  const endpoints = serving.reduce((sum, { ready }) => sum + ready, 0);
  const shares = serving.reduce((sum, each) => sum + share(each), 0);
  return shares === 0 ? 0 : (share(member) / shares) * (endpoints / member.ready);
}
