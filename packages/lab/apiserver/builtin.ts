import { BUILTIN_RESOURCES, type BuiltinRow } from './builtin-resources.ts';
import { fieldLabels } from './field-labels.ts';
import type { Kind, Resource, ScalePaths, Strategy } from './resource.ts';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

const SCALE: ScalePaths = {
  specReplicas: '.spec.replicas',
  statusReplicas: '.status.replicas',
  selector: '.spec.selector',
};

/** Builds the served form of every built-in resource. `kindOf` brings its schema, `strategies` its departures. */
export function builtinResources(
  kindOf: (row: BuiltinRow) => Kind,
  strategies: Readonly<Record<string, Strategy>>,
  conversions: Readonly<Record<string, NonNullable<Resource['conversion']>>>,
): Resource[] {
  return BUILTIN_RESOURCES.map((row) => {
    const { group, version, resource } = row;
    const storage = `${(row.storedAs ?? row).group}/${resource}`;
    const conversion = conversions[`${group}/${version}/${resource}`];
    return {
      gvr: { group, version, resource },
      kind: row.kind,
      listKind: `${row.kind}List`,
      singular: row.kind.toLowerCase(),
      namespaced: row.namespaced,
      shortNames: row.shortNames,
      categories: row.categories,
      verbs: row.verbs ?? ALL_VERBS,
      subresources: new Set(row.subresources),
      custom: false,
      storage,
      generation: row.generation,
      shape: kindOf(row),
      strategy: strategies[storage] ?? {},
      ...(conversion && { conversion }),
      fields: fieldLabels(storage),
      ...(row.subresources.includes('scale') && { scale: SCALE }),
    };
  });
}
