import type { AnyObject } from '#api/kube';
import { createWebhookCertificate } from '../certificates/index.ts';
import { UserError } from '../context.ts';
import { type Manifest, metadataOf, object } from './objects.ts';
import type { Values } from './values.ts';

interface WebhookSource {
  /** Service and Secret prefix, e.g. `linkerd-sp-validator`. */
  service: string;
  component: string;
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  valuesKey: 'proxyInjector' | 'profileValidator' | 'policyValidator';
  rules: readonly Record<string, unknown>[];
  objectSelector?: Record<string, unknown>;
  timeoutSeconds?: number;
}

const GATEWAY_ROUTES = ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'];
const WRITES = ['CREATE', 'UPDATE'];

/** Webhooks by the name that their service, secret and configuration share. */
export const WEBHOOKS: readonly WebhookSource[] = [
  {
    service: 'linkerd-proxy-injector',
    component: 'proxy-injector',
    kind: 'MutatingWebhookConfiguration',
    valuesKey: 'proxyInjector',
    timeoutSeconds: 10,
    rules: [
      {
        operations: ['CREATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods', 'services'],
        scope: 'Namespaced',
      },
    ],
    objectSelector: {
      matchExpressions: [
        { key: 'linkerd.io/control-plane-component', operator: 'DoesNotExist' },
        { key: 'linkerd.io/cni-resource', operator: 'DoesNotExist' },
      ],
    },
  },
  {
    service: 'linkerd-sp-validator',
    component: 'destination',
    kind: 'ValidatingWebhookConfiguration',
    valuesKey: 'profileValidator',
    rules: [
      {
        operations: WRITES,
        apiGroups: ['linkerd.io'],
        apiVersions: ['v1alpha1', 'v1alpha2'],
        resources: ['serviceprofiles'],
      },
    ],
  },
  {
    service: 'linkerd-policy-validator',
    component: 'destination',
    kind: 'ValidatingWebhookConfiguration',
    valuesKey: 'policyValidator',
    rules: [
      {
        operations: WRITES,
        apiGroups: ['policy.linkerd.io'],
        apiVersions: ['*'],
        resources: [
          'authorizationpolicies',
          'httplocalratelimitpolicies',
          'httproutes',
          'networkauthentications',
          'meshtlsauthentications',
          'serverauthorizations',
          'servers',
          'egressnetworks',
        ],
      },
      {
        operations: WRITES,
        apiGroups: ['gateway.networking.k8s.io'],
        apiVersions: ['*'],
        resources: GATEWAY_ROUTES,
      },
    ],
  },
];

/** Certificates of the webhooks by chart value, PEM; `caBundle` is what the API server trusts. */
export type WebhookCertificates = Record<
  WebhookSource['valuesKey'],
  { certificate: string; key: string; caBundle: string } | undefined
>;

/** Takes given certificates or makes self-signed ones for a year. External secrets need a `caBundle` and get no Secret. */
export async function webhookCertificates(values: Values, namespace: string): Promise<WebhookCertificates> {
  const entries = await Promise.all(
    WEBHOOKS.map(async ({ valuesKey, service }) => {
      const given = values[valuesKey];
      if (given.externalSecret) {
        if (!given.caBundle) throw new UserError(`${valuesKey}.externalSecret needs ${valuesKey}.caBundle`);
        return [valuesKey, { certificate: '', key: '', caBundle: given.caBundle }] as const;
      }
      if (Boolean(given.crtPEM) !== Boolean(given.keyPEM))
        throw new UserError(`${valuesKey}: crtPEM and keyPEM must be given together`);
      const made = given.crtPEM
        ? { certificate: given.crtPEM, key: given.keyPEM }
        : await createWebhookCertificate(service, namespace);
      return [valuesKey, { ...made, caBundle: given.caBundle || made.certificate }] as const;
    }),
  );
  return Object.fromEntries(entries) as WebhookCertificates;
}

/** Secret and configuration of each webhook. */
export function webhookObjects(manifest: Manifest, certificates: WebhookCertificates): AnyObject[] {
  return WEBHOOKS.flatMap((source) => {
    const certificate = certificates[source.valuesKey];
    if (!certificate) return [];
    const secret = certificate.certificate ? [secretOf(manifest, source, certificate)] : [];
    return [...secret, configurationOf(manifest, source, certificate.caBundle)];
  });
}

function secretOf(manifest: Manifest, source: WebhookSource, pair: { certificate: string; key: string }): AnyObject {
  const { namespace } = manifest;
  const metadata = metadataOf(manifest, { name: `${source.service}-k8s-tls`, namespace, component: source.component });
  return object('v1', 'Secret', metadata, {
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(pair.certificate), 'tls.key': base64(pair.key) },
  });
}

function configurationOf(manifest: Manifest, source: WebhookSource, caBundle: string): AnyObject {
  const { namespace, values } = manifest;
  const metadata = metadataOf(manifest, { name: `${source.service}-webhook-config`, component: source.component });
  const excluded = [{ key: 'config.linkerd.io/admission-webhooks', operator: 'NotIn', values: ['disabled'] }];
  if (source.kind === 'MutatingWebhookConfiguration')
    excluded.push({ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'cert-manager'] });
  return object('admissionregistration.k8s.io/v1', source.kind, metadata, {
    webhooks: [
      {
        name: `${source.service}.linkerd.io`,
        namespaceSelector: { matchExpressions: excluded },
        ...(source.objectSelector && { objectSelector: source.objectSelector }),
        clientConfig: {
          service: { name: source.service, namespace, path: '/' },
          caBundle: base64(caBundle),
        },
        failurePolicy: values.webhookFailurePolicy,
        admissionReviewVersions: ['v1', 'v1beta1'],
        rules: source.rules,
        sideEffects: 'None',
        ...(source.timeoutSeconds !== undefined && { timeoutSeconds: source.timeoutSeconds }),
      },
    ],
  });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
