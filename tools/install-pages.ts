/** Reference pages of what an installation brings: values of the charts, and the definitions with every field. */
import {
  CNI_OPEN_MAPS,
  CNI_VALUE_DOCS,
  CRD_DEFAULTS,
  type CrdSource,
  defaultCniValues,
  defaultValues,
  GATEWAY_CRDS,
  highAvailability,
  LINKERD_CRDS,
  OPEN_MAPS,
  type Schema,
  VALUE_DOCS,
} from '#cli/manifests';
import { defaultMulticluster, MULTICLUSTER_OPEN_MAPS, MULTICLUSTER_VALUE_DOCS } from '#cli/manifests/multicluster';
import { code, page, type Row, table } from './pages.ts';

export function installValuesPage(): string {
  const head = ['value', 'default', 'meaning'];
  const overlay = leaves(highAvailability(), new Set()).map(([path, value]) => [
    code(path),
    code(JSON.stringify(value)),
  ]);
  return page(
    'Values of an installation',
    'packages/cli/manifests',
    `What \`weft install\` takes by \`--set\` and \`--values\` and the Helm charts by the same flags. The charts are made from the functions that
\`install\` runs, and a test compares what Helm renders with what \`install\` prints. A value below one that has no line of its own is
explained by that one.`,
    `## The control plane: charts/linkerd-control-plane\n\n${table(head, valueRows(defaultValues(), VALUE_DOCS, OPEN_MAPS))}`,
    `## High availability: \`--ha\`, values-ha.yaml\n\n${table(['value', 'becomes'], overlay)}`,
    `## Definitions: charts/linkerd-crds\n\nOf the values above it takes ${Object.keys(CRD_DEFAULTS).map(code).join(', ')}. Helm's default of
\`installGatewayAPI\` is \`false\`; \`weft install --crds\` has a third word, \`auto\`, which installs the kinds unless the cluster has them.`,
    `## Other clusters: \`multicluster install\`, charts/linkerd-multicluster\n\n${table(head, valueRows(defaultMulticluster(), MULTICLUSTER_VALUE_DOCS, MULTICLUSTER_OPEN_MAPS))}`,
    `## The CNI plug-in: charts/linkerd2-cni\n\n${table(head, valueRows(defaultCniValues(), CNI_VALUE_DOCS, CNI_OPEN_MAPS))}`,
  );
}

type Docs = Readonly<Record<string, string>>;

/** A line for each path with a doc, with the defaults below it. */
function valueRows(defaults: object, docs: Docs, openMaps: ReadonlySet<string>): Row[] {
  return Object.entries(docs).map(([path, doc]) => {
    const value = path.split('.').reduce<unknown>((tree, key) => (tree as Record<string, unknown>)[key], defaults);
    const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value) || openMaps.has(path);
    return [code(path), isLeaf ? code(JSON.stringify(value)) : '', doc];
  });
}

/** Path and value of everything that is no map with fixed keys. */
export function leaves(tree: object, openMaps: ReadonlySet<string>, prefix = ''): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value) || openMaps.has(path);
    return isLeaf ? [[path, value]] : leaves(value, openMaps, path);
  });
}

export function customResourcesPage(): string {
  return page(
    'Custom resources',
    'packages/cli/manifests/crds',
    `Kinds of the mesh, and the routes of the Gateway API as this build brings them. All are namespaced; versions are not converted: what
was stored is served as it is. The fields are those of the version that is stored; a star marks what must be there. What admission
refuses beyond the schema is in the messages of the validators.`,
    ...[...LINKERD_CRDS, ...GATEWAY_CRDS].map(chapter),
  );
}

function chapter(source: CrdSource): string {
  const { group, kind, plural, shortNames = [], categories = [], versions } = source;
  const stored = versions.find(({ storage }) => storage)!;
  const lines = [
    `Plural ${code(plural)}${shortNames.length > 0 ? `, short ${shortNames.map(code).join(' ')}` : ''}${categories.length > 0 ? `, category ${categories.map(code).join(' ')}` : ''}.`,
    ...(stored.columns
      ? [`Columns: ${stored.columns.map(({ name, jsonPath }) => `${name} (${code(jsonPath)})`).join(', ')}.`]
      : []),
  ];
  const rows = versions.map((version) => [
    code(version.name),
    version.storage ? 'yes' : '',
    version.status ? 'yes' : '',
    version.deprecated ?? '',
  ]);
  const { properties = {} } = stored.schema as { properties?: Record<string, Schema> };
  const fields = Object.entries(properties).flatMap(([name, schema]) => fieldRows(name, schema, false));
  return `## ${kind} (${group})\n\n${lines.join(' ')}\n\n${table(['version', 'stored', 'status', 'deprecated'], rows)}\n\n${table(['field', 'type', 'default', 'limits'], fields)}`;
}

interface Node {
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  default?: unknown;
  [keyword: string]: unknown;
}

function fieldRows(path: string, schema: Schema, required: boolean): Row[] {
  const node = schema as Node;
  const own: Row = [
    code(`${path}${required ? '*' : ''}`),
    typeOf(node),
    node.default === undefined ? '' : code(JSON.stringify(node.default)),
    limitsOf(node),
  ];
  const inner = node.type === 'array' ? (node.items as Node | undefined) : node;
  const prefix = node.type === 'array' ? `${path}[]` : path;
  const below = Object.entries(inner?.properties ?? {}).flatMap(([name, each]) =>
    fieldRows(`${prefix}.${name}`, each, inner?.required?.includes(name) ?? false),
  );
  return [own, ...below];
}

function typeOf({ type, format, items, ...rest }: Node): string {
  if (rest['x-kubernetes-int-or-string']) return 'number or text';
  if (type === 'array') return `list of ${typeOf((items ?? {}) as Node)}`;
  if (type === 'object') return rest['additionalProperties'] ? 'map' : 'object';
  return format ?? type ?? '';
}

const LIMITS: Readonly<Record<string, string>> = {
  minimum: 'at least',
  maximum: 'at most',
  minLength: 'length at least',
  maxLength: 'length at most',
  minItems: 'items at least',
  maxItems: 'items at most',
  pattern: 'matches',
};

function limitsOf(node: Node): string {
  const own =
    node.type === 'array' && node.items && !(node.items as Node).properties ? [limitsOf(node.items as Node)] : [];
  const { enum: names, oneOf } = node as { enum?: string[]; oneOf?: { required?: string[] }[] };
  const parts = [
    ...(names ? [names.map((name) => code(String(name))).join(' ')] : []),
    ...(oneOf ? [`exactly one of ${oneOf.flatMap(({ required = [] }) => required.map(code)).join(', ')}`] : []),
    ...Object.entries(LIMITS).flatMap(([keyword, words]) =>
      node[keyword] === undefined
        ? []
        : [`${words} ${keyword === 'pattern' ? code(String(node[keyword])) : node[keyword]}`],
    ),
    ...own.filter((text) => text !== ''),
  ];
  return parts.join('; ');
}
