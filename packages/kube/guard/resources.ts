import { flag, list, map, object, port, portOrName, type Shape, text } from './shape.ts';

/** The shapes of what is watched in clusters of others; of resources that are not here, the metadata is looked at. */

const ownerReference = object({ apiVersion: text, uid: text }, { kind: text, name: text });
export const metadata = object(
  {
    namespace: text,
    uid: text,
    creationTimestamp: text,
    deletionTimestamp: text,
    labels: map,
    annotations: map,
    ownerReferences: list(ownerReference),
  },
  { name: text, resourceVersion: text },
);

const selector = object({
  matchLabels: map,
  matchExpressions: list(object({ values: list(text) }, { key: text, operator: text })),
});
const servicePort = object({ name: text, protocol: text, targetPort: portOrName, appProtocol: text }, { port });
const service = object({
  spec: object({
    type: text,
    clusterIP: text,
    clusterIPs: list(text),
    ipFamilies: list(text),
    selector: map,
    ports: list(servicePort),
    sessionAffinity: text,
    internalTrafficPolicy: text,
    trafficDistribution: text,
  }),
});

const reference = object({ kind: text, namespace: text, name: text });
const endpoint = object(
  {
    conditions: object({ ready: flag, serving: flag, terminating: flag }),
    hostname: text,
    nodeName: text,
    zone: text,
    hints: object({ forZones: list(object({}, { name: text })) }),
    targetRef: reference,
  },
  { addresses: list(text) },
);
const endpointSlice = object({
  addressType: text,
  endpoints: list(endpoint),
  ports: list(object({ name: text, protocol: text, port, appProtocol: text })),
});

const container = object({
  name: text,
  ports: list(object({ name: text, protocol: text, hostPort: port }, { containerPort: port })),
  env: list(object({ value: text }, { name: text })),
});
const ips = list(object({ ip: text }));
const pod = object({
  spec: object({
    containers: list(container),
    initContainers: list(container),
    hostNetwork: flag,
    serviceAccountName: text,
    nodeName: text,
  }),
  status: object({ phase: text, podIP: text, podIPs: ips, hostIP: text, hostIPs: ips }),
});

const node = object({ spec: object({ podCIDR: text, podCIDRs: list(text) }) });

const server = object({
  spec: object({ podSelector: selector, externalWorkloadSelector: selector, port: portOrName, proxyProtocol: text }),
});
const condition = object({ reason: text, message: text, lastTransitionTime: text }, { type: text, status: text });
const serviceExport = object({
  spec: object({ exportedLabels: map, exportedAnnotations: map }),
  status: object({ conditions: list(condition) }),
});

export const SHAPES: Readonly<Record<string, Shape>> = {
  endpointslices: endpointSlice,
  nodes: node,
  pods: pod,
  serviceexports: serviceExport,
  servers: server,
  services: service,
};
