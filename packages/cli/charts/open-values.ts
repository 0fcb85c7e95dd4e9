import { markText, Splat, Unknown } from '#model/template';
import { OPEN_MAPS, type Values } from '../manifests/index.ts';

/** Numbers that need not be whole. */
const FRACTIONS: ReadonlySet<string> = new Set(['proxy.runtime.workers.maximumCPURatio']);

/** The tree of the defaults with, in place of each value, what a template of Helm calls it. */
export const openValues = (defaults: Values): Values => openTree(defaults, '') as Values;

/** The same for values of another chart, or of a variable; `openMaps`: paths of maps whose keys are the user's. */
export function openTree<T extends object>(
  tree: T,
  path: string,
  openMaps: ReadonlySet<string> = OPEN_MAPS,
  root = '.Values',
): T {
  const entries = Object.entries(tree).map(([key, value]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    return [key, openValue(value, inner, openMaps, root)];
  });
  return Object.fromEntries(entries) as T;
}

function openValue(value: unknown, path: string, openMaps: ReadonlySet<string>, root: string): unknown {
  const go = goPath(path, root);
  if (typeof value === 'string') return markText(go);
  if (typeof value === 'boolean') return new Unknown(go, 'boolean');
  if (typeof value === 'number') return new Unknown(go, FRACTIONS.has(path) ? 'any' : 'number');
  if (Array.isArray(value)) return [new Splat(go)];
  if (openMaps.has(path)) return { [Symbol(go)]: new Splat(go) };
  return openTree(value as object, path, openMaps, root);
}

/** `.Values.a.b`, or with `index` where a key is no Go name. */
function goPath(path: string, root: string): string {
  const keys = path.split('.');
  const odd = keys.findIndex((key) => !/^\w+$/.test(key));
  if (odd < 0) return `${root}.${path}`;
  const rest = keys.slice(odd).map((key) => JSON.stringify(key));
  return `(index ${[root, ...keys.slice(0, odd)].join('.')} ${rest.join(' ')})`;
}
