/** Rate limits: what is kept of them, which one counts on a Server, and its wire form. */
import { create } from '@bufbuild/protobuf';
import type { KubeObject } from '#api/kube';
import { inbound } from '#api/mesh';
import { identityOf, type MeshDomain } from '#model/names';
import { checkRateLimit } from '../admission/limits.ts';
import { isRef, listOf, objectionOf, objectOf, Refusal, refOf } from '../admission/refusal.ts';
import { byAge, type Named, nameOf } from './table.ts';

const GROUP = 'policy.linkerd.io';
const KIND = 'HTTPLocalRateLimitPolicy';
/** Rates are uint32 on the wire. */
const RATE_MAX = 0xffff_ffff;

/** An HTTPLocalRateLimitPolicy. Rates are requests a second of one proxy. */
export interface RateLimitRecord extends Named {
  generation: number | undefined;
  /** Of the Server that it is for, in its own namespace; undefined: its target is no Server. */
  server: string | undefined;
  /** Of all clients together; undefined: without limit. */
  total: number | undefined;
  /** Of each client that no override names; undefined: without limit. */
  identity: number | undefined;
  overrides: readonly { rate: number; clients: readonly { name: string; namespace: string }[] }[];
  /** What admission would refuse of it, although it can be read. */
  objection: string | undefined;
  /** Why the newest version cannot be read. `lastGood`: the limits are those of the last version that could be. */
  problem: { message: string; lastGood: boolean } | undefined;
  /** As it is stored; written by this mesh. */
  status: Readonly<Record<string, unknown>> | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads an HTTPLocalRateLimitPolicy. Throws Refusal. */
export function readRateLimit(object: KubeObject): RateLimitRecord {
  const version = versionOf(object);
  const spec = objectOf(object as unknown as Fields, 'spec') ?? {};
  const target = refOf(objectOf(spec, 'targetRef') ?? {});
  return {
    ...version,
    server: isRef(target, GROUP, 'Server') ? target.name || undefined : undefined,
    total: rateOf(objectOf(spec, 'total')),
    identity: rateOf(objectOf(spec, 'identity')),
    overrides: listOf(spec, 'overrides').map((override) => ({
      rate: readRate(override),
      clients: listOf(override, 'clientRefs').map((client) => readClient(client, version.namespace)),
    })),
    objection: objectionOf(checkRateLimit, object),
    problem: undefined,
  };
}

/** The record of one that {@link readRateLimit} refuses: it goes on limiting as `old` does, and without that nothing. */
export function unreadableRateLimit(
  object: KubeObject,
  old: RateLimitRecord | undefined,
  message: string,
): RateLimitRecord {
  const lastGood = old !== undefined && (old.problem?.lastGood ?? true);
  const nothing = { server: undefined, total: undefined, identity: undefined, overrides: [], objection: undefined };
  return { ...(lastGood ? old : nothing), ...versionOf(object), problem: { message, lastGood } };
}

/** What belongs to the newest version even when its limits cannot be read. */
function versionOf(object: KubeObject): Named & Pick<RateLimitRecord, 'generation' | 'status'> {
  const { status } = object as { status?: RateLimitRecord['status'] };
  return { ...nameOf(object), generation: object.metadata.generation, status };
}

const rateOf = (limit: Fields | undefined) => limit && readRate(limit);

function readRate(limit: Fields): number {
  const value = limit['requestsPerSecond'];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw new Refusal(`requestsPerSecond: expected a whole number above 0, got ${JSON.stringify(value)}`);
  return Math.min(value, RATE_MAX);
}

function readClient(client: Fields, policyNamespace: string): { name: string; namespace: string } {
  const ref = refOf(client);
  if (!isRef(ref, '', 'ServiceAccount')) throw new Refusal(`clientRefs: expected ServiceAccount, got ${ref.kind}`);
  return { name: ref.name, namespace: ref.namespace ?? policyNamespace };
}

/** The one that counts on a Server, of all in the Server's namespace: the oldest, then the first by name. */
export function acceptedRateLimit(policies: Iterable<RateLimitRecord>, server: string): RateLimitRecord | undefined {
  let first: RateLimitRecord | undefined;
  for (const policy of policies)
    if (policy.server === server && (first === undefined || byAge(policy, first) < 0)) first = policy;
  return first;
}

/** What becomes of a rate limit: it counts, another has its Server, or there is no such Server. */
export type RateLimitVerdict = 'accepted' | 'already-exists' | 'no-matching-target';

/** `policies` are those of its namespace, with itself; `hasServer` tells of the Servers there by name. */
export function judgeRateLimit(
  policy: RateLimitRecord,
  policies: Iterable<RateLimitRecord>,
  hasServer: (name: string) => boolean,
): RateLimitVerdict {
  if (policy.server === undefined || !hasServer(policy.server)) return 'no-matching-target';
  return acceptedRateLimit(policies, policy.server)?.name === policy.name ? 'accepted' : 'already-exists';
}

/** The wire form. */
export function encodeRateLimit(policy: RateLimitRecord, domain: MeshDomain): inbound.HttpLocalRateLimit {
  const limit = (requestsPerSecond: number) => ({ requestsPerSecond });
  return create(inbound.HttpLocalRateLimitSchema, {
    metadata: { kind: { case: 'resource', value: { group: GROUP, kind: KIND, name: policy.name } } },
    ...(policy.total !== undefined && { total: limit(policy.total) }),
    ...(policy.identity !== undefined && { identity: limit(policy.identity) }),
    overrides: policy.overrides.map(({ rate, clients }) => ({
      limit: limit(rate),
      clients: {
        identities: clients.map(({ name, namespace }) => ({
          name: identityOf({ serviceAccount: name, namespace }, domain),
        })),
      },
    })),
  });
}
