import type { Level } from './log.ts';

/** Decides by target and level; the most specific directive wins. */
export interface Filter {
  readonly text: string;
  enabled(target: string, level: Level): boolean;
}

const RANK: Record<Level | 'off', number> = { off: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 };

/**
 * Reads `off`, `info`, `warn,linkerd=info,hickory=error` and the like. Directives about spans (`[{headers}]=off`) are accepted
 * and without effect: we have no spans. Gives an error text for anything else.
 */
export function parseFilter(text: string): { value: Filter } | { error: string } {
  let fallback = RANK.error;
  const targets: { prefix: string; rank: number }[] = [];
  for (const part of text.split(',').map((item) => item.trim())) {
    if (part === '' || part.startsWith('[')) continue;
    const [target = '', level] = part.split('=');
    const rank = RANK[(level ?? target).toLowerCase() as Level];
    if (rank === undefined && level !== undefined) return { error: `${JSON.stringify(part)} is no log directive` };
    if (rank === undefined) {
      if (!/^[\w:.]+$/.test(target)) return { error: `${JSON.stringify(part)} is no log directive` };
      targets.push({ prefix: target, rank: RANK.trace });
    } else if (level === undefined) fallback = rank;
    else targets.push({ prefix: target.split('[')[0] ?? '', rank });
  }
  targets.sort((a, b) => b.prefix.length - a.prefix.length);
  return {
    value: {
      text,
      enabled(target, level) {
        for (const directive of targets) if (target.startsWith(directive.prefix)) return RANK[level] <= directive.rank;
        return RANK[level] <= fallback;
      },
    },
  };
}
