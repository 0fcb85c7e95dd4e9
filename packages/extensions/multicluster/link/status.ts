import type { Condition } from '#api/kube';
import { CONTROLLER_NAME, type LinkStatus, type ServiceCondition, type ServiceStatus } from './link.ts';

/** What reconciliation says about one remote Service. `localName`: the Service it became, when it did. */
export interface MirrorOutcome {
  namespace: string;
  name: string;
  /** `Pending` is ours: which kind of mirror it will be is not known yet. */
  reason: 'Mirrored' | 'InvalidService' | 'MissingNamespace' | 'Pending' | 'Error';
  message: string;
  localName?: string;
  /** In words, how it differs from others that became the same Service. */
  conflict?: string;
  /** It stays so until somebody changes the Service or what is in its way: worth an event. */
  skipped?: true;
}

/** Whether the remote API answers; `message` says why not. */
export interface Reachability {
  reachable: boolean;
  reason: string;
  message: string;
}

/** What a condition says. */
export interface Finding {
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/**
 * The merge patch that brings a Link's status to what is true now, or undefined when it says so already. Lists are always
 * spelled out, empty ones too: a merge patch without them would leave the last entry for ever. Times of what did not change
 * stay.
 */
export function statusPatch(
  current: LinkStatus | undefined,
  wanted: {
    /** Undefined: not known yet, what stands there stays. */
    mirrors?: readonly MirrorOutcome[];
    federated?: readonly MirrorOutcome[];
    reachability?: Reachability;
    /** Of the gateway; `none`: the Link has none. */
    gateway?: Finding | 'none';
  },
  nowIso: string,
): { status: LinkStatus } | undefined {
  const next: LinkStatus = {};
  if (wanted.mirrors) next.mirrorServices = services(current?.mirrorServices, wanted.mirrors, nowIso);
  if (wanted.federated) next.federatedServices = services(current?.federatedServices, wanted.federated, nowIso);
  if (wanted.reachability || wanted.gateway) next.conditions = linkConditions(current?.conditions, wanted, nowIso);
  const fields = Object.keys(next) as (keyof LinkStatus)[];
  const same = fields.every((field) => sameJson(current?.[field] ?? [], next[field]));
  return same ? undefined : { status: next };
}

function services(
  current: readonly ServiceStatus[] | undefined,
  outcomes: readonly MirrorOutcome[],
  nowIso: string,
): ServiceStatus[] {
  const before = new Map(current?.map((status) => [`${status.remoteRef.namespace}/${status.remoteRef.name}`, status]));
  return [...outcomes]
    .sort((a, b) => (a.namespace === b.namespace ? compare(a.name, b.name) : compare(a.namespace, b.namespace)))
    .map((outcome) => {
      const { namespace, name } = outcome;
      const old = before.get(`${namespace}/${name}`)?.conditions;
      return {
        conditions: conditions(outcome, old, nowIso),
        controllerName: CONTROLLER_NAME,
        remoteRef: { group: '', kind: 'Service', name, namespace },
      };
    });
}

/** `Mirrored` first, for whoever looks at one only; then `Conflict`, where there is one. */
function conditions(
  outcome: MirrorOutcome,
  old: readonly ServiceCondition[] | undefined,
  nowIso: string,
): ServiceCondition[] {
  const { namespace, reason, message, localName, conflict } = outcome;
  const all: ServiceCondition[] = [
    {
      lastTransitionTime: nowIso,
      ...(localName !== undefined && { localRef: { group: '', kind: 'Service', name: localName, namespace } }),
      message,
      reason,
      status: reason === 'Mirrored' ? 'True' : 'False',
      type: 'Mirrored',
    },
  ];
  if (conflict !== undefined)
    all.push({
      lastTransitionTime: nowIso,
      message: conflict,
      reason: 'PortConflict',
      status: 'True',
      type: 'Conflict',
    });
  return all.map((fresh) =>
    keepTime(
      fresh,
      old?.find(({ type }) => type === fresh.type),
    ),
  );
}

/** Conditions of the Link itself. What is not said now stays, and so do those of others. */
function linkConditions(
  current: readonly Condition[] = [],
  { reachability, gateway }: { reachability?: Reachability; gateway?: Finding | 'none' },
  nowIso: string,
): Condition[] {
  const said = new Map<string, Finding>();
  if (reachability) {
    const { reachable, reason, message } = reachability;
    said.set('RemoteReachable', { status: reachable ? 'True' : 'False', reason, message });
  }
  if (gateway && gateway !== 'none') said.set('GatewayAlive', gateway);
  const stays = current.filter(({ type }) => !said.has(type) && !(type === 'GatewayAlive' && gateway === 'none'));
  const fresh = [...said].map(([type, { status, reason, message }]) =>
    keepTime<Condition>(
      { lastTransitionTime: nowIso, message, reason, status, type },
      current.find((each) => each.type === type),
    ),
  );
  // One order whatever was said first: a list that only changed places is no change.
  return [...stays, ...fresh].sort((a, b) => compare(b.type, a.type));
}

/** A condition that says what the old one said is as old as that. */
export function keepTime<C extends Condition>(fresh: C, old: C | undefined): C {
  if (old === undefined || old.lastTransitionTime === undefined) return fresh;
  const aged = { ...fresh, lastTransitionTime: old.lastTransitionTime };
  return sameJson(aged, old) ? aged : fresh;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Equality of JSON values whatever the order of fields; servers keep their own. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => compare(x, y)))
      : inner,
  );
}
