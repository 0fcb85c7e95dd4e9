import { ENDPOINT_SLICES, type KubeObject, type ObjectMeta } from '#api/kube';
import { type AddressType, controllerRef, type EndpointSlice, formatMicroTime } from '../../kinds/index.ts';
import type { Write } from '../../reconcile/index.ts';
import { TRIGGER_TIME } from '../endpoints/index.ts';
import { canonicalJson } from '../hash.ts';
import { type ArrangedSlice, arrange, type PortGroup } from './arrange.ts';

/** Ties a slice to its Service. */
export const SERVICE_LABEL = 'kubernetes.io/service-name';
/** Says which controller a slice belongs to; each touches its own only. */
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';

/** What the slices of one object and one controller shall look like. */
export interface SlicePlan {
  owner: KubeObject;
  ownerApiVersion: string;
  ownerKind: string;
  existing: readonly EndpointSlice[];
  labels: Record<string, string>;
  /** Besides the trigger time. */
  annotations: Record<string, string>;
  /** Per address family; a family that is absent gets no slice. */
  groups: ReadonlyMap<AddressType, readonly PortGroup[]>;
  endpointsMax: number;
}

/** The writes that make an owner's slices as planned; unchanged slices are left alone. */
export function sliceWrites(plan: SlicePlan, nowMs: number): Write[] {
  const families = [...plan.groups.keys()];
  const foreign = plan.existing.filter((slice) => !(families as string[]).includes(slice.addressType));
  const writes = families.flatMap((family) => familyWrites(plan, family, nowMs));
  return [...writes, ...foreign.map(remove)];
}

function familyWrites(plan: SlicePlan, family: AddressType, nowMs: number): Write[] {
  const existing = plan.existing.filter((slice) => slice.addressType === family && !slice.metadata.deletionTimestamp);
  const { kept, removed } = arrange(existing, plan.groups.get(family) ?? [], plan.endpointsMax);
  return [...kept.flatMap((each) => write(plan, family, each, nowMs)), ...removed.map(remove)];
}

const remove = (slice: EndpointSlice): Write => ({ verb: 'delete', gvr: ENDPOINT_SLICES, object: slice });

function write(plan: SlicePlan, addressType: AddressType, arranged: ArrangedSlice, nowMs: number): Write[] {
  const { slice: old, endpoints, ports } = arranged;
  const { [TRIGGER_TIME]: oldTime, ...oldAnnotations } = old?.metadata.annotations ?? {};
  const unchanged =
    old &&
    canonicalJson([old.endpoints, old.ports ?? [], old.metadata.labels ?? {}, oldAnnotations]) ===
      canonicalJson([endpoints, ports, plan.labels, plan.annotations]);
  if (unchanged) return [];
  const annotations = { ...plan.annotations, [TRIGGER_TIME]: formatMicroTime(nowMs) };
  const object: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...(old?.metadata ?? newMetadata(plan)), labels: plan.labels, annotations },
    addressType,
    endpoints,
    ports,
  };
  return [old ? { verb: 'update', gvr: ENDPOINT_SLICES, object } : { verb: 'create', gvr: ENDPOINT_SLICES, object }];
}

function newMetadata({ owner, ownerApiVersion, ownerKind }: SlicePlan): ObjectMeta {
  const { name = '', namespace = '' } = owner.metadata;
  return { generateName: `${name}-`, namespace, ownerReferences: [controllerRef(owner, ownerApiVersion, ownerKind)] };
}
