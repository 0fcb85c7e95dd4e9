import { createPublicKey } from 'node:crypto';
import { decodeTcpAddress, destination, encodeTcpAddress, identity, inbound, outbound } from '#api/mesh';
import { createGrpcServer, GrpcError, type GrpcServer } from '#runtime/grpc';
import type { TestCa } from './test-ca.fake.ts';

/** The parts of a DER element. */
function read(bytes: Uint8Array, at: number): { start: number; end: number } {
  let length = bytes[at + 1]!;
  let start = at + 2;
  if (length > 127) {
    const count = length & 127;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + bytes[start + i]!;
    start += count;
  }
  return { start, end: start + length };
}

/** The public key in a certificate request: version, name, key. */
export function publicKeyOf(csr: Uint8Array) {
  const info = read(csr, read(csr, 0).start);
  const name = read(csr, read(csr, info.start).end);
  const key = read(csr, name.end);
  return createPublicKey({ key: Buffer.from(csr.subarray(name.end, key.end)), format: 'der', type: 'spki' });
}

export interface FakeControlPlane {
  readonly port: number;
  readonly tokens: string[];
  close(): Promise<void>;
}

/** A Service with one route to a balancer over these endpoints. */
export interface FakeService {
  /** `10.96.0.1:80`. */
  readonly addr: string;
  /** `web.a.svc.cluster.local:80`. */
  readonly path: string;
  readonly endpoints: readonly { ip: string; port: number; identity?: string; inboundPort?: number }[];
}

export interface FakeControlPlaneOptions {
  readonly services?: readonly FakeService[];
  /** Calls `listen` where the sockets shall be, e.g. inside another network namespace. */
  readonly inside?: <T>(listen: () => T) => T;
}

/** A control plane over real gRPC on loopback: signs every request, lets everyone in, knows the given services. */
export async function startControlPlane(ca: TestCa, options: FakeControlPlaneOptions = {}): Promise<FakeControlPlane> {
  const server: GrpcServer = createGrpcServer();
  const services = options.services ?? [];
  const tokens: string[] = [];
  server.unary(identity.Identity.method.certify, (request) => {
    tokens.push(Buffer.from(request.token).toString());
    const validMs = 60_000;
    return {
      leafCertificate: ca.sign(request.identity, publicKeyOf(request.certificateSigningRequest), validMs),
      intermediateCertificates: [],
      validUntil: { seconds: BigInt(Math.floor((Date.now() + validMs) / 1000)), nanos: 0 },
    };
  });
  server.serverStream(inbound.InboundServerPolicies.method.watchPort, (_request, stream) => {
    stream.write(EVERYONE);
  });
  server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream) => {
    const addr = decodeTcpAddress(request.target.case === 'addr' ? request.target.value : undefined);
    const service = services.find((one) => one.addr === addr);
    if (service) stream.write(servicePolicyMessage(service));
    else stream.end(new GrpcError('NOT_FOUND', 'No such service'));
  });
  server.serverStream(destination.Destination.method.getProfile, (request, stream) => {
    const service = services.find(({ addr }) => addr === request.path);
    stream.write({ fullyQualifiedName: service ? service.path.replace(/:\d+$/, '') : '' });
  });
  server.serverStream(destination.Destination.method.get, (request, stream) => {
    const service = services.find(({ path }) => path === request.path);
    if (!service) stream.end(new GrpcError('NOT_FOUND', 'no such service'));
    else
      stream.write({
        update: {
          case: 'add',
          value: { addrs: service.endpoints.map(weightedAddr), metricLabels: { service: 'web' } },
        },
      });
  });
  const inside = options.inside ?? (<T>(listen: () => T): T => listen());
  const { port } = await inside(() => server.listen({ host: '127.0.0.1', port: 0 }));
  return { port, tokens, close: () => server.close() };
}

const EVERYONE = {
  protocol: { kind: { case: 'detect' as const, value: { timeout: { seconds: 1n, nanos: 0 } } } },
  labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
  authorizations: [
    {
      networks: [
        { net: { ip: { ip: { case: 'ipv4' as const, value: 0 } }, prefixLen: 0 }, except: [] },
        { net: { ip: { ip: { case: 'ipv6' as const, value: { first: 0n, last: 0n } } }, prefixLen: 0 }, except: [] },
      ],
      authentication: { permit: { case: 'unauthenticated' as const, value: {} } },
      metadata: { kind: { case: 'default' as const, value: 'all-unauthenticated' } },
    },
  ],
};

function weightedAddr({ ip, port, identity: name, inboundPort }: FakeService['endpoints'][number]) {
  const addr = encodeTcpAddress(ip, port);
  return {
    ...(addr && { addr }),
    weight: 10_000,
    ...(name !== undefined && {
      tlsIdentity: { strategy: { case: 'dnsLikeIdentity' as const, value: { name } }, serverName: { name } },
    }),
    ...(inboundPort !== undefined && { protocolHint: { opaqueTransport: { inboundPort } } }),
  };
}

function servicePolicyMessage({ path }: FakeService) {
  const meta = (name: string) => ({ kind: { case: 'default' as const, value: name } });
  const parent = {
    kind: {
      case: 'resource' as const,
      value: { group: 'core', kind: 'Service', name: 'web', namespace: 'a', port: 80 },
    },
  };
  const backend = {
    metadata: parent,
    queue: { capacity: 100, failfastTimeout: { seconds: 3n, nanos: 0 } },
    kind: {
      case: 'balancer' as const,
      value: {
        discovery: { kind: { case: 'dst' as const, value: { path } } },
        load: {
          case: 'peakEwma' as const,
          value: { defaultRtt: { seconds: 0n, nanos: 30_000_000 }, decay: { seconds: 10n, nanos: 0 } },
        },
      },
    },
  };
  const backends = { kind: { case: 'firstAvailable' as const, value: { backends: [{ backend }] } } };
  const http = { routes: [{ metadata: meta('http'), rules: [{ backends }] }] };
  const opaque = { routes: [{ metadata: meta('opaq'), rules: [{ backends }] }] };
  const timeout = { seconds: 10n, nanos: 0 };
  return {
    metadata: parent,
    protocol: { kind: { case: 'detect' as const, value: { timeout, http1: http, http2: http, opaque } } },
  };
}
