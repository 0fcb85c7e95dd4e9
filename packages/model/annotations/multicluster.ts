/** Annotations by which a Service says how it is seen from other clusters. Linkerd has none of these. */
import type { EndpointAnnotation } from './balancer.ts';
import { KINDS } from './kinds.ts';

export const MULTICLUSTER_ANNOTATIONS = {
  podNames: {
    key: 'multicluster.weft.dev/pod-names',
    on: 'Service',
    parse: KINDS.toggle.parse,
    expects: KINDS.toggle.expects,
    doc: 'Of a headless service that is a federated member, or exported with `remote-discovery`: it stays headless in other clusters, and its pods have names there, `<hostname>-<cluster>.<svc>-federated` and `<hostname>.<svc>-<cluster>`. Without it, it is no member, and its mirror is an ordinary service.',
  } satisfies EndpointAnnotation<boolean>,
} as const;
