import { parseAllDocuments, type ScalarTag, stringify } from 'yaml';
import type { AnyObject } from '#api/kube';
import { UserError } from '../context.ts';

/** One value as YAML that any reader of 1.1 or 1.2 understands: texts that look like something else are quoted. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, version: '1.1', aliasDuplicateObjects: false });
}

/** Manifests for `kubectl apply -f -`: documents separated by `---`, or with `json` one object a line. */
export function renderManifests(objects: readonly unknown[], format: 'yaml' | 'json' = 'yaml'): string {
  if (format === 'json') return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
  return objects.map((object) => `---\n${toYaml(object)}`).join('');
}

/** What kubectl's reader takes from YAML 1.1: more words for truth, and a leading zero for octal; not sexagesimals, not `y`. */
const GO_TAGS: ScalarTag[] = [
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/,
    resolve: (text) => /^(?:yes|on)$/i.test(text),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?0[0-7]+$/,
    resolve: (text) => Number.parseInt(text, 8),
  },
];

/** The documents of a manifest, empty ones left out. Throws what is wrong and where. */
export function parseManifests(text: string, source: string): AnyObject[] {
  const objects: AnyObject[] = [];
  for (const document of parseAllDocuments(text, {
    schema: 'core',
    merge: true,
    customTags: (tags) => [...GO_TAGS, ...tags],
  })) {
    const [error] = document.errors;
    if (error) throw new UserError(`${source}: ${error.message}`);
    const value: unknown = document.toJS({ maxAliasCount: 1000 });
    if (value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value))
      throw new UserError(`${source}: a document is not an object`);
    objects.push(value as AnyObject);
  }
  return objects;
}
