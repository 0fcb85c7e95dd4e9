import { CRON_JOBS, JOBS, type KubeObject, type LabelSelector, NAMESPACES, PODS, type Pod } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { UserError } from '../context.ts';
import { kindNamed, podKinds, type ResourceKind } from './kinds.ts';

/** The pods of `deploy/web`, `po/web-1`, `svc/web`, …, or of a label selector, sorted by name. */
export async function podsOf(
  client: KubeClient,
  namespace: string,
  resource: string | { labelSelector: string },
): Promise<Pod[]> {
  if (typeof resource !== 'string') return sorted(await client.list<Pod>(PODS, { namespace, ...resource }));
  const [word = '', name = '', ...rest] = resource.split('/');
  const kind = kindNamed(word);
  if (!kind?.pods || rest.length > 0) throw new UserError(`"${resource}" is not TYPE/NAME; types are ${podKinds()}`);
  if (name === '') return podsOfKind(client, namespace, kind);
  try {
    return await podsOfOne(client, namespace, kind, name);
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`${resource} does not exist in namespace ${namespace}`);
    throw error;
  }
}

/** The pods of every object of a kind, each once. */
async function podsOfKind(client: KubeClient, namespace: string, kind: ResourceKind): Promise<Pod[]> {
  if (kind.gvr === PODS) return sorted(await client.list<Pod>(PODS, { namespace }));
  const { items } = await client.list<KubeObject>(kind.gvr, { namespace, metadataOnly: true });
  const found = new Map<string, Pod>();
  for (const { metadata } of items)
    for (const pod of await podsOfOne(client, namespace, kind, metadata.name ?? '').catch(noSelector))
      found.set(pod.metadata.name ?? '', pod);
  return [...found.values()];
}

/** Among all of a kind, one that selects nothing has no pods; alone it is an error. */
function noSelector(error: unknown): Pod[] {
  if (error instanceof UserError) return [];
  throw error;
}

async function podsOfOne(
  client: KubeClient,
  namespace: string,
  { gvr, names }: ResourceKind,
  name: string,
): Promise<Pod[]> {
  if (gvr === PODS) return [await client.get<Pod>(PODS, name, namespace)];
  if (gvr === NAMESPACES) return sorted(await client.list<Pod>(PODS, { namespace: name }));
  if (gvr === CRON_JOBS) return podsOfCronJob(client, namespace, name);
  const labelSelector = selectorOf(await client.get<Selecting>(gvr, name, namespace));
  if (labelSelector === '') throw new UserError(`${names[0]}/${name} selects no pods`);
  return sorted(await client.list<Pod>(PODS, { namespace, labelSelector }));
}

async function podsOfCronJob(client: KubeClient, namespace: string, name: string): Promise<Pod[]> {
  await client.get(CRON_JOBS, name, namespace);
  const { items } = await client.list<Selecting>(JOBS, { namespace });
  const jobs = items.filter(({ metadata }) =>
    metadata.ownerReferences?.some((owner) => owner.kind === 'CronJob' && owner.name === name),
  );
  const pods = await Promise.all(
    jobs.map(async (job) => (await client.list<Pod>(PODS, { namespace, labelSelector: selectorOf(job) })).items),
  );
  return pods.flat();
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
