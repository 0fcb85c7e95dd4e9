import { encodeTables } from '#net/iptables';
import { HostProgramError, type RunOptions, type RunResult } from '#net/programs';
import { CaptureError, type CaptureOptions } from './options.ts';
import { captureTable, INPUT_CHAIN, OUTPUT_CHAIN } from './rules.ts';

/** Runs a host program to its end; rejects when it fails. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

type Mode = 'nft' | 'legacy' | 'plain';

const WAIT_SECONDS = '10';

const program = (family: 4 | 6, mode: Mode, tool: 'restore' | 'save'): string =>
  `ip${family === 6 ? '6' : ''}tables-${mode === 'plain' ? '' : `${mode}-`}${tool}`;

/**
 * Sets the rules up, each address family in one transaction, so that a pod is captured wholly or not at all. Running it again
 * replaces its rules and leaves all others alone. Returns what was (or would be) applied.
 */
export async function applyRules(options: CaptureOptions, run: Run): Promise<string> {
  const families = options.ipv6 ? ([4, 6] as const) : ([4] as const);
  const texts: string[] = [];
  for (const family of families) {
    const text = encodeTables([captureTable(options, family)]);
    texts.push(`# IPv${family}\n${text}`);
    if (!options.simulate) await apply(options, family, text, run);
  }
  if (!options.simulate && options.timeoutCloseWaitSecs > 0) await setCloseWait(options, run);
  return texts.join('');
}

async function apply(options: CaptureOptions, family: 4 | 6, text: string, run: Run): Promise<void> {
  const place = options.netns === undefined ? {} : { namespaces: { net: options.netns } };
  const modes: readonly Mode[] = options.iptablesMode ? [options.iptablesMode] : ['nft', 'legacy', 'plain'];
  const failures: string[] = [];
  for (const mode of modes) {
    try {
      const removals = await oldJumps(family, mode, run, place);
      const input = removals.length === 0 ? text : text.replace('-A', `${removals.join('\n')}\n-A`);
      await run(program(family, mode, 'restore'), ['--noflush', '--wait', WAIT_SECONDS], { ...place, input });
      return;
    } catch (error) {
      if (!(error instanceof HostProgramError)) throw error;
      failures.push(error.message); // another kernel interface may work
    }
  }
  if (family === 6) return; // a kernel without IPv6 has no IPv6 connections to capture
  throw new CaptureError(`the iptables rules could not be set; is NET_ADMIN allowed here? ${failures.join('; ')}`);
}

/** Jumps to our chains that an earlier run installed, as rules that delete them. */
async function oldJumps(family: 4 | 6, mode: Mode, run: Run, place: RunOptions): Promise<string[]> {
  const { stdout } = await run(program(family, mode, 'save'), ['-t', 'nat'], place);
  const jump = new RegExp(`^-A (PREROUTING|OUTPUT) .*-j (${INPUT_CHAIN}|${OUTPUT_CHAIN})$`);
  return stdout
    .split('\n')
    .filter((line) => jump.test(line))
    .map((line) => line.replace(/^-A/, '-D'));
}

async function setCloseWait(options: CaptureOptions, run: Run): Promise<void> {
  const place = options.netns === undefined ? {} : { namespaces: { net: options.netns } };
  await run(
    'sysctl',
    ['-w', `net.netfilter.nf_conntrack_tcp_timeout_close_wait=${options.timeoutCloseWaitSecs}`],
    place,
  );
}
