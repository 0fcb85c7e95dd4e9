/** Where rules lead: backends with their weights, and failures in the place of those that are not there. */
import type { Feature } from '#api/mesh';
import type { BackendSplit } from '#model/annotations';
import {
  type BackendRef,
  backendNamespace,
  backendProblem,
  isEgressBackend,
  type RouteFilter,
} from '../routes/index.ts';
import { canCarry } from './filters.ts';
import { type BackendInit, type Balancing, named, type OutboundParent, QUEUE, serviceBackend } from './parent.ts';

/** Looks up what routes refer to. */
export interface BackendScene extends Balancing {
  parent: OutboundParent;
  hasService(key: string): boolean;
}

/** How one kind of route writes filters. */
export interface FilterWriter<F> {
  /** Filters of a backend. */
  encode(filters: readonly RouteFilter[]): F[];
  /** What answers in the place of a backend that is not there. */
  invalid(message: string): F;
}

interface RouteBackendInit<F> {
  backend: BackendInit;
  filters: F[];
}
/** The form that distributions of all kinds of routes share. */
export interface DistributionInit<F> {
  kind:
    | { case: 'empty'; value: Record<never, never> }
    | { case: 'firstAvailable'; value: { backends: RouteBackendInit<F>[] } }
    | { case: 'randomAvailable'; value: { backends: { backend: RouteBackendInit<F>; weight: number }[] } };
}

/**
 * Without backends, the parent. By weight, what cannot be used keeps its share of requests, which then fail; in order, the next one takes
 * its place.
 */
export function distribute<F>(
  refs: readonly BackendRef[] | undefined,
  split: BackendSplit,
  scene: BackendScene,
  writer: FilterWriter<F>,
): DistributionInit<F> {
  if (!refs) return only(scene.parent.backend);
  if (split === 'weighted' && refs.every(({ weight }) => weight === 0)) return NOTHING;
  const all = refs.map((ref) => {
    const found = resolveBackend(ref, scene);
    const usable = typeof found !== 'string';
    const backend = usable
      ? { backend: found, filters: writer.encode(ref.filters) }
      : { backend: { metadata: named('invalid'), queue: QUEUE }, filters: [writer.invalid(found)] };
    return { usable, weight: ref.weight, backend };
  });
  if (split === 'weighted') {
    const backends = all.map(({ weight, backend }) => ({ weight, backend }));
    return { kind: { case: 'randomAvailable', value: { backends } } };
  }
  const usable = all.filter((each) => each.usable);
  const backends = (usable.length > 0 ? usable : all).map(({ backend }) => backend);
  return { kind: { case: 'firstAvailable', value: { backends } } };
}

/** Nothing is forwarded. Weights that are all 0 would say the same, and end the task of Linkerd's proxy that follows the policy. */
const NOTHING = { kind: { case: 'empty', value: {} } } as const;

/** One backend for everything. */
export function only<F>(backend: BackendInit): DistributionInit<F> {
  return { kind: { case: 'firstAvailable', value: { backends: [{ backend, filters: [] }] } } };
}

/** The backend, or what is wrong with the reference. A namespace that is not written is the parent's. */
export function resolveBackend(ref: BackendRef, scene: BackendScene): BackendInit | string {
  if (!canCarry(ref.filters, scene.features as ReadonlySet<Feature>))
    return `a filter of backend ${ref.name} is not supported`;
  const { parent } = scene;
  const problem = backendProblem(ref, parent, (key) => scene.hasService(key));
  if (problem) return problem.message;
  if (isEgressBackend(ref) || ref.port === undefined) return parent.backend;
  return serviceBackend({ namespace: backendNamespace(ref, parent), name: ref.name, port: ref.port }, scene);
}
