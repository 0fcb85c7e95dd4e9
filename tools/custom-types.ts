/** TypeScript types of the custom resources, from the schemas that their definitions carry. */
import { type CrdSource, GATEWAY_CRDS, LINKERD_CRDS, type Schema } from '#cli/manifests';

interface Node {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  enum?: (string | number)[];
  [keyword: string]: unknown;
}

/** The file packages/api/kube/custom.gen.ts: an interface for each kind, in the version that is stored. */
export function customTypes(): string {
  const kinds = [...LINKERD_CRDS, ...GATEWAY_CRDS].map(kindType).join('\n');
  return `/**
 * Custom resources of the mesh and routes of the Gateway API, in the versions that are stored. Made by \`npm run generate\` from
 * packages/cli/manifests/crds; do not edit.
 */
import type { KubeObject } from './meta.ts';

${kinds}`;
}

function kindType(source: CrdSource): string {
  const { group, kind, versions } = source;
  const stored = versions.find(({ storage }) => storage)!;
  const { properties = {}, required = [] } = stored.schema as Node;
  const fields = Object.entries(properties).map(([name, schema]) => field(name, schema, required.includes(name), '  '));
  return `/** ${kind}, ${group}/${stored.name}. */
export interface ${typeName(source)} extends KubeObject {
${fields.join('')}}
`;
}

/** The mesh has an HTTPRoute of its own beside the Gateway API's. */
const typeName = ({ group, kind }: CrdSource): string =>
  kind === 'HTTPRoute' && group === 'policy.linkerd.io' ? 'PolicyHTTPRoute' : kind;

function field(name: string, schema: Schema, required: boolean, pad: string): string {
  const key = /^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name);
  return `${pad}${key}${required ? '' : '?'}: ${typeOf(schema as Node, pad)};\n`;
}

function typeOf(node: Node, pad: string): string {
  if (node['x-kubernetes-int-or-string']) return 'number | string';
  if (node.enum) return node.enum.map((each) => (typeof each === 'number' ? each : `'${each}'`)).join(' | ');
  if (node.type === 'array') {
    const items = typeOf((node.items ?? {}) as Node, pad);
    return /^[\w]+$|^\{/.test(items) ? `${items}[]` : `(${items})[]`;
  }
  if (node.type === 'object') return objectType(node, pad);
  if (node.type === 'integer' || node.type === 'number') return 'number';
  return node.type === 'string' || node.type === 'boolean' ? node.type : 'unknown';
}

function objectType({ properties, required = [], additionalProperties }: Node, pad: string): string {
  if (properties) {
    const inner = Object.entries(properties).map(([name, schema]) =>
      field(name, schema, required.includes(name), `${pad}  `),
    );
    return `{\n${inner.join('')}${pad}}`;
  }
  if (additionalProperties) return `Record<string, ${typeOf(additionalProperties as Node, pad)}>`;
  return 'Record<string, unknown>';
}
