import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  type Gvr,
  type KubeObject,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  NODES,
  SERVICE_ACCOUNTS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#api/kube';
import { type Category, type Check, CheckFailure } from './check.ts';
import { CRD_REMEDY, crdsExist } from './kubernetes.ts';
import type { CheckSubject } from './subject.ts';

/** What an installed control plane consists of besides its workloads. */
export function configCategory(subject: CheckSubject): Category {
  const { namespace } = subject;
  const roles = ['identity', 'destination', 'proxy-injector'].map((name) => `linkerd-${namespace}-${name}`);
  const exist = (what: string, anchor: string, gvr: Gvr, wanted: readonly string[], inNamespace?: string): Check => ({
    description: `control plane ${what} exist`,
    anchor,
    remedy: `Every one of the control plane's ${what} is there. Apply the manifests of the installation again: \`upgrade\` prints them.`,
    severity: 'fatal',
    async run() {
      const names = await subject.names(gvr, undefined, inNamespace);
      const missing = wanted.filter((name) => !names.has(name));
      if (missing.length > 0) throw new CheckFailure(`missing ${what}:`, missing);
    },
  });
  return {
    name: 'linkerd-config',
    checks: [
      {
        description: 'control plane Namespace exists',
        anchor: 'l5d-existence-ns',
        remedy: "The control plane's namespace is there. Install the mesh, or name its namespace with -L.",
        severity: 'fatal',
        async run() {
          if (!(await subject.exists(NAMESPACES, namespace)))
            throw new Error(`The "${namespace}" namespace does not exist`);
        },
      },
      exist('ClusterRoles', 'l5d-existence-cr', CLUSTER_ROLES, [...roles, 'linkerd-policy']),
      exist('ClusterRoleBindings', 'l5d-existence-crb', CLUSTER_ROLE_BINDINGS, [
        ...roles,
        'linkerd-destination-policy',
      ]),
      exist(
        'ServiceAccounts',
        'l5d-existence-sa',
        SERVICE_ACCOUNTS,
        ['linkerd-destination', 'linkerd-identity', 'linkerd-proxy-injector'],
        namespace,
      ),
      {
        description: 'control plane CustomResourceDefinitions exist',
        anchor: 'l5d-existence-crd',
        remedy: CRD_REMEDY,
        severity: 'fatal',
        run: () => crdsExist(subject),
      },
      exist('MutatingWebhookConfigurations', 'l5d-existence-mwc', MUTATING_WEBHOOK_CONFIGURATIONS, [
        'linkerd-proxy-injector-webhook-config',
      ]),
      exist('ValidatingWebhookConfigurations', 'l5d-existence-vwc', VALIDATING_WEBHOOK_CONFIGURATIONS, [
        'linkerd-sp-validator-webhook-config',
        'linkerd-policy-validator-webhook-config',
      ]),
      {
        description: 'proxy-init container runs as root user if docker container runtime is used',
        anchor: 'l5d-proxy-init-run-as-root',
        remedy:
          'Where a node runs Docker, the init container must be root to set up redirection. Upgrade with `--set proxyInit.runAsRoot=true`.',
        run: () => rootWithDocker(subject),
      },
    ],
  };
}

interface Node extends KubeObject {
  status?: { nodeInfo?: { containerRuntimeVersion?: string } };
}

async function rootWithDocker(subject: CheckSubject): Promise<void> {
  const { proxyInit, cniEnabled } = await subject.values();
  if (cniEnabled || proxyInit.runAsRoot) return;
  const { items } = await (await subject.client()).list<Node>(NODES);
  const docker = items.filter(({ status }) => status?.nodeInfo?.containerRuntimeVersion?.startsWith('docker:'));
  if (docker.length > 0)
    throw new CheckFailure(
      'nodes with the Docker runtime need proxyInit.runAsRoot=true:',
      docker.map(({ metadata }) => metadata.name ?? ''),
    );
}
