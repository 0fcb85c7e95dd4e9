import {
  DAEMON_SETS,
  DEPLOYMENTS,
  type Gvr,
  JOBS,
  type KubeObject,
  type LabelSelector,
  PODS,
  type Pod,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  SERVICES,
  STATEFUL_SETS,
} from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { UserError } from '../../context.ts';

/** Kinds that have pods, by all their names. */
const KINDS: Readonly<Record<string, Gvr>> = Object.fromEntries(
  (
    [
      [DEPLOYMENTS, 'deploy', 'deployment', 'deployments'],
      [DAEMON_SETS, 'ds', 'daemonset', 'daemonsets'],
      [STATEFUL_SETS, 'sts', 'statefulset', 'statefulsets'],
      [REPLICA_SETS, 'rs', 'replicaset', 'replicasets'],
      [REPLICATION_CONTROLLERS, 'rc', 'replicationcontroller', 'replicationcontrollers'],
      [JOBS, 'job', 'jobs'],
      [SERVICES, 'svc', 'service', 'services'],
      [PODS, 'po', 'pod', 'pods'],
    ] as const
  ).flatMap(([gvr, ...names]) => names.map((name) => [name, gvr])),
);

/** The pods of `deploy/web`, `po/web-1`, `svc/web`, …, or of a label selector, sorted by name. */
export async function podsOf(
  client: KubeClient,
  namespace: string,
  resource: string | { labelSelector: string },
): Promise<Pod[]> {
  if (typeof resource !== 'string') return sorted(await client.list<Pod>(PODS, { namespace, ...resource }));
  const [kind = '', name = '', ...rest] = resource.split('/');
  const gvr = KINDS[kind.toLowerCase()];
  if (!gvr || name === '' || rest.length > 0)
    throw new UserError(`"${resource}" is not TYPE/NAME; types are ${[...new Set(Object.keys(KINDS))].join(', ')}`);
  try {
    if (gvr === PODS) return [await client.get<Pod>(PODS, name, namespace)];
    const labelSelector = selectorOf(await client.get<Selecting>(gvr, name, namespace));
    if (labelSelector === '') throw new UserError(`${resource} selects no pods`);
    return sorted(await client.list<Pod>(PODS, { namespace, labelSelector }));
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`${resource} does not exist in namespace ${namespace}`);
    throw error;
  }
}

interface Selecting extends KubeObject {
  spec?: { selector?: LabelSelector | Record<string, string> };
}

function selectorOf(object: Selecting): string {
  const selector = object.spec?.selector ?? {};
  const isPlain = !('matchLabels' in selector) && !('matchExpressions' in selector);
  const { matchLabels = {}, matchExpressions = [] } = (isPlain ? { matchLabels: selector } : selector) as {
    matchLabels?: Record<string, string>;
    matchExpressions?: NonNullable<LabelSelector['matchExpressions']>;
  };
  const terms = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions)
    terms.push(
      {
        In: `${key} in (${values.join(',')})`,
        NotIn: `${key} notin (${values.join(',')})`,
        Exists: key,
        DoesNotExist: `!${key}`,
      }[operator],
    );
  return terms.join(',');
}

const sorted = ({ items }: { items: Pod[] }): Pod[] =>
  items.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
