import type { AnyObject } from '#api/kube';
import { equals, not, when } from '#model/template';
import { toYaml } from '../output/yaml.ts';
import { VERSION } from '../version.ts';
import { base64, type Manifest, metadataOf, object } from './objects.ts';
import { podMonitors } from './pod-monitors.ts';
import { withProxies } from './proxies.ts';
import { controlPlaneRbac } from './rbac.ts';
import { differences, type Values } from './values.ts';
import { type WebhookCertificates, webhookObjects } from './webhooks.ts';
import { controllerObjects } from './workloads.ts';

/**
 * Every object of the control plane in the order of its creation. Pure: certificates come in. `overrides` are the values that
 * the user changed, kept for upgrades.
 */
export function renderControlPlane(
  manifest: Manifest,
  certificates: WebhookCertificates,
  defaults: Values,
): AnyObject[] {
  const parts = controlPlaneParts(manifest, certificates, toYaml(publicValues(manifest.values)));
  return [namespaceOf(manifest), ...Object.values(parts).flat(), overridesOf(manifest, defaults)];
}

/** What Helm installs as well, by part; each is a file of the chart. `config`: the values as everyone may read them, YAML. */
export function controlPlaneParts(manifest: Manifest, certificates: WebhookCertificates, config: string) {
  const webhooks = webhookObjects(manifest, certificates);
  const controllers = controllerObjects(manifest);
  return {
    rbac: controlPlaneRbac(manifest),
    ...webhooks,
    config: [configOf(manifest, config), ...identityMaterial(manifest)],
    identity: withProxies(manifest, controllers.identity),
    destination: withProxies(manifest, controllers.destination),
    'proxy-injector': withProxies(manifest, controllers['proxy-injector']),
    'pod-monitors': podMonitors(manifest),
  };
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

function configOf(manifest: Manifest, values: string): AnyObject {
  const metadata = metadataOf(manifest, {
    name: 'linkerd-config',
    namespace: manifest.namespace,
    component: 'controller',
  });
  return object('v1', 'ConfigMap', metadata, {
    data: { values, 'linkerd-crds-chart-version': `linkerd-crds-${VERSION}` },
  });
}

/** The issuer's Secret and the anchors' ConfigMap, unless somebody else makes them. */
function identityMaterial(manifest: Manifest): AnyObject[] {
  const { namespace, values } = manifest;
  const { externalCA, issuer } = values.identity;
  const component = 'identity';
  const secret = object(
    'v1',
    'Secret',
    metadataOf(manifest, { name: 'linkerd-identity-issuer', namespace, component }),
    {
      type: 'Opaque',
      data: { 'crt.pem': base64(issuer.tls.crtPEM), 'key.pem': base64(issuer.tls.keyPEM) },
    },
  );
  const roots = metadataOf(manifest, { name: 'linkerd-identity-trust-roots', namespace, component });
  return [
    ...when(equals(issuer.scheme, 'linkerd.io/tls'), [secret]),
    ...when(not(externalCA), [
      object('v1', 'ConfigMap', roots, { data: { 'ca-bundle.crt': values.identityTrustAnchorsPEM } }),
    ]),
  ];
}

function overridesOf(manifest: Manifest, defaults: Values): AnyObject {
  const metadata = metadataOf(manifest, { name: 'linkerd-config-overrides', namespace: manifest.namespace });
  const changed = differences(manifest.values as never, defaults as never);
  return object('v1', 'Secret', metadata, { data: { 'linkerd-config-overrides': base64(toYaml(changed)) } });
}
