import { NAMESPACES, type Pod } from '#api/kube';
import { sameCertificates } from '../certificates/index.ts';
import { anchorsInUse, inTurn } from '../proxies/index.ts';
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

/** With --proxy: the proxies go by the trust anchors that are in use now. */
export const identityDataPlaneCategory = (subject: CheckSubject, options: Options): Category => ({
  name: 'linkerd-identity-data-plane',
  checks: [
    {
      description: 'data plane proxies certificate match CA',
      anchor: 'l5d-identity-data-plane-proxies-certs-match-ca',
      remedy:
        'Each proxy goes by the trust anchors that are in use now: it was started with them, or has learned them while it runs. Restart the workloads that are named: `kubectl rollout restart`; those that learn while they run need a minute after a change first.',
      severity: 'warning',
      async run() {
        const current = await subject.anchors();
        const pods = await meshedPods(subject, options);
        const inUse = await inTurn(pods, (pod) => anchorsInUse(pod, current, (each) => subject.proxyMetrics(each)));
        const behind = pods.flatMap(({ metadata }, at) => {
          const anchors = inUse[at];
          const name = `${metadata.namespace}/${metadata.name}`;
          if (anchors === undefined) return [`${name} (learns them while it runs, and has others)`];
          return sameCertificates(anchors, current) ? [] : [name];
        });
        if (behind.length > 0)
          throw new CheckFailure('Some pods do not have the current trust bundle and must be restarted:', behind);
      },
    },
  ],
});

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
