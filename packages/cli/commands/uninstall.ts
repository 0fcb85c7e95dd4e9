import { type Command, Option } from 'commander';
import {
  type AnyObject,
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CUSTOM_RESOURCE_DEFINITIONS,
  type Gvr,
  type KubeObject,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  PODS,
  type Pod,
  ROLE_BINDINGS,
  ROLES,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#api/kube';
import type { KubeClient } from '#kube/client';
import { type CliContext, UserError } from '../context.ts';
import { renderManifests } from '../output/index.ts';
import { definitionsInUse, type SharedApi } from './definitions.ts';
import { minimal } from './multicluster/install.ts';

interface Flags {
  force?: boolean;
  output: 'yaml' | 'json';
}

const RBAC = 'rbac.authorization.k8s.io/v1';
const ADMISSION = 'admissionregistration.k8s.io/v1';
/** What `kubectl delete` takes, by kind; webhooks go first, so that nothing waits for servers that are gone. */
const KINDS: readonly { gvr: Gvr; apiVersion: string; kind: string; namespace?: string }[] = [
  { gvr: MUTATING_WEBHOOK_CONFIGURATIONS, apiVersion: ADMISSION, kind: 'MutatingWebhookConfiguration' },
  { gvr: VALIDATING_WEBHOOK_CONFIGURATIONS, apiVersion: ADMISSION, kind: 'ValidatingWebhookConfiguration' },
  { gvr: API_SERVICES, apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' },
  { gvr: CLUSTER_ROLE_BINDINGS, apiVersion: RBAC, kind: 'ClusterRoleBinding' },
  { gvr: CLUSTER_ROLES, apiVersion: RBAC, kind: 'ClusterRole' },
  { gvr: ROLE_BINDINGS, apiVersion: RBAC, kind: 'RoleBinding', namespace: 'kube-system' },
  { gvr: ROLES, apiVersion: RBAC, kind: 'Role', namespace: 'kube-system' },
  { gvr: CUSTOM_RESOURCE_DEFINITIONS, apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
  { gvr: NAMESPACES, apiVersion: 'v1', kind: 'Namespace' },
];
const LABEL = 'linkerd.io/control-plane-ns';
/** Its kinds are other controllers' as well: routes of gateways may hang from definitions that the mesh installed. */
const SHARED: SharedApi = { group: 'gateway.networking.k8s.io', name: 'the Gateway API' };

/** `weft uninstall`: what to delete; refuses while something still depends on it. */
export function registerUninstall(program: Command, context: CliContext): void {
  program
    .command('uninstall')
    .description('Output Kubernetes resources to uninstall the control plane')
    .option(
      '-f, --force',
      'Do not look for what still depends on the control plane, and delete the Gateway API with the routes that are there',
    )
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .action(async (flags: Flags) => {
      const { client } = await context.connect();
      if (!flags.force) await refuseDependants(client, context.flags.linkerdNamespace);
      const objects: AnyObject[] = [];
      for (const { gvr, apiVersion, kind, namespace } of KINDS) {
        const { items } = await client.list(gvr, {
          labelSelector: `${LABEL}=${context.flags.linkerdNamespace}`,
          ...(namespace !== undefined && { namespace }),
        });
        const kept: readonly KubeObject[] =
          gvr === CUSTOM_RESOURCE_DEFINITIONS ? await definitionsInUse(client, items, SHARED, flags, context) : [];
        for (const item of items) if (!kept.includes(item)) objects.push(minimal(apiVersion, kind, item.metadata));
      }
      if (objects.length === 0) context.io.err('No resources found to uninstall.\n');
      context.io.out(renderManifests(objects, flags.output));
    });
}

async function refuseDependants(client: KubeClient, linkerdNamespace: string): Promise<void> {
  const extensions = await client.list(NAMESPACES, { labelSelector: 'linkerd.io/extension' });
  if (extensions.items.length > 0) {
    const names = extensions.items.map(({ metadata }) => `\t* ${metadata.labels?.['linkerd.io/extension']}`);
    throw new UserError(
      `Please uninstall the following extensions before uninstalling the control-plane:\n${names.join('\n')}`,
    );
  }
  const { items } = await client.list<Pod>(PODS, { labelSelector: LABEL });
  const meshed = items.filter(({ metadata }) => metadata.namespace !== linkerdNamespace);
  if (meshed.length > 0) {
    const names = meshed.slice(0, 20).map(({ metadata }) => `\t* ${metadata.namespace}/${metadata.name}`);
    throw new UserError(
      `Please uninject the following ${meshed.length} pods before uninstalling the control-plane, or use --force:\n${names.join('\n')}`,
    );
  }
}
