/** Identities: the DNS-like names in workloads' certificates. */
import { isDnsLabel } from './authority.ts';

export interface MeshDomain {
  /** Namespace of the control plane, `linkerd`. */
  controlPlaneNamespace: string;
  /** E.g. `cluster.local`. */
  trustDomain: string;
}

export interface ServiceAccountName {
  serviceAccount: string;
  namespace: string;
}

/** `web.shop.serviceaccount.identity.linkerd.cluster.local`. An empty service account is `default`, as Kubernetes has it. */
export function identityOf(account: ServiceAccountName, domain: MeshDomain): string {
  return `${account.serviceAccount || 'default'}.${namespaceIdentitySuffix(account.namespace, domain)}`;
}

/** What all identities of a namespace end with: `shop.serviceaccount.identity.linkerd.cluster.local`. */
export function namespaceIdentitySuffix(namespace: string, domain: MeshDomain): string {
  return `${namespace}.serviceaccount.identity.${domain.controlPlaneNamespace}.${domain.trustDomain}`;
}

/** Whether every label of `name` is a DNS label; only such names are certified. */
export function isCertifiable(name: string): boolean {
  return name.length <= 253 && name.split('.').every(isDnsLabel);
}

/**
 * Reads the user name of a service account's token, `system:serviceaccount:<namespace>:<name>`. Undefined when it is not of
 * that form or a part is no DNS label.
 */
export function parseServiceAccountUser(user: string): ServiceAccountName | undefined {
  const parts = user.split(':');
  const [system, kind, namespace = '', serviceAccount = ''] = parts;
  if (parts.length !== 4 || system !== 'system' || kind !== 'serviceaccount') return undefined;
  return isDnsLabel(namespace) && isDnsLabel(serviceAccount) ? { namespace, serviceAccount } : undefined;
}
