/**
 * A control plane that knows one Service with one pod: the real gRPC contract, scripted answers by port. Runs as a process of its
 * own in each namespace, `bun control.ts SCRIPT-JSON`, on loopback, where proxies speak to it in the clear.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeIp, destination, encodeIp, encodeTcpAddress, identity, inbound, type meta, outbound } from '#api/mesh';
import { createCertify, readCertificates, readIssuer } from '#control/identity';
import { createGrpcServer, GrpcError } from '#runtime/grpc';
import { CONTROL_PORT, INBOUND_PORT, SERVER_IP, SERVER_NAME, SERVICE_IP } from './addresses.ts';

/** What a port of the Service, and the same port of its pod, carries. */
export interface PortScript {
  readonly port: number;
  /** Of the Service's policy and of the pod's. */
  readonly protocol: 'detect' | 'http1' | 'http2' | 'opaque';
  /** The endpoint's proxy takes HTTP/1 upgraded to HTTP/2. */
  readonly upgrade?: boolean;
}

export interface ControlScript {
  /** Folder of the material. */
  readonly folder: string;
  readonly ports: readonly PortScript[];
}

type Metadata = MessageInitShape<typeof meta.MetadataSchema>;
type InboundProtocol = MessageInitShape<typeof inbound.ProxyProtocolSchema>;
type OutboundProtocol = MessageInitShape<typeof outbound.ProxyProtocolSchema>;

const HOST = 'server.pair.svc.cluster.local';
const named = (value: string): Metadata => ({ kind: { case: 'default', value } });
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

function servicePolicy({ port, protocol }: PortScript): MessageInitShape<typeof outbound.OutboundPolicySchema> {
  const service: Metadata = {
    kind: { case: 'resource', value: { group: 'core', kind: 'Service', name: 'server', namespace: 'pair', port } },
  };
  const backend: MessageInitShape<typeof outbound.BackendSchema> = {
    metadata: service,
    queue: { capacity: 100, failfastTimeout: seconds(3) },
    kind: {
      case: 'balancer',
      value: {
        discovery: { kind: { case: 'dst', value: { path: `${HOST}:${port}` } } },
        load: { case: 'peakEwma', value: { defaultRtt: { seconds: 0n, nanos: 30_000_000 }, decay: seconds(10) } },
      },
    },
  };
  const first = { kind: { case: 'firstAvailable' as const, value: { backends: [{ backend }] } } };
  const http = { routes: [{ metadata: named('http'), rules: [{ backends: first }] }] };
  const opaque = { routes: [{ metadata: named('opaq'), rules: [{ backends: first }] }] };
  const kinds: Record<PortScript['protocol'], OutboundProtocol> = {
    detect: {
      kind: { case: 'detect', value: { timeout: seconds(10), http1: http, http2: http, opaque } },
    },
    http1: { kind: { case: 'http1', value: http } },
    http2: { kind: { case: 'http2', value: http } },
    opaque: { kind: { case: 'opaque', value: opaque } },
  };
  return { metadata: service, protocol: kinds[protocol] };
}

function portPolicy(protocol: PortScript['protocol']): MessageInitShape<typeof inbound.ServerSchema> {
  const routes = [{ metadata: named('default'), rules: [{}] }];
  const kinds: Record<PortScript['protocol'], InboundProtocol> = {
    detect: { kind: { case: 'detect', value: { timeout: seconds(10), httpRoutes: routes } } },
    http1: { kind: { case: 'http1', value: { routes } } },
    http2: { kind: { case: 'http2', value: { routes } } },
    opaque: { kind: { case: 'opaque', value: {} } },
  };
  return {
    protocol: kinds[protocol],
    authorizations: [
      {
        networks: ['0.0.0.0', '::'].map((ip) => ({ net: { ip: encodeIp(ip)!, prefixLen: 0 } })),
        authentication: { permit: { case: 'unauthenticated', value: {} } },
        metadata: named('all-unauthenticated'),
      },
    ],
    labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
  };
}

/** The one pod: meshed, dialled at its proxy with a transport header. */
function endpoints({ port, upgrade }: PortScript): MessageInitShape<typeof destination.UpdateSchema> {
  const address: MessageInitShape<typeof destination.WeightedAddrSchema> = {
    addr: encodeTcpAddress(SERVER_IP, port)!,
    weight: 10_000,
    tlsIdentity: {
      strategy: { case: 'dnsLikeIdentity', value: { name: SERVER_NAME } },
      serverName: { name: SERVER_NAME },
    },
    protocolHint: {
      opaqueTransport: { inboundPort: INBOUND_PORT },
      ...(upgrade && { protocol: { case: 'h2', value: {} } }),
    },
    metricLabels: { pod: 'server-1', control_plane_ns: 'linkerd' },
  };
  return {
    update: { case: 'add', value: { metricLabels: { namespace: 'pair', service: 'server' }, addrs: [address] } },
  };
}

function certify(folder: string) {
  const file = (name: string) => readFileSync(join(folder, name), 'utf8');
  const anchors = readCertificates(file('ca.pem'));
  const issuer = readIssuer({ certificate: file('issuer-cert.pem'), key: file('issuer-key.pem') }, anchors, Date.now());
  const nothing = () => undefined;
  return createCertify(
    {
      // Tokens are user names in the clear.
      kube: { create: async (_gvr, review) => ({ ...review, status: reviewed(review) }) },
      issuer: () => issuer,
      anchors,
      events: { issued: nothing, issuerUpdated: nothing, issuerSkipped: nothing, issuerInvalid: nothing },
      wallMs: () => Date.now(),
    },
    {
      domain: { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' },
      lifetimeMs: 24 * 3_600_000,
      skewMs: 20_000,
    },
  );
}

function reviewed(review: unknown) {
  const { token } = (review as { spec: { token: string } }).spec;
  return { authenticated: true, user: { username: token } };
}

async function serve({ folder, ports }: ControlScript): Promise<void> {
  const byPort = new Map(ports.map((each) => [each.port, each]));
  const byPath = new Map(ports.map((each) => [`${HOST}:${each.port}`, each]));
  const server = createGrpcServer({ onBug: (method, error) => console.error(method, error) });
  server.unary(identity.Identity.method.certify, certify(folder));
  server.serverStream(destination.Destination.method.getProfile, (_request, stream) => {
    stream.write({ fullyQualifiedName: HOST });
  });
  server.serverStream(destination.Destination.method.get, (request, stream) => {
    const known = byPath.get(request.path);
    if (known) stream.write(endpoints(known));
    else stream.end(new GrpcError('NOT_FOUND', `no service ${request.path}`));
  });
  server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream) => {
    const { case: kind, value } = request.target;
    const known = kind === 'addr' && decodeIp(value.ip) === SERVICE_IP ? byPort.get(value.port) : undefined;
    if (known) stream.write(servicePolicy(known));
    else stream.end(new GrpcError('NOT_FOUND', 'No such service'));
  });
  server.serverStream(inbound.InboundServerPolicies.method.watchPort, (request, stream) => {
    stream.write(portPolicy(byPort.get(request.port)?.protocol ?? 'detect'));
  });
  await server.listen({ host: '127.0.0.1', port: CONTROL_PORT });
}

if (import.meta.main) await serve(JSON.parse(process.argv[2] ?? '{}') as ControlScript);
