/** Certify: from a request with token and CSR to a signed leaf, by the checks in their order. */
import { createHash, type X509Certificate } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { identity as api } from '#api/mesh';
import type { KubeClient } from '#kube/client';
import type { MeshDomain } from '#model/names';
import { GrpcError } from '#runtime/grpc';
import { readCsr, requireIdentity } from './csr.ts';
import type { IdentityEvents } from './events.ts';
import { type Issuer, verifyIssuer } from './issuer.ts';
import { signLeaf } from './leaf.ts';
import { identityOfToken } from './token.ts';

export interface IdentityConfig {
  domain: MeshDomain;
  /** Life of a leaf, e.g. 24 h. */
  lifetimeMs: number;
  skewMs: number;
}

export interface IdentityDeps {
  kube: Pick<KubeClient, 'create'>;
  /** The credentials in use; undefined until they were read once. */
  issuer(): Issuer | undefined;
  /** The trust roots in use. */
  roots(): readonly X509Certificate[];
  events: IdentityEvents;
  /** Milliseconds since 1970. */
  wallMs(): number;
}

export type Certify = (request: api.CertifyRequest) => Promise<api.CertifyResponse>;

/** The service. Serial numbers count from 1 in each process. */
export function createCertify(deps: IdentityDeps, config: IdentityConfig): Certify {
  let serial = 0n;
  return async (request) => {
    const issuer = deps.issuer();
    if (!issuer) throw new GrpcError('UNAVAILABLE', 'the issuer certificate is not ready yet');
    requireFields(request);
    requireUsableIssuer(issuer, deps);
    const csr = await readCsr(request.certificateSigningRequest);
    requireIdentity(csr, request.identity);
    const proven = await identityOfToken(deps.kube, Buffer.from(request.token).toString('utf8').trim(), config.domain);
    if (proven !== request.identity)
      throw new GrpcError(
        'FAILED_PRECONDITION',
        `the token is of "${proven}", but "${request.identity}" was requested`,
      );
    serial += 1n;
    const { lifetimeMs, skewMs } = config;
    const leaf = await signLeaf({ issuer, csr, identity: proven, serial, nowMs: deps.wallMs(), lifetimeMs, skewMs });
    deps.events.issued(proven, new Date(leaf.notAfterMs), createHash('sha256').update(leaf.der).digest('hex'));
    return create(api.CertifyResponseSchema, {
      leafCertificate: leaf.der,
      intermediateCertificates: issuer.chain.map((each) => Uint8Array.from(each.raw)),
      validUntil: timestampFromMs(leaf.notAfterMs),
    });
  };
}

/** Tokens of pods have about one kilobyte; more audiences and bound objects make them longer. */
const TOKEN_BYTES_MAX = 16 * 1024;
/** A request with one name and an elliptic key has less than half a kilobyte; with the largest RSA key in use about two. */
const CSR_BYTES_MAX = 8 * 1024;

function requireFields(request: api.CertifyRequest): void {
  if (request.identity === '') throw new GrpcError('INVALID_ARGUMENT', 'missing identity');
  if (request.token.length === 0) throw new GrpcError('INVALID_ARGUMENT', 'missing token');
  if (request.certificateSigningRequest.length === 0)
    throw new GrpcError('INVALID_ARGUMENT', 'missing certificate signing request');
  requireLength('token', request.token, TOKEN_BYTES_MAX);
  requireLength('certificate signing request', request.certificateSigningRequest, CSR_BYTES_MAX);
}

/** Neither is worth the API server's time, nor ours, when it is longer. */
function requireLength(what: string, { length }: Uint8Array, bytesMax: number): void {
  if (length > bytesMax)
    throw new GrpcError('INVALID_ARGUMENT', `expected at most ${bytesMax} bytes, got a ${what} of ${length} bytes`);
}

function requireUsableIssuer(issuer: Issuer, deps: IdentityDeps): void {
  try {
    verifyIssuer(issuer, deps.roots(), deps.wallMs());
  } catch (error) {
    const reason = (error as Error).message;
    deps.events.issuerInvalid(reason);
    throw new GrpcError('UNKNOWN', `the issuer certificate is not valid: ${reason}`, error);
  }
}
