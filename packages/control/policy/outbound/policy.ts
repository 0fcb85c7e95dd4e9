/** The outbound policies of Services and of addresses outside the cluster. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Feature, outbound } from '#api/mesh';
import type { PortSet } from '#model/annotations';
import { keyOf } from '../../fold/index.ts';
import { type Attachment, EVERY_CALL, type RouteRecord, type Routes } from '../routes/index.ts';
import {
  durationOf,
  encodeRetry,
  encodeTimeouts,
  readFailureAccrual,
  readRetry,
  readTimeouts,
  type Warn,
} from './annotations.ts';
import { only } from './distribute.ts';
import type { EgressNetworkRecord } from './egress.ts';
import { canCarry, grpcFailure, httpFailure } from './filters.ts';
import { forwardBackend, isAt, named, type OutboundParent, resource, serviceBackend } from './parent.ts';
import {
  type GrpcRouteInit,
  grpcRoute,
  type HttpRouteInit,
  httpRoute,
  type OpaqueRouteInit,
  type RouteScene,
  type TlsRouteInit,
  tcpRoute,
  tlsRoute,
} from './rules.ts';
import type { ServiceRecord } from './services.ts';

export interface OutboundConfig {
  clusterDomain: string;
  defaultOpaquePorts: PortSet;
  /** Clients may set time-outs and retries by `l5d-*` headers. */
  allowL5dRequestHeaders: boolean;
}

/** What a proxy asks about, and what is known of it. */
export interface PolicyQuestion {
  readonly port: number;
  /** Fields beyond Linkerd's that it understands. */
  readonly features: ReadonlySet<Feature>;
  /** Of its workload. */
  readonly namespace: string;
}

/** Where the translation looks things up. */
export interface OutboundWorld {
  readonly config: OutboundConfig;
  readonly routes: Routes;
  hasService(key: string): boolean;
}

export type PolicyInit = MessageInitShape<typeof outbound.OutboundPolicySchema>;
type ProtocolInit = NonNullable<PolicyInit['protocol']>;

/** How long a proxy waits for the first bytes before it gives up on telling the protocol. */
const DETECT_TIMEOUT = durationOf(10_000);

/** The policy of a Service's port: how its protocol is told, its routes, and itself as the backend without them. */
export function servicePolicy(
  service: ServiceRecord,
  question: PolicyQuestion,
  world: OutboundWorld,
  warn: Warn,
): PolicyInit {
  const { port, features } = question;
  const { namespace, name, annotations } = service;
  const { clusterDomain } = world.config;
  const metadata = resource('core', 'Service', { namespace, name, port });
  const backend = serviceBackend({ namespace, name, port }, { clusterDomain, annotations, features, warn });
  const parent: OutboundParent = { kind: 'service', namespace, name, port, annotations, metadata, backend };
  const attached = attachedRoutes(parent, question, world, warn);
  const defaults: Defaults = {
    http: [httpDefault('http', parent, warn)],
    grpc: [],
    tls: [],
    tcp: [{ metadata: named('opaq'), rules: [{ backends: only(backend) }] }],
  };
  const accrual = readFailureAccrual(annotations, warn);
  return {
    metadata,
    protocol: encodeProtocol(protocolOf(service, port, attached, world.config), { attached, defaults, accrual }),
  };
}

/** Of a port that a Service does not have: connections are refused. */
export function undefinedPortPolicy({ namespace, name }: ServiceRecord, port: number): PolicyInit {
  const route: OpaqueRouteInit = {
    metadata: named('undefined-port'),
    rules: [{ backends: { kind: { case: 'empty', value: {} } }, filters: [FORBIDDEN] }],
  };
  return {
    metadata: resource('core', 'Service', { namespace, name, port }),
    protocol: { kind: { case: 'opaque', value: { routes: [route] } } },
  };
}

/** Of an address outside the cluster under no EgressNetwork: traffic goes where it was meant to go. Undefined for no address. */
export function fallbackPolicy(ip: string, port: number): PolicyInit | undefined {
  const metadata = named('egress-fallback');
  const backend = forwardBackend(metadata, ip, port);
  if (!backend) return undefined;
  const defaults: Defaults = {
    http: [{ metadata, rules: [{ matches: [ANYTHING], backends: only(backend) }] }],
    grpc: [],
    tls: [],
    tcp: [{ metadata, rules: [{ backends: only(backend) }] }],
  };
  return { metadata, protocol: encodeProtocol('detect', { attached: NO_ROUTES, defaults, accrual: undefined }) };
}

/** Of an address under an EgressNetwork: its routes, and behind them what its traffic policy says of all else. */
export function egressPolicy(
  network: EgressNetworkRecord,
  ip: string,
  question: PolicyQuestion,
  world: OutboundWorld,
  warn: Warn,
): PolicyInit | undefined {
  const { port } = question;
  const { namespace, name, annotations, allow } = network;
  const metadata = resource('policy.linkerd.io', 'EgressNetwork', { namespace, name, port });
  const backend = forwardBackend(metadata, ip, port);
  if (!backend) return undefined;
  const parent: OutboundParent = { kind: 'egressnetwork', namespace, name, port, annotations, metadata, backend };
  const attached = attachedRoutes(parent, question, world, warn);
  const backends = only<never>(backend);
  const called = (protocol: string) => named(`${protocol}-egress-${allow ? 'allow' : 'deny'}`);
  const care = allow ? parentCare(parent, warn) : {};
  const denied = 'this address may not be called: the EgressNetwork denies it';
  const bytes = { backends, ...(!allow && { filters: [FORBIDDEN] }) };
  const defaults: Defaults = {
    http: [
      {
        metadata: called('http'),
        rules: [{ matches: [ANYTHING], backends, ...care, ...(!allow && { filters: [httpFailure(403, denied)] }) }],
      },
    ],
    grpc: [
      {
        metadata: called('grpc'),
        rules: [{ matches: [EVERY_CALL], backends, ...(!allow && { filters: [grpcFailure(7, denied)] }) }],
      },
    ],
    tls: [{ metadata: called('tls'), rules: [bytes] }],
    tcp: [{ metadata: called('tcp'), rules: [bytes] }],
  };
  const protocol = byRoutes(attached);
  return { metadata, protocol: encodeProtocol(protocol, { attached, defaults, accrual: undefined }, 'append') };
}

/** Routes on one port of a parent by kind, in the order in which they win. */
interface AttachedRoutes {
  http: HttpRouteInit[];
  grpc: GrpcRouteInit[];
  tls: TlsRouteInit[];
  tcp: OpaqueRouteInit[];
}
type Defaults = AttachedRoutes;
const NO_ROUTES: AttachedRoutes = { http: [], grpc: [], tls: [], tcp: [] };

/** Routes of the parent's own namespace are for everyone, those of another only for clients there. */
function attachedRoutes(
  parent: OutboundParent,
  { features, namespace }: PolicyQuestion,
  world: OutboundWorld,
  warn: Warn,
): AttachedRoutes {
  const isFor = ({ route, ref }: Attachment) =>
    isAt(parent, ref) &&
    (route.namespace === parent.namespace || route.namespace === namespace) &&
    route.rules.every((rule) => canCarry(rule.filters, features));
  const { clusterDomain, allowL5dRequestHeaders } = world.config;
  // How endpoints are compared is a Service's to say: an EgressNetwork has none.
  const annotations = parent.kind === 'service' ? parent.annotations : {};
  const hasService = (key: string) => world.hasService(key);
  const scene: RouteScene = { parent, clusterDomain, annotations, features, warn, hasService, allowL5dRequestHeaders };
  const routes = new Set<RouteRecord>(
    world.routes
      .effective(parent.kind, keyOf(parent.namespace, parent.name))
      .filter(isFor)
      .map(({ route }) => route),
  );
  const attached: AttachedRoutes = { http: [], grpc: [], tls: [], tcp: [] };
  for (const route of routes) {
    if (route.type === 'http') attached.http.push(httpRoute(route, scene));
    else if (route.type === 'grpc') attached.grpc.push(grpcRoute(route, scene));
    else if (route.type === 'tls') attached.tls.push(tlsRoute(route, scene));
    else attached.tcp.push(tcpRoute(route, scene));
  }
  return attached;
}

type Protocol = 'detect' | 'opaque' | 'http1' | 'http2' | 'grpc' | 'tls';

/** By the port's appProtocol; without one, by the opaque ports and the routes. What is not understood is carried as bytes. */
function protocolOf(service: ServiceRecord, port: number, attached: AttachedRoutes, config: OutboundConfig): Protocol {
  const appProtocol = service.ports.find((each) => each.port === port)?.appProtocol?.toLowerCase();
  if (appProtocol !== undefined) {
    const protocol = APP_PROTOCOLS[appProtocol] ?? 'opaque';
    return protocol === 'http2' && attached.grpc.length > 0 ? 'grpc' : protocol;
  }
  return (service.opaquePorts ?? config.defaultOpaquePorts).has(port) ? 'opaque' : byRoutes(attached);
}
const APP_PROTOCOLS: Record<string, Protocol> = { http: 'http1', 'kubernetes.io/h2c': 'http2' };

function byRoutes({ http, grpc, tls, tcp }: AttachedRoutes): Protocol {
  if (grpc.length > 0) return 'grpc';
  if (http.length > 0) return 'detect';
  if (tls.length > 0) return 'tls';
  return tcp.length > 0 ? 'opaque' : 'detect';
}

interface Parts {
  attached: AttachedRoutes;
  defaults: Defaults;
  accrual: outbound.FailureAccrual | undefined;
}

/**
 * `otherwise`: the default routes stand in when there are no others; `append`: they come behind the others. Of routes of bytes, only
 * the first is used; beside HTTP it is always the default one.
 */
function encodeProtocol(
  protocol: Protocol,
  { attached, defaults, accrual }: Parts,
  mode: 'otherwise' | 'append' = 'otherwise',
): ProtocolInit {
  const join = <K extends keyof AttachedRoutes>(kind: K): AttachedRoutes[K] =>
    (mode === 'append'
      ? [...attached[kind], ...defaults[kind]]
      : attached[kind].length > 0
        ? attached[kind]
        : defaults[kind]) as AttachedRoutes[K];
  const breaker = accrual && { failureAccrual: accrual };
  const http = { routes: join('http'), ...breaker };
  switch (protocol) {
    case 'detect': {
      const opaque = { routes: defaults.tcp };
      return { kind: { case: 'detect', value: { timeout: DETECT_TIMEOUT, opaque, http1: http, http2: http } } };
    }
    case 'opaque':
      return { kind: { case: 'opaque', value: { routes: [...attached.tcp, ...defaults.tcp].slice(0, 1) } } };
    case 'grpc':
      return { kind: { case: 'grpc', value: { routes: join('grpc'), ...breaker } } };
    case 'tls':
      return { kind: { case: 'tls', value: { routes: join('tls') } } };
    default:
      return { kind: { case: protocol, value: http } };
  }
}

const ANYTHING = { path: { kind: { case: 'prefix' as const, value: '/' } } };
const FORBIDDEN = { kind: { case: 'forbidden' as const, value: {} } };

function httpDefault(name: string, parent: OutboundParent, warn: Warn): HttpRouteInit {
  return {
    metadata: named(name),
    rules: [{ matches: [ANYTHING], backends: only(parent.backend), ...parentCare(parent, warn) }],
  };
}

/** Time-outs and retries that the parent's annotations ask for. */
function parentCare({ annotations }: OutboundParent, warn: Warn) {
  const retry = readRetry(annotations, warn);
  return {
    timeouts: encodeTimeouts(readTimeouts(annotations, warn)),
    ...(retry && { retry: { ...encodeRetry(retry), conditions: { statusRanges: [...retry.statuses] } } }),
  };
}
