import type { AnyObject } from '#api/kube';
import { resourcesField } from '#control/injector';
import { object, serviceAccount } from '../objects.ts';
import { antiAffinity, disruptionBudget, meta, restricted, unlessEmpty } from './objects.ts';
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
    ...(enablePodAntiAffinity ? [disruptionBudget(meta(values, gateway.name, at), labels)] : []),
    service(values),
    serviceAccount(meta(values, gateway.name, at)),
  ];
}

function deployment(values: MulticlusterValues): AnyObject {
  const { gateway, namespace } = values;
  const labels = { app: gateway.name };
  const component = 'gateway';
  const grace = gateway.terminationGracePeriodSeconds;
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
              ...(gateway.serviceSelector && { 'gateway.weft.dev/services': gateway.serviceSelector }),
            },
            labels: { 'linkerd.io/extension': 'multicluster', component, ...labels, ...values.podLabels },
          },
          spec: {
            serviceAccountName: gateway.name,
            ...(grace !== '' && { terminationGracePeriodSeconds: Number(grace) }),
            ...unlessEmpty('nodeSelector', gateway.nodeSelector),
            ...unlessEmpty('tolerations', gateway.tolerations),
            ...unlessEmpty('imagePullSecrets', values.imagePullSecrets),
            ...(values.enablePodAntiAffinity && { affinity: antiAffinity(labels) }),
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

function service(values: MulticlusterValues): AnyObject {
  const { gateway, namespace, linkerdNamespace, identityTrustDomain } = values;
  const labels = { app: gateway.name };
  const port = (name: string, number: number, targetPort: number, nodePort: number) => ({
    name,
    port: number,
    protocol: 'TCP',
    targetPort,
    ...unlessEmpty('nodePort', nodePort),
  });
  const annotations = {
    'mirror.linkerd.io/gateway-identity': `${gateway.name}.${namespace}.serviceaccount.identity.${linkerdNamespace}.${identityTrustDomain}`,
    'mirror.linkerd.io/probe-period': String(gateway.probe.seconds),
    'mirror.linkerd.io/probe-path': gateway.probe.path,
    'mirror.linkerd.io/multicluster-gateway': 'true',
    component: 'gateway',
    ...gateway.serviceAnnotations,
  };
  return object('v1', 'Service', meta(values, gateway.name, { namespace, component: 'gateway', labels, annotations }), {
    spec: {
      type: gateway.serviceType,
      selector: labels,
      ports: [
        port('mc-gateway', gateway.port, PROXY_PORT, gateway.nodePort),
        // At one port with what is mirrored, probes go through the proxy to itself.
        ...(gateway.probe.port === gateway.port
          ? []
          : [port('mc-probe', gateway.probe.port, ADMIN_PORT, gateway.probe.nodePort)]),
      ],
      ...unlessEmpty('externalTrafficPolicy', gateway.serviceExternalTrafficPolicy),
      ...unlessEmpty('healthCheckNodePort', gateway.healthCheckNodePort),
      ...unlessEmpty('loadBalancerClass', gateway.loadBalancerClass),
      ...unlessEmpty('loadBalancerIP', gateway.loadBalancerIP),
      ...unlessEmpty('loadBalancerSourceRanges', gateway.loadBalancerSourceRanges),
    },
  });
}
