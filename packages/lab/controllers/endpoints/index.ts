/** Endpoints of Services with a selector: who is behind them, ready or not, grouped by ports. */
import { ENDPOINTS, SERVICES } from '#api/kube';
import { type EndpointSubset, type Endpoints, formatMicroTime, type Pod, type Service } from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, refOf } from '../../reconcile/index.ts';
import { canonicalJson } from '../hash.ts';
import { HEADLESS_LABEL, hasSelector, isHeadless, podsOf, serviceTriggers, TRIGGER_TIME } from './services.ts';
import { ADDRESSES_MAX, countAddresses, subsetsOf, truncated } from './subsets.ts';

export {
  HEADLESS_LABEL,
  hasSelector,
  hostnameOf,
  isHeadless,
  podsOf,
  serviceTriggers,
  TRIGGER_TIME,
  targetOf,
} from './services.ts';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGED_BY = 'endpoint-controller';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

export interface EndpointsObserved {
  service: Service | undefined;
  /** Its candidates: selected, with an address, not finished. */
  pods: readonly Pod[];
  endpoints: Endpoints | undefined;
}

export const endpointsController: Controller<EndpointsObserved> = {
  name: 'endpoint-controller',
  triggers: [
    ...serviceTriggers,
    {
      gvr: ENDPOINTS,
      *keys({ now, old }, caches) {
        const endpoints = now ?? old;
        if (!endpoints) return;
        const hasService = caches.of(SERVICES).byRef(refOf(endpoints)) !== undefined;
        if (hasService || endpoints.metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY) yield refOf(endpoints);
      },
    },
  ],
  observe(key, caches) {
    const service = caches.of<Service>(SERVICES).byRef(key);
    const endpoints = caches.of<Endpoints>(ENDPOINTS).byRef(key);
    return { service, endpoints, pods: service && hasSelector(service) ? podsOf(service, caches) : [] };
  },
  reconcile: reconcileEndpoints,
};

/** Decides the Endpoints of one Service. Pure. */
export function reconcileEndpoints({ service, pods, endpoints }: EndpointsObserved, nowMs: number): Plan {
  if (!service) return endpoints ? { writes: [{ verb: 'delete', gvr: ENDPOINTS, object: endpoints }] } : NOTHING;
  if (!hasSelector(service) || service.metadata.deletionTimestamp) return NOTHING;
  const all = subsetsOf(service, pods);
  const over = countAddresses(all) > ADDRESSES_MAX;
  const subsets = over ? truncated(all) : all;
  const labels = {
    ...service.metadata.labels,
    ...(isHeadless(service) && { [HEADLESS_LABEL]: '' }),
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
  if (endpoints && isCurrent(endpoints, subsets, labels, over)) return NOTHING;
  const { [OVER_CAPACITY]: _over, ...kept } = endpoints?.metadata.annotations ?? {};
  const annotations = {
    ...kept,
    [TRIGGER_TIME]: formatMicroTime(nowMs),
    ...(over && { [OVER_CAPACITY]: 'truncated' }),
  };
  const { name = '', namespace = '' } = service.metadata;
  const object: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...(endpoints?.metadata ?? { name, namespace }), labels, annotations },
    subsets,
  };
  const create = { verb: 'create', gvr: ENDPOINTS, object } as const;
  return { writes: [endpoints ? { verb: 'update', gvr: ENDPOINTS, object } : create] };
}

const isCurrent = (
  endpoints: Endpoints,
  subsets: readonly EndpointSubset[],
  labels: Record<string, string>,
  over: boolean,
): boolean =>
  canonicalJson(endpoints.subsets ?? []) === canonicalJson(subsets) &&
  canonicalJson(endpoints.metadata.labels ?? {}) === canonicalJson(labels) &&
  (endpoints.metadata.annotations?.[OVER_CAPACITY] !== undefined) === over;
