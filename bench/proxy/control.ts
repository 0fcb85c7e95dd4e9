/**
 * A control plane that knows one Service: the real gRPC contract, scripted answers. Runs as a process of its own in each
 * namespace, `bun control.ts FOLDER`, on loopback, where proxies speak to it in the clear.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeIp, destination, encodeIp, encodeTcpAddress, identity, inbound, type meta, outbound } from '#api/mesh';
import { createCertify, readCertificates, readIssuer } from '#control/identity';
import { createGrpcServer, GrpcError } from '#runtime/grpc';
import {
  CONTROL_PORT,
  INBOUND_PORT,
  ORIGIN_PORT,
  SERVER_IP,
  SERVER_NAME,
  SERVICE_AUTHORITY,
  SERVICE_IP,
  SERVICE_PORT,
} from './addresses.ts';

type Metadata = MessageInitShape<typeof meta.MetadataSchema>;

const named = (value: string): Metadata => ({ kind: { case: 'default', value } });
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

const service: Metadata = {
  kind: { case: 'resource', value: { group: 'core', kind: 'Service', name: 'bb', namespace: 'bench', port: 80 } },
};
const backend: MessageInitShape<typeof outbound.BackendSchema> = {
  metadata: service,
  queue: { capacity: 100, failfastTimeout: seconds(3) },
  kind: {
    case: 'balancer',
    value: {
      discovery: { kind: { case: 'dst', value: { path: SERVICE_AUTHORITY } } },
      load: { case: 'peakEwma', value: { defaultRtt: { seconds: 0n, nanos: 30_000_000 }, decay: seconds(10) } },
    },
  },
};
const first = { kind: { case: 'firstAvailable' as const, value: { backends: [{ backend }] } } };
const httpRoutes = { routes: [{ metadata: named('http'), rules: [{ backends: first }] }] };

/** What the policy controller says of a Service without routes: detection, one route, one balancer. */
const servicePolicy: MessageInitShape<typeof outbound.OutboundPolicySchema> = {
  metadata: service,
  protocol: {
    kind: {
      case: 'detect',
      value: {
        timeout: seconds(10),
        http1: httpRoutes,
        http2: httpRoutes,
        opaque: { routes: [{ metadata: named('opaq'), rules: [{ backends: first }] }] },
      },
    },
  },
};

/** The default inbound policy: any client, HTTP by detection, one route for all requests. */
const portPolicy: MessageInitShape<typeof inbound.ServerSchema> = {
  protocol: {
    kind: {
      case: 'detect',
      value: { timeout: seconds(10), httpRoutes: [{ metadata: named('default'), rules: [{}] }] },
    },
  },
  authorizations: [
    {
      networks: ['0.0.0.0', '::'].map((ip) => ({ net: { ip: encodeIp(ip)!, prefixLen: 0 } })),
      authentication: { permit: { case: 'unauthenticated', value: {} } },
      metadata: named('all-unauthenticated'),
    },
  ],
  labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
};

/** The one pod: meshed, dialled at its proxy with a transport header. */
const endpoints: MessageInitShape<typeof destination.UpdateSchema> = {
  update: {
    case: 'add',
    value: {
      metricLabels: { namespace: 'bench', service: 'bb' },
      addrs: [
        {
          addr: encodeTcpAddress(SERVER_IP, ORIGIN_PORT)!,
          weight: 10_000,
          tlsIdentity: {
            strategy: { case: 'dnsLikeIdentity', value: { name: SERVER_NAME } },
            serverName: { name: SERVER_NAME },
          },
          protocolHint: { opaqueTransport: { inboundPort: INBOUND_PORT } },
          metricLabels: { pod: 'bb-1', deployment: 'bb', control_plane_ns: 'linkerd' },
        },
      ],
    },
  },
};

function certify(folder: string) {
  const file = (name: string) => readFileSync(join(folder, name), 'utf8');
  const anchors = readCertificates(file('ca.pem'));
  const issuer = readIssuer({ certificate: file('issuer-cert.pem'), key: file('issuer-key.pem') }, anchors, Date.now());
  const nothing = () => undefined;
  return createCertify(
    {
      // Tokens of the benchmark are user names in the clear.
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

const server = createGrpcServer({ onBug: (method, error) => console.error(method, error) });
server.unary(identity.Identity.method.certify, certify(process.argv[2] ?? '.'));
server.serverStream(destination.Destination.method.getProfile, (_request, stream) => {
  stream.write({ fullyQualifiedName: SERVICE_AUTHORITY.split(':')[0]! });
});
server.serverStream(destination.Destination.method.get, (request, stream) => {
  if (request.path === SERVICE_AUTHORITY) stream.write(endpoints);
  else stream.end(new GrpcError('NOT_FOUND', `no service ${request.path}`));
});
server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream) => {
  const { case: kind, value } = request.target;
  const asked = kind === 'addr' && value.port === SERVICE_PORT && decodeIp(value.ip) === SERVICE_IP;
  if (asked) stream.write(servicePolicy);
  else stream.end(new GrpcError('NOT_FOUND', 'No such service'));
});
server.serverStream(inbound.InboundServerPolicies.method.watchPort, (_request, stream) => {
  stream.write(portPolicy);
});
await server.listen({ host: '127.0.0.1', port: CONTROL_PORT });
