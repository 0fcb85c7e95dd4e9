import { findProgram, HostProgramError } from '#net/programs';
import { labFolders } from './folders.ts';
import { runningLab } from './running.ts';

/** What a shell on the host needs to use a lab. */
export interface LabEnvironment {
  KUBECONFIG: string;
  PATH: string;
}

/** A lab's folders and its first process. Throws a sentence for the operator when the lab does not run. */
export function requireRunning(options: { name: string; root: string }) {
  const folders = labFolders(options.name, options.root);
  const lab = runningLab(folders);
  if (lab?.rootPid === undefined) throw new Error(`lab "${options.name}" is not running; "weft lab up" starts it`);
  return { folders, rootPid: lab.rootPid };
}

/** Environment for the host: kubeconfig over loopback and a PATH with the lab's commands first. */
export function labEnvironment(options: { name: string; root: string; path: string }): LabEnvironment {
  const { folders } = requireRunning(options);
  return { KUBECONFIG: folders.kubeconfig, PATH: `${folders.bin}:${options.path}` };
}

/** In the lab's mount namespace only: names resolve by the first cluster's DNS. */
const SHELL_SCRIPT = `
resolv=$1; shift
target=$(readlink -f /etc/resolv.conf 2>/dev/null || echo /etc/resolv.conf)
[ -e "$target" ] || { mkdir -p "$(dirname "$target")" && : > "$target"; } 2>/dev/null
mount --bind "$resolv" "$target" 2>/dev/null || echo "weft: names of the lab will not resolve here: /etc/resolv.conf cannot be replaced" >&2
exec "$@"
`;

/** Command line that runs `argv` inside a lab, where every pod, service address and API server is reachable. */
export function labShellArgv(
  options: { name: string; root: string; path: string },
  argv: readonly string[],
): { argv: string[]; env: Record<string, string> } {
  const { folders, rootPid } = requireRunning(options);
  const program = (name: string): string => {
    const path = findProgram(name);
    if (!path) throw HostProgramError.missing(name);
    return path;
  };
  const enter = [program('nsenter'), `--target=${rootPid}`, '--mount', '--net', '--ipc', '--uts', '--pid', '--'];
  // A mount namespace of its own, so that the host's /etc and other shells stay as they are.
  const own = [
    program('unshare'),
    '--mount',
    '--propagation',
    'private',
    '--',
    program('sh'),
    '-c',
    SHELL_SCRIPT,
    'lab-shell',
  ];
  return {
    argv: [...enter, ...own, folders.resolvConf, ...argv],
    env: { KUBECONFIG: folders.insideKubeconfig, PATH: `${folders.bin}:${options.path}` },
  };
}
