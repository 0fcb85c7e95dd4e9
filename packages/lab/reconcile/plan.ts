import type { Gvr, KubeObject } from '#api/kube';
import type { ApiError, StatusReason } from '../contract/index.ts';
import type { ObjectReference } from '../kinds/index.ts';

/** An event about an object, as `kubectl describe` shows it. */
export interface EventNote {
  about: ObjectReference;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

interface Consequences {
  /** More writes once this one succeeded, given the server's answer. */
  succeeded?(answer: KubeObject): readonly Write[];
  /** More writes when it failed; the key is tried again all the same. */
  failed?(error: ApiError): readonly Write[];
  /** Reasons of refusal that count as success. */
  tolerate?: readonly StatusReason[];
}

/** A JSON merge patch of one object. */
export interface PatchWrite extends Consequences {
  verb: 'patch';
  gvr: Gvr;
  name: string;
  namespace?: string;
  merge: object;
  subresource?: 'status';
}

/** One thing a controller wants done. Reconcile returns these; the runner carries them out in order. */
export type Write =
  | ({ verb: 'create'; gvr: Gvr; object: KubeObject } & Consequences)
  | ({ verb: 'update'; gvr: Gvr; object: KubeObject; subresource?: 'status' | 'finalize' } & Consequences)
  | PatchWrite
  | ({
      verb: 'delete';
      gvr: Gvr;
      object: KubeObject;
      propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
      gracePeriodSeconds?: number;
      /** Delete this very state of the object only, else Conflict. */
      unchanged?: boolean;
    } & Consequences)
  | ({ verb: 'bind'; pod: KubeObject; nodeName: string } & Consequences)
  | { verb: 'event'; note: EventNote }
  /** Independent writes: one, then two, four…, side by side; the rest is dropped when one fails. */
  | { verb: 'batch'; writes: readonly Write[] };

/** What reconcile decided. */
export interface Plan {
  writes: readonly Write[];
  /** Look again after this time even if nothing changes. */
  againInMs?: number;
}

/** Nothing to do. */
export const NOTHING: Plan = { writes: [] };

/** The reference by which events and target references name an object. */
export function referenceTo(object: KubeObject, kind = object.kind, apiVersion = object.apiVersion): ObjectReference {
  const { namespace, name = '', uid = '', resourceVersion } = object.metadata;
  return {
    ...(apiVersion && { apiVersion }),
    ...(kind && { kind }),
    ...(namespace && { namespace }),
    name,
    uid,
    ...(resourceVersion && { resourceVersion }),
  };
}
