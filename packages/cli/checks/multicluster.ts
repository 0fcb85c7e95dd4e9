import { DEPLOYMENTS, ENDPOINT_SLICES, type KubeObject, NAMESPACES, SERVICES } from '#api/kube';
import { LINKS, type Link, MIRROR } from '#extensions/multicluster';
import { isNotFound } from '#kube/client';
import type { ForwardTarget } from '#kube/port-forward';
import { LOCAL_MIRROR } from '../manifests/multicluster/index.ts';
import { type Category, type Check, type CheckDetails, CheckFailure, CheckSkipped } from './check.ts';
import { proxyChecks } from './control-plane.ts';
import { exportsCheck } from './exports.ts';
import { EXTENSION_LABEL } from './extensions.ts';
import { consistencyCheck, leftOutCheck, probeCheck, reachCheck } from './gateways.ts';
import { expiryChecks, membersCheck, networksCheck } from './links.ts';
import { ownMembersCheck } from './own-members.ts';
import { accountsCheck, linkPermissions, localPermissions } from './permissions.ts';
import { answersCheck, Remotes, type RemotesOptions } from './remotes.ts';
import type { CheckSubject } from './subject.ts';
import type { Versions } from './versions.ts';

export interface MulticlusterOptions extends Versions, RemotesOptions {
  /** The metrics of a port inside a pod; default: through a port-forward. */
  scrape?(target: ForwardTarget): Promise<string>;
}

const clusterOf = (link: Link): string => link.spec?.targetClusterName || (link.metadata.name ?? '');

/** The extension seen from the source cluster: links, credentials, trust, controllers, what they mirror. */
export function multiclusterCategory(subject: CheckSubject, options: MulticlusterOptions): Category {
  const links = async (): Promise<Link[]> => {
    const { items } = await (await subject.client()).list<Link>(LINKS);
    return items.sort((a, b) => (clusterOf(a) < clusterOf(b) ? -1 : 1));
  };
  /** Judges every link; skipped without links. */
  const each =
    (headline: string, judge: (link: Link) => Promise<string | undefined>) => async (): Promise<CheckDetails> => {
      const all = await links();
      if (all.length === 0) throw new CheckSkipped('no links');
      const problems = await Promise.all(all.map(async (link) => judge(link)));
      const bad = problems.filter((problem) => problem !== undefined);
      if (bad.length > 0) throw new CheckFailure(headline, bad);
      return { items: all.map(clusterOf) };
    };
  const remotes = new Remotes(subject, options);
  return {
    name: 'linkerd-multicluster',
    checks: [
      {
        description: 'Link CRD exists',
        anchor: 'l5d-multicluster-link-crd-exists',
        remedy: 'Links are defined. Install the extension: `multicluster install`.',
        severity: 'fatal',
        async run() {
          try {
            await links();
          } catch (error) {
            throw new Error(`multicluster.linkerd.io/Link CRD is missing: ${(error as Error).message}`);
          }
        },
      },
      {
        description: 'Link resources are valid',
        anchor: 'l5d-multicluster-links-are-valid',
        remedy:
          'Every Link names a target cluster, its domain and a Secret with credentials. Make it again with `multicluster link`.',
        severity: 'fatal',
        run: each('Links that lack what a controller needs:', async (link) => flaw(link)),
      },
      {
        description: 'Link and CLI versions match',
        anchor: 'l5d-multicluster-links-version',
        remedy: 'Every Link was made by this version. Make it again with `multicluster link` and apply it.',
        severity: 'warning',
        run: each('Links of other versions:', async (link) => otherVersion(link, options.cliVersion)),
      },
      {
        description: 'remote cluster access credentials are valid',
        anchor: 'l5d-smc-target-clusters-access',
        remedy:
          "The kubeconfig in each Link's Secret opens its cluster, and the mirror controller says so, too. Look at the address and the token that the Secret holds, and at firewalls between the clusters.",
        run: each('Problematic clusters:', async (link) => remotes.accessible(link, await links())),
      },
      ...expiryChecks(subject, links),
      {
        description: 'clusters share trust anchors',
        anchor: 'l5d-multicluster-clusters-share-anchors',
        remedy:
          "Linked clusters have the same trust anchors. Bundle each other's anchors in ConfigMap linkerd-identity-trust-roots of both, and restart what is meshed.",
        run: each('Problematic clusters:', (link) => remotes.sharesAnchors(link)),
      },
      {
        description: 'service mirror controller has required permissions',
        anchor: 'l5d-multicluster-source-rbac-correct',
        remedy:
          'The mirror controller of each Link, and that of the cluster itself, has its account, roles and bindings, and roles allow what it does; what one lacks is named with its verb. Install the extension again, with its controllers in the values, or make the Link again with `multicluster link`.',
        run: async () => lackingPermissions(subject, await links()),
      },
      {
        description: 'service mirror controllers are running',
        anchor: 'l5d-multicluster-service-mirror-running',
        remedy:
          'Each Link has one mirror controller, and it is available. `kubectl -n linkerd-multicluster logs` of its Deployment tells why it is not.',
        retry: true,
        run: each('Problematic service mirrors:', (link) => controllerProblem(subject, link)),
      },
      {
        description: 'extension is managing controllers',
        anchor: 'l5d-multicluster-managed-controllers',
        remedy:
          "The controller of each Link is part of the extension's installation, as its values list it, and none of the ones that `link` once printed. Add the Link to the values of the extension and delete the old controller.",
        severity: 'warning',
        run: each('Links with controllers of their own:', (link) => legacyController(subject, link)),
      },
      probeCheck(subject, links, options.scrape ?? ((target) => subject.scrape(target))),
      reachCheck(links, remotes),
      endpointCheck(subject),
      orphanCheck(subject, links),
      consistencyCheck(links),
      answersCheck(links, remotes),
      leftOutCheck(links),
      membersCheck(links),
      ownMembersCheck(subject, () => multiclusterNamespace(subject)),
      networksCheck(links),
      exportsCheck(subject),
      accountsCheck(subject),
      ...proxyHealth(subject, options),
    ],
  };
}

function flaw(link: Link): string | undefined {
  const name = `${link.metadata.namespace}/${link.metadata.name}`;
  const required = ['targetClusterName', 'targetClusterDomain', 'clusterCredentialsSecret'] as const;
  const missing = required.filter((field) => !link.spec?.[field]);
  return missing.length > 0 ? `${name}: spec lacks ${missing.join(', ')}` : undefined;
}

function otherVersion(link: Link, expected: string): string | undefined {
  const createdBy = link.metadata.annotations?.['linkerd.io/created-by'] ?? '';
  const version = /^linkerd\/(?:cli|helm) (.+)$/.exec(createdBy)?.[1];
  if (version === undefined) return `${clusterOf(link)}: unable to determine version`;
  return version === expected
    ? undefined
    : `${clusterOf(link)}: CLI version is ${expected} but Link version is ${version}`;
}

/** Of every controller: those of Links, and the one for the cluster itself. */
async function lackingPermissions(subject: CheckSubject, all: readonly Link[]): Promise<CheckDetails> {
  if (all.length === 0) throw new CheckSkipped('no links');
  const namespace = await multiclusterNamespace(subject);
  const problems = await Promise.all([
    ...all.map(async (link) => ({ of: clusterOf(link), problem: await linkPermissions(subject, link) })),
    ...(namespace === undefined
      ? []
      : [localPermissions(subject, namespace).then((problem) => ({ of: LOCAL_MIRROR, problem }))]),
  ]);
  const bad = problems.flatMap(({ of, problem }) => (problem === undefined ? [] : [`${of}: ${problem}`]));
  if (bad.length > 0) throw new CheckFailure('service mirror controllers that may not do what they need:', bad);
  return { items: all.map(clusterOf) };
}

interface Deployment extends KubeObject {
  status?: { availableReplicas?: number };
}

async function controllerProblem(subject: CheckSubject, link: Link): Promise<string | undefined> {
  const client = await subject.client();
  const { items } = await client.list<Deployment>(DEPLOYMENTS, {
    namespace: link.metadata.namespace ?? '',
    labelSelector: `${MIRROR.clusterName}=${link.metadata.name}`,
  });
  const cluster = clusterOf(link);
  if (items.length === 0) return `${cluster}: no service mirror controller deployment`;
  if (items.length > 1)
    return `${cluster}: too many service mirror controller deployments: ${items.map(({ metadata }) => metadata.name).join(', ')}`;
  const [deployment] = items;
  return (deployment?.status?.availableReplicas ?? 0) < 1
    ? `${cluster}: service mirror controller ${deployment?.metadata.name} is not available`
    : undefined;
}

async function legacyController(subject: CheckSubject, link: Link): Promise<string | undefined> {
  const { items } = await (await subject.client()).list(DEPLOYMENTS, {
    labelSelector: `component=linkerd-service-mirror,${MIRROR.clusterName}=${clusterOf(link)}`,
    metadataOnly: true,
  });
  return items.length > 0
    ? `${clusterOf(link)}: ${items[0]?.metadata.name} is a legacy service mirror controller`
    : undefined;
}

/** Mirrors of gateways' Services carry endpoints of their own; flat mirrors and federated Services have their members'. */
const endpointCheck = (subject: CheckSubject): Check => ({
  description: 'all mirror services have endpoints',
  anchor: 'l5d-multicluster-services-endpoints',
  remedy:
    "Every mirror of a Service that is reached through a gateway has the gateway's address as its endpoint. Look whether the gateway of its cluster has an external address, and at the log of the mirror controller.",
  async run() {
    const client = await subject.client();
    const { items } = await client.list(SERVICES, {
      labelSelector: `${MIRROR.mirroredService}=true,!mirror.linkerd.io/mirrored-gateway,!${MIRROR.remoteDiscovery}`,
      metadataOnly: true,
    });
    const own = items.filter(
      ({ metadata: { annotations = {} } }) =>
        !annotations[MIRROR.remoteDiscovery] && !annotations[MIRROR.localDiscovery],
    );
    if (own.length === 0) throw new CheckSkipped('no mirror services');
    const bare: string[] = [];
    for (const { metadata } of own) {
      const slices = await client.list<KubeObject & { endpoints?: unknown[] }>(ENDPOINT_SLICES, {
        namespace: metadata.namespace ?? '',
        labelSelector: `kubernetes.io/service-name=${metadata.name}`,
      });
      if (slices.items.every(({ endpoints = [] }) => endpoints.length === 0))
        bare.push(
          `${metadata.name}.${metadata.namespace} mirrored from cluster [${metadata.labels?.[MIRROR.clusterName]}]`,
        );
    }
    if (bare.length > 0) throw new CheckFailure('Some mirror services do not have endpoints:', bare);
  },
});

const orphanCheck = (subject: CheckSubject, links: () => Promise<Link[]>): Check => ({
  description: 'all mirror services are part of a Link',
  anchor: 'l5d-multicluster-orphaned-services',
  remedy: 'Every mirror Service belongs to a Link that is there. Delete what `multicluster unlink` left.',
  severity: 'warning',
  async run() {
    const known = new Set((await links()).map(clusterOf));
    const { items } = await (await subject.client()).list(SERVICES, {
      labelSelector: `${MIRROR.mirroredService}=true,${MIRROR.clusterName}`,
      metadataOnly: true,
    });
    if (items.length === 0) throw new CheckSkipped('no mirror services');
    const orphans = items.filter(({ metadata }) => !known.has(metadata.labels?.[MIRROR.clusterName] ?? ''));
    if (orphans.length > 0)
      throw new CheckFailure(
        'mirror services that belong to no Link:',
        orphans.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`),
      );
  },
});

function proxyHealth(subject: CheckSubject, versions: Versions): Check[] {
  const pods = async () => {
    const namespace = await multiclusterNamespace(subject);
    return namespace === undefined ? [] : subject.pods({ namespace });
  };
  return proxyChecks('multicluster extension', 'l5d-multicluster-proxy', pods, versions, { severity: 'warning' });
}

/** The extension's namespace by its label; undefined when it is not installed. */
export async function multiclusterNamespace(subject: CheckSubject): Promise<string | undefined> {
  const client = await subject.client();
  try {
    const { items } = await client.list(NAMESPACES, {
      labelSelector: `${EXTENSION_LABEL} in (multicluster, linkerd-multicluster)`,
    });
    return items[0]?.metadata.name;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
