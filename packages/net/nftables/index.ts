/** nftables: one script, one transaction. */
import { findProgram, run } from '../programs/index.ts';

/** Applies a script as one transaction in a network namespace (absent: our own). Nothing changes when it is refused. */
export async function applyNft(script: string, netPath?: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: script, ...(netPath !== undefined && { namespaces: { net: netPath } }) });
}

/** The whole rule set of a namespace as text; for tests and diagnosis. */
export async function listNft(netPath?: string): Promise<string> {
  const result = await run('nft', ['list', 'ruleset'], netPath === undefined ? {} : { namespaces: { net: netPath } });
  return result.stdout;
}

/** Where flows went before their address was translated. */
export interface FlowTarget {
  ip: string;
  port: number;
  protocol: 'tcp' | 'udp';
}

/** Whether {@link forgetFlows} can work on this host. */
export const canForgetFlows = (): boolean => findProgram('conntrack') !== undefined;

/** Drops the kernel's memory of flows to a target, so that their next packet is translated anew. Needs program conntrack. */
export async function forgetFlows({ ip, port, protocol }: FlowTarget, netPath?: string): Promise<void> {
  const args = ['-D', '-p', protocol, '--orig-dst', ip, '--orig-port-dst', String(port)];
  // Exit code 1: there were none.
  await run('conntrack', args, { okCodes: [0, 1], ...(netPath !== undefined && { namespaces: { net: netPath } }) });
}
