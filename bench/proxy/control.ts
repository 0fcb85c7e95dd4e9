/**
 * A control plane that knows one Service: the real gRPC contract, scripted answers. Runs as a process of its own in each
 * namespace, `bun control.ts FOLDER [--changing]`, on loopback, where proxies speak to it in the clear.
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
  ORIGIN_PORTS,
  type Protocol,
  SERVER_IP,
  SERVER_NAME,
  SERVICE_HOST,
  SERVICE_IP,
  SERVICE_PORTS,
  SPARE_PORTS,
} from './addresses.ts';

type Metadata = MessageInitShape<typeof meta.MetadataSchema>;

/** Endpoints come and go. */
const CHANGING = process.argv.includes('--changing');

const named = (value: string): Metadata => ({ kind: { case: 'default', value } });
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

const PROTOCOLS: readonly Protocol[] = ['http1', 'http2', 'tcp'];
const authorityOf = (protocol: Protocol): string => `${SERVICE_HOST}:${SERVICE_PORTS[protocol]}`;

/** What the policy controller says of a Service's port without routes: detection or nothing read, one route, one balancer. */
function servicePolicy(protocol: Protocol): MessageInitShape<typeof outbound.OutboundPolicySchema> {
  const port = SERVICE_PORTS[protocol];
  const service: Metadata = {
    kind: { case: 'resource', value: { group: 'core', kind: 'Service', name: 'bb', namespace: 'bench', port } },
  };
  const backend: MessageInitShape<typeof outbound.BackendSchema> = {
    metadata: service,
    queue: { capacity: 100, failfastTimeout: seconds(3) },
    kind: {
      case: 'balancer',
      value: {
        discovery: { kind: { case: 'dst', value: { path: authorityOf(protocol) } } },
        load: { case: 'peakEwma', value: { defaultRtt: { seconds: 0n, nanos: 30_000_000 }, decay: seconds(10) } },
      },
    },
  };
  const first = { kind: { case: 'firstAvailable' as const, value: { backends: [{ backend }] } } };
  const httpRoutes = { routes: [{ metadata: named('http'), rules: [{ backends: first }] }] };
  const opaque = { routes: [{ metadata: named('opaq'), rules: [{ backends: first }] }] };
  if (protocol === 'tcp') return { metadata: service, protocol: { kind: { case: 'opaque', value: opaque } } };
  const detect = { timeout: seconds(10), http1: httpRoutes, http2: httpRoutes, opaque };
  return { metadata: service, protocol: { kind: { case: 'detect', value: detect } } };
}

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

/** A port whose bytes are nobody's business. */
const opaquePolicy: typeof portPolicy = { ...portPolicy, protocol: { kind: { case: 'opaque', value: {} } } };

/** An address of the one pod: meshed, dialled at its proxy with a transport header; HTTP/1 travels as HTTP/2 between proxies. */
function endpoint(protocol: Protocol, port: number): MessageInitShape<typeof destination.WeightedAddrSchema> {
  const kind = protocol === 'tcp' ? ({ case: 'opaque', value: {} } as const) : ({ case: 'h2', value: {} } as const);
  return {
    addr: encodeTcpAddress(SERVER_IP, port)!,
    weight: 10_000,
    tlsIdentity: {
      strategy: { case: 'dnsLikeIdentity', value: { name: SERVER_NAME } },
      serverName: { name: SERVER_NAME },
    },
    protocolHint: { protocol: kind, opaqueTransport: { inboundPort: INBOUND_PORT } },
    metricLabels: { pod: 'bb-1', deployment: 'bb', control_plane_ns: 'linkerd' },
  };
}

type Update = MessageInitShape<typeof destination.UpdateSchema>;

const adding = (protocol: Protocol, ports: readonly number[]): Update => {
  const addrs = ports.map((port) => endpoint(protocol, port));
  return { update: { case: 'add', value: { metricLabels: { namespace: 'bench', service: 'bb' }, addrs } } };
};
const removing = (ports: readonly number[]): Update => {
  return { update: { case: 'remove', value: { addrs: ports.map((port) => encodeTcpAddress(SERVER_IP, port)!) } } };
};

/** How often an endpoint comes or goes when asked to. */
const CHANGE_MS = 1_000;

/** Adds and removes spare endpoints in turn, for as long as `write` is wanted; the first endpoint stays. */
function change(protocol: 'http1' | 'http2', write: (update: Update) => void): () => void {
  const spare = SPARE_PORTS[protocol];
  let step = 0;
  const timer = setInterval(() => {
    const port = spare[step % spare.length]!;
    const isThere = Math.floor(step / spare.length) % 2 === 1;
    write(isThere ? removing([port]) : adding(protocol, [port]));
    step++;
  }, CHANGE_MS);
  return () => clearInterval(timer);
}

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
  stream.write({ fullyQualifiedName: SERVICE_HOST });
});
server.serverStream(destination.Destination.method.get, (request, stream) => {
  const protocol = PROTOCOLS.find((each) => authorityOf(each) === request.path);
  if (protocol) {
    stream.write(adding(protocol, [ORIGIN_PORTS[protocol]]));
    if (CHANGING && protocol !== 'tcp') stream.onClose(change(protocol, (update) => stream.write(update)));
  } else stream.end(new GrpcError('NOT_FOUND', `no service ${request.path}`));
});
server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream) => {
  const { case: kind, value } = request.target;
  const known = kind === 'addr' && decodeIp(value.ip) === SERVICE_IP;
  const protocol = known ? PROTOCOLS.find((each) => SERVICE_PORTS[each] === value.port) : undefined;
  if (protocol) stream.write(servicePolicy(protocol));
  else stream.end(new GrpcError('NOT_FOUND', 'No such service'));
});
server.serverStream(inbound.InboundServerPolicies.method.watchPort, (request, stream) => {
  stream.write(request.port === ORIGIN_PORTS.tcp ? opaquePolicy : portPolicy);
});
await server.listen({ host: '127.0.0.1', port: CONTROL_PORT });
