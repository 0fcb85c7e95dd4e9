import { type KubeObject, PODS, SERVICES } from '#api/kube';
import { addressesOf, isTerminal, type Pod, type Service } from '../../kinds/index.ts';
import { type CacheReader, type Change, refOf, type Trigger } from '../../reconcile/index.ts';
import { selectsMap } from '../../selectors/index.ts';

/** Time of the change that led to an Endpoints or EndpointSlice write; autoscalers and tests measure latency by it. */
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
/** Present (and empty) on what belongs to a headless Service. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/** A Service whose endpoints the controllers find by selector. */
export const hasSelector = (service: Service): boolean =>
  service.spec.type !== 'ExternalName' && Object.keys(service.spec.selector ?? {}).length > 0;

/** `clusterIP: None`. */
export const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None';

/** Pods that a Service may send to: selected, with an address, not finished. Sorted by name. */
export function podsOf(service: Service, caches: CacheReader): Pod[] {
  const pods = caches.of<Pod>(PODS).list(service.metadata.namespace);
  return pods
    .filter((pod) => isCandidate(pod) && selectsMap(service.spec.selector ?? {}, pod.metadata.labels))
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
}

const isCandidate = (pod: Pod): boolean =>
  !isTerminal(pod) && [...addressesOf(pod, 'IPv4'), ...addressesOf(pod, 'IPv6')].length > 0;

/** The hostname under which DNS finds the pod in this Service. */
export const hostnameOf = (pod: Pod, service: Service): string | undefined =>
  pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;

/** The pod as endpoints point to it. */
export const targetOf = (pod: Pod) => ({
  kind: 'Pod',
  namespace: pod.metadata.namespace ?? '',
  name: pod.metadata.name ?? '',
  uid: pod.metadata.uid ?? '',
});

/** Wakes a Service's key when it changes, and the Services that select (or selected) a pod when that changes. */
export const serviceTriggers: readonly Trigger[] = [
  { gvr: SERVICES, keys: ({ now, old }) => [refOf((now ?? old) as KubeObject)] },
  { gvr: PODS, keys: selectingServices },
];

function* selectingServices({ now, old }: Change, caches: CacheReader): Iterable<string> {
  const pod = (now ?? old) as KubeObject;
  for (const service of caches.of<Service>(SERVICES).list(pod.metadata.namespace)) {
    const { selector = {} } = service.spec;
    const selected = [now, old].some((each) => each && selectsMap(selector, each.metadata.labels));
    if (hasSelector(service) && selected) yield refOf(service);
  }
}
