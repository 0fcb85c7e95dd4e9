import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type KubeObject, SECRETS } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { describeCertificate, issuedByAnchors, readCertificates } from '../certificates/index.ts';
import { UserError } from '../context.ts';
import type { Values } from '../manifests/index.ts';

/** Files of PEM. */
export interface TrustFlags {
  identityTrustAnchorsFile?: string;
  identityIssuerCertificateFile?: string;
  identityIssuerKeyFile?: string;
}

export function addTrustFlags(command: Command): void {
  command
    .option('--identity-trust-anchors-file <path>', 'PEM bundle of trust anchors')
    .option('--identity-issuer-certificate-file <path>', 'PEM certificate of the issuer')
    .option('--identity-issuer-key-file <path>', 'PEM key of the issuer');
}

/** Puts the content of the files that were named into the values. */
export async function readTrustFiles(values: Values, flags: TrustFlags): Promise<void> {
  const { tls } = values.identity.issuer;
  if (flags.identityTrustAnchorsFile) values.identityTrustAnchorsPEM = await pemFile(flags.identityTrustAnchorsFile);
  if (flags.identityIssuerCertificateFile) tls.crtPEM = await pemFile(flags.identityIssuerCertificateFile);
  if (flags.identityIssuerKeyFile) tls.keyPEM = await pemFile(flags.identityIssuerKeyFile);
}

async function pemFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`);
  }
  if (text.trim() === '') throw new UserError(`${path} is empty`);
  return text;
}

/** Throws unless the issuer can sign for those who know the anchors. */
export function refuseBadIssuer(values: Values, nowMs: number): void {
  const { crtPEM, keyPEM } = values.identity.issuer.tls;
  const problem = issuerProblem(crtPEM, values.identityTrustAnchorsPEM, nowMs);
  if (problem) throw new UserError(problem);
  const [issuer] = readCertificates(crtPEM);
  if (!keyBelongs(keyPEM, issuer!)) throw new UserError('the issuer key does not belong to the issuer certificate');
}

/** Why whoever knows these anchors would not trust what this issuer signs; undefined: would. */
export function issuerProblem(issuerPem: string, anchorsPem: string, nowMs: number): string | undefined {
  const [issuer, ...chain] = pemCertificates('issuer certificate', issuerPem);
  const anchors = pemCertificates('trust anchors', anchorsPem);
  const facts = describeCertificate(issuer!);
  if (!facts.isCa) return `the issuer certificate "${facts.subject}" is not a certificate authority`;
  if (facts.notAfterMs < nowMs) return `the issuer certificate expired at ${new Date(facts.notAfterMs).toISOString()}`;
  if (!issuedByAnchors(issuer!, anchors, chain))
    return `the issuer certificate "${facts.subject}" was not issued by the trust anchors`;
  return undefined;
}

function pemCertificates(what: string, pem: string): X509Certificate[] {
  try {
    return readCertificates(pem);
  } catch (error) {
    throw new UserError(`${what}: ${(error as Error).message}`);
  }
}

function keyBelongs(keyPem: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch (error) {
    throw new UserError(`the issuer key cannot be read: ${(error as Error).message}`);
  }
}

/** The anchors that an issuer from elsewhere brings along: `ca.crt` of its Secret. */
export async function externalAnchors(client: KubeClient, namespace: string): Promise<string> {
  try {
    const secret = await client.get<KubeObject & { data?: Record<string, string> }>(
      SECRETS,
      'linkerd-identity-issuer',
      namespace,
    );
    const ca = secret.data?.['ca.crt'];
    if (!ca) throw new UserError('Secret linkerd-identity-issuer has no ca.crt');
    return Buffer.from(ca, 'base64').toString('utf8');
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new UserError(
      `--identity-external-issuer: there is no Secret linkerd-identity-issuer in namespace ${namespace}`,
    );
  }
}
