import { DEPLOYMENTS, type KubeObject, type Pod } from '#api/kube';
import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';
import { COMPONENT } from './existence.ts';
import { containerReady, hasProxy, isFinished, PROXY, phaseOf, proxyVersion } from './pods.ts';
import type { CheckSubject } from './subject.ts';
import { behind, latestOf, proxyVersionChecks, type VersionOf, type Versions } from './versions.ts';

export const controlPlaneVersionCategory = (subject: CheckSubject, versions: Versions): Category => ({
  name: 'control-plane-version',
  checks: [
    {
      description: 'can retrieve the control plane version',
      anchor: 'l5d-version-control',
      remedy: 'The settings of the installation can be read and name its version. Look at ConfigMap linkerd-config.',
      severity: 'fatal',
      retry: true,
      run: async () => void (await subject.values()),
    },
    {
      description: 'control plane is up-to-date',
      anchor: 'l5d-version-control',
      remedy: 'The control plane is of the version given by --expected-version; left out without it. Upgrade the mesh.',
      severity: 'warning',
      async run() {
        const latest = latestOf(versions);
        const problem = behind((await subject.values()).linkerdVersion, latest);
        if (problem !== undefined) throw new Error(problem);
      },
    },
    {
      description: 'control plane and cli versions match',
      anchor: 'l5d-version-control',
      remedy:
        "The control plane is of this program's version. Upgrade the mesh, or use the program of the installed version.",
      severity: 'warning',
      async run() {
        const { linkerdVersion } = await subject.values();
        if (linkerdVersion !== versions.cliVersion)
          throw new Error(`control plane running ${linkerdVersion} but cli running ${versions.cliVersion}`);
      },
    },
  ],
});

const componentPods = (subject: CheckSubject): Promise<Pod[]> =>
  subject.pods({ namespace: subject.namespace, labelSelector: COMPONENT });

export const controlPlaneProxyCategory = (subject: CheckSubject, versions: Versions): Category => ({
  name: 'linkerd-control-plane-proxy',
  checks: proxyChecks('control plane', 'l5d-cp-proxy', () => componentPods(subject), versions),
});

/** Proxies of some pods: healthy, of the latest version, of this program's. `retry`: whether those that are not healthy are waited for. */
export function proxyChecks(
  whose: string,
  anchor: string,
  pods: () => Promise<Pod[]>,
  versions: Versions,
  { severity = 'fatal', retry = true }: { severity?: 'fatal' | 'warning'; retry?: boolean } = {},
): Check[] {
  return [
    {
      description: `${whose} proxies are healthy`,
      anchor: `${anchor}-healthy`,
      remedy: `Each running pod of the ${whose} has a proxy, and it is ready. \`kubectl logs -c linkerd-proxy\` of the pod that is named tells what it waits for.`,
      severity,
      retry,
      surface: severity === 'fatal',
      run: async () => proxiesHealthy(await pods()),
    },
    ...proxyVersionChecks(
      whose,
      { upToDate: severity === 'fatal' ? `${anchor}-version` : `${anchor}-cp-version`, match: `${anchor}-cli-version` },
      { upToDate: `${whose} proxies are up-to-date`, match: `${whose} proxies and cli versions match` },
      async () => versionsOf(await pods()),
      versions,
    ),
  ];
}

/** The versions of the pods' proxies. */
export const versionsOf = (pods: readonly Pod[]): VersionOf[] =>
  pods.map((pod) => ({ name: `${pod.metadata.namespace}/${pod.metadata.name}`, version: proxyVersion(pod) }));

/** Running pods must have a ready proxy. Pods that are not running have a problem of their own. */
export function proxiesHealthy(pods: readonly Pod[]): void {
  const live = pods.filter((pod) => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined);
  const bad = live.flatMap((pod) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (!hasProxy(pod)) return [`pod "${name}" has no proxy`];
    if (phaseOf(pod) !== 'Running') return [`pod "${name}" status is ${phaseOf(pod)}`];
    return containerReady(pod, PROXY) ? [] : [`container "${PROXY}" in pod "${name}" is not ready`];
  });
  if (bad.length > 0) throw new CheckFailure('Some pods do not have a healthy proxy:', bad);
}

interface Deployment extends KubeObject {
  status?: { availableReplicas?: number };
}

export const haCategory = (subject: CheckSubject): Category => ({
  name: 'linkerd-ha-checks',
  checks: [
    {
      description: 'multiple replicas of control plane pods',
      anchor: 'l5d-control-plane-replicas',
      remedy:
        'In a highly available installation each Deployment of the control plane has two replicas available at least. Look what keeps the others from starting: with anti-affinity each needs a node of its own.',
      severity: 'warning',
      retry: true,
      async run() {
        if (!(await subject.values()).highAvailability) throw new CheckSkipped('not a highly available installation');
        const client = await subject.client();
        const { items } = await client.list<Deployment>(DEPLOYMENTS, {
          namespace: subject.namespace,
          labelSelector: COMPONENT,
        });
        const few = items.filter(({ status }) => (status?.availableReplicas ?? 0) < 2);
        if (few.length > 0)
          throw new CheckFailure(
            'not enough replicas available for:',
            few.map(({ metadata }) => metadata.name ?? ''),
          );
      },
    },
  ],
});
