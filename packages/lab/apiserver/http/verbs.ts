import type { AnyObject, Status } from '#api/kube';
import { ApiError } from '#lab/contract';
import { encodeJson } from '#lab/decode';
import { apiVersionOf } from '#lab/kinds';
import { asServed } from '../core.ts';
import { create } from '../create.ts';
import { type DeleteOptions, remove } from '../deletion.ts';
import { badRequest, methodNotAllowed } from '../errors.ts';
import { list, type Page, read, readServed } from '../list.ts';
import { update } from '../modify.ts';
import { patch } from '../patch.ts';
import type { Resource } from '../resource.ts';
import { readObject, readOptions, readPatch } from './bodies.ts';
import { type Call, writeRequestOf } from './call.ts';
import { headerOf, readBody, send, sendValue } from './exchange.ts';
import { negotiate } from './negotiation.ts';
import { includeObjectOf, type ListMetadata, partialOf, tableOf } from './projections.ts';
import { isTrue } from './request-info.ts';
import { watchResource } from './watch-stream.ts';

type Verb = (call: Call, resource: Resource) => Promise<void>;

/** The verbs of a resource's main endpoint and of `/status` alike; other subresources have their own handlers. */
export const VERBS: Readonly<Record<string, Verb>> = {
  get: getObject,
  list: listObjects,
  watch: watchResource,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteObjects,
};

/** @throws ApiError 405 where the resource does not have the verb */
export function assertServes(resource: Resource, verb: string): void {
  if (!resource.verbs.includes(verb)) throw methodNotAllowed(resource.gvr, verb);
}

/** Answers with one object in the shape that the client accepts. */
export function sendObject(call: Call, resource: Resource, object: AnyObject, code = 200, json?: string): void {
  const format = negotiate(headerOf(call.request, 'accept'));
  const headers = warningHeaders(call);
  const { metaVersion } = format;
  if (format.as === 'partial') sendValue(call.reply, code, partialOf(object, metaVersion), format, headers);
  else if (format.as === 'table') {
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    const options = { include: includeObjectOf(call.info.query), metaVersion, nowMs: call.core.nowMs() };
    sendValue(call.reply, code, tableOf(resource, [object], metadata, options), format, headers);
  } else if (json !== undefined && format.media === 'json')
    send(call.reply, code, 'application/json', `${json}\n`, headers);
  else sendValue(call.reply, code, object, format, headers);
}

function warningHeaders({ warnings }: Call): Record<string, string[]> {
  return warnings.headers.length > 0 ? { warning: warnings.headers } : {};
}

/** The object that a request names. */
export const refOf = (
  { info }: Pick<Call, 'info'>,
  resource: Resource,
): { name: string; namespace: string | undefined } => ({
  name: info.name,
  namespace: resource.namespaced ? info.namespace : undefined,
});

async function getObject(call: Call, resource: Resource): Promise<void> {
  const stored = read(call.core, resource, refOf(call, resource));
  const object = asServed(resource, stored.object);
  sendObject(call, resource, object, 200, object === stored.object ? stored.json : undefined);
}

async function listObjects(call: Call, resource: Resource): Promise<void> {
  const { query, namespace } = call.info;
  const format = negotiate(headerOf(call.request, 'accept'));
  const page = await list(call.core, resource, {
    namespace,
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    limit: limitOf(query),
    continue: query.get('continue') || undefined,
    resourceVersion: query.get('resourceVersion') || undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') || undefined,
  });
  const metadata = listMetadata(page);
  const headers = warningHeaders(call);
  if (format.as === 'object' && format.media === 'json') {
    send(call.reply, 200, 'application/json', listText(resource, page, metadata), headers);
    return;
  }
  const objects = page.stored.map(({ object }) => asServed(resource, object));
  const { metaVersion } = format;
  if (format.as === 'table') {
    const options = { include: includeObjectOf(query), metaVersion, nowMs: call.core.nowMs() };
    sendValue(call.reply, 200, tableOf(resource, objects, metadata, options), format, headers);
  } else if (format.as === 'partial') {
    const items = objects.map((object) => partialOf(object, metaVersion));
    const apiVersion = `meta.k8s.io/${metaVersion}`;
    sendValue(call.reply, 200, { kind: 'PartialObjectMetadataList', apiVersion, metadata, items }, format, headers);
  } else sendValue(call.reply, 200, listValue(resource, objects, metadata), format, headers);
}

function limitOf(query: URLSearchParams): number | undefined {
  const text = query.get('limit');
  if (!text) return undefined;
  if (!/^\d+$/.test(text))
    throw badRequest(`limit: Invalid value: ${JSON.stringify(text)}: must be a non-negative integer`);
  return Number(text) || undefined;
}

const listMetadata = ({ revision, continue: token, remaining }: Page): ListMetadata => ({
  resourceVersion: String(revision),
  ...(token && { continue: token }),
  ...(remaining !== undefined && { remainingItemCount: remaining }),
});

function listValue(resource: Resource, objects: readonly AnyObject[], metadata: ListMetadata): Record<string, unknown> {
  const items = resource.custom ? objects : objects.map(({ apiVersion: _v, kind: _k, ...rest }) => rest);
  return { kind: resource.listKind, apiVersion: apiVersionOf(resource.gvr), metadata, items };
}

/** The list as text, put together from the texts that the store keeps. Built-in items go without apiVersion and kind. */
function listText(resource: Resource, page: Page, metadata: ListMetadata): string {
  const apiVersion = apiVersionOf(resource.gvr);
  const head = `{"kind":"${resource.listKind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`;
  const typePrefix = resource.custom ? '' : `{"apiVersion":"${apiVersion}","kind":"${resource.kind}",`;
  const items = page.stored.map((stored) => {
    const object = asServed(resource, stored.object);
    if (object !== stored.object) return encodeJson(resource.custom ? object : withoutType(object));
    const { json } = stored;
    return typePrefix && json.startsWith(typePrefix) ? `{${json.slice(typePrefix.length)}` : json;
  });
  return `${head}${items.join(',')}]}\n`;
}

const withoutType = ({ apiVersion: _v, kind: _k, ...rest }: AnyObject): unknown => rest;

async function createObject(call: Call, resource: Resource): Promise<void> {
  const body = await readBody(call.request);
  const { object, duplicates } = readObject(body, headerOf(call.request, 'content-type'), resource);
  if (call.info.name) throw badRequest('a name is not allowed in the path of a create');
  const made = await create(call.core, resource, call.info.namespace, object, writeRequestOf(call, duplicates));
  sendObject(call, resource, made, 201);
}

async function updateObject(call: Call, resource: Resource): Promise<void> {
  const body = await readBody(call.request);
  const { object, duplicates } = readObject(body, headerOf(call.request, 'content-type'), resource);
  const ref = refOf(call, resource);
  const subresource = call.info.subresource || undefined;
  const existed = call.core.store.get(resource.storage, ref) !== undefined;
  const changed = await update(call.core, resource, ref, object, writeRequestOf(call, duplicates), subresource);
  sendObject(call, resource, changed, existed ? 200 : 201);
}

async function patchObject(call: Call, resource: Resource): Promise<void> {
  const body = await readBody(call.request);
  const { type, body: value, duplicates } = readPatch(body, headerOf(call.request, 'content-type'), resource);
  const { query, subresource } = call.info;
  const force = isTrue(query.get('force'));
  if (type === 'apply' && !query.get('fieldManager'))
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  if (force && type !== 'apply')
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  const input = { type, body: value, force, ...(subresource && { subresource }) };
  const { object, created } = await patch(
    call.core,
    resource,
    refOf(call, resource),
    input,
    writeRequestOf(call, duplicates),
  );
  sendObject(call, resource, object, created ? 201 : 200);
}

async function deleteObject(call: Call, resource: Resource): Promise<void> {
  const { options, dryRun } = await deleteOptionsOf(call);
  const request = { ...writeRequestOf(call), ...(dryRun && { dryRun }) };
  const { object, gone } = await remove(call.core, resource, refOf(call, resource), options, request);
  if (!gone || resource.strategy.returnsDeleted) sendObject(call, resource, object, 200);
  else sendValue(call.reply, 200, deletedStatus(resource, object), negotiate(undefined));
}

function deletedStatus({ gvr }: Resource, { metadata }: AnyObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: metadata.name ?? '',
      ...(gvr.group && { group: gvr.group }),
      kind: gvr.resource,
      uid: metadata.uid ?? '',
    },
  };
}

async function deleteObjects(call: Call, resource: Resource): Promise<void> {
  const { options, dryRun } = await deleteOptionsOf(call);
  const request = { ...writeRequestOf(call), ...(dryRun && { dryRun }) };
  const { query, namespace } = call.info;
  const page = await list(call.core, resource, {
    namespace,
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
  });
  const items: AnyObject[] = [];
  for (const { object } of page.stored) {
    const ref = { name: object.metadata.name ?? '', namespace: object.metadata.namespace };
    try {
      await remove(call.core, resource, ref, options, request);
      items.push(asServed(resource, object));
    } catch (error) {
      // Another client was faster: what was asked for has happened.
      if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
    }
  }
  sendValue(call.reply, 200, listValue(resource, items, listMetadata(page)), negotiate(undefined));
}

/** DeleteOptions from the body or, without one, from the query. */
async function deleteOptionsOf(call: Call): Promise<{ options: DeleteOptions; dryRun: boolean }> {
  const body = await readBody(call.request);
  const { query } = call.info;
  const given = body.length > 0 ? readOptions(body, headerOf(call.request, 'content-type')) : fromQuery(query);
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = given as DeleteOptions & {
    dryRun?: readonly string[];
  };
  if (propagationPolicy && !['Background', 'Foreground', 'Orphan'].includes(propagationPolicy))
    throw badRequest(
      `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  const options: DeleteOptions = {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(orphanDependents !== undefined && { orphanDependents }),
    ...(preconditions && { preconditions }),
  };
  return { options, dryRun: (dryRun ?? []).includes('All') };
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const grace = query.get('gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace && { gracePeriodSeconds: Number(grace) }),
    ...(orphan && { orphanDependents: isTrue(orphan) }),
    ...(query.get('propagationPolicy') && { propagationPolicy: query.get('propagationPolicy') }),
  };
}

/** The present object of a call in the served version, for subresource handlers. */
export const presentOf = (call: Pick<Call, 'core' | 'info'>, resource: Resource): AnyObject =>
  readServed(call.core, resource, refOf(call, resource));
