import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '../images/index.ts';
import { type ContainerProcess, StartError, startContainer } from './container-process.ts';
import { containerEnv, expand, hostnameOf } from './env.ts';
import { hostsFile, passwdFiles, resolvConf } from './etc-files.ts';
import type { RunningContainer } from './exec.ts';
import { LogFile } from './log-file.ts';
import type { PodContext } from './pod-context.ts';
import { prepareRootfs } from './rootfs.ts';
import { securityOf, setprivArgs } from './security.ts';
import type { AnyContainer } from './types.ts';

/** One run of a container. */
export interface Run {
  readonly process: ContainerProcess;
  readonly log: LogFile;
  /** How exec and hooks join it; the pid comes from the process. */
  readonly access: Omit<RunningContainer, 'pid'>;
  /** Attached clients. */
  readonly listeners: Set<(stream: 'stdout' | 'stderr', chunk: Uint8Array) => void>;
  /** The instance's folder. */
  readonly folder: string;
  readonly containerId: string;
}

export interface LaunchSpec {
  context: PodContext;
  container: AnyContainer;
  image: Image;
  /** Counts runs from 1; names the folder. */
  number: number;
  logPath: string;
  /** Called when everything is prepared and the program is about to start. */
  prepared(): void;
}

const SHM_BYTES = 64 * 1024 * 1024;

/** Prepares a container's files and starts its program; settles once it runs. Rejects with ConfigError or StartError. */
export async function launch(spec: LaunchSpec): Promise<Run> {
  const { context, container, image } = spec;
  const { pod, resources } = context;
  const { sandbox } = resources;
  if (!sandbox) throw new Error('the pod has no sandbox');
  const security = securityOf(pod, container, image);
  const env = containerEnv(pod, container, {
    config: context.config,
    place: resources.place,
    imageEnv: image.env ?? {},
  });
  if (!env.has('HOME')) env.set('HOME', security.uid === 0 ? '/root' : '/');
  const argv = argvOf(container, image, env);
  const workingDir = container.workingDir || image.workingDir || '/';
  const folder = join(resources.layersFolder, 'containers', container.name, String(spec.number));
  await rm(folder, { recursive: true, force: true });
  prepareRootfs({
    folder,
    template: context.template,
    image,
    security,
    binds: resources.volumes.bindsFor(pod, container, env),
    etc: {
      ...passwdFiles(security),
      hosts: hostsFile(pod, sandbox.ip, context.dns.clusterDomain),
      hostname: `${hostnameOf(pod)}\n`,
      'resolv.conf': resolvConf(pod, context.dns),
    },
    terminationMessagePath: container.terminationMessagePath || '/dev/termination-log',
    workingDir,
    shmBytes: SHM_BYTES,
  });
  spec.prepared();
  const access = { setpriv: setprivArgs(security), owner: security, env, workingDir };
  const log = new LogFile(spec.logPath);
  const listeners: Run['listeners'] = new Set();
  const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
  const sharedPid = resources.sharedPid ?? (target === undefined ? undefined : context.targetPid(target));
  const process = startContainer(
    {
      ...access,
      folder,
      namespaces: sandbox.namespaces,
      ...(sharedPid !== undefined && { sharedPid }),
      argv,
      stdin: container.stdin === true,
      tty: container.tty === true,
    },
    (stream, chunk) => {
      log.push(stream, chunk);
      for (const listener of listeners) listener(stream, chunk);
    },
  );
  const containerId = `process://${randomUUID().replaceAll('-', '')}`;
  return started({ process, log, access, listeners, folder, containerId });
}

async function started(run: Run): Promise<Run> {
  try {
    await run.process.started;
    return run;
  } catch (error) {
    await run.process.exited;
    run.log.end();
    await rm(run.folder, { recursive: true, force: true });
    throw error;
  }
}

/** The command line: `command` replaces the image's entrypoint and arguments, `args` only the arguments. */
export function argvOf(container: AnyContainer, image: Image, env: ReadonlyMap<string, string>): string[] {
  const entrypoint = container.command?.length ? container.command : image.entrypoint;
  const args = container.args?.length ? container.args : container.command?.length ? [] : (image.cmd ?? []);
  const argv = [...entrypoint, ...args].map((text) => expand(text, env));
  if (argv.length === 0) throw new StartError('no command specified');
  return argv;
}
