import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CNI_OPEN_MAPS, CNI_VALUE_DOCS, defaultCniValues, defaultValues, OPEN_MAPS, VALUE_DOCS } from './index.ts';
import { defaultMulticluster, MULTICLUSTER_OPEN_MAPS, MULTICLUSTER_VALUE_DOCS } from './multicluster/index.ts';

function paths(tree: object, openMaps: ReadonlySet<string>, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value) || openMaps.has(path);
    return isLeaf ? [path] : [path, ...paths(value, openMaps, path)];
  });
}

/** What Helm says by itself, and what concerns only the namespace, are no values. */
function chartOfMulticluster(): object {
  const { namespace: _release, cniEnabled: _namespace, ...rest } = defaultMulticluster();
  return rest;
}

for (const [name, defaults, docs, openMaps] of [
  ['the control plane', defaultValues(), VALUE_DOCS, OPEN_MAPS],
  ['the CNI plug-in', defaultCniValues(), CNI_VALUE_DOCS, CNI_OPEN_MAPS],
  ['the multicluster extension', chartOfMulticluster(), MULTICLUSTER_VALUE_DOCS, MULTICLUSTER_OPEN_MAPS],
] as const)
  test(`every value of ${name} is explained, and nothing that is not one`, () => {
    const all = paths(defaults, openMaps);
    const isLeaf = (path: string): boolean => !all.some((other) => other.startsWith(`${path}.`));
    const explained = (path: string): boolean =>
      path.split('.').some((_, at, keys) => docs[keys.slice(0, at + 1).join('.')] !== undefined);
    assert.deepEqual(
      all.filter((path) => isLeaf(path) && !explained(path)),
      [],
    );
    assert.deepEqual(
      Object.keys(docs).filter((path) => !all.includes(path)),
      [],
    );
  });
