import type { AnyObject, LabelSelector } from '#api/kube';
import { applyJsonPatch, applyMergePatch } from '#lab/patch';
import { labelSelectorText } from '#lab/selectors';
import { badRequest, cause, invalid, methodNotAllowed } from '../errors.ts';
import { patchErrorsAsStatus } from '../field-tracker.ts';
import { modify } from '../modify.ts';
import { cloned } from '../object-meta.ts';
import { setValueAt, valueAt } from '../paths.ts';
import type { Resource, ScalePaths } from '../resource.ts';
import { readObject, readPatch } from './bodies.ts';
import { type Call, writeRequestOf } from './call.ts';
import { headerOf, readBody } from './exchange.ts';
import { presentOf, refOf, sendObject } from './verbs.ts';

const SCALE_KIND = { kind: 'Scale', custom: false } as const;

/** The scale subresource: GET, PUT and PATCH of an autoscaling/v1 Scale over any scalable object. */
export async function answerScale(call: Call, resource: Resource): Promise<void> {
  const { scale } = resource;
  if (!scale) throw methodNotAllowed(resource.gvr, call.info.verb);
  if (call.info.verb === 'get') return sendObject(call, resource, scaleOf(presentOf(call, resource), scale));
  if (call.info.verb !== 'update' && call.info.verb !== 'patch') throw methodNotAllowed(resource.gvr, call.info.verb);
  const { change, duplicates } = await readChange(call, resource);
  const compute = (current: AnyObject): AnyObject => withScale(current, scale, change(scaleOf(current, scale)));
  const request = writeRequestOf(call, duplicates);
  const changed = await modify(call.core, resource, refOf(call, resource), { subresource: 'scale', compute }, request);
  sendObject(call, resource, scaleOf(changed, scale));
}

/** The Scale view of an object. */
export function scaleOf(object: AnyObject, paths: ScalePaths): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector ? valueAt(object, paths.selector) : undefined;
  const text = typeof selector === 'object' ? labelSelectorText(asLabelSelector(selector)) : String(selector ?? '');
  const replicas = Number(valueAt(object, paths.specReplicas) ?? 0);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as AnyObject['metadata'],
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: Number(valueAt(object, paths.statusReplicas) ?? 0), ...(text && { selector: text }) },
  };
}

/** ReplicationControllers select by a plain map. */
function asLabelSelector(selector: object | null): LabelSelector | undefined {
  if (!selector) return undefined;
  const isSelector = 'matchLabels' in selector || 'matchExpressions' in selector;
  return isSelector ? (selector as LabelSelector) : { matchLabels: selector as Record<string, string> };
}

async function readChange(
  call: Call,
  resource: Resource,
): Promise<{ change: (scale: AnyObject) => AnyObject; duplicates: readonly string[] }> {
  const body = await readBody(call.request);
  const contentType = headerOf(call.request, 'content-type');
  if (call.info.verb === 'update') {
    const { object, duplicates } = readObject(body, contentType, SCALE_KIND);
    return { change: () => object, duplicates };
  }
  const { type, body: patch, duplicates } = readPatch(body, contentType, resource);
  // A Scale holds no lists: strategic and applied patches mean the same as a merge patch.
  const apply = type === 'json' ? applyJsonPatch : applyMergePatch;
  return { change: (scale) => patchErrorsAsStatus(() => apply(scale, patch)) as AnyObject, duplicates };
}

function withScale(current: AnyObject, paths: ScalePaths, scale: AnyObject): AnyObject {
  const replicas = valueAt(scale, 'spec.replicas') ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) throw badRequest('spec.replicas must be an integer');
  const name = current.metadata.name ?? '';
  if (replicas < 0)
    throw invalid('autoscaling', 'Scale', name, [
      cause.invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  if ((scale.metadata?.name ?? name) !== name)
    throw badRequest(`the name of the object (${scale.metadata?.name}) does not match the name on the URL (${name})`);
  const next = cloned(current);
  if (scale.metadata?.resourceVersion) next.metadata.resourceVersion = scale.metadata.resourceVersion;
  else delete next.metadata.resourceVersion;
  setValueAt(next, paths.specReplicas, replicas);
  return next;
}
