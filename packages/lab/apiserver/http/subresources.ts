import type { AnyObject, Status } from '#api/kube';
import type { TokenAuthority } from '#lab/auth';
import type { DeleteOptions } from '../deletion.ts';
import { badRequest, methodNotAllowed, unknownResource } from '../errors.ts';
import { evictPod } from '../eviction.ts';
import { bindPod } from '../pod-binding.ts';
import type { Resource } from '../resource.ts';
import { requestToken, type TokenRequestSpec } from '../token-request.ts';
import { admitPosted } from './admit-subresource.ts';
import { readObject } from './bodies.ts';
import { type Call, writeRequestOf } from './call.ts';
import { headerOf, readBody, sendValue } from './exchange.ts';
import { PLAIN_JSON } from './negotiation.ts';
import { answerScale } from './scale.ts';
import { refOf, sendObject, VERBS } from './verbs.ts';

/** What subresource handlers need besides the call. */
export interface SubresourceDeps {
  readonly tokens: TokenAuthority;
}

type Handler = (deps: SubresourceDeps, call: Call, resource: Resource) => Promise<void>;

/** By subresource. Streams (log, exec, attach, portforward) and proxies are answered elsewhere. */
export const SUBRESOURCES: Readonly<Record<string, Handler>> = {
  status: partOfObject,
  finalize: partOfObject,
  approval: partOfObject,
  resize: partOfObject,
  ephemeralcontainers: partOfObject,
  scale: (_, call, resource) => answerScale(call, resource),
  binding: answerBinding,
  eviction: answerEviction,
  token: answerToken,
};

/** Subresources that read and write the object itself; which part of it they may change is the write path's knowledge. */
async function partOfObject(_: SubresourceDeps, call: Call, resource: Resource): Promise<void> {
  const { verb } = call.info;
  const handler = verb === 'get' || verb === 'update' || verb === 'patch' ? VERBS[verb] : undefined;
  if (!handler) throw methodNotAllowed(resource.gvr, verb);
  await handler(call, resource);
}

const SUCCESS: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

async function readKind(call: Call, resource: Resource, kind: string): Promise<AnyObject> {
  if (call.info.verb !== 'create') throw methodNotAllowed(resource.gvr, call.info.verb);
  const body = await readBody(call.request);
  return readObject(body, headerOf(call.request, 'content-type'), { kind, custom: false }).object;
}

/** POST of a Binding, to a pod's subresource or to `bindings` itself. */
export async function answerBinding(_: SubresourceDeps, call: Call, resource: Resource): Promise<void> {
  const request = writeRequestOf(call);
  const posted = { subresource: 'binding' as const, object: await readKind(call, resource, 'Binding') };
  const binding = await admitPosted(call, podsOf(call), posted, request);
  const target = (binding['target'] ?? {}) as { kind?: string; name?: string };
  if (!target.name || (target.kind && target.kind !== 'Node'))
    throw badRequest('a binding must name a target of kind Node');
  const { annotations, uid } = binding.metadata;
  const pod = {
    name: call.info.name || (binding.metadata.name ?? ''),
    namespace: call.info.namespace ?? '',
    ...(uid && { uid }),
  };
  await bindPod(call.core, pod, { nodeName: target.name, ...(annotations && { annotations }) }, request);
  sendValue(call.reply, 201, SUCCESS, PLAIN_JSON);
}

/** A Binding posted to `bindings` itself means the same as one posted to its pod. */
function podsOf(call: Call): Resource {
  const found = call.core.registry.find({ group: '', version: 'v1', resource: 'pods' });
  if (!found) throw unknownResource();
  return found;
}

async function answerEviction(_: SubresourceDeps, call: Call, resource: Resource): Promise<void> {
  const request = writeRequestOf(call);
  const posted = { subresource: 'eviction' as const, object: await readKind(call, resource, 'Eviction') };
  const eviction = await admitPosted(call, resource, posted, request);
  const given = (eviction['deleteOptions'] ?? {}) as DeleteOptions & { dryRun?: readonly string[] };
  const { gracePeriodSeconds, propagationPolicy, preconditions } = given;
  const options: DeleteOptions = {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(preconditions && { preconditions }),
  };
  const dryRun = request.dryRun || (given.dryRun ?? []).includes('All');
  await evictPod(call.core, refOf(call, resource), options, { ...request, dryRun });
  sendValue(call.reply, 201, SUCCESS, PLAIN_JSON);
}

async function answerToken({ tokens }: SubresourceDeps, call: Call, resource: Resource): Promise<void> {
  const posted = { subresource: 'token' as const, object: await readKind(call, resource, 'TokenRequest') };
  const body = await admitPosted(call, resource, posted, writeRequestOf(call));
  const spec = (body['spec'] ?? {}) as TokenRequestSpec;
  const account = { namespace: call.info.namespace ?? '', name: call.info.name };
  const { token, expirationTimestamp, audiences, expirationSeconds } = await requestToken(
    call.core,
    tokens,
    account,
    spec,
  );
  const { boundObjectRef } = spec;
  const answer: AnyObject = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...account },
    spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
    status: { token, expirationTimestamp },
  };
  sendObject(call, resource, answer, 201);
}
