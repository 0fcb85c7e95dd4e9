import type { AnyObject } from '#api/kube';
import { VERSION } from '../version.ts';
import { customResourceDefinition, GATEWAY_ANNOTATIONS, GATEWAY_CRDS, LINKERD_CRDS } from './crds/index.ts';

/** The definitions that `install --crds` prints: the mesh's own kinds and, where wanted, the Gateway API's routes. */
export function renderCrds(options: { namespace: string; createdBy: string; gatewayApi: boolean }): AnyObject[] {
  const annotations = { 'linkerd.io/created-by': options.createdBy };
  const labels = { 'helm.sh/chart': `linkerd-crds-${VERSION}`, 'linkerd.io/control-plane-ns': options.namespace };
  const own = LINKERD_CRDS.map((source) => customResourceDefinition(source, { labels, annotations }));
  if (!options.gatewayApi) return own;
  const gateway = GATEWAY_CRDS.map((source) =>
    customResourceDefinition(source, { labels, annotations: { ...annotations, ...GATEWAY_ANNOTATIONS } }),
  );
  return [...own, ...gateway];
}
