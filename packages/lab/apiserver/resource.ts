import type { AnyObject, Gvr } from '#api/kube';
import type { UserInfo } from '#lab/auth';
import type { FieldSchema } from '#lab/schema';
import type { FieldCause } from './errors.ts';

/** What a write carries besides its object. */
export interface WriteRequest {
  readonly user: UserInfo;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  /** What becomes of unknown and repeated fields: dropped, dropped with a warning, or refused. Default Ignore. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Repeated fields that decoding saw, as `duplicate field "data.a"`. */
  readonly duplicates?: readonly string[];
  /** Collects texts for `Warning` headers. */
  warn(text: string): void;
}

/** One column of a Table; `priority` 1 shows with `-o wide` only. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

/** What the server must know about a kind's shape; built-in kinds and custom resources each bring their own. */
export interface Kind {
  /** Merge rules for patches and server-side apply. */
  readonly schema: FieldSchema;
  /**
   * Brings an object into normal form (quantities, stringData, pruning), fills defaults, and tells the paths of fields that
   * it dropped as unknown. Keeps its argument. @throws ApiError 400 where a value does not fit the kind
   */
  normalize(object: AnyObject): { readonly object: AnyObject; readonly unknownFields: readonly string[] };
  validate(object: AnyObject, old?: AnyObject): readonly FieldCause[];
  readonly columns: readonly Column[];
  /** Cells in the order of {@link columns}. */
  row(object: AnyObject, nowMs: number): readonly unknown[];
}

/** What a strategy hook knows of the write it is part of. */
export interface HookContext extends WriteRequest {
  readonly nowMs: number;
  /** Registers how to give back what a hook took (addresses, ports), should the write not take place. */
  onAbandon(undo: () => void): void;
}

/**
 * How one resource departs from the common write path: rows of a table keyed by `group/resource`. Hooks change the given
 * object in place and may throw an ApiError.
 */
export interface Strategy {
  /** PUT without resourceVersion overwrites. Default: true for built-in kinds. */
  readonly unconditionalUpdate?: boolean;
  /** PUT of an absent object creates it. */
  readonly createOnUpdate?: boolean;
  /** Initial status, replacing what the client sent. Undefined where the kind has none. */
  readonly initialStatus?: (object: AnyObject) => unknown;
  /** Sets what the server decides at creation, before validation. */
  prepareCreate?(object: AnyObject, context: HookContext): void;
  prepareUpdate?(object: AnyObject, old: AnyObject, context: HookContext): void;
  prepareStatus?(object: AnyObject, old: AnyObject, context: HookContext): void;
  validate?(object: AnyObject, old?: AnyObject): readonly FieldCause[];
  /** Sets what the server says of a sound object, e.g. in its status. */
  afterValidation?(object: AnyObject, old?: AnyObject): void;
  /** Runs after a deletion was stored. */
  released?(object: AnyObject): void;
  /** Seconds between the request to delete and the removal; 0 or absent removes at once. */
  gracePeriodSeconds?(object: AnyObject, asked: number | undefined): number;
  /** DELETE answers with the object even if it is gone at once. */
  readonly returnsDeleted?: boolean;
  /** Refuses or changes a deletion before it starts. */
  prepareDelete?(object: AnyObject, context: HookContext): void;
  /** Runs after a creation or change was stored. */
  written?(object: AnyObject, old: AnyObject | undefined): void;
}

/** One served resource in one version. */
export interface Resource {
  readonly gvr: Gvr;
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: ReadonlySet<string>;
  /** True for resources that a CRD defines. */
  readonly custom: boolean;
  /** Name in the store, `group/resource`. */
  readonly storage: string;
  readonly generation: boolean;
  readonly shape: Kind;
  readonly strategy: Strategy;
  /**
   * Between this version and the stored one; absent where they are the same. `fromStored` gives the very object back where
   * nothing has to change, so that its JSON text can be shared.
   */
  readonly conversion?: { fromStored(object: AnyObject): AnyObject; toStored(object: AnyObject): AnyObject };
  /** Fields that a field selector may name besides metadata.name and metadata.namespace, each with its reader. */
  readonly fields: ReadonlyMap<string, (object: AnyObject) => string | undefined>;
  /** Paths of the scale subresource. */
  readonly scale?: ScalePaths;
  /** Told in a Warning header to everyone who uses this version. */
  readonly deprecation?: string;
  /** Of a custom resource: the `openAPIV3Schema` of its version. */
  readonly openApiSchema?: Record<string, unknown>;
}

/** Where the scale subresource finds its values; JSONPath-like dotted paths below the object. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** Path of a selector's text, or of a LabelSelector object for built-in kinds. */
  readonly selector?: string;
}
