import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startContainer } from '../container-process.ts';
import { passwdFiles } from '../etc-files.ts';
import { LIMITS } from '../limits.ts';
import { prepareRootfs, type VolumeBind } from '../rootfs.ts';
import { type Security, setprivArgs } from '../security.ts';
import type { Template } from '../template.ts';

/** What a program of the node printed, and how it ended. */
export interface NodeRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT: Security = {
  uid: 0,
  gid: 0,
  groups: [],
  capabilities: ['all'],
  ambient: [],
  noNewPrivileges: false,
  readOnlyRoot: false,
  privileged: true,
};
const SHM_BYTES = 1024 * 1024;

/**
 * A node as its own programs see it: the system's folders, the node's files (those that hostPath volumes show) in their places,
 * its network, root's rights. There is no such process: it is set up for each run, 20 ms.
 */
export class NodeView {
  private readonly site: { root: string; layers: string; template: Template; net: string; hostname: string };
  private runs = 0;

  /** `root`: the node's own files. `layers` must be able to hold an overlay's upper layer. `net`: path of its network. */
  constructor(site: { root: string; layers: string; template: Template; net: string; hostname: string }) {
    this.site = site;
  }

  /** Runs a program of the node's with `binds` in addition; ends it when it takes too long. */
  async run(
    argv: readonly string[],
    options: { env: ReadonlyMap<string, string>; stdin: string; binds: readonly VolumeBind[] },
  ): Promise<NodeRun> {
    const { root, layers, template, net, hostname } = this.site;
    const folder = join(layers, `run-${++this.runs}`);
    // A process that was killed may have left one of that name.
    await rm(folder, { recursive: true, force: true });
    try {
      prepareRootfs({
        folder,
        template,
        image: { name: 'node', id: 'node', entrypoint: argv },
        security: ROOT,
        binds: [...ownFolders(root, template.folder), ...options.binds],
        etc: { ...passwdFiles(ROOT), hosts: '127.0.0.1\tlocalhost\n', hostname: `${hostname}\n`, 'resolv.conf': '' },
        terminationMessagePath: '/dev/termination-log',
        workingDir: '/',
        shmBytes: SHM_BYTES,
      });
      return await execute(folder, argv, options, net);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function execute(
  folder: string,
  argv: readonly string[],
  { env, stdin }: { env: ReadonlyMap<string, string>; stdin: string },
  net: string,
): Promise<NodeRun> {
  const said = { stdout: '', stderr: '' };
  const child = startContainer(
    {
      folder,
      namespaces: { net },
      setpriv: setprivArgs(ROOT),
      env,
      workingDir: '/',
      argv,
      owner: ROOT,
      stdin: true,
      tty: false,
    },
    (stream, chunk) => {
      if (said[stream].length < LIMITS.pluginOutputBytesMax) said[stream] += Buffer.from(chunk).toString('utf8');
    },
  );
  const timer = setTimeout(() => child.signal('SIGKILL'), LIMITS.pluginTimeoutMs);
  try {
    await child.started;
    child.write(Buffer.from(stdin));
    child.write(undefined);
    return { exitCode: await child.exited, ...said };
  } finally {
    clearTimeout(timer);
  }
}

/** The node's files that the system's folders do not have, each bound whole: /etc/cni, /opt/cni, /var/lib/cni… */
function ownFolders(root: string, template: string, path = ''): VolumeBind[] {
  mkdirSync(root, { recursive: true });
  return readdirSync(join(root, path)).flatMap((name): VolumeBind[] => {
    const here = `${path}/${name}`;
    // Those belong to the machine, whatever somebody wrote there through a hostPath.
    if (SYSTEM.has(here)) return [];
    const isShared = isFolder(join(template, here));
    if (isShared && isFolder(join(root, here))) return ownFolders(root, template, here);
    return isShared ? [] : [{ source: join(root, here), mountPath: here, readOnly: false }];
  });
}

const SYSTEM = new Set(['/proc', '/sys', '/dev', '/usr', '/bin', '/sbin', '/lib', '/lib64', '/tmp']);

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
