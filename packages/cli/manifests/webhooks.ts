import type { AnyObject } from '#api/kube';
import { not, when } from '#model/template';
import { createWebhookCertificate } from '../certificates/index.ts';
import { base64, type Manifest, metadataOf, object } from './objects.ts';
import type { Values } from './values.ts';

interface WebhookSource {
  /** Service and Secret prefix, e.g. `linkerd-sp-validator`. */
  service: string;
  component: string;
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  valuesKey: 'proxyInjector' | 'profileValidator' | 'policyValidator';
  rules: readonly Record<string, unknown>[];
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
    rules: [
      {
        operations: ['CREATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods', 'services'],
        scope: 'Namespaced',
      },
    ],
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

const rule = (group: string, operations: readonly string[], ...resources: string[]) => ({
  operations,
  apiGroups: [group],
  apiVersions: ['v1'],
  resources,
});

/** What makes pods, or is about them: whoever writes it is warned of annotations that will have no effect. Nothing waits for it. */
const ADVISED: readonly Record<string, unknown>[] = [
  rule('', WRITES, 'namespaces', 'replicationcontrollers'),
  rule('', ['UPDATE'], 'services'),
  rule('apps', WRITES, 'deployments', 'daemonsets', 'statefulsets'),
  rule('batch', WRITES, 'jobs', 'cronjobs'),
];
const ADVICE_TIMEOUT_SECONDS = 2;

/** A webhook's serving certificate, PEM. Empty where an external Secret has it. */
export interface WebhookCertificate {
  certificate: string;
  key: string;
  /** What the API server trusts; empty where cert-manager fills that in. */
  caBundle: string;
}
export type WebhookCertificates = Record<WebhookSource['valuesKey'], WebhookCertificate>;

/** What an earlier render left in the cluster, to be kept. */
export type PresentCertificates = Partial<Record<WebhookSource['valuesKey'], { certificate: string; key: string }>>;

/** Takes given certificates, then present ones, or makes self-signed ones for a year. */
export async function webhookCertificates(
  values: Values,
  namespace: string,
  present: PresentCertificates = {},
): Promise<WebhookCertificates> {
  const entries = await Promise.all(
    WEBHOOKS.map(async ({ valuesKey, service }) => {
      const { externalSecret, crtPEM, keyPEM, caBundle, injectCaFrom, injectCaFromSecret } = values[valuesKey];
      const given = crtPEM ? { certificate: crtPEM, key: keyPEM } : present[valuesKey];
      const made = externalSecret
        ? { certificate: '', key: '' }
        : (given ?? (await createWebhookCertificate(service, namespace)));
      const injected = injectCaFrom || injectCaFromSecret;
      return [valuesKey, { ...made, caBundle: injected ? '' : caBundle || made.certificate }] as const;
    }),
  );
  return Object.fromEntries(entries) as WebhookCertificates;
}

/** Secret and configuration of each webhook, by its service. */
export function webhookObjects(manifest: Manifest, certificates: WebhookCertificates): Record<string, AnyObject[]> {
  return Object.fromEntries(
    WEBHOOKS.map((source) => {
      const certificate = certificates[source.valuesKey];
      const { externalSecret } = manifest.values[source.valuesKey];
      return [
        `${source.service}-webhook`,
        [
          ...when(not(externalSecret), [secretOf(manifest, source, certificate)]),
          configurationOf(manifest, source, certificate.caBundle),
        ],
      ];
    }),
  );
}

function secretOf(manifest: Manifest, source: WebhookSource, pair: WebhookCertificate): AnyObject {
  const { namespace } = manifest;
  const metadata = metadataOf(manifest, { name: `${source.service}-k8s-tls`, namespace, component: source.component });
  return object('v1', 'Secret', metadata, {
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(pair.certificate), 'tls.key': base64(pair.key) },
  });
}

function configurationOf(manifest: Manifest, source: WebhookSource, caBundle: string): AnyObject {
  const { namespace, values } = manifest;
  const { injectCaFrom, injectCaFromSecret, namespaceSelector } = values[source.valuesKey];
  const metadata = metadataOf(manifest, {
    name: `${source.service}-webhook-config`,
    component: source.component,
    annotations: {
      ...when(injectCaFrom, { 'cert-manager.io/inject-ca-from': injectCaFrom }),
      ...when(injectCaFromSecret, { 'cert-manager.io/inject-ca-from-secret': injectCaFromSecret }),
    },
  });
  const isInjector = source.valuesKey === 'proxyInjector';
  const common = {
    namespaceSelector,
    ...(isInjector && { objectSelector: values.proxyInjector.objectSelector }),
    clientConfig: {
      service: { name: source.service, namespace, path: '/' },
      ...when(caBundle, { caBundle: base64(caBundle) }),
    },
    admissionReviewVersions: ['v1', 'v1beta1'],
    sideEffects: 'None',
  };
  const decides = {
    name: `${source.service}.linkerd.io`,
    ...common,
    failurePolicy: values.webhookFailurePolicy,
    rules: source.rules,
    ...(isInjector && { timeoutSeconds: values.proxyInjector.timeoutSeconds }),
  };
  const advises = {
    name: `${source.service}-advice.linkerd.io`,
    ...common,
    failurePolicy: 'Ignore',
    rules: ADVISED,
    timeoutSeconds: ADVICE_TIMEOUT_SECONDS,
  };
  return object('admissionregistration.k8s.io/v1', source.kind, metadata, {
    webhooks: [decides, ...(isInjector ? [advises] : [])],
  });
}
