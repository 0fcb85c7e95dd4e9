/**
 * Namespaces being deleted: everything in them goes, custom resources included; what remains and why is told in conditions; when
 * nothing is left, the namespace's own finalizer is removed.
 */
import { type Condition, type KubeObject, NAMESPACES } from '#api/kube';
import type { ClusterClient, ServedResource } from '../../contract/index.ts';
import { formatTime, type Namespace, withCondition } from '../../kinds/index.ts';
import { type Controller, NOTHING, type Plan, type Write } from '../../reconcile/index.ts';
import type { Everything } from '../everything.ts';
import { writeStatus } from '../write-status.ts';

const FINALIZER = 'kubernetes';
const EVENTS = 'events';

export interface NamespaceObserved {
  namespace: Namespace;
  /** Everything that still lives in it. */
  contents: readonly { resource: ServedResource; object: KubeObject }[];
}

/** Keys are namespace names. */
export function namespaceController(everything: Everything): Controller<NamespaceObserved> {
  return {
    name: 'namespace-controller',
    triggers: [
      { gvr: NAMESPACES, keys: ({ now }) => (now?.metadata.deletionTimestamp ? [now.metadata.name ?? ''] : []) },
    ],
    subscribe: (wake) =>
      everything.subscribe((resource, { now, old }) => {
        if (resource.namespaced && !now && old?.metadata.namespace) wake(old.metadata.namespace);
      }),
    async observe(name, caches, client) {
      const namespace = caches.of<Namespace>(NAMESPACES).get(name);
      if (!namespace?.metadata.deletionTimestamp) return undefined;
      const watched = everything.inNamespace(name);
      // Before the last step the server is asked, as caches may lag, and some kinds have none.
      return { namespace, contents: watched.length > 0 ? watched : await listAll(everything, client, name) };
    },
    reconcile: reconcileNamespace,
  };
}

async function listAll(everything: Everything, client: ClusterClient, namespace: string) {
  const lists = everything.sweepable().map(async (resource) => {
    const { items } = await client.list(resource.gvr, { namespace });
    return items.map((object) => ({ resource, object }));
  });
  return (await Promise.all(lists)).flat();
}

/** Decides the next step of a namespace's deletion. Pure. */
export function reconcileNamespace({ namespace, contents }: NamespaceObserved, nowMs: number): Plan {
  const finalizers = namespace.spec?.finalizers ?? [];
  if (!namespace.metadata.deletionTimestamp || !finalizers.includes(FINALIZER)) return NOTHING;
  const doomed = contents.filter(({ object }) => !object.metadata.deletionTimestamp);
  const deletes: Write[] = doomed.map(({ resource, object }) => ({
    verb: 'delete',
    gvr: resource.gvr,
    object,
    propagationPolicy: 'Background',
  }));
  const left = contents.filter(
    ({ resource, object }) => resource.gvr.resource !== EVENTS && !doomedAtOnce(object, doomed),
  );
  const status = writeStatus(NAMESPACES, namespace, {
    phase: 'Terminating',
    conditions: conditionsOf(namespace, left, nowMs),
  });
  if (contents.length > 0) return { writes: [...deletes, ...status], againInMs: left.length === 0 ? 10 : 1000 };
  const spec = { ...namespace.spec, finalizers: finalizers.filter((each) => each !== FINALIZER) };
  // The status write above changes the revision: finalizing goes without one, which only removes our own finalizer.
  const { resourceVersion: _revision, ...metadata } = namespace.metadata;
  return {
    writes: [
      ...status,
      {
        verb: 'update',
        gvr: NAMESPACES,
        object: { ...namespace, metadata, spec } as Namespace,
        subresource: 'finalize',
        tolerate: ['NotFound'],
      },
    ],
  };
}

/** Without finalizers, grace or dependents to wait for, an object is gone once its delete is answered. */
const doomedAtOnce = (object: KubeObject, doomed: readonly { object: KubeObject }[]): boolean =>
  doomed.some((each) => each.object === object) &&
  (object.metadata.finalizers ?? []).length === 0 &&
  (object as KubeObject & { spec?: { nodeName?: string } }).spec?.nodeName === undefined;

function conditionsOf(namespace: Namespace, left: NamespaceObserved['contents'], nowMs: number): Condition[] {
  const lastTransitionTime = formatTime(nowMs);
  const holders = left.flatMap(({ object }) => object.metadata.finalizers ?? []);
  const kinds = tally(left.map(({ resource }) => nameOf(resource)));
  const rows: readonly (readonly [string, boolean, string, string])[] = [
    ['NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      false,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    left.length > 0
      ? [
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${list(kinds, 'has', 'resource instances')}`,
        ]
      : ['NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'],
    holders.length > 0
      ? [
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${list(tally(holders), 'in', 'resource instances')}`,
        ]
      : ['NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ];
  return [
    ...rows.reduce<readonly Condition[]>(
      (conditions, [type, status, reason, message]) =>
        withCondition(conditions, { type, status: status ? 'True' : 'False', lastTransitionTime, reason, message }),
      namespace.status?.conditions ?? [],
    ),
  ];
}

const nameOf = ({ gvr }: ServedResource): string => `${gvr.resource}.${gvr.group}`;

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const list = (counts: ReadonlyMap<string, number>, verb: string, noun: string): string =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${verb} ${count} ${noun}`)
    .join(', ');
