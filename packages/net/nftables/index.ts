/** nftables: one script, one transaction. */
import { run } from '../programs/index.ts';

/** Applies a script as one transaction in a network namespace (absent: our own). Nothing changes when it is refused. */
export async function applyNft(script: string, netPath?: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: script, ...(netPath !== undefined && { namespaces: { net: netPath } }) });
}

/** The whole rule set of a namespace as text; for tests and diagnosis. */
export async function listNft(netPath?: string): Promise<string> {
  const result = await run('nft', ['list', 'ruleset'], netPath === undefined ? {} : { namespaces: { net: netPath } });
  return result.stdout;
}
