/**
 * Command-line flags in Go's spelling, as the charts pass them: `-name=value`, `--name value`, and `-name` alone for booleans.
 */

export interface FlagSpec {
  /** Type and default in one. */
  default: string | boolean | number;
  doc: string;
}

export type Flags<S extends Record<string, FlagSpec>> = {
  readonly [N in keyof S]: S[N]['default'] extends boolean ? boolean : S[N]['default'] extends number ? number : string;
};

/** Flags that every controller takes. */
export const COMMON_FLAGS = {
  'log-level': { default: 'info' as string, doc: 'debug, info, warn or error; a filter list is read for its level.' },
  'log-format': { default: 'plain' as string, doc: 'plain or json.' },
  kubeconfig: { default: '' as string, doc: "Path of a kubeconfig; empty: the pod's service account." },
  'enable-pprof': { default: false as boolean, doc: 'Accepted for compatibility; there is no pprof.' },
  'trace-collector': { default: '' as string, doc: 'Accepted for compatibility; controllers send no traces.' },
} as const satisfies Record<string, FlagSpec>;

/**
 * Reads `argv`. Flags of the table that are not given have their defaults. Unknown flags and malformed values are problems, one
 * sentence each; the process should not start with any.
 */
export function parseFlags<S extends Record<string, FlagSpec>>(
  argv: readonly string[],
  specs: S,
): { flags: Flags<S>; problems: string[] } {
  const values: Record<string, string | boolean | number> = {};
  for (const [name, spec] of Object.entries(specs)) values[name] = spec.default;
  const problems: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const found = /^--?([a-z0-9][-a-z0-9]*)(?:=(.*))?$/s.exec(argv[at] ?? '');
    const name = found?.[1] ?? '';
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (!found || !spec) {
      problems.push(
        `unknown argument "${argv[at]}"; flags are ${Object.keys(specs)
          .map((each) => `-${each}`)
          .join(', ')}`,
      );
      continue;
    }
    let text = found[2];
    if (text === undefined && typeof spec.default === 'boolean') text = 'true';
    if (text === undefined) {
      at += 1;
      text = argv[at];
    }
    const value = text === undefined ? undefined : readValue(text, spec);
    if (value === undefined) problems.push(`flag -${name}: expected a ${typeof spec.default}, got "${text ?? ''}"`);
    else values[name] = value;
  }
  return { flags: values as Flags<S>, problems };
}

function readValue(text: string, spec: FlagSpec): string | boolean | number | undefined {
  if (typeof spec.default === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (typeof spec.default === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  return text;
}

/** Splits a listening address such as `:8080`, `0.0.0.0:8090` or `[::]:9443`. Without host: all IPv4 addresses. */
export function parseListenAddress(text: string): { host: string; port: number } | undefined {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (!found || port > 65535) return undefined;
  return { host: found[1] ?? (found[2] || '0.0.0.0'), port };
}
