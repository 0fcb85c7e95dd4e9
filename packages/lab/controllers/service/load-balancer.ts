import { SERVICES } from '#api/kube';
import type { Service } from '../../kinds/index.ts';
import { type Controller, type Plan, referenceTo, refOf, type Write } from '../../reconcile/index.ts';
import { writeStatus } from '../write-status.ts';

/** Network, gateway-like first and broadcast addresses of the pool are not given out. */
const RESERVED_LOW = 1;

/** All Services at once, as addresses must not be given twice. */
export interface LoadBalancersObserved {
  services: readonly Service[];
}

/** Gives each Service of type LoadBalancer (without a class of its own) an address of the pool, e.g. `172.31.0.0/24`. */
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

const wantsAddress = ({ spec, metadata }: Service): boolean =>
  spec.type === 'LoadBalancer' && !spec.loadBalancerClass && !metadata.deletionTimestamp;
const addressOf = ({ status }: Service): string | undefined => status?.loadBalancer?.ingress?.[0]?.ip;
const concernsUs = (service: Service): boolean =>
  wantsAddress(service) || (addressOf(service) !== undefined && !service.spec.loadBalancerClass);

/** Decides who has which address. Pure; addresses once given stay. */
export function reconcileLoadBalancers({ services }: LoadBalancersObserved, poolCidr: string): Plan {
  const pool = parsePool(poolCidr);
  const holders = new Map<string, string>();
  const wanting = services.filter(wantsAddress).sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  for (const service of wanting) {
    const ip = addressOf(service);
    if (ip !== undefined && pool.has(ip) && !holders.has(ip) && isAsked(service, ip)) holders.set(ip, refOf(service));
  }
  const writes = wanting.flatMap((service) => assign(service, pool, holders));
  const released = services.filter((service) => !wantsAddress(service) && !service.metadata.deletionTimestamp);
  return {
    writes: [...writes, ...released.flatMap((service) => writeStatus(SERVICES, service, { loadBalancer: {} }))],
  };
}

const isAsked = ({ spec }: Service, ip: string): boolean => !spec.loadBalancerIP || spec.loadBalancerIP === ip;

function assign(service: Service, pool: Pool, holders: Map<string, string>): Write[] {
  const current = addressOf(service);
  if (current !== undefined && holders.get(current) === refOf(service)) return [];
  const wanted = service.spec.loadBalancerIP;
  const ip = wanted
    ? pool.has(wanted) && !holders.has(wanted)
      ? wanted
      : undefined
    : pool.all().find((each) => !holders.has(each));
  const about = referenceTo(service, 'Service', 'v1');
  if (!ip) {
    const message = wanted
      ? `Address ${wanted} is taken or not in the lab's pool ${pool.cidr}`
      : `All addresses of the lab's pool ${pool.cidr} are taken`;
    return [{ verb: 'event', note: { about, type: 'Warning', reason: 'SyncLoadBalancerFailed', message } }];
  }
  holders.set(ip, refOf(service));
  const [status] = writeStatus(SERVICES, service, { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } });
  const note = { about, type: 'Normal', reason: 'EnsuredLoadBalancer', message: 'Ensured load balancer' } as const;
  return status ? [{ ...status, succeeded: () => [{ verb: 'event', note }] }] : [];
}

interface Pool {
  cidr: string;
  has(ip: string): boolean;
  all(): string[];
}

function parsePool(cidr: string): Pool {
  const [base = '', bits = '32'] = cidr.split('/');
  const first = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  const has = (ip: string): boolean => {
    const offset = toNumber(ip) - first;
    return offset >= RESERVED_LOW && offset < size - 1;
  };
  const all = (): string[] =>
    Array.from({ length: Math.max(0, size - 1 - RESERVED_LOW) }, (_, at) => toAddress(first + RESERVED_LOW + at));
  return { cidr, has, all };
}

const toNumber = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
