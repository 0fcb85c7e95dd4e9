import type { Category } from './check.ts';
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
import { webhookCategory } from './webhooks.ts';

export interface CoreOptions {
  pre?: boolean;
  crds?: boolean;
  proxy?: boolean;
  /** With `proxy`: the namespace to look at; absent: all. */
  namespace?: string;
  expectedVersion: string;
}

/**
 * The core categories of one run, in their fixed order. There is no category `linkerd-version`: it would ask the internet for
 * the latest release.
 */
export function coreCategories(subject: CheckSubject, options: CoreOptions): Category[] {
  const always = [kubernetesApiCategory(subject), kubernetesVersionCategory(subject)];
  if (options.pre) return [...always, preCategory(subject)];
  always.push(gatewayApiCategory(subject));
  if (options.crds) return [...always, crdCategory(subject)];
  const common = [
    ...always,
    existenceCategory(subject),
    configCategory(subject),
    identityCategory(subject),
    webhookCategory(subject),
  ];
  if (options.proxy)
    return [
      ...common,
      identityDataPlaneCategory(subject, options),
      controlPlaneProxyCategory(subject, options),
      dataPlaneCategory(subject, options),
      haCategory(subject),
    ];
  return [
    ...common,
    controlPlaneVersionCategory(subject, options),
    controlPlaneProxyCategory(subject, options),
    haCategory(subject),
    extensionCategory(subject),
  ];
}
