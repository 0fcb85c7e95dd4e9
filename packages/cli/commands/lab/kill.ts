import type { Command } from 'commander';
import { PODS, type Pod } from '#api/kube';
import { createKubeClient, isNotFound } from '#kube/client';
import { loadAccess } from '#kube/config';
import { type Killed, killCluster, killContainers, labFolders, labStatus } from '#lab/supervisor';
import { type CliContext, UserError } from '../../context.ts';
import { type LabFlags, said } from './lab-flags.ts';

interface KillFlags extends LabFlags {
  cluster?: string;
}

/** A pod by its name, and a container in it. */
export interface PodTarget {
  namespace: string;
  pod: string;
  container?: string;
}

const HELP = `
Names:
  NS/POD            all containers of a pod
  NS/POD/CONTAINER  one of them
  CLUSTER           the process of a cluster: API server, controllers, DNS and kubelets, and all its containers with it
What is killed comes back as it would after a crash: containers by their pod's restart policy, a cluster within a second or two.`;

/** `lab kill`. */
export function addKill(command: Command, { io }: CliContext): void {
  command
    .description('Kill (-9) the processes of a pod, a container or a cluster, to see what a crash does')
    .argument('<name>', 'NS/POD, NS/POD/CONTAINER or CLUSTER')
    .option('--cluster <cluster>', 'Cluster of the pod, where several have one of that name')
    .addHelpText('after', HELP)
    .action(async (name: string, flags: KillFlags) => {
      const clusters = clusterNames(flags);
      const target = readTarget(name, clusters);
      if (typeof target === 'string') {
        if (flags.cluster !== undefined)
          throw new UserError('--cluster is for pods; a cluster is killed by its name alone');
        await said(() => killCluster(flags, target));
        return io.out(`killed cluster ${target}\n`);
      }
      const { cluster, uid } = await findPod(target, flags, clusters);
      const { container } = target;
      const killed = await said(() => killContainers(flags, { uid, ...(container !== undefined && { container }) }));
      io.out(killedText(killed, `${target.namespace}/${target.pod}`, cluster));
    });
}

function clusterNames(flags: LabFlags): string[] {
  const report = labStatus(flags);
  if (!report?.running) throw new UserError(`lab "${flags.name}" is not running; "weft lab up" starts it`);
  return report.clusters.map(({ name }) => name);
}

/** What a name stands for: a cluster of the lab, or a pod. @throws UserError */
export function readTarget(name: string, clusters: readonly string[]): string | PodTarget {
  const [namespace = '', pod, container, ...more] = name.split('/');
  if (pod === undefined) {
    if (clusters.includes(namespace)) return namespace;
    throw new UserError(
      `there is no cluster "${name}" in this lab (there are: ${clusters.join(', ')}); a pod is named NS/POD`,
    );
  }
  if (namespace === '' || pod === '' || container === '' || more.length > 0)
    throw new UserError(`"${name}" is none of NS/POD, NS/POD/CONTAINER and CLUSTER`);
  return { namespace, pod, ...(container !== undefined && { container }) };
}

async function findPod(
  target: PodTarget,
  flags: KillFlags,
  clusters: readonly string[],
): Promise<{ cluster: string; uid: string }> {
  const { cluster: wanted } = flags;
  if (wanted !== undefined && !clusters.includes(wanted))
    throw new UserError(`there is no cluster "${wanted}" in this lab; there are: ${clusters.join(', ')}`);
  const { kubeconfig } = labFolders(flags.name, flags.root);
  const asked = wanted === undefined ? clusters : [wanted];
  const looked = await Promise.allSettled(
    asked.map(async (cluster) => ({ cluster, pod: await podIn(kubeconfig, cluster, target) })),
  );
  const [found, ...others] = looked.flatMap((each) =>
    each.status === 'fulfilled' && each.value.pod ? [{ cluster: each.value.cluster, pod: each.value.pod }] : [],
  );
  const name = `${target.namespace}/${target.pod}`;
  // A cluster that does not answer matters only when no other has the pod.
  for (const each of looked) if (!found && each.status === 'rejected') throw each.reason;
  if (!found) throw new UserError(`there is no pod ${name} in ${asked.join(', ')}`);
  if (others.length > 0) {
    const all = [found, ...others].map(({ cluster }) => cluster).join(', ');
    throw new UserError(`several clusters have a pod ${name} (${all}); choose one with --cluster`);
  }
  const { initContainers = [], containers = [], ephemeralContainers = [] } = found.pod.spec ?? {};
  const names = [...initContainers, ...containers, ...ephemeralContainers].map((each) => each.name);
  if (target.container !== undefined && !names.includes(target.container))
    throw new UserError(`pod ${name} has no container "${target.container}"; it has: ${names.join(', ')}`);
  return { cluster: found.cluster, uid: found.pod.metadata.uid ?? '' };
}

async function podIn(kubeconfig: string, context: string, { namespace, pod }: PodTarget): Promise<Pod | undefined> {
  const client = createKubeClient(await loadAccess({ kubeconfig, context }));
  try {
    return await client.get<Pod>(PODS, pod, namespace);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw new UserError(`cluster ${context} did not answer: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    client.close();
  }
}

function killedText(killed: readonly Killed[], pod: string, cluster: string): string {
  if (killed.length === 0) throw new UserError(`nothing of pod ${pod} in cluster ${cluster} runs at the moment`);
  return killed
    .map(({ container, pids }) => `killed ${pod}/${container} in cluster ${cluster} (${pids.length} processes)\n`)
    .join('');
}
