import { ENDPOINTS, type Endpoints, type Gvr, SERVICES, type Service } from '#api/kube';
import { type ClusterClient, hasReason } from '../contract/index.ts';

const META = {
  name: 'kube-dns',
  namespace: 'kube-system',
  labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' },
};

const PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
] as const;

/** Makes Service kube-system/kube-dns lead to the cluster's own DNS server, which is no pod. */
export async function publishDns(
  client: ClusterClient,
  address: { serviceIp: string; serverIp: string },
): Promise<void> {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: META,
    spec: { clusterIP: address.serviceIp, ports: PORTS.map((port) => ({ ...port, targetPort: 53 })) },
  };
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: META,
    subsets: [{ addresses: [{ ip: address.serverIp }], ports: PORTS.map((port) => ({ ...port })) }],
  };
  await ensure(client, SERVICES, service);
  await ensure(client, ENDPOINTS, endpoints);
}

async function ensure(client: ClusterClient, gvr: Gvr, object: Service | Endpoints): Promise<void> {
  const { name = '', namespace } = object.metadata;
  try {
    // Looked for first: creating it again would find its address taken.
    await client.get(gvr, name, namespace);
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
    await client.create(gvr, object);
  }
}
