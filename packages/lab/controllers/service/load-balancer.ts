import { SERVICES } from '#api/kube';
import type { Service } from '../../kinds/index.ts';
import { type Controller, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { canonicalJson } from '../hash.ts';
import { writeStatus } from '../write-status.ts';
import { type AddressPool, parsePool } from './address-pool.ts';

/** The class of load balancers that this controller makes; so it does for Services without a class. */
export const LOAD_BALANCER_CLASS = 'lab/load-balancer';
/** How many addresses a Service shall have (`2`), or which (`172.31.0.9,172.31.0.10`). Without it: `spec.loadBalancerIP`, or one. */
export const ADDRESSES_ANNOTATION = 'lab/load-balancer-addresses';
const ADDRESSES_MAX = 16;

/** All Services at once, as addresses must not be given twice. */
export interface LoadBalancersObserved {
  services: readonly Service[];
}

/** Gives each Service of type LoadBalancer that is ours its addresses of the pool, e.g. `172.31.0.0/24`. */
export function loadBalancerController(poolCidr: string): Controller<LoadBalancersObserved> {
  return {
    name: 'service-lb-controller',
    triggers: [
      {
        gvr: SERVICES,
        *keys({ now, old }) {
          if ([now, old].some((each) => each && concernsUs(each as Service))) yield 'pool';
        },
      },
    ],
    observe: (_key, caches) => ({ services: caches.of<Service>(SERVICES).list().filter(concernsUs) }),
    reconcile: (observed) => reconcileLoadBalancers(observed, poolCidr),
  };
}

const isOurs = ({ spec }: Service): boolean =>
  !spec.loadBalancerClass || spec.loadBalancerClass === LOAD_BALANCER_CLASS;
const wantsAddress = (service: Service): boolean =>
  service.spec.type === 'LoadBalancer' && isOurs(service) && !service.metadata.deletionTimestamp;
const addressesOf = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
const concernsUs = (service: Service): boolean =>
  wantsAddress(service) || (addressesOf(service).length > 0 && isOurs(service));

/** Decides who has which addresses. Pure; addresses once given stay as long as they are what is asked for. */
export function reconcileLoadBalancers(observed: LoadBalancersObserved, poolCidr: string): Plan {
  const services = observed.services.filter(concernsUs);
  const pool = parsePool(poolCidr);
  const holders = new Map<string, string>();
  const wanting = services.filter(wantsAddress).sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  for (const service of wanting)
    for (const ip of rightlyHeld(service, pool)) if (!holders.has(ip)) holders.set(ip, refOf(service));
  const writes = wanting.flatMap((service) => assign(service, pool, holders));
  const released = services.filter((service) => !wantsAddress(service) && !service.metadata.deletionTimestamp);
  return {
    writes: [...writes, ...released.flatMap((service) => writeStatus(SERVICES, service, { loadBalancer: {} }))],
  };
}

/** What a Service asks for: certain addresses, or a number of any. */
type Asked = { ips: readonly string[] } | { count: number } | { fault: string };

function askedOf({ spec, metadata }: Service): Asked {
  const text = metadata.annotations?.[ADDRESSES_ANNOTATION]?.trim();
  if (!text) return spec.loadBalancerIP ? { ips: [spec.loadBalancerIP] } : { count: 1 };
  if (/^\d+$/.test(text)) {
    const count = Number(text);
    if (count >= 1 && count <= ADDRESSES_MAX) return { count };
    return {
      fault: `Annotation ${ADDRESSES_ANNOTATION} asks for ${count} addresses; 1 to ${ADDRESSES_MAX} can be had`,
    };
  }
  const ips = [...new Set(text.split(',').map((ip) => ip.trim()))];
  const strange = ips.find((ip) => !/^\d+(\.\d+){3}$/.test(ip));
  if (strange === undefined && ips.length <= ADDRESSES_MAX) return { ips };
  return {
    fault: `Annotation ${ADDRESSES_ANNOTATION} is neither a number nor a list of up to ${ADDRESSES_MAX} IPv4 addresses: "${text}"`,
  };
}

function rightlyHeld(service: Service, pool: AddressPool): string[] {
  const asked = askedOf(service);
  if ('fault' in asked) return [];
  const held = addressesOf(service).filter((ip) => pool.has(ip));
  return 'ips' in asked ? held.filter((ip) => asked.ips.includes(ip)) : held.slice(0, asked.count);
}

function assign(service: Service, pool: AddressPool, holders: Map<string, string>): Write[] {
  const ref = refOf(service);
  const about = referenceTo(service, 'Service', 'v1');
  const chosen = choose(service, pool, holders);
  if ('fault' in chosen)
    return [
      { verb: 'event', note: { about, type: 'Warning', reason: 'SyncLoadBalancerFailed', message: chosen.fault } },
    ];
  for (const ip of chosen.ips) holders.set(ip, ref);
  if (canonicalJson(chosen.ips) === canonicalJson(addressesOf(service))) return [];
  const ingress = chosen.ips.map((ip) => ({ ip, ipMode: 'VIP' }));
  const [status] = writeStatus(SERVICES, service, { loadBalancer: { ingress } });
  const note = { about, type: 'Normal', reason: 'EnsuredLoadBalancer', message: 'Ensured load balancer' } as const;
  return status ? [{ ...status, succeeded: () => [{ verb: 'event', note }] }] : [];
}

/** All that is asked for, or why it cannot be had. */
function choose(
  service: Service,
  pool: AddressPool,
  holders: ReadonlyMap<string, string>,
): { ips: readonly string[] } | { fault: string } {
  const asked = askedOf(service);
  if ('fault' in asked) return asked;
  const isFree = (ip: string): boolean => (holders.get(ip) ?? refOf(service)) === refOf(service);
  if ('ips' in asked) {
    const bad = asked.ips.filter((ip) => !pool.has(ip) || !isFree(ip));
    if (bad.length === 0) return asked;
    return { fault: `Address ${bad.join(', ')} is taken or not in the lab's pool ${pool.cidr}` };
  }
  const own = addressesOf(service).filter((ip) => holders.get(ip) === refOf(service));
  const more = pool.all().filter((ip) => !holders.has(ip));
  const ips = [...own, ...more].slice(0, asked.count);
  if (ips.length === asked.count) return { ips };
  return { fault: `All addresses of the lab's pool ${pool.cidr} are taken` };
}
