/** The fewest writes that lead from the slices that are there to those that should be. Pure. */
import type { Endpoint } from '#api/kube';
import { type DesiredGroup, groupKey } from './desired.ts';
import type { OwnSlice } from './records.ts';

/** Endpoints in a slice at most; as Kubernetes' own controller has it. */
export const SLICE_ENDPOINTS_MAX = 100;

/** What to write for one Service. */
export interface Plan {
  create: readonly DesiredGroup[];
  /** Slices whose endpoints or labels change. */
  update: readonly { slice: OwnSlice; endpoints: readonly Endpoint[] }[];
  delete: readonly OwnSlice[];
}

/** How the Service's slices have to look besides their endpoints. */
export interface SliceFrame {
  labels: Readonly<Record<string, string>>;
  ownerUid: string;
}

/**
 * Endpoints stay in the slice where they are. New ones fill slices that change anyway, then the fullest that has room for all
 * that are left, then slices of their own. Slices that end up empty go, and so do those whose ports nobody has any more.
 */
export function planWrites(groups: readonly DesiredGroup[], existing: readonly OwnSlice[], frame: SliceFrame): Plan {
  const plan = { create: [] as DesiredGroup[], update: [] as Plan['update'][number][], delete: [] as OwnSlice[] };
  const byGroup = Map.groupBy(existing, (slice) => groupKey(slice));
  for (const group of groups) {
    const key = groupKey(group);
    planGroup(group, byGroup.get(key) ?? [], frame, plan);
    byGroup.delete(key);
  }
  for (const slices of byGroup.values()) plan.delete.push(...slices);
  return plan;
}

interface Draft {
  slice: OwnSlice;
  endpoints: Endpoint[];
  changed: boolean;
}

function planGroup(
  group: DesiredGroup,
  slices: readonly OwnSlice[],
  frame: SliceFrame,
  plan: { create: DesiredGroup[]; update: Plan['update'][number][]; delete: OwnSlice[] },
): void {
  const missing = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const drafts = slices.map((slice) => keepWanted(slice, missing, frame));
  const rest = [...missing.values()];
  for (const draft of drafts) if (draft.changed && draft.endpoints.length > 0) fill(draft, rest);
  const roomy = drafts
    .filter((draft) => draft.endpoints.length > 0 && draft.endpoints.length + rest.length <= SLICE_ENDPOINTS_MAX)
    .toSorted((a, b) => b.endpoints.length - a.endpoints.length)[0];
  if (roomy) fill(roomy, rest);
  // A slice that would go is as good as a new one.
  for (const draft of drafts) if (draft.endpoints.length === 0) fill(draft, rest);
  while (rest.length > 0) plan.create.push({ ...group, endpoints: rest.splice(0, SLICE_ENDPOINTS_MAX) });
  for (const { slice, endpoints, changed } of drafts) {
    if (endpoints.length === 0) plan.delete.push(slice);
    else if (changed) plan.update.push({ slice, endpoints });
  }
}

/** The slice with those of its endpoints that are wanted, as they are wanted; what it has is missing no longer. */
function keepWanted(slice: OwnSlice, missing: Map<string, Endpoint>, frame: SliceFrame): Draft {
  const draft: Draft = { slice, endpoints: [], changed: !hasFrame(slice, frame) };
  for (const endpoint of slice.endpoints) {
    const identity = identityOf(endpoint);
    const wanted = missing.get(identity);
    if (!wanted || draft.endpoints.length === SLICE_ENDPOINTS_MAX || !isSameEndpoint(wanted, endpoint))
      draft.changed = true;
    if (!wanted || draft.endpoints.length === SLICE_ENDPOINTS_MAX) continue;
    draft.endpoints.push(wanted);
    missing.delete(identity);
  }
  return draft;
}

function fill(draft: Draft, rest: Endpoint[]): void {
  const added = rest.splice(0, SLICE_ENDPOINTS_MAX - draft.endpoints.length);
  if (added.length === 0) return;
  draft.endpoints.push(...added);
  draft.changed = true;
}

/** A workload with another address is another endpoint. */
const identityOf = ({ addresses, targetRef }: Endpoint) => `${targetRef?.name} ${addresses[0]}`;

function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.hostname === b.hostname &&
    a.zone === b.zone &&
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    a.targetRef?.kind === b.targetRef?.kind &&
    a.targetRef?.namespace === b.targetRef?.namespace &&
    a.targetRef?.uid === b.targetRef?.uid
  );
}

function hasFrame(slice: OwnSlice, { labels, ownerUid }: SliceFrame): boolean {
  const keys = Object.keys(labels);
  return (
    slice.ownerUid === ownerUid &&
    keys.length === Object.keys(slice.labels).length &&
    keys.every((key) => slice.labels[key] === labels[key])
  );
}
