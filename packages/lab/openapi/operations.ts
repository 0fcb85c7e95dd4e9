/** The operations of a resource as OpenAPI describes them, in one form from which both dialects are written. */
import { DELETE_OPTIONS, PATCH, STATUS } from './names.ts';
import { type Json, pathOf, type Served, subresourcesOf } from './served.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'integer' | 'boolean';
}

/** What a body or answer is: the resource's kind, its list, the kind of a subresource, or a shared type by name. */
export type Body = 'object' | 'list' | { readonly kind: Json } | { readonly shared: string };

export interface Operation {
  readonly path: string;
  readonly method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** As in `x-kubernetes-action`. */
  readonly action: string;
  readonly parameters: readonly Parameter[];
  readonly request?: Body;
  /** Media types of the request; absent: any. */
  readonly consumes?: readonly string[];
  readonly answer: Body | 'text';
  readonly gvk: Json;
}

const query = (name: string, type: Parameter['type'] = 'string'): Parameter => ({ name, in: 'query', type });

const PRETTY = query('pretty');
const WRITE = [PRETTY, query('dryRun'), query('fieldManager'), query('fieldValidation')];
const LIST = [
  PRETTY,
  query('allowWatchBookmarks', 'boolean'),
  query('continue'),
  query('fieldSelector'),
  query('labelSelector'),
  query('limit', 'integer'),
  query('resourceVersion'),
  query('resourceVersionMatch'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
const DELETE = [
  PRETTY,
  query('dryRun'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy'),
];
const LOG = [
  query('container'),
  query('follow', 'boolean'),
  query('limitBytes', 'integer'),
  PRETTY,
  query('previous', 'boolean'),
  query('sinceSeconds', 'integer'),
  query('tailLines', 'integer'),
  query('timestamps', 'boolean'),
];

const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const STRATEGIC = 'application/strategic-merge-patch+json';

type Template = Omit<Operation, 'path' | 'gvk'>;

/** Operations on the collection and on one object, by the verb that must be served. */
const COLLECTION: Readonly<Record<string, Template>> = {
  list: { method: 'get', action: 'list', parameters: LIST, answer: 'list' },
  create: { method: 'post', action: 'post', parameters: WRITE, request: 'object', answer: 'object' },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    parameters: [...LIST, ...DELETE.slice(1)],
    request: { shared: DELETE_OPTIONS },
    answer: { shared: STATUS },
  },
};
const OBJECT: Readonly<Record<string, Template>> = {
  get: { method: 'get', action: 'get', parameters: [PRETTY], answer: 'object' },
  update: { method: 'put', action: 'put', parameters: WRITE, request: 'object', answer: 'object' },
  patch: {
    method: 'patch',
    action: 'patch',
    parameters: [...WRITE, query('force', 'boolean')],
    request: { shared: PATCH },
    answer: 'object',
  },
  delete: {
    method: 'delete',
    action: 'delete',
    parameters: DELETE,
    request: { shared: DELETE_OPTIONS },
    answer: { shared: STATUS },
  },
};

/** Subresources that stream: clients find them by discovery, not in these documents. */
const STREAMS = new Set(['attach', 'exec', 'portforward', 'proxy']);

/** Every operation of a resource with a JSON body, and logs. */
export function operationsOf(resource: Served): Operation[] {
  const { group, version } = resource.gvr;
  const gvk = { group, kind: resource.kind, version };
  const root = `/${pathOf(resource.gvr)}`;
  const scope = resource.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${scope}/${resource.gvr.resource}`;
  const verbs = new Set(resource.verbs);
  const out: Operation[] = [];
  const add = (path: string, template: Template, kind: Json = gvk) => {
    const strategic = template.method === 'patch' && !resource.custom ? [...PATCH_TYPES, STRATEGIC] : PATCH_TYPES;
    out.push({ path, ...template, gvk: kind, ...(template.method === 'patch' && { consumes: strategic }) });
  };
  for (const [verb, template] of Object.entries(COLLECTION)) if (verbs.has(verb)) add(collection, template);
  for (const [verb, template] of Object.entries(OBJECT)) if (verbs.has(verb)) add(`${collection}/{name}`, template);
  for (const sub of subresourcesOf(resource)) {
    if (STREAMS.has(sub.name)) continue;
    const kind = { group: sub.group, kind: sub.kind, version: sub.version };
    for (const template of subresourceTemplates(sub.name, sub.verbs, kind, sub.kind !== resource.kind))
      add(`${collection}/{name}/${sub.name}`, template, kind);
  }
  if (resource.namespaced && verbs.has('list') && COLLECTION['list'])
    add(`${root}/${resource.gvr.resource}`, COLLECTION['list']);
  return out;
}

function subresourceTemplates(name: string, verbs: readonly string[], kind: Json, ownKind: boolean): Template[] {
  if (name === 'log') return [{ method: 'get', action: 'get', parameters: LOG, answer: 'text' }];
  const body: Body = ownKind ? { kind } : 'object';
  const create: Template = { method: 'post', action: 'post', parameters: WRITE, request: body, answer: body };
  const templates = verbs.flatMap((verb) => (verb === 'create' ? [create] : OBJECT[verb] ? [OBJECT[verb]] : []));
  if (!ownKind) return templates;
  return templates.map((template) => ({
    ...template,
    answer: template.answer === 'object' ? body : template.answer,
    ...(template.request === 'object' && { request: body }),
  }));
}

/** Path parameters that a path template names. */
export function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ name, in: 'path', type: 'string' }));
}
