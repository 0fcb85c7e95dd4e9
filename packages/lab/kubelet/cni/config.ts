/** Network configurations of a node (CNI specification, section 1; which file counts: as container runtimes do). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One plug-in of a network: its configuration without what the runtime adds. */
export interface NetworkPlugin {
  /** Name of the program in /opt/cni/bin. */
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** A network: plug-ins in the order of ADD. */
export interface NetworkList {
  readonly name: string;
  readonly cniVersion: string;
  readonly disableCheck: boolean;
  readonly plugins: readonly NetworkPlugin[];
}

/** No network is configured, so that no pod with a network of its own can start. */
export class NetworkNotReadyError extends Error {
  override readonly name = 'NetworkNotReadyError';

  constructor() {
    super(
      'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    );
  }
}

/** Versions of the specification that are spoken here. */
const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const SUFFIXES = ['.conf', '.conflist', '.json'];

/**
 * The network of a node: that of the first file by name that can be read. `remark` hears of those that cannot.
 * @throws NetworkNotReadyError where there is none
 */
export function readNetwork(folder: string, remark: (text: string) => void): NetworkList {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const name of names.filter((each) => SUFFIXES.some((suffix) => each.endsWith(suffix)))) {
    try {
      return parseNetwork(readFileSync(join(folder, name), 'utf8'), name.endsWith('.conflist'));
    } catch (error) {
      remark(`network configuration ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new NetworkNotReadyError();
}

/** Reads a list, or a single plug-in as a list of one. @throws Error that says what is wrong */
export function parseNetwork(text: string, isList: boolean): NetworkList {
  const given = JSON.parse(text) as unknown;
  if (!isRecord(given)) throw new Error('expected a JSON object');
  const { name, cniVersion = '0.3.1', disableCheck = false } = given;
  if (typeof name !== 'string' || !NAME.test(name)) throw new Error(`invalid network name ${JSON.stringify(name)}`);
  if (typeof cniVersion !== 'string' || !VERSIONS.includes(cniVersion))
    throw new Error(`cniVersion ${JSON.stringify(cniVersion)} is none of ${VERSIONS.join(', ')}`);
  const plugins = isList ? given['plugins'] : [withoutNetwork(given)];
  if (!Array.isArray(plugins) || plugins.length === 0) throw new Error('no plugins in the list');
  return { name, cniVersion, disableCheck: disableCheck === true, plugins: plugins.map(checkPlugin) };
}

function checkPlugin(given: unknown, index: number): NetworkPlugin {
  if (!isRecord(given)) throw new Error(`plugins[${index}]: expected a JSON object`);
  const { type } = given;
  // The type is a file's name below a fixed folder.
  if (typeof type !== 'string' || !NAME.test(type))
    throw new Error(`plugins[${index}]: invalid type ${JSON.stringify(type)}`);
  return { ...given, type };
}

function withoutNetwork({
  name: _name,
  cniVersion: _version,
  disableCheck: _check,
  ...plugin
}: Record<string, unknown>) {
  return plugin;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
