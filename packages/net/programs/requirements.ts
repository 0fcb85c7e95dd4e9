import { accessSync, constants } from 'node:fs';

/** Host program -> the Debian package that brings it. */
export const DEBIAN_PACKAGES = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  'iptables-restore': 'iptables',
  'iptables-nft-restore': 'iptables',
  'iptables-legacy-restore': 'iptables',
  conntrack: 'conntrack',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  pivot_root: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  sysctl: 'procps',
  sh: 'dash',
  curl: 'curl',
  nginx: 'nginx-light',
} as const satisfies Record<string, string>;

const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Absolute path of a host program, looked for in the caller's PATH and then in the usual system folders. */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  if (name.startsWith('/')) return isExecutable(name) ? name : undefined;
  for (const folder of new Set([...path.split(':').filter(Boolean), ...SEARCH_PATH])) {
    const candidate = `${folder}/${name}`;
    if (isExecutable(candidate)) return candidate;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not for us: both mean "look further"
  }
}

/** The Debian package that brings a program; the program's own name when the table does not know it. */
export const packageOf = (program: string): string => (DEBIAN_PACKAGES as Record<string, string>)[program] ?? program;

/**
 * What is missing of the given programs, as one sentence for the operator, or undefined when all are there:
 * `missing host programs: nft (Debian package nftables), ip (iproute2)`.
 */
export function missingPrograms(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(packageOf))].join(' ');
  return `missing host programs: ${missing.join(', ')}; on Debian: apt-get install ${packages}`;
}
