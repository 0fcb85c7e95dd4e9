import type { Condition } from '#api/kube';
import type { FaultName } from '#control/linked';
import {
  CONTROLLER_NAME,
  type EndpointCount,
  type LinkStatus,
  type PortCoverage,
  type ServiceCondition,
  type ServiceStatus,
} from './link.ts';

/** What reconciliation says about one remote Service. `localName`: the Service it became, when it did. */
export interface MirrorOutcome {
  namespace: string;
  name: string;
  /** `Pending` is ours: which kind of mirror it will be is not known yet. */
  reason: 'Mirrored' | 'InvalidService' | 'MissingNamespace' | 'Pending' | 'Error';
  message: string;
  localName?: string;
  /** How it differs from others that became the same Service: reasons as in KEP-1645, and in words. */
  conflict?: { reason: string; message: string };
  /** Of the remote Service. */
  endpoints?: EndpointCount;
  /** Of the federated service, how many it has. */
  ports?: PortCoverage;
  /** It stays so until somebody changes the Service or what is in its way: worth an event. */
  skipped?: true;
}

/** Whether the remote API answers as it should; `message` says why not. */
export interface Reachability {
  reachable: boolean;
  reason: FaultName | 'Connected';
  message: string;
}

/** What a condition says. */
export interface Finding {
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/** What a Link's status is to say. What is undefined is not known yet: what stands there stays. */
export interface WantedStatus {
  mirrors?: readonly MirrorOutcome[];
  federated?: readonly MirrorOutcome[];
  reachability?: Reachability;
  /** Of the gateway; `none`: the Link has none. */
  gateway?: Finding | 'none';
  credentials?: Finding | 'none';
  /** Whether pods here and there have addresses of their own; `none`: no pod is dialled directly. */
  networks?: Finding | 'none';
  /** Whether all that the cluster tells is used; `none`: it is. */
  content?: Finding | 'none';
  /** Whether both clusters have a trust root in common; `none`: they cannot be compared. */
  trust?: Finding | 'none';
  podNetworks?: readonly string[];
  sync?: Sync;
}

/** Since when the remote cluster is seen, or is not. */
export interface Sync {
  sinceIso: string;
  seen: boolean;
}

/**
 * The merge patch that brings a Link's status to what is true now, or undefined when it says so already. Lists are always
 * spelled out, empty ones too: a merge patch without them would leave the last entry for ever. Times of what did not change
 * stay.
 */
export function statusPatch(
  current: LinkStatus | undefined,
  wanted: WantedStatus,
  nowIso: string,
): { status: LinkStatus } | undefined {
  const next: LinkStatus = {};
  const { mirrors, federated, sync, podNetworks } = wanted;
  if (mirrors) next.mirrorServices = services(current?.mirrorServices, mirrors, sync, nowIso);
  if (federated) next.federatedServices = services(current?.federatedServices, federated, sync, nowIso);
  const endpoints = mirrors && federated && sumOf([...mirrors, ...federated]);
  if (endpoints) next.endpoints = endpoints;
  if (podNetworks) next.podNetworks = [...podNetworks];
  if (CONDITIONS.some(([field]) => wanted[field]))
    next.conditions = linkConditions(current?.conditions, wanted, nowIso);
  const fields = Object.keys(next) as (keyof LinkStatus)[];
  const same = fields.every((field) => sameJson(current?.[field] ?? EMPTY[field], next[field]));
  return same ? undefined : { status: next };
}

/** What stands where nothing does. */
const EMPTY: Required<LinkStatus> = {
  conditions: [],
  mirrorServices: [],
  federatedServices: [],
  endpoints: { total: 0, ready: 0 },
  podNetworks: [],
};

/** Whether a patch brings nothing but other numbers and times: those can wait. */
export function isOnlyCounts(current: LinkStatus | undefined, { status }: { status: LinkStatus }): boolean {
  const withoutCounts = ({ endpoints: _sum, podNetworks: _networks, ...rest }: LinkStatus) => ({
    ...rest,
    ...(rest.mirrorServices && { mirrorServices: rest.mirrorServices.map(withoutNumbers) }),
    ...(rest.federatedServices && { federatedServices: rest.federatedServices.map(withoutNumbers) }),
  });
  return sameJson(withoutCounts({ ...current }), withoutCounts({ ...current, ...status }));
}

/** Whether endpoints were counted is no number. */
const withoutNumbers = ({ endpoints, lastSyncTime: _time, ...rest }: ServiceStatus) => ({
  ...rest,
  counted: endpoints !== undefined,
});

/** A Service that is mirrored and a member is one. Undefined until some are counted. */
function sumOf(outcomes: readonly MirrorOutcome[]): EndpointCount | undefined {
  const counts = new Map<string, EndpointCount>();
  for (const { namespace, name, endpoints } of outcomes) if (endpoints) counts.set(`${namespace}/${name}`, endpoints);
  if (counts.size === 0 && outcomes.length > 0) return undefined;
  const sum = { total: 0, ready: 0 };
  for (const { total, ready } of counts.values()) {
    sum.total += total;
    sum.ready += ready;
  }
  return sum;
}

/**
 * Entries of one list of a status: an object of more than 1.5 MiB is not stored, and then nothing is said at all. Those of services that are
 * mirrored are left out first.
 */
const SERVICES_MAX = 1_000;

function fitting(outcomes: readonly MirrorOutcome[]): MirrorOutcome[] {
  if (outcomes.length <= SERVICES_MAX) return [...outcomes];
  const isMirrored = ({ reason }: MirrorOutcome): boolean => reason === 'Mirrored';
  const problems = outcomes.filter((outcome) => !isMirrored(outcome));
  return [...problems, ...outcomes.filter(isMirrored)].slice(0, SERVICES_MAX);
}

/** What others say is no book. */
const MESSAGE_CHARS_MAX = 600;

function services(
  current: readonly ServiceStatus[] | undefined,
  outcomes: readonly MirrorOutcome[],
  sync: Sync | undefined,
  nowIso: string,
): ServiceStatus[] {
  const before = new Map(current?.map((status) => [`${status.remoteRef.namespace}/${status.remoteRef.name}`, status]));
  return fitting(outcomes)
    .sort((a, b) => (a.namespace === b.namespace ? compare(a.name, b.name) : compare(a.namespace, b.namespace)))
    .map((outcome) => {
      const { namespace, name, endpoints, ports } = outcome;
      const old = before.get(`${namespace}/${name}`);
      const fresh: ServiceStatus = {
        conditions: conditions(outcome, old?.conditions, nowIso),
        controllerName: CONTROLLER_NAME,
        remoteRef: { group: '', kind: 'Service', name, namespace },
        ...(endpoints && { endpoints }),
        ...(ports && { ports }),
      };
      return sync ? { ...fresh, lastSyncTime: syncTime(fresh, old, sync, nowIso) } : fresh;
    });
}

/** What is written without contact is as old as the last one. */
function syncTime(fresh: ServiceStatus, old: ServiceStatus | undefined, sync: Sync, nowIso: string): string {
  if (!old) return sync.seen ? nowIso : sync.sinceIso;
  const { lastSyncTime, ...before } = old;
  const same = sameJson(before, fresh);
  if (same && lastSyncTime !== undefined && lastSyncTime > sync.sinceIso) return lastSyncTime;
  // A definition from elsewhere keeps no times: what it drops is the same each time, and so no reason to write again.
  return same || !sync.seen || lastSyncTime === undefined ? sync.sinceIso : nowIso;
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
      message: message.slice(0, MESSAGE_CHARS_MAX),
      reason,
      status: reason === 'Mirrored' ? 'True' : 'False',
      type: 'Mirrored',
    },
  ];
  if (conflict !== undefined)
    all.push({
      lastTransitionTime: nowIso,
      message: conflict.message,
      reason: conflict.reason,
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

/** Conditions of the Link itself, and what they are made of. */
const CONDITIONS = [
  ['reachability', 'RemoteReachable'],
  ['gateway', 'GatewayAlive'],
  ['credentials', 'CredentialsValid'],
  ['networks', 'PodNetworksDistinct'],
  ['content', 'ContentAccepted'],
  ['trust', 'TrustShared'],
] as const satisfies readonly (readonly [keyof WantedStatus, string])[];

/** What is not said now stays, and so do conditions of others. */
function linkConditions(current: readonly Condition[] = [], wanted: WantedStatus, nowIso: string): Condition[] {
  const gone = new Set<string>();
  const fresh: Condition[] = [];
  for (const [field, type] of CONDITIONS) {
    const said = wanted[field];
    if (said) gone.add(type);
    if (!said || said === 'none') continue;
    const { status, reason, message } = findingOf(said);
    const old = current.find((each) => each.type === type);
    fresh.push(keepTime<Condition>({ lastTransitionTime: nowIso, message, reason, status, type }, old));
  }
  const stays = current.filter(({ type }) => !gone.has(type));
  // One order whatever was said first: a list that only changed places is no change. Whether the cluster is seen comes first.
  return [...stays, ...fresh].sort((a, b) => rankOf(a) - rankOf(b) || compare(a.type, b.type));
}

/** Conditions of others come last. */
function rankOf({ type }: Condition): number {
  const at = CONDITIONS.findIndex(([, own]) => own === type);
  return at < 0 ? CONDITIONS.length : at;
}

const findingOf = (said: Reachability | Finding): Finding =>
  'reachable' in said ? { ...said, status: said.reachable ? 'True' : 'False' } : said;

/** A condition that says what the old one said is as old as that. */
export function keepTime<C extends Condition>(fresh: C, old: C | undefined): C {
  if (old === undefined || old.lastTransitionTime === undefined) return fresh;
  const aged = { ...fresh, lastTransitionTime: old.lastTransitionTime };
  return sameJson(aged, old) ? aged : fresh;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Equality of JSON values whatever the order of fields; servers keep their own. A field that is undefined is none. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (Array.isArray(b)) return false;
  const [fields, others] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const present = (of: Record<string, unknown>): string[] => Object.keys(of).filter((key) => of[key] !== undefined);
  const keys = present(fields);
  return keys.length === present(others).length && keys.every((key) => sameJson(fields[key], others[key]));
}
