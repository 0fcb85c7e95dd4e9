import type { AnyObject, ObjectMeta, PodSpec } from '#api/kube';
import { type InjectorValues, injectPod } from '#control/injector';
import type { JsonPatchOperation } from '#kube/webhook';

/** What the injector would do, done to a manifest: `--manual`. */
export interface ManualOptions {
  values: InjectorValues;
  controlPlaneNamespace: string;
  /** Value of the annotation linkerd.io/created-by. */
  createdBy: string;
}

interface Template {
  metadata: ObjectMeta;
  spec: PodSpec;
}

/** Where an object's pod template stands: `/spec/template`; empty in a pod. */
export const templatePointer = (kind: string): string =>
  kind === 'pod' ? '' : kind === 'cronjob' ? '/spec/jobTemplate/spec/template' : '/spec/template';

/**
 * Writes the proxy's containers, volumes, annotations and labels into an object that makes pods. Its pods carry what asks for
 * the proxy (`linkerd.io/inject`); it is taken away, for the injector has nothing to do any more. Returns why it cannot.
 */
export function injectManually(object: AnyObject, template: Template, options: ManualOptions): string[] {
  const kind = (object.kind ?? '').toLowerCase();
  const pod = { metadata: template.metadata, spec: template.spec };
  const result = injectPod({
    values: options.values,
    pod,
    namespace: { name: object.metadata?.namespace ?? 'default', annotations: {} },
    controlPlaneNamespace: options.controlPlaneNamespace,
    createdBy: options.createdBy,
    prefix: templatePointer(kind),
    ...(kind !== 'pod' && { owner: { kind, name: object.metadata?.name ?? '' } }),
  });
  if (!result.inject) return result.reasons;
  applyAdditions(object, result.patch);
  delete template.metadata.annotations?.['linkerd.io/inject'];
  return [];
}

/** Applies a patch that only adds (RFC 6902 section 4.1). */
function applyAdditions(object: AnyObject, patch: readonly JsonPatchOperation[]): void {
  for (const { op, path, value } of patch) {
    if (op !== 'add') throw new Error(`${op} ${path}: an injection only adds`);
    const keys = path
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], object);
    if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    else (parent as Record<string, unknown>)[last] = value;
  }
}
