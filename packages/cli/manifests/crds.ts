import type { AnyObject } from '#api/kube';
import { all, orElse, when } from '#model/template';
import { VERSION } from '../version.ts';
import { customResourceDefinition, GATEWAY_ANNOTATIONS, GATEWAY_CRDS, LINKERD_CRDS } from './crds/index.ts';

/** What `install --crds` and the chart linkerd-crds know of the values. */
export interface CrdValues {
  cliVersion: string;
  /** Whether to add the Gateway API's kinds, and which. */
  installGatewayAPI: boolean;
  enableHttpRoutes: boolean;
  enableTlsRoutes: boolean;
  enableTcpRoutes: boolean;
}

export const CRD_DEFAULTS: CrdValues = {
  cliVersion: '',
  installGatewayAPI: false,
  enableHttpRoutes: true,
  enableTlsRoutes: true,
  enableTcpRoutes: true,
};

const SWITCHES = {
  httproutes: 'enableHttpRoutes',
  grpcroutes: 'enableHttpRoutes',
  tlsroutes: 'enableTlsRoutes',
  tcproutes: 'enableTcpRoutes',
} as const satisfies Record<string, keyof CrdValues>;

/** The mesh's own kinds and, where wanted, the Gateway API's routes. */
export function renderCrds({ namespace, values }: { namespace: string; values: CrdValues }): AnyObject[] {
  const annotations = { 'linkerd.io/created-by': orElse(values.cliVersion, `linkerd/helm ${VERSION}`) };
  const labels = { 'helm.sh/chart': `linkerd-crds-${VERSION}`, 'linkerd.io/control-plane-ns': namespace };
  const own = LINKERD_CRDS.map((source) => customResourceDefinition(source, { labels, annotations }));
  const gateway = GATEWAY_CRDS.flatMap((source) =>
    when(all(values.installGatewayAPI, values[SWITCHES[source.plural as keyof typeof SWITCHES]]), [
      customResourceDefinition(source, { labels, annotations: { ...annotations, ...GATEWAY_ANNOTATIONS } }),
    ]),
  );
  return [...own, ...gateway];
}
