/** Running a network's plug-ins for one pod (CNI specification, sections 2 to 5). */
import type { NetworkList, NetworkPlugin } from './config.ts';

export type { NetworkPlugin } from './config.ts';

/** A pod's network as plug-ins are told of it. */
export interface Attachment {
  readonly containerId: string;
  /** Path of the network namespace where plug-ins run. */
  readonly netns: string;
  /** Name of the interface inside, `eth0`. */
  readonly ifName: string;
  /** `CNI_ARGS`, e.g. K8S_POD_NAME. */
  readonly args: Readonly<Record<string, string>>;
  /** What plug-ins may ask for by their capabilities, e.g. portMappings. */
  readonly capabilityArgs: Readonly<Record<string, unknown>>;
}

/** What a plug-in answers to ADD; of interest here: the addresses. */
export interface CniResult {
  readonly cniVersion?: string;
  readonly ips?: readonly { readonly address: string; readonly gateway?: string; readonly [key: string]: unknown }[];
  readonly [key: string]: unknown;
}

export type Command = 'ADD' | 'CHECK' | 'DEL';

/** One call of a plug-in. */
export interface PluginCall {
  readonly type: string;
  readonly command: Command;
  readonly attachment: Attachment;
  /** What it reads on standard input. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Calls a plug-in; its answer, if any. @throws PluginError */
export type RunPlugin = (call: PluginCall) => Promise<CniResult | undefined>;

/** A plug-in that failed, in the words that runtimes use: `plugin type="a" failed (add): why`. */
export class PluginError extends Error {
  override readonly name = 'PluginError';

  constructor(type: string, command: Command, why: string) {
    super(`plugin type="${type}" failed (${command.toLowerCase()}): ${why}`);
  }
}

/** Asks all plug-ins in order; each gets the result of the one before. Gives the last one's. */
export async function addNetwork(list: NetworkList, attachment: Attachment, run: RunPlugin): Promise<CniResult> {
  let result: CniResult | undefined;
  for (const plugin of list.plugins) {
    const config = configOf(list, plugin, attachment, result);
    const answer = await run({ type: plugin.type, command: 'ADD', attachment, config });
    if (!answer) throw new PluginError(plugin.type, 'ADD', 'it printed no result');
    result = answer;
  }
  return result ?? {};
}

/** Asks all plug-ins in order whether the network is as they left it. `result` is what ADD gave. */
export async function checkNetwork(
  list: NetworkList,
  attachment: Attachment,
  result: CniResult,
  run: RunPlugin,
): Promise<void> {
  if (list.disableCheck || !since(list.cniVersion, 4)) return;
  for (const plugin of list.plugins)
    await run({ type: plugin.type, command: 'CHECK', attachment, config: configOf(list, plugin, attachment, result) });
}

/**
 * Asks all plug-ins in reverse to undo what they did; `result` is what ADD gave, if it came so far. All are asked, whatever
 * some say. Gives what failed.
 */
export async function deleteNetwork(
  list: NetworkList,
  attachment: Attachment,
  result: CniResult | undefined,
  run: RunPlugin,
): Promise<PluginError[]> {
  const failures: PluginError[] = [];
  for (const plugin of [...list.plugins].reverse()) {
    const known = since(list.cniVersion, 4) ? result : undefined;
    try {
      await run({ type: plugin.type, command: 'DEL', attachment, config: configOf(list, plugin, attachment, known) });
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

/** The execution configuration: name and version of the network, what capabilities ask for, and the result so far. */
function configOf(
  { name, cniVersion }: NetworkList,
  { capabilities, ...plugin }: NetworkPlugin,
  { capabilityArgs }: Attachment,
  prevResult: CniResult | undefined,
): Record<string, unknown> {
  const wanted = Object.entries(capabilityArgs).filter(([key]) => capabilities?.[key] === true);
  return {
    ...plugin,
    name,
    cniVersion,
    ...(wanted.length > 0 && { runtimeConfig: Object.fromEntries(wanted) }),
    ...(prevResult && { prevResult }),
  };
}

/** Whether a version is 0.`minor` or later. */
const since = (version: string, minor: number): boolean => {
  const [major = 0, seen = 0] = version.split('.').map(Number);
  return major > 0 || seen >= minor;
};
