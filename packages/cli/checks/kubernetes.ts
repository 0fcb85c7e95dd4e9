import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CUSTOM_RESOURCE_DEFINITIONS,
  type Gvr,
  type KubeObject,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  NODES,
  SELF_SUBJECT_ACCESS_REVIEWS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#api/kube';
import { isConflict, isNotFound } from '#kube/client';
import { createTrust } from '../certificates/index.ts';
import { LINKERD_CRDS } from '../manifests/crds/index.ts';
import { CRD_DEFAULTS } from '../manifests/crds.ts';
import { defaultValues, renderControlPlane, renderCrds, webhookCertificates } from '../manifests/index.ts';
import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

const MINIMUM = [1, 31, 0] as const;

export const kubernetesApiCategory = (subject: CheckSubject): Category => ({
  name: 'kubernetes-api',
  checks: [
    {
      description: 'can initialize the client',
      anchor: 'k8s-api',
      remedy:
        'The kubeconfig that $KUBECONFIG, --kubeconfig and --context name is read. Look whether the file exists and the context is spelled right: `kubectl config get-contexts`.',
      severity: 'fatal',
      run: async () => void (await subject.client()),
    },
    {
      description: 'can query the Kubernetes API',
      anchor: 'k8s-api',
      remedy:
        'The API server answers /version. Look whether `kubectl version` works with the same context; a firewall, an expired credential or a stopped cluster are the usual causes.',
      severity: 'fatal',
      run: async () => void (await (await subject.client()).version()),
    },
  ],
});

export const kubernetesVersionCategory = (subject: CheckSubject): Category => ({
  name: 'kubernetes-version',
  checks: [
    {
      description: 'is running the minimum Kubernetes API version',
      anchor: 'k8s-version',
      remedy: 'The API server is at least Kubernetes 1.31.0. Upgrade the cluster.',
      async run() {
        const { gitVersion } = await (await subject.client()).version();
        const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(gitVersion)?.slice(1).map(Number);
        if (!found) throw new Error(`cannot read the version "${gitVersion}"`);
        const at = MINIMUM.findIndex((part, index) => part !== found[index]);
        if (at >= 0 && found[at]! < MINIMUM[at]!)
          throw new Error(
            `Kubernetes is on version [${found.join('.')}], but version [${MINIMUM.join('.')}] or more recent is required`,
          );
      },
    },
  ],
});

interface Definition extends KubeObject {
  spec?: { versions?: { name: string; served?: boolean }[] };
}

/** `mayLack`: before an installation, which brings the definitions itself. */
export const gatewayApiCategory = (subject: CheckSubject, { mayLack }: { mayLack: boolean }): Category => ({
  name: 'gateway-api-crd',
  checks: [
    {
      description: 'Gateway API CRDs are installed',
      anchor: 'gateway-api-crd',
      remedy:
        "The Gateway API's HTTPRoute or GRPCRoute is defined and serves v1. `install --crds` brings the definitions where none are; definitions of somebody else that are too old must be upgraded by their owner to v1.1.1 or newer.",
      severity: 'fatal',
      async run() {
        const client = await subject.client();
        for (const plural of ['httproutes', 'grpcroutes'])
          try {
            const name = `${plural}.gateway.networking.k8s.io`;
            const found = await client.get<Definition>(CUSTOM_RESOURCE_DEFINITIONS, name);
            if (found.spec?.versions?.some((version) => version.name === 'v1' && version.served !== false)) return;
            throw new Error(`${name} does not serve v1; Gateway API v1.1.1 or newer is needed`);
          } catch (error) {
            if (!isNotFound(error)) throw error;
          }
        if (mayLack) throw new CheckSkipped('`install --crds` brings them');
        throw new Error('the Gateway API CRDs are not installed: run `linkerd install --crds | kubectl apply -f -`');
      },
    },
  ],
});

export const CRD_REMEDY =
  'Every custom resource definition of the mesh is there with every version that this program knows. Run `install --crds`, or after an upgrade `upgrade --crds`, and apply what it prints.';

export const crdCategory = (subject: CheckSubject): Category => ({
  name: 'linkerd-crd',
  checks: [
    {
      description: 'control plane CustomResourceDefinitions exist',
      anchor: 'l5d-existence-crd',
      remedy: CRD_REMEDY,
      severity: 'fatal',
      retry: true,
      run: () => crdsExist(subject),
    },
  ],
});

/** Every definition is there with every version that this program knows. */
export async function crdsExist(subject: CheckSubject): Promise<void> {
  const { items } = await (await subject.client()).list<Definition>(CUSTOM_RESOURCE_DEFINITIONS);
  const served = new Map(
    items.map(({ metadata, spec }) => [metadata.name ?? '', new Set(spec?.versions?.map(({ name }) => name))]),
  );
  const missing = LINKERD_CRDS.flatMap(({ plural, group, versions }) => {
    const name = `${plural}.${group}`;
    const found = served.get(name);
    if (!found) return [`missing ${name}`];
    return versions
      .filter((version) => !found.has(version.name))
      .map((version) => `${name} lacks version ${version.name}`);
  });
  if (missing.length > 0) throw new CheckFailure('CustomResourceDefinitions are not as they should be:', missing);
}

// --- before the installation --------------------------------------------------------------------------------------------

const access =
  (subject: CheckSubject, verb: string, gvr: Gvr, namespace?: string): (() => Promise<void>) =>
  async () => {
    const resourceAttributes = {
      verb,
      group: gvr.group,
      version: gvr.version,
      resource: gvr.resource,
      ...(namespace && { namespace }),
    };
    const review = await (await subject.client()).create<
      KubeObject & { spec: unknown; status?: { allowed?: boolean } }
    >(SELF_SUBJECT_ACCESS_REVIEWS, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      metadata: {},
      spec: { resourceAttributes },
    });
    if (!review.status?.allowed)
      throw new Error(`not authorized to ${verb} ${gvr.resource}${gvr.group ? `.${gvr.group}` : ''}`);
  };

const gvr = (group: string, resource: string): Gvr => ({ group, version: 'v1', resource });
const CREATED: readonly (readonly [string, Gvr])[] = [
  ['ServiceAccounts', gvr('', 'serviceaccounts')],
  ['Services', gvr('', 'services')],
  ['Deployments', gvr('apps', 'deployments')],
  ['CronJobs', gvr('batch', 'cronjobs')],
  ['ConfigMaps', gvr('', 'configmaps')],
  ['Secrets', gvr('', 'secrets')],
];
/** Kinds outside of namespaces that an installation consists of. */
const CLUSTER_KINDS: Readonly<Record<string, Gvr>> = {
  Namespace: NAMESPACES,
  ClusterRole: CLUSTER_ROLES,
  ClusterRoleBinding: CLUSTER_ROLE_BINDINGS,
  CustomResourceDefinition: CUSTOM_RESOURCE_DEFINITIONS,
  MutatingWebhookConfiguration: MUTATING_WEBHOOK_CONFIGURATIONS,
  ValidatingWebhookConfiguration: VALIDATING_WEBHOOK_CONFIGURATIONS,
};

/** Creates what an installation would, without keeping it: the API server says what it would refuse, and why. */
async function dryRun(subject: CheckSubject): Promise<void> {
  const client = await subject.client();
  const { namespace } = subject;
  const values = defaultValues();
  const trust = await createTrust(`identity.${namespace}.${values.clusterDomain}`);
  values.identityTrustAnchorsPEM = trust.anchors;
  values.identity.issuer.tls = { crtPEM: trust.issuer.certificate, keyPEM: trust.issuer.key };
  const certificates = await webhookCertificates(values, namespace);
  const objects = [
    ...renderCrds({ namespace, values: CRD_DEFAULTS }),
    ...renderControlPlane({ namespace, values }, certificates, defaultValues()),
  ];
  const refused: string[] = [];
  for (const object of objects) {
    const gvr = CLUSTER_KINDS[object.kind ?? ''];
    if (!gvr) continue;
    try {
      await client.create(gvr, object, { dryRun: true });
    } catch (error) {
      // What is there already is the matter of another check.
      if (!isConflict(error)) refused.push(`${object.kind} ${object.metadata?.name}: ${(error as Error).message}`);
    }
  }
  if (refused.length > 0) throw new CheckFailure('the API server would refuse:', refused);
}

export function preCategory(subject: CheckSubject): Category {
  const { namespace } = subject;
  const creations: Check[] = CREATED.map(([kinds, resource]) => ({
    description: `can create ${kinds}`,
    anchor: 'pre-k8s',
    remedy: "You may create these objects in the control plane's namespace. Ask an administrator for the right to.",
    run: access(subject, 'create', resource, namespace),
  }));
  return {
    name: 'pre-kubernetes-setup',
    checks: [
      {
        description: 'control plane namespace does not already exist',
        anchor: 'pre-ns',
        remedy:
          "A namespace of the control plane's name is not there yet. If the mesh is installed, leave out --pre; else delete the namespace, or choose another with -L.",
        async run() {
          if (await subject.exists(NAMESPACES, namespace))
            throw new Error(`The "${namespace}" namespace already exists`);
        },
      },
      {
        description: 'can create non-namespaced resources',
        anchor: 'pre-k8s-cluster-k8s',
        remedy:
          'You may create the objects outside of namespaces that an installation consists of (namespaces, cluster roles and their bindings, custom resource definitions, webhook configurations), and nothing in the cluster refuses them: they are created without being kept. Ask for the role cluster-admin, or have somebody with it install.',
        run: () => dryRun(subject),
      },
      ...creations,
      {
        description: 'can read Secrets',
        anchor: 'pre-k8s',
        remedy: "You may read Secrets in the control plane's namespace. Ask an administrator for the right to.",
        run: access(subject, 'get', gvr('', 'secrets'), namespace),
      },
      {
        description: 'can read extension-apiserver-authentication configmap',
        anchor: 'pre-k8s',
        remedy:
          'You may read ConfigMap extension-apiserver-authentication of kube-system, as extensions of the API do. Ask an administrator for the role extension-apiserver-authentication-reader.',
        run: access(subject, 'get', gvr('', 'configmaps'), 'kube-system'),
      },
      {
        description: 'no clock skew detected',
        anchor: 'pre-k8s-clock-skew',
        remedy:
          "Ready nodes reported within 5 minutes and 10 seconds by this machine's clock. Synchronize the clocks of nodes and of this machine: certificates are valid by the clock.",
        severity: 'warning',
        run: () => clockSkew(subject),
      },
    ],
  };
}

/** A ready node reports at least every five minutes; ten seconds more are allowed. */
const HEARTBEAT_MS_MAX = 5 * 60_000 + 10_000;

async function clockSkew(subject: CheckSubject): Promise<void> {
  interface Node extends KubeObject {
    status?: { conditions?: { type: string; status: string; lastHeartbeatTime?: string }[] };
  }
  const { items } = await (await subject.client()).list<Node>(NODES);
  const skewed = items.filter(({ status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True' || !ready.lastHeartbeatTime) return false;
    return Math.abs(Date.now() - Date.parse(ready.lastHeartbeatTime)) > HEARTBEAT_MS_MAX;
  });
  if (skewed.length > 0)
    throw new CheckFailure(
      'clock skew detected for nodes:',
      skewed.map(({ metadata }) => metadata.name ?? ''),
    );
}
