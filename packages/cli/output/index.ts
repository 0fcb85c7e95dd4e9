/** What the user sees: YAML and JSON manifests, tables, check marks. */
export { SYMBOLS, style } from './symbols.ts';
export { renderTable } from './table.ts';
export { parseManifests, renderManifests, toYaml } from './yaml.ts';
