import type { AnyObject } from '#api/kube';
import { resourcesField } from '#control/injector';
import { ANNOTATIONS } from '#model/annotations';
import { call, equals, merged, not, when, whole } from '#model/template';
import { object, serviceAccount } from '../objects.ts';
import { antiAffinity, disruptionBudget, meta, restricted } from './objects.ts';
import type { MulticlusterValues } from './values.ts';

/** Where its proxy listens, whatever port other clusters use. */
const PROXY_PORT = 4143;
const ADMIN_PORT = 4191;

/** The gateway: a pod that does nothing, with a proxy that takes in what other clusters send, and how it is reached. */
export function gatewayWorkload(values: MulticlusterValues): AnyObject[] {
  const { gateway, namespace, enablePodAntiAffinity } = values;
  const labels = { app: gateway.name };
  const at = { namespace, component: 'gateway', labels };
  return [
    deployment(values),
    ...when(enablePodAntiAffinity, [disruptionBudget(meta(values, gateway.name, at), labels)]),
    service(values),
    serviceAccount(meta(values, gateway.name, at)),
  ];
}

function deployment(values: MulticlusterValues): AnyObject {
  const { gateway, namespace } = values;
  const labels = { app: gateway.name };
  const component = 'gateway';
  const grace = call('toString', String, gateway.terminationGracePeriodSeconds);
  return object(
    'apps/v1',
    'Deployment',
    meta(values, gateway.name, { namespace, component, labels, annotations: gateway.deploymentAnnotations }),
    {
      spec: {
        replicas: gateway.replicas,
        revisionHistoryLimit: values.revisionHistoryLimit,
        selector: { matchLabels: labels },
        template: {
          metadata: {
            annotations: {
              'linkerd.io/inject': 'enabled',
              'config.linkerd.io/enable-gateway': 'true',
              'config.linkerd.io/proxy-require-identity-inbound-ports': String(PROXY_PORT),
              'config.linkerd.io/default-inbound-policy': 'all-authenticated',
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
              ...services(values),
            },
            labels: merged({ 'linkerd.io/extension': 'multicluster', component, ...labels }, values.podLabels),
          },
          spec: {
            serviceAccountName: gateway.name,
            ...when(not(equals(grace, '')), { terminationGracePeriodSeconds: whole(grace) }),
            ...when(gateway.nodeSelector, { nodeSelector: gateway.nodeSelector }),
            ...when(gateway.tolerations, { tolerations: gateway.tolerations }),
            ...when(values.imagePullSecrets, { imagePullSecrets: values.imagePullSecrets }),
            ...when(values.enablePodAntiAffinity, { affinity: antiAffinity(labels) }),
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                name: 'pause',
                image: gateway.pauseImage,
                imagePullPolicy: values.imagePullPolicy,
                ...resourcesField(gateway.resources),
                securityContext: restricted(gateway),
              },
            ],
          },
        },
      },
    },
  );
}

/** To its pods it is said for their proxies, in its Service for those who make Links. */
const services = ({ gateway }: MulticlusterValues) =>
  when(gateway.serviceSelector, { [ANNOTATIONS.gatewayServices.key]: gateway.serviceSelector });

function service(values: MulticlusterValues): AnyObject {
  const { gateway, namespace, linkerdNamespace, identityTrustDomain } = values;
  const labels = { app: gateway.name };
  const port = (name: string, number: number, targetPort: number, nodePort: number) => ({
    name,
    port: number,
    protocol: 'TCP',
    targetPort,
    ...when(nodePort, { nodePort }),
  });
  const annotations: Record<string, string> = {
    'mirror.linkerd.io/gateway-identity': `${gateway.name}.${namespace}.serviceaccount.identity.${linkerdNamespace}.${identityTrustDomain}`,
    'mirror.linkerd.io/probe-period': String(gateway.probe.seconds),
    'mirror.linkerd.io/probe-path': gateway.probe.path,
    'mirror.linkerd.io/multicluster-gateway': 'true',
    component: 'gateway',
    ...services(values),
  };
  const metadata = meta(values, gateway.name, {
    namespace,
    component: 'gateway',
    labels,
    annotations: merged(annotations, gateway.serviceAnnotations),
  });
  return object('v1', 'Service', metadata, {
    spec: {
      type: gateway.serviceType,
      selector: labels,
      ports: [
        port('mc-gateway', gateway.port, PROXY_PORT, gateway.nodePort),
        // At one port with what is mirrored, probes go through the proxy to itself.
        ...when(not(equals(gateway.probe.port, gateway.port)), [
          port('mc-probe', gateway.probe.port, ADMIN_PORT, gateway.probe.nodePort),
        ]),
      ],
      ...when(gateway.serviceExternalTrafficPolicy, { externalTrafficPolicy: gateway.serviceExternalTrafficPolicy }),
      ...when(gateway.healthCheckNodePort, { healthCheckNodePort: gateway.healthCheckNodePort }),
      ...when(gateway.loadBalancerClass, { loadBalancerClass: gateway.loadBalancerClass }),
      ...when(gateway.loadBalancerIP, { loadBalancerIP: gateway.loadBalancerIP }),
      ...when(gateway.loadBalancerSourceRanges, { loadBalancerSourceRanges: gateway.loadBalancerSourceRanges }),
    },
  });
}
