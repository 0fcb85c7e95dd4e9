import { createPublicKey } from 'node:crypto';
import { destination, identity, inbound, outbound } from '#api/mesh';
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

/** A control plane over real gRPC: signs every request, lets everyone in, knows no address. */
export async function startControlPlane(ca: TestCa): Promise<FakeControlPlane> {
  const server: GrpcServer = createGrpcServer();
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
    const everywhere = [
      { net: { ip: { ip: { case: 'ipv4' as const, value: 0 } }, prefixLen: 0 }, except: [] },
      { net: { ip: { ip: { case: 'ipv6' as const, value: { first: 0n, last: 0n } } }, prefixLen: 0 }, except: [] },
    ];
    stream.write({
      protocol: { kind: { case: 'detect', value: { timeout: { seconds: 1n, nanos: 0 } } } },
      labels: { group: '', kind: 'default', name: 'all-unauthenticated' },
      authorizations: [
        {
          networks: everywhere,
          authentication: { permit: { case: 'unauthenticated', value: {} } },
          metadata: { kind: { case: 'default', value: 'all-unauthenticated' } },
        },
      ],
    });
  });
  server.serverStream(outbound.OutboundPolicies.method.watch, (_request, stream) => {
    stream.end(new GrpcError('NOT_FOUND', 'No such service'));
  });
  server.serverStream(destination.Destination.method.getProfile, (_request, stream) => {
    stream.write({ fullyQualifiedName: '' });
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, tokens, close: () => server.close() };
}
