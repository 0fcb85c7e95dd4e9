import {
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  type Gvr,
  type KubeObject,
  NAMESPACES,
  type Pod,
} from '#api/kube';
import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';
import { proxyChecks } from './control-plane.ts';
import { EXTENSION_LABEL } from './extensions.ts';
import { endingSoon } from './identity.ts';
import { hasProxy, isFinished, podReady } from './pods.ts';
import type { CheckSubject } from './subject.ts';
import type { Versions } from './versions.ts';
import { judgeServing, servingCertificates } from './webhooks.ts';

const COMPONENTS = ['web', 'tap', 'metrics-api', 'tap-injector'] as const;
const TAP_SERVICE = 'v1alpha1.tap.linkerd.io';
const TAP_SECRET = 'tap-k8s-tls';
const EXTERNAL_PROMETHEUS = 'viz.linkerd.io/external-prometheus';

/** The extension viz as far as the cluster's objects tell: roles, tap's certificate and API, pods, proxies, Prometheus. */
export function vizCategory(subject: CheckSubject, versions: Versions): Category {
  const pods = async () =>
    (await subject.pods({ namespace: await vizNamespace(subject) })).filter((pod) => !isFinished(pod));
  return {
    name: 'linkerd-viz',
    checks: [
      {
        description: 'linkerd-viz Namespace exists',
        anchor: 'l5d-viz-ns-exists',
        remedy: 'A namespace carries the label linkerd.io/extension=viz. Install the extension.',
        severity: 'fatal',
        run: async () => void (await vizNamespace(subject)),
      },
      {
        description: 'can initialize the client',
        anchor: 'l5d-viz-existence-client',
        remedy:
          "The API server can be asked for the extension's objects. Look whether `kubectl -n linkerd-viz get pods` works.",
        severity: 'fatal',
        retry: true,
        run: async () => void (await pods()),
      },
      existing(subject, 'ClusterRoles', 'l5d-viz-cr-exists', CLUSTER_ROLES, (space) => [
        `linkerd-${space}-tap`,
        `linkerd-${space}-metrics-api`,
        `linkerd-${space}-tap-admin`,
        'linkerd-tap-injector',
      ]),
      existing(subject, 'ClusterRoleBindings', 'l5d-viz-crb-exists', CLUSTER_ROLE_BINDINGS, (space) => [
        `linkerd-${space}-tap`,
        `linkerd-${space}-metrics-api`,
        `linkerd-${space}-tap-auth-delegator`,
        'linkerd-tap-injector',
      ]),
      ...tapChecks(subject),
      ...podChecks(pods),
      ...proxyChecks('viz extension', 'l5d-viz-proxy', pods, versions, { severity: 'warning', retry: false }),
      {
        description: 'prometheus is installed and configured correctly',
        anchor: 'l5d-viz-prometheus',
        remedy:
          "The extension's Prometheus has its roles, its settings and a running pod; left out where the namespace says that another one is used. Install the extension again, or give it the address of yours.",
        severity: 'warning',
        run: () => prometheus(subject, pods),
      },
    ],
  };
}

/** Throws unless it is there. */
async function vizNamespace(subject: CheckSubject): Promise<string> {
  return (await vizNamespaceObject(subject)).metadata.name ?? '';
}

async function vizNamespaceObject(subject: CheckSubject): Promise<KubeObject> {
  const { items } = await (await subject.client()).list(NAMESPACES, { labelSelector: `${EXTENSION_LABEL}=viz` });
  if (!items[0]) throw new Error('could not find the linkerd-viz extension');
  return items[0];
}

async function demand(subject: CheckSubject, what: string, gvr: Gvr, names: readonly string[], namespace?: string) {
  const there = await subject.names(gvr, undefined, namespace);
  const missing = names.filter((name) => !there.has(name));
  if (missing.length > 0) throw new CheckFailure(`missing ${what}:`, missing);
}

const existing = (
  subject: CheckSubject,
  what: string,
  anchor: string,
  gvr: Gvr,
  names: (namespace: string) => readonly string[],
): Check => ({
  description: `linkerd-viz ${what} exist`,
  anchor,
  remedy: `The extension's ${what} are there. Install it again.`,
  severity: 'fatal',
  run: async () => demand(subject, what, gvr, names(await vizNamespace(subject))),
});

interface ApiService extends KubeObject {
  spec?: { caBundle?: string };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

function tapChecks(subject: CheckSubject): Check[] {
  const service = async () => (await subject.client()).get<ApiService>(API_SERVICES, TAP_SERVICE);
  return [
    {
      description: 'tap API server has valid cert',
      anchor: 'l5d-tap-cert-valid',
      remedy: `The certificate in Secret ${TAP_SECRET} is valid now, is made for tap.<namespace>.svc and is signed by the caBundle of APIService ${TAP_SERVICE}. Install the extension again, which makes both.`,
      severity: 'fatal',
      async run() {
        const namespace = await vizNamespace(subject);
        const chain = await servingCertificates(subject, TAP_SECRET, namespace);
        judgeServing(chain, { name: TAP_SERVICE, host: `tap.${namespace}.svc`, ...(await service()).spec });
      },
    },
    {
      description: 'tap API server cert is valid for at least 60 days',
      anchor: 'l5d-tap-cert-not-expiring-soon',
      remedy: `The certificate in Secret ${TAP_SECRET} is valid for 60 days more. Install the extension again, which makes a new one.`,
      severity: 'warning',
      async run() {
        const [certificate] = await servingCertificates(subject, TAP_SECRET, await vizNamespace(subject));
        const soon = certificate && endingSoon(certificate);
        if (soon !== undefined) throw new Error(`certificate ${soon}`);
      },
    },
    {
      description: 'tap API service is running',
      anchor: 'l5d-tap-api',
      remedy: `The API server reaches tap: APIService ${TAP_SERVICE} is Available. Look at tap's pods, and whether a network policy keeps the API server from port 8089.`,
      severity: 'warning',
      retry: true,
      async run() {
        const available = (await service()).status?.conditions?.find(({ type }) => type === 'Available');
        if (available?.status !== 'True') throw new Error(available?.message ?? `${TAP_SERVICE} service not available`);
      },
    },
  ];
}

function podChecks(pods: () => Promise<Pod[]>): Check[] {
  return [
    {
      description: 'linkerd-viz pods are injected',
      anchor: 'l5d-viz-pods-injection',
      remedy: "The extension's pods have proxies. Restart them: `kubectl -n linkerd-viz rollout restart deploy`.",
      severity: 'warning',
      async run() {
        const bare = (await pods()).filter((pod) => !hasProxy(pod));
        if (bare.length > 0)
          throw new CheckFailure(
            'could not find proxy container for:',
            bare.map(({ metadata }) => metadata.name ?? ''),
          );
      },
    },
    {
      description: 'viz extension pods are running',
      anchor: 'l5d-viz-pods-running',
      remedy: `Each of ${COMPONENTS.join(', ')} has a pod whose containers are all ready. \`kubectl -n linkerd-viz describe pods\` tells what holds them up.`,
      severity: 'warning',
      retry: true,
      surface: true,
      run: async () => running(await pods(), COMPONENTS),
    },
  ];
}

function running(pods: readonly Pod[], components: readonly string[]): void {
  const missing = components.filter(
    (component) => !pods.some((pod) => pod.metadata.labels?.['component'] === component && podReady(pod)),
  );
  if (missing.length > 0) throw new CheckFailure('No running pods for:', missing);
}

async function prometheus(subject: CheckSubject, pods: () => Promise<Pod[]>): Promise<void> {
  const { metadata } = await vizNamespaceObject(subject);
  if (metadata.annotations?.[EXTERNAL_PROMETHEUS]) throw new CheckSkipped('prometheus is disabled');
  const namespace = metadata.name ?? '';
  const role = [`linkerd-${namespace}-prometheus`];
  await demand(subject, 'ClusterRoles', CLUSTER_ROLES, role);
  await demand(subject, 'ClusterRoleBindings', CLUSTER_ROLE_BINDINGS, role);
  await demand(subject, 'ConfigMaps', CONFIG_MAPS, ['prometheus-config'], namespace);
  running(await pods(), ['prometheus']);
}
