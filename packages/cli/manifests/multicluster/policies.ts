import type { AnyObject } from '#api/kube';
import { object } from '../objects.ts';
import { meta } from './objects.ts';
import type { MulticlusterValues } from './values.ts';

const POLICY = 'policy.linkerd.io';

/** Who may use the gateway: whoever is meshed, from anywhere. The networks are there to be narrowed. */
export function gatewayPolicies(values: MulticlusterValues): AnyObject[] {
  const { namespace, gateway } = values;
  const at = { namespace };
  return [
    server(values, gateway.name, { matchLabels: { app: gateway.name } }, 'linkerd-proxy'),
    object(`${POLICY}/v1alpha1`, 'AuthorizationPolicy', meta(values, gateway.name, at), {
      spec: {
        targetRef: { group: POLICY, kind: 'Server', name: gateway.name },
        requiredAuthenticationRefs: [
          { group: POLICY, kind: 'MeshTLSAuthentication', name: 'any-meshed', namespace },
          { group: POLICY, kind: 'NetworkAuthentication', name: 'source-cluster', namespace },
        ],
      },
    }),
    object(`${POLICY}/v1alpha1`, 'MeshTLSAuthentication', meta(values, 'any-meshed', at), {
      spec: { identities: ['*'] },
    }),
    object(`${POLICY}/v1alpha1`, 'NetworkAuthentication', meta(values, 'source-cluster', at), {
      spec: { networks: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] },
    }),
  ];
}

/** Admin ports of the extension: name, pods, name of the port. */
const ADMIN: readonly (readonly [string, Record<string, string>, string])[] = [
  ['linkerd-admin', { 'linkerd.io/extension': 'multicluster' }, 'linkerd-admin'],
  ['service-mirror', { component: 'linkerd-service-mirror' }, 'svcmi-admin'],
  ['controller', { component: 'controller' }, 'ctrl-admin'],
  ['local-service-mirror', { component: 'local-service-mirror' }, 'locsm-admin'],
];

/** Metrics of the extension are for the Prometheus of viz; probes of the kubelet need no leave. */
export const adminPolicies = (values: MulticlusterValues): AnyObject[] =>
  ADMIN.flatMap(([name, matchLabels, port]) => [
    server(values, name, { matchLabels }, port, 'HTTP/1'),
    object(`${POLICY}/v1alpha1`, 'AuthorizationPolicy', meta(values, name, { namespace: values.namespace }), {
      spec: {
        targetRef: { group: POLICY, kind: 'Server', name },
        requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'linkerd-viz' }],
      },
    }),
  ]);

const server = (
  values: MulticlusterValues,
  name: string,
  podSelector: { matchLabels: Record<string, string> },
  port: string,
  proxyProtocol?: string,
): AnyObject =>
  object(`${POLICY}/v1beta3`, 'Server', meta(values, name, { namespace: values.namespace }), {
    spec: { podSelector, port, ...(proxyProtocol && { proxyProtocol }) },
  });
