/** The outbound policies of Services and of addresses outside the cluster. */
import { create } from '@bufbuild/protobuf';
import { destination, encodeTcpAddress, type Feature, meta, outbound } from '#api/mesh';
import type { PortSet } from '#model/annotations';
import { serviceFqdn } from '#model/names';
import { durationOf, readFailureAccrual, readHttpRetry, readLoad, readTimeouts, type Warn } from './annotations.ts';
import type { ServiceRecord } from './services.ts';

export interface OutboundConfig {
  clusterDomain: string;
  defaultOpaquePorts: PortSet;
}

/** How long a proxy waits for the first bytes before it gives up on telling the protocol. */
const DETECT_TIMEOUT = durationOf(10_000);
/** What waits for a backend at most, and how long. */
const QUEUE = { capacity: 100, failfastTimeout: durationOf(3000) };

type HttpDistribution = outbound.HttpRoute_Distribution;
type OpaqueDistribution = outbound.OpaqueRoute_Distribution;

const named = (name: string) => create(meta.MetadataSchema, { kind: { case: 'default', value: name } });

/** What a proxy asks about a Service, and which fields beyond Linkerd's it understands. */
export interface PolicyQuestion {
  readonly port: number;
  readonly features: ReadonlySet<Feature>;
}

/** The policy of a Service's port: how its protocol is told, and the Service itself as the only backend. */
export function servicePolicy(
  service: ServiceRecord,
  { port }: PolicyQuestion,
  config: OutboundConfig,
  warn: Warn,
): outbound.OutboundPolicy {
  const metadata = serviceMetadata(service, port);
  const backend = create(outbound.BackendSchema, {
    metadata,
    queue: QUEUE,
    kind: {
      case: 'balancer',
      value: create(outbound.Backend_BalanceP2cSchema, {
        discovery: { kind: { case: 'dst', value: { path: `${serviceFqdn(service, config.clusterDomain)}:${port}` } } },
        load: readLoad(service.annotations, warn),
      }),
    },
  });
  const accrual = readFailureAccrual(service.annotations, warn);
  const parts: Parts = {
    opaque: [opaqueRoute('opaq', toBackend(outbound.OpaqueRoute_DistributionSchema, backend))],
    http: [httpRoute('http', toBackend(outbound.HttpRoute_DistributionSchema, backend), service.annotations, warn)],
    ...(accrual && { accrual }),
  };
  return create(outbound.OutboundPolicySchema, {
    metadata,
    protocol: encodeProtocol(protocolOf(service, port, config), parts),
  });
}

/** Of a port that a Service does not have: connections are refused. */
export function undefinedPortPolicy(service: ServiceRecord, port: number): outbound.OutboundPolicy {
  const route = create(outbound.OpaqueRouteSchema, {
    metadata: named('undefined-port'),
    rules: [
      {
        backends: { kind: { case: 'empty', value: {} } },
        filters: [{ kind: { case: 'forbidden', value: {} } }],
      },
    ],
  });
  return create(outbound.OutboundPolicySchema, {
    metadata: serviceMetadata(service, port),
    protocol: encodeProtocol('opaque', { opaque: [route], http: [] }),
  });
}

/** Of an address outside the cluster: traffic goes where it was meant to go. Undefined when `ip` is no address. */
export function egressPolicy(ip: string, port: number): outbound.OutboundPolicy | undefined {
  const addr = encodeTcpAddress(ip, port);
  if (!addr) return undefined;
  const metadata = named('egress-fallback');
  const backend = create(outbound.BackendSchema, {
    metadata,
    queue: QUEUE,
    kind: { case: 'forward', value: create(destination.WeightedAddrSchema, { addr, weight: 1 }) },
  });
  return create(outbound.OutboundPolicySchema, {
    metadata,
    protocol: encodeProtocol('detect', {
      opaque: [opaqueRoute('egress-fallback', toBackend(outbound.OpaqueRoute_DistributionSchema, backend))],
      http: [
        httpRoute('egress-fallback', toBackend(outbound.HttpRoute_DistributionSchema, backend), {}, () => undefined),
      ],
    }),
  });
}

type Protocol = 'detect' | 'opaque' | 'http1' | 'http2';

/** By the port's appProtocol; without one, by the opaque ports. What is not understood is carried as bytes. */
function protocolOf(service: ServiceRecord, port: number, config: OutboundConfig): Protocol {
  const appProtocol = service.ports.find((each) => each.port === port)?.appProtocol?.toLowerCase();
  if (appProtocol !== undefined) return APP_PROTOCOLS[appProtocol] ?? 'opaque';
  return (service.opaquePorts ?? config.defaultOpaquePorts).has(port) ? 'opaque' : 'detect';
}
const APP_PROTOCOLS: Record<string, Protocol> = { http: 'http1', 'kubernetes.io/h2c': 'http2' };

interface Parts {
  opaque: outbound.OpaqueRoute[];
  http: outbound.HttpRoute[];
  accrual?: outbound.FailureAccrual;
}

function encodeProtocol(protocol: Protocol, parts: Parts): outbound.ProxyProtocol {
  const http = { routes: parts.http, ...(parts.accrual && { failureAccrual: parts.accrual }) };
  const opaque = create(outbound.ProxyProtocol_OpaqueSchema, { routes: parts.opaque });
  const http1 = create(outbound.ProxyProtocol_Http1Schema, http);
  const http2 = create(outbound.ProxyProtocol_Http2Schema, http);
  const kinds: Record<Protocol, outbound.ProxyProtocol['kind']> = {
    detect: {
      case: 'detect',
      value: create(outbound.ProxyProtocol_DetectSchema, { timeout: DETECT_TIMEOUT, opaque, http1, http2 }),
    },
    opaque: { case: 'opaque', value: opaque },
    http1: { case: 'http1', value: http1 },
    http2: { case: 'http2', value: http2 },
  };
  return create(outbound.ProxyProtocolSchema, { kind: kinds[protocol] });
}

function serviceMetadata({ name, namespace }: ServiceRecord, port: number): meta.Metadata {
  return create(meta.MetadataSchema, {
    kind: {
      case: 'resource',
      value: create(meta.ResourceSchema, { group: 'core', kind: 'Service', name, namespace, port }),
    },
  });
}

type Distribution = typeof outbound.HttpRoute_DistributionSchema | typeof outbound.OpaqueRoute_DistributionSchema;

function toBackend(schema: typeof outbound.HttpRoute_DistributionSchema, backend: outbound.Backend): HttpDistribution;
function toBackend(
  schema: typeof outbound.OpaqueRoute_DistributionSchema,
  backend: outbound.Backend,
): OpaqueDistribution;
function toBackend(schema: Distribution, backend: outbound.Backend): HttpDistribution | OpaqueDistribution {
  return create(schema, { kind: { case: 'firstAvailable', value: { backends: [{ backend }] } } });
}

function httpRoute(
  name: string,
  backends: HttpDistribution,
  annotations: Readonly<Record<string, string>>,
  warn: Warn,
): outbound.HttpRoute {
  const retry = readHttpRetry(annotations, warn);
  return create(outbound.HttpRouteSchema, {
    metadata: named(name),
    rules: [
      {
        matches: [{ path: { kind: { case: 'prefix', value: '/' } } }],
        backends,
        timeouts: readTimeouts(annotations, warn),
        ...(retry && { retry }),
      },
    ],
  });
}

function opaqueRoute(name: string, backends: OpaqueDistribution): outbound.OpaqueRoute {
  return create(outbound.OpaqueRouteSchema, { metadata: named(name), rules: [{ backends }] });
}
