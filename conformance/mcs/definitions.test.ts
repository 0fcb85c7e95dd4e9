/** Our definitions of the Multi-Cluster Services API are those of its release, but for the words that explain them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { customResourceDefinition, MCS_CRDS } from '#cli/manifests';
import { defaultMulticluster, renderMulticluster } from '#cli/manifests/multicluster';
import { installMcsDefinitions } from '../../tools/mcs-tools.mjs';

interface Definition {
  metadata: { name: string; labels?: Record<string, string> };
  spec: Record<string, unknown>;
}

const published = new Map<string, Definition>();
before(() => {
  const folder = installMcsDefinitions();
  for (const { kind, plural, group } of MCS_CRDS)
    published.set(kind, parse(readFileSync(join(folder, `${group}_${plural}.yaml`), 'utf8')) as Definition);
});

/** A definition without descriptions; the order of fields and of required ones means nothing. */
function essence(value: unknown, isFields = false): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => essence(item));
    return items.every((item) => typeof item === 'string') ? items.sort() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => isFields || key !== 'description' || typeof inner !== 'string')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, essence(inner, key === 'properties' && !isFields)]),
  );
}

for (const source of MCS_CRDS)
  test(`${source.kind} has the versions, fields, rules, columns and short names of the release`, () => {
    const ours = customResourceDefinition(source, {}) as unknown as Definition;
    const theirs = published.get(source.kind);
    assert.equal(ours.metadata.name, theirs?.metadata.name);
    const { listKind: _kind, ...names } = ours.spec['names'] as Record<string, unknown>;
    assert.deepEqual(essence({ ...ours.spec, names }), essence(theirs?.spec));
  });

test('an installation has them with the labels of the release, unless it is told not to', () => {
  const isOurs = ({ metadata }: { metadata?: { name?: string } }) =>
    MCS_CRDS.some(({ plural, group }) => metadata?.name === `${plural}.${group}`);
  const rendered = (installMcsApi: boolean) =>
    renderMulticluster({ ...defaultMulticluster(), installMcsApi }).filter(isOurs) as unknown as Definition[];
  assert.deepEqual(rendered(false), []);
  const ours = rendered(true);
  assert.equal(ours.length, MCS_CRDS.length);
  for (const { metadata } of ours) {
    const theirs = [...published.values()].find((each) => each.metadata.name === metadata.name)?.metadata.labels ?? {};
    for (const [key, value] of Object.entries(theirs)) assert.equal(metadata.labels?.[key], value);
  }
});
