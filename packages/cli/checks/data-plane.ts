import { NAMESPACES, type Pod } from '#api/kube';
import { sameCertificates } from '../certificates/index.ts';
import { type Category, CheckFailure, CheckSkipped } from './check.ts';
import { proxiesHealthy, versionsOf } from './control-plane.ts';
import { isFinished } from './pods.ts';
import type { CheckSubject } from './subject.ts';
import { proxyVersionChecks, type Versions } from './versions.ts';
import { workloadChecks } from './workloads.ts';

interface Options extends Versions {
  namespace?: string;
}

const meshedPods = async (subject: CheckSubject, { namespace }: Options): Promise<Pod[]> => {
  const pods = await subject.pods({
    labelSelector: 'linkerd.io/control-plane-ns',
    ...(namespace !== undefined && { namespace }),
  });
  return pods.filter((pod) => !isFinished(pod));
};

/** With --proxy: the proxies were told of the trust anchors that are in use now. */
export const identityDataPlaneCategory = (subject: CheckSubject, options: Options): Category => ({
  name: 'linkerd-identity-data-plane',
  checks: [
    {
      description: 'data plane proxies certificate match CA',
      anchor: 'l5d-identity-data-plane-proxies-certs-match-ca',
      remedy:
        'Each proxy was started with the trust anchors that are in use now. Restart the workloads that are named: `kubectl rollout restart`.',
      severity: 'warning',
      async run() {
        const anchors = await subject.anchors();
        const stale = (await meshedPods(subject, options)).filter((pod) => {
          const known = anchorsOf(pod);
          return known !== undefined && !sameCertificates(known, anchors);
        });
        if (stale.length > 0)
          throw new CheckFailure(
            'Some pods do not have the current trust bundle and must be restarted:',
            stale.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
          );
      },
    },
  ],
});

/** Anchors written into a proxy's environment; undefined where they come by reference. */
function anchorsOf(pod: Pod): string | undefined {
  interface Spec {
    containers?: { name: string; env?: { name: string; value?: string }[] }[];
    initContainers?: Spec['containers'];
  }
  const { containers = [], initContainers = [] } = (pod as unknown as { spec?: Spec }).spec ?? {};
  const proxy = [...containers, ...initContainers].find(({ name }) => name === 'linkerd-proxy');
  return proxy?.env?.find(({ name }) => name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS')?.value;
}

export const dataPlaneCategory = (subject: CheckSubject, options: Options): Category => ({
  name: 'linkerd-data-plane',
  checks: [
    {
      description: 'data plane namespace exists',
      anchor: 'l5d-data-plane-exists',
      remedy: 'The namespace given by -n is there.',
      severity: 'fatal',
      async run() {
        if (options.namespace === undefined) throw new CheckSkipped('all namespaces');
        if (!(await subject.exists(NAMESPACES, options.namespace)))
          throw new Error(`The "${options.namespace}" namespace does not exist`);
      },
    },
    {
      description: 'data plane proxies are ready',
      anchor: 'l5d-data-plane-ready',
      remedy:
        'There are meshed pods, and their proxies are ready. Annotate a namespace or a workload with `linkerd.io/inject: enabled` and restart it; `kubectl logs -c linkerd-proxy` of the pod that is named tells what a proxy waits for.',
      severity: 'fatal',
      retry: true,
      async run() {
        const pods = await meshedPods(subject, options);
        if (pods.length === 0) throw new Error('No "linkerd-proxy" containers found');
        proxiesHealthy(pods);
      },
    },
    ...proxyVersionChecks(
      'data plane',
      { upToDate: 'l5d-data-plane-version', match: 'l5d-data-plane-cli-version' },
      { upToDate: 'data plane is up-to-date', match: 'data plane and cli versions match' },
      async () => versionsOf(await meshedPods(subject, options)),
      options,
    ),
    ...workloadChecks(subject, options.namespace, () => meshedPods(subject, options)),
  ],
});
