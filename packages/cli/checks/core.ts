import type { Category } from './check.ts';
import { cniCategory } from './cni.ts';
import { configCategory } from './config.ts';
import { controlPlaneProxyCategory, controlPlaneVersionCategory, haCategory } from './control-plane.ts';
import { dataPlaneCategory, identityDataPlaneCategory } from './data-plane.ts';
import { existenceCategory } from './existence.ts';
import { extensionCategory } from './extensions.ts';
import { identityCategory } from './identity.ts';
import {
  crdCategory,
  gatewayApiCategory,
  kubernetesApiCategory,
  kubernetesVersionCategory,
  preCategory,
} from './kubernetes.ts';
import type { CheckSubject } from './subject.ts';
import { type Versions, versionCategory } from './versions.ts';
import { webhookCategory } from './webhooks.ts';

export interface CoreOptions extends Versions {
  pre?: boolean;
  /** With `pre`: the CNI plug-in will be used, so it must be there. */
  cni?: boolean;
  crds?: boolean;
  proxy?: boolean;
  /** With `proxy`: the namespace to look at; absent: all. */
  namespace?: string;
}

/** The core categories of one run, in their fixed order. */
export function coreCategories(subject: CheckSubject, options: CoreOptions): Category[] {
  const { pre = false, crds = false, proxy = false } = options;
  const full = !pre && !crds;
  const when = (wanted: boolean, ...categories: Category[]): Category[] => (wanted ? categories : []);
  return [
    kubernetesApiCategory(subject),
    kubernetesVersionCategory(subject),
    gatewayApiCategory(subject, { mayLack: pre }),
    ...when(pre, preCategory(subject)),
    ...when(crds, crdCategory(subject)),
    ...when(full, existenceCategory(subject), configCategory(subject)),
    ...when(full || (pre && options.cni === true), cniCategory(subject, options.cni === true)),
    ...when(full, identityCategory(subject), webhookCategory(subject)),
    ...when(full && proxy, identityDataPlaneCategory(subject, options)),
    versionCategory(options),
    ...when(full && !proxy, controlPlaneVersionCategory(subject, options)),
    ...when(full, controlPlaneProxyCategory(subject, options)),
    ...when(full && proxy, dataPlaneCategory(subject, options)),
    ...when(full, haCategory(subject)),
    ...when(full && !proxy, extensionCategory(subject)),
  ];
}
