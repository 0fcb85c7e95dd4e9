import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DAEMON_SETS,
  type Gvr,
  type KubeObject,
  SERVICE_ACCOUNTS,
} from '#api/kube';
import { type Category, type Check, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

const DAEMON_SET = 'linkerd-cni';

/** What the plug-in is made of: kind, anchor, resource, name, and whether it stands in the plug-in's namespace. */
const PARTS: readonly (readonly [kind: string, anchor: string, gvr: Gvr, name: string, namespaced: boolean])[] = [
  ['ConfigMap', 'cni-plugin-cm-exists', CONFIG_MAPS, 'linkerd-cni-config', true],
  ['ClusterRole', 'cni-plugin-cr-exists', CLUSTER_ROLES, 'linkerd-cni', false],
  ['ClusterRoleBinding', 'cni-plugin-crb-exists', CLUSTER_ROLE_BINDINGS, 'linkerd-cni', false],
  ['ServiceAccount', 'cni-plugin-sa-exists', SERVICE_ACCOUNTS, 'linkerd-cni', true],
  ['DaemonSet', 'cni-plugin-ds-exists', DAEMON_SETS, DAEMON_SET, true],
];

/** The plug-in that redirects traffic instead of init containers. Skipped where it is off, unless it is asked for. */
export function cniCategory(subject: CheckSubject, asked: boolean): Category {
  const whereEnabled = async () => {
    if (!asked && !(await subject.values()).cniEnabled) throw new CheckSkipped('the CNI plug-in is not in use');
  };
  const existence = PARTS.map(
    ([kind, anchor, gvr, name, namespaced]): Check => ({
      description: `cni plugin ${kind} exists`,
      anchor,
      remedy: `The plug-in's ${kind} is there. Install it before the mesh: \`install-cni\`.`,
      severity: 'fatal',
      async run() {
        await whereEnabled();
        if (!(await subject.exists(gvr, name, namespaced ? subject.cniNamespace : undefined)))
          throw new Error(`${kind} ${name} not found${namespaced ? ` in namespace ${subject.cniNamespace}` : ''}`);
      },
    }),
  );
  return {
    name: 'linkerd-cni-plugin',
    checks: [
      ...existence,
      {
        description: 'cni plugin pod is running on all nodes',
        anchor: 'cni-plugin-ready',
        remedy:
          "The plug-in's DaemonSet is ready on every node that it is scheduled to: on others, meshed pods would not start. `kubectl -n linkerd-cni describe pods` tells what holds them up.",
        severity: 'fatal',
        retry: true,
        surface: true,
        async run() {
          await whereEnabled();
          await everywhere(subject);
        },
      },
    ],
  };
}

interface DaemonSet extends KubeObject {
  status?: { numberReady?: number; desiredNumberScheduled?: number };
}

async function everywhere(subject: CheckSubject): Promise<void> {
  const client = await subject.client();
  const { status } = await client.get<DaemonSet>(DAEMON_SETS, DAEMON_SET, subject.cniNamespace);
  const { numberReady = 0, desiredNumberScheduled: scheduled = 0 } = status ?? {};
  if (scheduled === 0 || numberReady !== scheduled)
    throw new Error(`number ready: ${numberReady}, number scheduled: ${scheduled}`);
}
