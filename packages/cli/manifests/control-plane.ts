import type { AnyObject } from '#api/kube';
import { toYaml } from '../output/yaml.ts';
import { VERSION } from '../version.ts';
import { type Manifest, metadataOf, object } from './objects.ts';
import { withProxies } from './proxies.ts';
import { controlPlaneRbac } from './rbac.ts';
import { differences, type Values } from './values.ts';
import { type WebhookCertificates, webhookObjects } from './webhooks.ts';
import { controlPlaneDeployments } from './workloads.ts';

/**
 * Every object of the control plane in the order of its creation. Pure: certificates come in. `overrides` are the values that
 * the user changed, kept for upgrades.
 */
export function renderControlPlane(
  manifest: Manifest,
  certificates: WebhookCertificates,
  defaults: Values,
): AnyObject[] {
  return [
    namespaceOf(manifest),
    ...controlPlaneRbac(manifest),
    ...webhookObjects(manifest, certificates),
    configOf(manifest),
    ...identityMaterial(manifest),
    ...withProxies(manifest, controlPlaneDeployments(manifest)),
    overridesOf(manifest, defaults),
  ];
}

function namespaceOf(manifest: Manifest): AnyObject {
  const { namespace, values } = manifest;
  const metadata = metadataOf(manifest, {
    name: namespace,
    labels: {
      'linkerd.io/is-control-plane': 'true',
      'config.linkerd.io/admission-webhooks': 'disabled',
      'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged',
    },
    annotations: { 'linkerd.io/inject': 'disabled' },
  });
  return object('v1', 'Namespace', metadata);
}

/** The values as everyone may read them: without private keys. */
export function publicValues(values: Values): Values {
  const copy = structuredClone(values);
  copy.identity.issuer.tls.keyPEM = '';
  for (const key of ['proxyInjector', 'profileValidator', 'policyValidator'] as const) copy[key].keyPEM = '';
  return copy;
}

function configOf(manifest: Manifest): AnyObject {
  const metadata = metadataOf(manifest, {
    name: 'linkerd-config',
    namespace: manifest.namespace,
    component: 'controller',
  });
  return object('v1', 'ConfigMap', metadata, {
    data: { values: toYaml(publicValues(manifest.values)), 'linkerd-crds-chart-version': `linkerd-crds-${VERSION}` },
  });
}

function identityMaterial(manifest: Manifest): AnyObject[] {
  const { namespace, values } = manifest;
  const { externalCA, issuer } = values.identity;
  const component = 'identity';
  const objects: AnyObject[] = [];
  if (issuer.scheme === 'linkerd.io/tls')
    objects.push(
      object('v1', 'Secret', metadataOf(manifest, { name: 'linkerd-identity-issuer', namespace, component }), {
        type: 'Opaque',
        data: { 'crt.pem': base64(issuer.tls.crtPEM), 'key.pem': base64(issuer.tls.keyPEM) },
      }),
    );
  if (!externalCA)
    objects.push(
      object('v1', 'ConfigMap', metadataOf(manifest, { name: 'linkerd-identity-trust-roots', namespace, component }), {
        data: { 'ca-bundle.crt': values.identityTrustAnchorsPEM },
      }),
    );
  return objects;
}

function overridesOf(manifest: Manifest, defaults: Values): AnyObject {
  const metadata = metadataOf(manifest, { name: 'linkerd-config-overrides', namespace: manifest.namespace });
  const changed = differences(manifest.values as never, defaults as never);
  return object('v1', 'Secret', metadata, { data: { 'linkerd-config-overrides': base64(toYaml(changed)) } });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
