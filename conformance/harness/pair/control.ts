/**
 * A control plane that knows one Service with one pod: the real gRPC contract, scripted answers by port. Runs as a process of its
 * own in each namespace, `bun control.ts SCRIPT-JSON`, on loopback, where proxies speak to it in the clear.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { decodeIp, destination, identity, inbound, outbound } from '#api/mesh';
import { createCertify, readCertificates, readIssuer } from '#control/identity';
import { createGrpcServer, GrpcError } from '#runtime/grpc';
import { adding, carrying, type Endpoint, everyone, removing, servicePolicy } from '../messages/index.ts';
import { CONTROL_PORT, INBOUND_PORT, SERVER_IP, SERVER_NAME, SERVICE_HOST, SERVICE_IP } from './addresses.ts';

/** What a port of the Service, and the port of its pod that it leads to, carries. */
export interface PortScript {
  readonly port: number;
  /** Of the pod; absent: the same. */
  readonly target?: number;
  /** Further ports of the pod that come and go as endpoints, one each second; the first endpoint stays. */
  readonly spare?: readonly number[];
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

type Update = MessageInitShape<typeof destination.UpdateSchema>;

const CHANGE_MS = 1_000;
const DETECT_MS = 10_000;

export const targetOf = ({ port, target = port }: PortScript): number => target;
const pathOf = ({ port }: PortScript): string => `${SERVICE_HOST}:${port}`;

/** An address of the one pod: meshed, dialled at its proxy with a transport header. */
function endpoint({ protocol, upgrade }: PortScript, port: number): Endpoint {
  const hint = protocol === 'opaque' ? 'opaque' : upgrade ? 'h2' : undefined;
  const labels = { pod: 'server-1', deployment: 'server', control_plane_ns: 'linkerd' };
  return { ip: SERVER_IP, port, identity: SERVER_NAME, inboundPort: INBOUND_PORT, labels, ...(hint && { hint }) };
}

/** Adds and removes the spare endpoints in turn, until the returned function is called. */
function change(script: PortScript, spare: readonly number[], write: (update: Update) => void): () => void {
  let step = 0;
  const timer = setInterval(() => {
    const one = endpoint(script, spare[step % spare.length]!);
    const isThere = Math.floor(step / spare.length) % 2 === 1;
    write(isThere ? removing([one]) : adding([one]));
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
      // Tokens are user names in the clear.
      kube: { create: async (_gvr, review) => ({ ...review, status: reviewed(review) }) },
      issuer: () => issuer,
      roots: () => anchors,
      events: {
        issued: nothing,
        issuerUpdated: nothing,
        issuerSkipped: nothing,
        issuerInvalid: nothing,
        rootsUpdated: nothing,
        rootsSkipped: nothing,
      },
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
  const byTarget = new Map(ports.map((each) => [targetOf(each), each]));
  const byPath = new Map(ports.map((each) => [pathOf(each), each]));
  const server = createGrpcServer({ onBug: (method, error) => console.error(method, error) });
  server.unary(identity.Identity.method.certify, certify(folder));
  server.serverStream(destination.Destination.method.getProfile, (_request, stream) => {
    stream.write({ fullyQualifiedName: SERVICE_HOST });
  });
  server.serverStream(destination.Destination.method.get, (request, stream) => {
    const known = byPath.get(request.path);
    if (!known) {
      stream.end(new GrpcError('NOT_FOUND', `no service ${request.path}`));
      return;
    }
    stream.write(adding([endpoint(known, targetOf(known))]));
    if (known.spare) stream.onClose(change(known, known.spare, (update) => stream.write(update)));
  });
  server.serverStream(outbound.OutboundPolicies.method.watch, (request, stream) => {
    const { case: kind, value } = request.target;
    const known = kind === 'addr' && decodeIp(value.ip) === SERVICE_IP ? byPort.get(value.port) : undefined;
    if (known) stream.write(servicePolicy(pathOf(known), { protocol: known.protocol }));
    else stream.end(new GrpcError('NOT_FOUND', 'No such service'));
  });
  server.serverStream(inbound.InboundServerPolicies.method.watchPort, (request, stream) => {
    stream.write(everyone({ protocol: carrying(byTarget.get(request.port)?.protocol ?? 'detect', DETECT_MS) }));
  });
  await server.listen({ host: '127.0.0.1', port: CONTROL_PORT });
}

if (import.meta.main) await serve(JSON.parse(process.argv[2] ?? '{}') as ControlScript);
