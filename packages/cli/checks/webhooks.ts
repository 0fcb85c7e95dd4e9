import type { X509Certificate } from 'node:crypto';
import {
  type Gvr,
  type KubeObject,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#api/kube';
import { issuedByAnchors, readCertificates } from '../certificates/index.ts';
import { WEBHOOKS } from '../manifests/index.ts';
import type { Category } from './check.ts';
import { endingSoon, invalidNow } from './identity.ts';
import type { CheckSubject } from './subject.ts';

interface Configuration extends KubeObject {
  webhooks?: { clientConfig?: { caBundle?: string } }[];
}

const GVRS: Record<(typeof WEBHOOKS)[number]['kind'], Gvr> = {
  MutatingWebhookConfiguration: MUTATING_WEBHOOK_CONFIGURATIONS,
  ValidatingWebhookConfiguration: VALIDATING_WEBHOOK_CONFIGURATIONS,
};

/** Each webhook's certificate: trusted by what its configuration says, made for its service, not about to end. */
export const webhookCategory = (subject: CheckSubject): Category => ({
  name: 'linkerd-webhooks-and-apisvc-tls',
  checks: WEBHOOKS.flatMap((webhook) => {
    const name = webhook.service.replace(/^linkerd-/, '');
    return [
      {
        description: `${name} webhook has valid cert`,
        anchor: `l5d-${name}-webhook-cert-valid`,
        remedy: `The certificate in Secret ${webhook.service}-k8s-tls is valid now, is made for ${webhook.service}.<namespace>.svc and is signed by the caBundle of ${webhook.service}-webhook-config. Upgrade the mesh, which makes both again, or have cert-manager's injector write the bundle.`,
        severity: 'fatal' as const,
        run: () => certificateValid(subject, webhook),
      },
      {
        description: `${name} cert is valid for at least 60 days`,
        anchor: `l5d-${name}-webhook-cert-not-expiring-soon`,
        remedy: `The certificate in Secret ${webhook.service}-k8s-tls is valid for 60 days more. Upgrade the mesh, which makes a new one.`,
        severity: 'warning' as const,
        async run() {
          const soon = endingSoon((await certificates(subject, webhook.service))[0]!);
          if (soon !== undefined) throw new Error(`certificate ${soon}`);
        },
      },
    ];
  }),
});

async function certificates(subject: CheckSubject, service: string): Promise<X509Certificate[]> {
  return servingCertificates(subject, `${service}-k8s-tls`, subject.namespace);
}

/** The chain in a Secret of a server that the API server calls. */
export async function servingCertificates(
  subject: CheckSubject,
  secret: string,
  namespace: string,
): Promise<X509Certificate[]> {
  const pem = await subject.secretText(secret, namespace, 'tls.crt');
  if (pem === undefined) throw new Error(`secrets "${secret}" not found or without tls.crt`);
  return readCertificates(pem);
}

async function certificateValid(subject: CheckSubject, webhook: (typeof WEBHOOKS)[number]): Promise<void> {
  const { service, kind } = webhook;
  const client = await subject.client();
  const name = `${service}-webhook-config`;
  const { webhooks } = await client.get<Configuration>(GVRS[kind], name);
  const chain = await certificates(subject, service);
  judgeServing(chain, { name, host: `${service}.${subject.namespace}.svc`, ...webhooks?.[0]?.clientConfig });
}

/** Throws unless the API server, which trusts `caBundle` (base64 of PEM) as the object `name` says, will accept a server's chain. */
export function judgeServing(
  [certificate, ...chain]: readonly X509Certificate[],
  { name, host, caBundle }: { name: string; host: string; caBundle?: string },
): void {
  if (!caBundle) throw new Error(`${name} has no caBundle`);
  if (!certificate) throw new Error(`no certificate for ${host}`);
  const invalid = invalidNow(certificate);
  if (invalid !== undefined) throw new Error(`certificate ${invalid}`);
  if (certificate.checkHost(host) === undefined) throw new Error(`the certificate is not valid for ${host}`);
  const anchors = readCertificates(Buffer.from(caBundle, 'base64').toString('utf8'));
  if (!issuedByAnchors(certificate, anchors, chain))
    throw new Error(`x509: certificate signed by unknown authority: ${name} trusts another one`);
}
