import { randomUUID } from 'node:crypto';
import type { AnyObject } from '#api/kube';
import type { Store } from '#lab/store';
import type { ResourceRegistry } from './registry.ts';
import type { Resource, WriteRequest } from './resource.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** One write on its way through admission. `object` is absent for DELETE, `old` for CREATE. */
export interface AdmissionReviewInput {
  readonly operation: Operation;
  readonly resource: Resource;
  /** The version in which the request came, where a hook sees another. */
  readonly requested?: Resource;
  readonly subresource?: string | undefined;
  /** Kind of the object where it is not the resource's own, e.g. a Binding or PodExecOptions; the object states it then. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: AnyObject | undefined;
  readonly old: AnyObject | undefined;
  readonly request: WriteRequest;
  /** The verb's options, e.g. `{kind: 'CreateOptions', …}`. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Built-in admission and webhooks; either step refuses by throwing an ApiError. */
export interface Admission {
  /** Returns the object with every mutation applied and back in normal form. */
  mutate(input: AdmissionReviewInput): Promise<AnyObject | undefined>;
  validate(input: AdmissionReviewInput): Promise<void>;
}

/** What every verb works with. */
export interface Core {
  readonly store: Store;
  readonly registry: ResourceRegistry;
  readonly admission: Admission;
  readonly nowMs: () => number;
  readonly random: () => number;
}

export const newUid = (): string => randomUUID();

/** Names an object in a request. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The stored form in the version that `resource` serves. */
export function asServed(resource: Resource, stored: AnyObject): AnyObject {
  return resource.conversion ? resource.conversion.fromStored(stored) : stored;
}

/** The form to store, of an object in the version that `resource` serves. */
export function asStored(resource: Resource, served: AnyObject): AnyObject {
  return resource.conversion ? resource.conversion.toStored(served) : served;
}
