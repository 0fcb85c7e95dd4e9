import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The node's side of an installation: executable, kubeconfig, and the plug-in's place in the network configurations. */

export interface InstallerFiles {
  /** Folder of plug-ins and of configurations, as we see them. */
  binDir: string;
  netDir: string;
  /** The second as the node's runtime sees it. */
  hostNetDir: string;
}

/** Folders from the installer's environment. */
export function installerFiles(env: NodeJS.ProcessEnv): InstallerFiles {
  const prefix = env['CONTAINER_MOUNT_PREFIX'] ?? '/host';
  const hostNetDir = env['DEST_CNI_NET_DIR'] || '/etc/cni/net.d';
  return {
    binDir: join(prefix, env['DEST_CNI_BIN_DIR'] || '/opt/cni/bin'),
    netDir: join(prefix, hostNetDir),
    hostNetDir,
  };
}

interface PluginConfig {
  type?: string;
  [field: string]: unknown;
}
interface NetworkList {
  cniVersion?: string;
  name?: string;
  plugins?: PluginConfig[];
  [field: string]: unknown;
}

const TYPE = 'linkerd-cni';
const KUBECONFIG = 'ZZZ-linkerd-cni-kubeconfig';
/** Of a list that wraps a configuration of one plug-in. */
const WRAPPER = { name: 'k8s-pod-network', cniVersion: '0.3.1' };

export class NodeInstallation {
  readonly #files: InstallerFiles;
  /** The plug-in's own configuration, without the path of the kubeconfig. */
  readonly #config: PluginConfig;
  readonly #log: (text: string) => void;

  constructor(files: InstallerFiles, config: object, log: (text: string) => void) {
    this.#files = files;
    this.#log = log;
    this.#config = {
      ...config,
      name: TYPE,
      type: TYPE,
      kubernetes: { kubeconfig: join(files.hostNetDir, KUBECONFIG) },
    };
  }

  /** Puts the program in its place; a plug-in that is being run goes on. */
  async installProgram(program: string): Promise<void> {
    const { binDir } = this.#files;
    await mkdir(binDir, { recursive: true });
    const path = join(binDir, TYPE);
    const making = join(binDir, `.${TYPE}.${process.pid}`);
    await copyFile(program, making);
    await chmod(making, 0o755);
    await rename(making, path);
    this.#log(`installed ${path}`);
  }

  /** Writes the file by which the plug-in reaches the API server, if it is not there like that. */
  async writeKubeconfig(text: string): Promise<void> {
    await this.#write(KUBECONFIG, text, 0o600);
  }

  /**
   * Makes the plug-in the last one of every network configuration, if it is not. Files that cannot be read are logged and left
   * alone: their owner may be writing them. Returns how many files have it now.
   */
  async configure(): Promise<number> {
    let count = 0;
    for (const name of await this.#configurations()) {
      try {
        await this.#configureFile(name);
        count += 1;
      } catch (error) {
        this.#log(`${name}: ${(error as Error).message}`);
      }
    }
    return count;
  }

  /** Takes the plug-in out of every configuration, then removes its files. */
  async remove(): Promise<void> {
    for (const name of await this.#configurations()) {
      try {
        const list = await this.#readList(name);
        const plugins = (list.plugins ?? []).filter(({ type }) => type !== TYPE);
        if (plugins.length !== list.plugins?.length) await this.#write(name, print({ ...list, plugins }), 0o644);
      } catch (error) {
        this.#log(`${name}: ${(error as Error).message}`);
      }
    }
    await rm(join(this.#files.netDir, KUBECONFIG), { force: true });
    await rm(join(this.#files.binDir, TYPE), { force: true });
  }

  async #configurations(): Promise<string[]> {
    const names = await readdir(this.#files.netDir);
    return names.filter((name) => /\.conf(list)?$/.test(name) && !name.startsWith('.')).sort();
  }

  async #configureFile(name: string): Promise<void> {
    const list = await this.#readList(name);
    const others = (list.plugins ?? []).filter(({ type }) => type !== TYPE);
    if (others.length === 0) throw new Error('there is no plug-in that makes a network');
    const target = name.endsWith('.conf') ? `${name}list` : name;
    await this.#write(target, print({ ...list, plugins: [...others, this.#config] }), 0o644);
    // Only now: the runtime always finds one of them.
    if (target !== name) await rm(join(this.#files.netDir, name));
  }

  /** A list, or the one plug-in of a `.conf` as a list. */
  async #readList(name: string): Promise<NetworkList> {
    const value = JSON.parse(await readFile(join(this.#files.netDir, name), 'utf8')) as NetworkList;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected a JSON object');
    if (!name.endsWith('.conf')) return value;
    return { ...WRAPPER, plugins: [value as PluginConfig] };
  }

  async #write(name: string, text: string, mode: number): Promise<void> {
    const path = join(this.#files.netDir, name);
    if ((await digestOf(path)) === digest(text)) return;
    const making = join(this.#files.netDir, `.${name}.${process.pid}.tmp`);
    await writeFile(making, text, { mode });
    await rename(making, path);
    this.#log(`wrote ${path}`);
  }
}

const print = (list: NetworkList): string => `${JSON.stringify(list, null, 2)}\n`;
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

async function digestOf(path: string): Promise<string | undefined> {
  try {
    await stat(path);
  } catch {
    return undefined; // not there yet
  }
  return digest(await readFile(path, 'utf8'));
}
