import type { CliContext } from '../context.ts';
import { kindNamed, RESOURCE_KINDS } from '../resources/index.ts';

/** Names of a kind's objects in a namespace; with an empty kind, the names of kinds. */
export type NamesOf = (kind: string, namespace: string | undefined) => Promise<string[]>;

/** A person waits: longer, and nothing is better. */
const TIMEOUT_MS = 5_000;

/** Names from the cluster that the kubeconfig names; none when it does not answer. */
export const clusterNames =
  (context: CliContext): NamesOf =>
  async (word, namespace) => {
    if (word === '') return RESOURCE_KINDS.filter(({ suggested }) => suggested).map(({ names }) => names[0]);
    const kind = kindNamed(word);
    if (!kind) return [];
    try {
      return await bounded(list(context, kind.gvr, kind.names[0] === 'namespace' ? undefined : namespace));
    } catch {
      return []; // the line that is typed must not be broken by messages
    }
  };

async function list(context: CliContext, gvr: Parameters<typeof namesIn>[1], namespace: string | undefined) {
  const connection = await context.connect();
  const everywhere = gvr.resource === 'namespaces' || gvr.resource === 'links';
  return namesIn(connection, gvr, everywhere ? undefined : (namespace ?? connection.namespace));
}

async function namesIn(
  { client }: Awaited<ReturnType<CliContext['connect']>>,
  gvr: NonNullable<ReturnType<typeof kindNamed>>['gvr'],
  namespace: string | undefined,
): Promise<string[]> {
  const { items } = await client.list(gvr, { metadataOnly: true, ...(namespace !== undefined && { namespace }) });
  return items.map(({ metadata }) => metadata.name ?? '').sort();
}

async function bounded<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
