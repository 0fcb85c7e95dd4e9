import type { KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { CliContext } from '../context.ts';

/** A CustomResourceDefinition, as far as it says what objects there may be. */
export interface Definition extends KubeObject {
  spec?: { group?: string; names?: { plural?: string }; versions?: { name: string; storage?: boolean }[] };
}

/** An API whose objects are others' as well: its definitions stay while there are some. */
export interface SharedApi {
  group: string;
  /** In words. */
  name: string;
  /** Label selector of objects that are not ours; absent: all. */
  others?: string;
}

/**
 * A definition that goes takes its objects with it: says how many, and which of a shared API are left out for that. Gives those; none
 * with `force`.
 */
export async function definitionsInUse(
  client: KubeClient,
  definitions: readonly Definition[],
  { group, name, others }: SharedApi,
  { force = false }: { force?: boolean },
  { io }: CliContext,
): Promise<Definition[]> {
  const counted = await Promise.all(
    definitions.map(async (definition) => {
      const isShared = definition.spec?.group === group;
      return { definition, isShared, count: await countObjects(client, definition, isShared ? others : undefined) };
    }),
  );
  const used = counted.filter(({ count }) => count > 0);
  const kept = used.filter(({ isShared }) => isShared && !force);
  const going = used.filter((each) => !kept.includes(each));
  const lines = (some: typeof used) =>
    some.map(({ definition, count }) => `\t* ${definition.metadata.name}: ${count}\n`);
  if (going.length > 0) io.err(`‼ Objects that are deleted with their definitions:\n${lines(going).join('')}`);
  if (kept.length > 0)
    io.err(
      `‼ Definitions of ${name} that are left out, as objects would be deleted with them; --force adds them:\n${lines(kept).join('')}`,
    );
  return kept.map(({ definition }) => definition);
}

async function countObjects(
  client: KubeClient,
  { spec }: Definition,
  labelSelector: string | undefined,
): Promise<number> {
  const version = spec?.versions?.find(({ storage }) => storage)?.name;
  const { group, names } = spec ?? {};
  if (version === undefined || group === undefined || names?.plural === undefined) return 0;
  const gvr = { group, version, resource: names.plural };
  const { items } = await client.list(gvr, {
    metadataOnly: true,
    ...(labelSelector !== undefined && { labelSelector }),
  });
  return items.length;
}
