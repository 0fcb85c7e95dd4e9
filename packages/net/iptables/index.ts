/** iptables: whole tables in one call of iptables-restore, by either of its two kernel interfaces. */
import { HostProgramError, run } from '../programs/index.ts';

/** Which kernel interface the rules go through. `plain` is whatever the host's alternative points to. */
export type IptablesVariant = 'nft' | 'legacy' | 'plain';

const RESTORE: Readonly<Record<IptablesVariant, string>> = {
  nft: 'iptables-nft-restore',
  legacy: 'iptables-legacy-restore',
  plain: 'iptables-restore',
};

export interface RestoreOptions {
  variant?: IptablesVariant;
  /** Keep rules that the text does not mention. */
  noFlush?: boolean;
  /** Seconds to wait for the lock of the legacy interface. */
  waitSeconds?: number;
  netPath?: string;
}

/** One table for iptables-restore: chains to make or flush, and rules in order (without the `-t`). */
export interface IptablesTable {
  table: 'nat' | 'filter' | 'mangle' | 'raw';
  chains: readonly string[];
  /** E.g. `-A PREROUTING -p tcp -j PROXY_INIT_REDIRECT`. */
  rules: readonly string[];
}

/** The text that iptables-restore reads. */
export function encodeTables(tables: readonly IptablesTable[]): string {
  const section = ({ table, chains, rules }: IptablesTable): string =>
    [`*${table}`, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
  return tables.map(section).join('');
}

/** Applies whole tables; each table is one transaction. */
export async function restoreIptables(tables: readonly IptablesTable[], options: RestoreOptions = {}): Promise<void> {
  const program = RESTORE[options.variant ?? 'plain'];
  const args = [...(options.noFlush ? ['--noflush'] : []), '--wait', String(options.waitSeconds ?? 10)];
  const namespaces = options.netPath === undefined ? {} : { namespaces: { net: options.netPath } };
  await run(program, args, { input: encodeTables(tables), ...namespaces });
}

/** The variant that works here: nft when its program and the kernel agree, else legacy. */
export async function detectVariant(netPath?: string): Promise<IptablesVariant> {
  for (const variant of ['nft', 'legacy'] as const) {
    try {
      await restoreIptables([{ table: 'nat', chains: [], rules: [] }], {
        variant,
        noFlush: true,
        ...(netPath !== undefined && { netPath }),
      });
      return variant;
    } catch (error) {
      if (!(error instanceof HostProgramError)) throw error; // this variant is missing or refused: try the next
    }
  }
  return 'plain';
}
