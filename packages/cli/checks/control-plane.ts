import { DEPLOYMENTS, type KubeObject, type Pod } from '#api/kube';
import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';
import { COMPONENT } from './existence.ts';
import { containerReady, hasProxy, isFinished, PROXY, phaseOf, proxyVersion } from './pods.ts';
import type { CheckSubject } from './subject.ts';

interface Expected {
  expectedVersion: string;
}

export const controlPlaneVersionCategory = (subject: CheckSubject, { expectedVersion }: Expected): Category => ({
  name: 'control-plane-version',
  checks: [
    {
      description: 'can retrieve the control plane version',
      anchor: 'l5d-version-control',
      severity: 'fatal',
      retry: true,
      run: async () => void (await subject.values()),
    },
    {
      description: 'control plane and cli versions match',
      anchor: 'l5d-version-control',
      severity: 'warning',
      async run() {
        const { linkerdVersion } = await subject.values();
        if (linkerdVersion !== expectedVersion)
          throw new Error(`control plane running ${linkerdVersion} but cli running ${expectedVersion}`);
      },
    },
  ],
});

const componentPods = (subject: CheckSubject): Promise<Pod[]> =>
  subject.pods({ namespace: subject.namespace, labelSelector: COMPONENT });

export const controlPlaneProxyCategory = (subject: CheckSubject, { expectedVersion }: Expected): Category => ({
  name: 'linkerd-control-plane-proxy',
  checks: proxyChecks('control plane', 'l5d-cp-proxy', () => componentPods(subject), expectedVersion),
});

/** Proxies of some pods: healthy, and of this program's version. */
export function proxyChecks(
  whose: string,
  anchor: string,
  pods: () => Promise<Pod[]>,
  expectedVersion: string,
  severity: 'fatal' | 'warning' = 'fatal',
): Check[] {
  return [
    {
      description: `${whose} proxies are healthy`,
      anchor: `${anchor}-healthy`,
      severity,
      retry: true,
      surface: true,
      run: async () => proxiesHealthy(await pods()),
    },
    {
      description: `${whose} proxies and cli versions match`,
      anchor: `${anchor}-cli-version`,
      severity: 'warning',
      run: async () => versionsMatch(await pods(), expectedVersion),
    },
  ];
}

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

export function versionsMatch(pods: readonly Pod[], expectedVersion: string): void {
  const other = pods.filter((pod) => !['', expectedVersion].includes(proxyVersion(pod)));
  if (other.length > 0)
    throw new CheckFailure(
      `proxies are not all of version ${expectedVersion}:`,
      other.map((pod) => `${pod.metadata.namespace}/${pod.metadata.name} (${proxyVersion(pod)})`),
    );
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
