import type { AnyObject, Gvr } from '#api/kube';
import { bootstrapRbac, type ClusterKeys, kubeconfig } from '#lab/auth';
import { type ClusterClient, hasReason } from '#lab/contract';

/** What the first objects of a cluster tell of it. */
export interface BootstrapInput {
  readonly keys: ClusterKeys;
  /** Where other clusters and pods reach the API server, e.g. `https://172.30.0.1:6443`. */
  readonly serverUrl: string;
  /** Cluster IP of the `kubernetes` Service. */
  readonly serviceIp: string;
}

const core = (resource: string): Gvr => ({ group: '', version: 'v1', resource });
const rbac = (resource: string): Gvr => ({ group: 'rbac.authorization.k8s.io', version: 'v1', resource });

const PRIORITY_CLASSES: Gvr = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };

/** For what the cluster or a node cannot do without. */
const SYSTEM_PRIORITIES = { 'system-cluster-critical': 2_000_000_000, 'system-node-critical': 2_000_001_000 } as const;

const priorityClass = (name: string, value: number): AnyObject => ({ metadata: { name }, value });

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Creates what every cluster has from the start; objects that are there already stay, but facts of this run are renewed. */
export async function bootstrap(client: ClusterClient, input: BootstrapInput): Promise<void> {
  for (const name of NAMESPACES) await ensure(client, core('namespaces'), named(name));
  for (const { resource, object } of bootstrapRbac()) await ensure(client, rbac(resource), object);
  for (const [name, value] of Object.entries(SYSTEM_PRIORITIES))
    await ensure(client, PRIORITY_CLASSES, priorityClass(name, value));
  for (const configMap of configMaps(input)) await renew(client, core('configmaps'), configMap);
  await ensure(client, core('services'), kubernetesService(input.serviceIp));
}

const named = (name: string, namespace?: string): AnyObject => ({
  metadata: { name, ...(namespace && { namespace }) },
});

async function ensure(client: ClusterClient, gvr: Gvr, object: AnyObject): Promise<void> {
  if (!(await exists(client, gvr, object))) await client.create(gvr, object);
}

async function renew(client: ClusterClient, gvr: Gvr, object: AnyObject): Promise<void> {
  if (!(await exists(client, gvr, object))) {
    await client.create(gvr, object);
    return;
  }
  const { name = '', namespace = '' } = object.metadata;
  const { apiVersion: _v, kind: _k, metadata: _m, ...body } = object;
  await client.patch(gvr, { name, namespace }, { type: 'merge', body });
}

async function exists(client: ClusterClient, gvr: Gvr, { metadata }: AnyObject): Promise<boolean> {
  try {
    await client.get(gvr, metadata.name ?? '', metadata.namespace);
    return true;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return false;
    throw error;
  }
}

function configMaps({ keys, serverUrl }: BootstrapInput): AnyObject[] {
  const clusterInfo = kubeconfig([{ name: '', server: serverUrl, ca: keys.ca.certificate }]);
  return [
    // Where a client finds the cluster's address and CA without credentials (as kubeadm publishes it).
    { ...named('cluster-info', 'kube-public'), data: { kubeconfig: clusterInfo } },
    // How aggregated API servers tell that a request comes from this one.
    {
      ...named('extension-apiserver-authentication', 'kube-system'),
      data: {
        'client-ca-file': keys.ca.certificate,
        'requestheader-client-ca-file': keys.frontProxyCa.certificate,
        'requestheader-allowed-names': '["front-proxy-client"]',
        'requestheader-username-headers': '["X-Remote-User"]',
        'requestheader-group-headers': '["X-Remote-Group"]',
        'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      },
    },
  ];
}

function kubernetesService(clusterIP: string): AnyObject {
  return {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  };
}
