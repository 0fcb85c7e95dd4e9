import type { X509Certificate } from 'node:crypto';
import { DAY_MS, describeCertificate, issuedByAnchors, readCertificates } from '../certificates/index.ts';
import { type Category, CheckFailure } from './check.ts';
import type { CheckSubject } from './subject.ts';

/** Certificates that end sooner are worth a warning. */
const SOON_MS = 60 * DAY_MS;
const ANCHOR_KEYS = new Set(['ECDSA P-256', 'RSA 2048', 'RSA 4096']);
const ISSUER_KEYS = new Set(['ECDSA P-256']);

interface Material {
  anchors: X509Certificate[];
  issuer: X509Certificate;
  chain: X509Certificate[];
}

export function identityCategory(subject: CheckSubject): Category {
  let material: Material | undefined;
  const of = async (): Promise<Material> => {
    material ??= await readMaterial(subject);
    return material;
  };
  const anchors = async (judge: (certificate: X509Certificate) => string | undefined, headline: string) => {
    const bad = (await of()).anchors.map(judge).filter((text) => text !== undefined);
    if (bad.length > 0) throw new CheckFailure(headline, bad);
  };
  const issuer = async (judge: (certificate: X509Certificate) => string | undefined, headline: string) => {
    const bad = judge((await of()).issuer);
    if (bad !== undefined) throw new Error(`${headline} ${bad}`);
  };
  return {
    name: 'linkerd-identity',
    checks: [
      {
        description: 'certificate config is valid',
        anchor: 'l5d-identity-cert-config-valid',
        remedy:
          'Secret linkerd-identity-issuer and ConfigMap linkerd-identity-trust-roots hold certificates in PEM under the names that the scheme of the installation wants: crt.pem, or tls.crt with an external issuer. Write them again, or have cert-manager do it.',
        severity: 'fatal',
        run: async () => void (await of()),
      },
      {
        description: 'trust anchors are using supported crypto algorithm',
        anchor: 'l5d-identity-trustAnchors-use-supported-crypto',
        remedy: 'Trust anchors have keys ECDSA P-256, RSA 2048 or RSA 4096. Make new ones and rotate.',
        severity: 'fatal',
        run: () => anchors(unsupported(ANCHOR_KEYS), 'Invalid trustAnchors:'),
      },
      {
        description: 'trust anchors are within their validity period',
        anchor: 'l5d-identity-trustAnchors-are-time-valid',
        remedy:
          'No trust anchor is expired or of the future. Rotate the trust anchors: bundle old and new, then the issuer, then drop the old.',
        severity: 'fatal',
        run: () => anchors(invalidNow, 'Invalid anchors:'),
      },
      {
        description: 'trust anchors are valid for at least 60 days',
        anchor: 'l5d-identity-trustAnchors-not-expiring-soon',
        remedy: 'Every trust anchor is valid for 60 days more. Rotate the trust anchors in time.',
        severity: 'warning',
        run: () => anchors(endingSoon, 'Anchors expiring soon:'),
      },
      {
        description: 'issuer cert is using supported crypto algorithm',
        anchor: 'l5d-identity-issuer-cert-uses-supported-crypto',
        remedy: "The issuer's key is ECDSA P-256. Make a new issuer below the same anchors.",
        severity: 'fatal',
        run: () => issuer(unsupported(ISSUER_KEYS), 'issuer certificate'),
      },
      {
        description: 'issuer cert is within its validity period',
        anchor: 'l5d-identity-issuer-cert-is-time-valid',
        remedy:
          'The issuer is neither expired nor of the future. Write a new issuer into Secret linkerd-identity-issuer; identity takes it over without a restart.',
        severity: 'fatal',
        run: () => issuer(invalidNow, 'issuer certificate is'),
      },
      {
        description: 'issuer cert is valid for at least 60 days',
        anchor: 'l5d-identity-issuer-cert-not-expiring-soon',
        remedy:
          'The issuer is valid for 60 days more; with short-lived issuers, as cert-manager makes them, this is always a warning. Renew it in time.',
        severity: 'warning',
        run: () => issuer(endingSoon, 'issuer certificate'),
      },
      {
        description: 'issuer cert is issued by the trust anchor',
        anchor: 'l5d-identity-issuer-cert-issued-by-trust-anchor',
        remedy:
          'A trust anchor signed the issuer, with the intermediates of the Secret. Proxies refuse what others sign: bring issuer and bundle together again.',
        async run() {
          const { issuer: certificate, anchors: roots, chain } = await of();
          if (!issuedByAnchors(certificate, roots, chain))
            throw new Error('x509: certificate signed by unknown authority');
        },
      },
    ],
  };
}

async function readMaterial(subject: CheckSubject): Promise<Material> {
  const { scheme } = (await subject.values()).identity.issuer;
  const key = scheme === 'kubernetes.io/tls' ? 'tls.crt' : 'crt.pem';
  const pem = await subject.secretText('linkerd-identity-issuer', subject.namespace, key);
  if (pem === undefined)
    throw new Error(`key ${key} containing the issuer certificate needs to exist in secret linkerd-identity-issuer`);
  const [issuer, ...chain] = readCertificates(pem);
  return { anchors: readCertificates(await subject.anchors()), issuer: issuer!, chain };
}

const label = (certificate: X509Certificate): string => {
  const { serial, subject } = describeCertificate(certificate);
  return `${serial} ${subject}`;
};
const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

const unsupported =
  (supported: ReadonlySet<string>) =>
  (certificate: X509Certificate): string | undefined => {
    const { keyType } = describeCertificate(certificate);
    return supported.has(keyType)
      ? undefined
      : `${label(certificate)} must use ${[...supported].join(' or ')}, was ${keyType}`;
  };

export function invalidNow(certificate: X509Certificate): string | undefined {
  const { notBeforeMs, notAfterMs } = describeCertificate(certificate);
  if (Date.now() < notBeforeMs) return `${label(certificate)} not valid before: ${iso(notBeforeMs)}`;
  if (Date.now() > notAfterMs) return `${label(certificate)} not valid anymore. Expired on ${iso(notAfterMs)}`;
  return undefined;
}

export function endingSoon(certificate: X509Certificate): string | undefined {
  const { notAfterMs } = describeCertificate(certificate);
  return notAfterMs - Date.now() < SOON_MS ? `${label(certificate)} will expire on ${iso(notAfterMs)}` : undefined;
}
