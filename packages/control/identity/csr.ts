/** Reading certificate signing requests and deciding whether they ask for what their sender may have. */
import { GrpcError } from '#runtime/grpc';
import { x509 } from '#runtime/x509';

export type Csr = InstanceType<typeof x509.Pkcs10CertificateRequest>;

/** Decodes PKCS#10 in DER and checks that whoever made it holds the key. Throws INVALID_ARGUMENT. */
export async function readCsr(der: Uint8Array): Promise<Csr> {
  let csr: Csr;
  let proven = false;
  try {
    csr = new x509.Pkcs10CertificateRequest(Uint8Array.from(der));
    proven = await csr.verify();
  } catch (error) {
    throw new GrpcError('INVALID_ARGUMENT', 'the certificate signing request cannot be read', error);
  }
  if (!proven)
    throw new GrpcError('INVALID_ARGUMENT', 'the certificate signing request is not signed with its own key');
  return csr;
}

/** Throws FAILED_PRECONDITION unless the request names `identity` and nothing else: one DNS name, and a CN that is empty or equal. */
export function requireIdentity(csr: Csr, identity: string): void {
  const commonNames = csr.subjectName.getField('CN');
  if (commonNames.some((name) => name !== '' && name !== identity))
    throw new GrpcError(
      'FAILED_PRECONDITION',
      `invalid CN: expected "${identity}" or none, got "${commonNames.join()}"`,
    );
  const names = alternativeNames(csr);
  const foreign = names.find((name) => name.type !== 'dns');
  if (foreign) throw new GrpcError('FAILED_PRECONDITION', `cannot validate ${foreign.type} names`);
  if (names.length !== 1)
    throw new GrpcError('FAILED_PRECONDITION', `expected exactly one DNS name, got ${names.length}`);
  if (names[0]?.value !== identity)
    throw new GrpcError('FAILED_PRECONDITION', `invalid DNS name: expected "${identity}", got "${names[0]?.value}"`);
}

function alternativeNames(csr: Csr): readonly { type: string; value: string }[] {
  for (const extension of csr.extensions)
    if (extension instanceof x509.SubjectAlternativeNameExtension) return extension.names.items;
  return [];
}
