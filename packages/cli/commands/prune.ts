import { type Command, Option } from 'commander';
import {
  type AnyObject,
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  CRON_JOBS,
  CUSTOM_RESOURCE_DEFINITIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  type Gvr,
  JOBS,
  type KubeObject,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  POD_DISRUPTION_BUDGETS,
  ROLE_BINDINGS,
  ROLES,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  STATEFUL_SETS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import type { CliContext } from '../context.ts';
import { presentFromCluster } from '../installation/index.ts';
import { defaultValues, renderControlPlane, renderCrds, webhookCertificates } from '../manifests/index.ts';
import { renderManifests } from '../output/index.ts';
import { minimal } from './multicluster/install.ts';
import { presentValues } from './upgrade.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
const POD_MONITORS: Gvr = { group: 'monitoring.coreos.com', version: 'v1', resource: 'podmonitors' };

/** The kinds that an installation of this or an older version may have made. Pods and what controllers own follow these. */
const KINDS: readonly { gvr: Gvr; apiVersion: string; kind: string }[] = [
  { gvr: MUTATING_WEBHOOK_CONFIGURATIONS, apiVersion: ADMISSION, kind: 'MutatingWebhookConfiguration' },
  { gvr: VALIDATING_WEBHOOK_CONFIGURATIONS, apiVersion: ADMISSION, kind: 'ValidatingWebhookConfiguration' },
  { gvr: API_SERVICES, apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' },
  { gvr: CLUSTER_ROLE_BINDINGS, apiVersion: RBAC, kind: 'ClusterRoleBinding' },
  { gvr: CLUSTER_ROLES, apiVersion: RBAC, kind: 'ClusterRole' },
  { gvr: CUSTOM_RESOURCE_DEFINITIONS, apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
  { gvr: NAMESPACES, apiVersion: 'v1', kind: 'Namespace' },
  { gvr: ROLE_BINDINGS, apiVersion: RBAC, kind: 'RoleBinding' },
  { gvr: ROLES, apiVersion: RBAC, kind: 'Role' },
  { gvr: SERVICE_ACCOUNTS, apiVersion: 'v1', kind: 'ServiceAccount' },
  { gvr: CONFIG_MAPS, apiVersion: 'v1', kind: 'ConfigMap' },
  { gvr: SECRETS, apiVersion: 'v1', kind: 'Secret' },
  { gvr: SERVICES, apiVersion: 'v1', kind: 'Service' },
  { gvr: DEPLOYMENTS, apiVersion: 'apps/v1', kind: 'Deployment' },
  { gvr: DAEMON_SETS, apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { gvr: STATEFUL_SETS, apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { gvr: CRON_JOBS, apiVersion: 'batch/v1', kind: 'CronJob' },
  { gvr: JOBS, apiVersion: 'batch/v1', kind: 'Job' },
  { gvr: POD_DISRUPTION_BUDGETS, apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { gvr: POD_MONITORS, apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor' },
];

/** `weft prune`: what an older version installed and this one does not. */
export function registerPrune(program: Command, context: CliContext): void {
  program
    .command('prune')
    .description('Output extraneous Kubernetes resources of the control plane')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async ({ output }: { output: 'yaml' | 'json' }) => {
      const { client } = await context.connect();
      const { linkerdNamespace: namespace } = context.flags;
      const wanted = await renderedKeys(client, namespace, context.io.env);
      const extraneous = (await labelled(client, namespace)).filter((object) => !wanted.has(keyOf(object)));
      context.io.out(renderManifests(extraneous, output));
    });
}

/** What this version renders for the values of the installation. */
async function renderedKeys(client: KubeClient, namespace: string, env: NodeJS.ProcessEnv): Promise<Set<string>> {
  const present = await presentFromCluster(client, namespace, Date.now());
  const values = presentValues(present, env);
  const certificates = await webhookCertificates(values, namespace, present.webhooks);
  const objects = [
    ...renderControlPlane({ namespace, values }, certificates, defaultValues()),
    ...renderCrds({ namespace, values: { ...values, installGatewayAPI: true } }),
  ];
  return new Set(objects.map(keyOf));
}

const keyOf = ({ kind, metadata }: AnyObject): string => [kind, metadata.namespace ?? '', metadata.name].join('/');

/** Everything that an installation has labelled as its own, as `kubectl delete` takes it. */
async function labelled(client: KubeClient, namespace: string): Promise<AnyObject[]> {
  const objects: AnyObject[] = [];
  for (const { gvr, apiVersion, kind } of KINDS) {
    const items = await listed(client, gvr, `linkerd.io/control-plane-ns=${namespace}`);
    for (const { metadata } of items) if (isOurs(metadata)) objects.push(minimal(apiVersion, kind, metadata));
  }
  return objects;
}

/** Not what a controller made, what an extension installed, or what was asked to stay. */
const isOurs = ({ ownerReferences = [], labels = {}, annotations = {} }: KubeObject['metadata']): boolean =>
  ownerReferences.length === 0 &&
  labels['linkerd.io/extension'] === undefined &&
  annotations['helm.sh/resource-policy'] !== 'keep';

async function listed(client: KubeClient, gvr: Gvr, labelSelector: string): Promise<KubeObject[]> {
  try {
    return (await client.list<KubeObject>(gvr, { labelSelector })).items;
  } catch (error) {
    if (isNotFound(error)) return []; // a kind that this cluster does not have
    throw error;
  }
}
