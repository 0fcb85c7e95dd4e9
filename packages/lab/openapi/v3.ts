/** OpenAPI 3: one document a group version, written when it is first asked for. */
import { createHash } from 'node:crypto';
import { builtins } from '#lab/schema';
import { componentName, customName } from './names.ts';
import { type Body, type Operation, operationsOf, type Parameter, pathParameters } from './operations.ts';
import { SchemaCollector, V3 } from './schemas.ts';
import { byGroupVersion, type Json, type Served } from './served.ts';

export interface OpenApiDocument {
  /** JSON text. */
  readonly body: string;
  /** Upper-case hex; serves as `hash` query parameter and, quoted, as ETag. */
  readonly hash: string;
}

/** Documents kept for versions of the served set that came before; dropped beyond this number. */
const DOCUMENTS_KEPT_MAX = 256;

/** Serves the documents of a set of resources that changes over time; unchanged group versions keep their document. */
export class OpenApiV3 {
  readonly #gitVersion: string;
  readonly #documents = new Map<string, string>();
  #groups = new Map<string, { resources: readonly Served[]; hash: string }>();

  /** @param gitVersion e.g. `v1.34.4+weft` */
  constructor(gitVersion: string) {
    this.#gitVersion = gitVersion;
  }

  /** Replaces the set of served resources. Cheap: documents are written on demand. */
  update(resources: Iterable<Served>): void {
    const groups = [...byGroupVersion(resources)];
    this.#groups = new Map(
      groups.map(([path, list]) => [path, { resources: list, hash: hashOf(this.#gitVersion, list) }]),
    );
  }

  /** GET /openapi/v3: where the document of each group version is. */
  root(): Json {
    const paths: Json = {};
    for (const [path, { hash }] of this.#groups)
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    return { paths };
  }

  /** The document of `api/v1` or `apis/apps/v1`; undefined where that is not served. */
  document(path: string): OpenApiDocument | undefined {
    const group = this.#groups.get(path);
    if (!group) return undefined;
    const known = this.#documents.get(group.hash);
    const body = known ?? JSON.stringify(documentOf(group.resources, this.#gitVersion));
    if (known === undefined) this.#keep(group.hash, body);
    return { body, hash: group.hash };
  }

  #keep(hash: string, body: string): void {
    const [oldest] = this.#documents.keys();
    if (this.#documents.size >= DOCUMENTS_KEPT_MAX && oldest !== undefined) this.#documents.delete(oldest);
    this.#documents.set(hash, body);
  }
}

/** Identifies a document by what it is written from. */
export function hashOf(gitVersion: string, resources: readonly Served[]): string {
  const hash = createHash('sha256').update(gitVersion);
  for (const { gvr, kind, listKind, namespaced, verbs, subresources, openApiSchema } of resources)
    hash.update(JSON.stringify([gvr, kind, listKind, namespaced, verbs, [...subresources], openApiSchema]));
  return hash.digest('hex').toUpperCase();
}

function documentOf(resources: readonly Served[], gitVersion: string): Json {
  const collector = new SchemaCollector(V3);
  const paths: Record<string, Json> = {};
  for (const resource of resources)
    for (const operation of operationsOf(resource)) {
      paths[operation.path] ??= { parameters: pathParameters(operation.path).map(parameter) };
      (paths[operation.path] as Json)[operation.method] = writeOperation(operation, resource, collector);
    }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: gitVersion },
    paths,
    components: { schemas: collector.schemas },
  };
}

const parameter = ({ name, in: where, type }: Parameter): Json => ({
  name,
  in: where,
  ...(where === 'path' && { required: true }),
  schema: { type, uniqueItems: true },
});

function writeOperation(operation: Operation, resource: Served, collector: SchemaCollector): Json {
  const schemaOf = (body: Body) => bodySchema(body, resource, collector);
  const { request, answer } = operation;
  const answerContent =
    answer === 'text'
      ? { 'text/plain': { schema: { type: 'string' } } }
      : { 'application/json': { schema: schemaOf(answer) } };
  return {
    operationId: operationId(operation, resource),
    parameters: operation.parameters.map(parameter),
    ...(request && {
      requestBody: { content: contentOf(operation.consumes ?? ['*/*'], schemaOf(request)), required: true },
    }),
    responses: { 200: { description: 'OK', content: answerContent } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  };
}

const contentOf = (types: readonly string[], schema: Json): Json =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

/** The schema of a body; puts what it needs into the collector. */
export function bodySchema(body: Body, resource: Served, collector: SchemaCollector): Json {
  if (body === 'object') return kindSchema(resource, collector);
  if (body === 'list') return listSchema(resource, collector);
  if ('kind' in body) {
    const { group, version, kind } = body.kind as { group: string; version: string; kind: string };
    const type = builtins.findKind(group, version, kind)?.type;
    return type ? collector.type(type, [body.kind]) : { type: 'object' };
  }
  const id = SHARED_TYPES[body.shared];
  return id
    ? collector.type(id, [{ group: '', kind: id.split('.')[1], version: 'v1' }])
    : collector.special(body.shared);
}

const SHARED_TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  ['meta/v1.DeleteOptions', 'meta/v1.Status'].map((id) => [componentName(id), id]),
);

function kindSchema(resource: Served, collector: SchemaCollector): Json {
  const { group, version } = resource.gvr;
  const gvk = { group, kind: resource.kind, version };
  const type = resource.custom ? undefined : builtins.findKind(group, version, resource.kind)?.type;
  if (type) return collector.type(type, [gvk]);
  return collector.custom(customName(group, version, resource.kind), resource, gvk);
}

function listSchema(resource: Served, collector: SchemaCollector): Json {
  const { group, version } = resource.gvr;
  const type = resource.custom ? undefined : builtins.findKind(group, version, resource.kind)?.type;
  const name = type ? `${componentName(type)}List` : customName(group, version, resource.listKind);
  const gvk = { group, kind: resource.listKind, version };
  return collector.list(name, kindSchema(resource, collector), gvk);
}

/** E.g. `listAppsV1NamespacedDeployment`; unique within a document. */
export function operationId({ action, path }: Operation, { gvr, kind, namespaced }: Served): string {
  const title = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const verbs: Readonly<Record<string, string>> = { get: 'read', post: 'create', put: 'replace' };
  const group = gvr.group === '' ? 'Core' : gvr.group.split('.').map(title).join('');
  const everywhere = namespaced && !path.includes('{namespace}');
  const subresource = path.split('{name}/')[1] ?? '';
  const scope = namespaced && !everywhere ? 'Namespaced' : '';
  return `${verbs[action] ?? action}${group}${title(gvr.version)}${scope}${kind}${title(subresource)}${everywhere ? 'ForAllNamespaces' : ''}`;
}
