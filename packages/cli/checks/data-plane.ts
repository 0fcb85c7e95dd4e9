import { NAMESPACES, type Pod } from '#api/kube';
import { sameCertificates } from '../certificates/index.ts';
import { type Category, CheckFailure, CheckSkipped } from './check.ts';
import { proxiesHealthy, versionsMatch } from './control-plane.ts';
import { isFinished } from './pods.ts';
import type { CheckSubject } from './subject.ts';

interface Options {
  namespace?: string;
  expectedVersion: string;
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
      severity: 'fatal',
      retry: true,
      async run() {
        const pods = await meshedPods(subject, options);
        if (pods.length === 0) throw new Error('No "linkerd-proxy" containers found');
        proxiesHealthy(pods);
      },
    },
    {
      description: 'data plane and cli versions match',
      anchor: 'l5d-data-plane-cli-version',
      severity: 'warning',
      run: async () => versionsMatch(await meshedPods(subject, options), options.expectedVersion),
    },
    {
      description: 'data plane pod labels are configured correctly',
      anchor: 'l5d-data-plane-pod-labels',
      severity: 'warning',
      async run() {
        const wrong = (await meshedPods(subject, options)).flatMap(({ metadata }) =>
          Object.keys(metadata.labels ?? {})
            .filter((key) => key === 'linkerd.io/inject' || key.startsWith('config.linkerd.io/'))
            .map((key) => `${metadata.namespace}/${metadata.name}: ${key} must be an annotation`),
        );
        if (wrong.length > 0) throw new CheckFailure('Some labels on data plane pods should be annotations:', wrong);
      },
    },
  ],
});
