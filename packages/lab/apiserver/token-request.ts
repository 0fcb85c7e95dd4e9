import type { AnyObject } from '#api/kube';
import { type Bound, ISSUER, type TokenAuthority } from '#lab/auth';
import type { Core } from './core.ts';
import { cause, conflict, invalid, notFound } from './errors.ts';
import { timestamp } from './object-meta.ts';
import { valueAt } from './paths.ts';

/** `spec` of an authentication.k8s.io/v1 TokenRequest. */
export interface TokenRequestSpec {
  readonly audiences?: readonly string[];
  /** Default 3600; between ten minutes and 2^32 seconds. */
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}

export interface IssuedToken {
  readonly token: string;
  readonly expirationTimestamp: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

const DEFAULT_EXPIRATION_S = 3600;
const EXPIRATION_MIN_S = 600;
const EXPIRATION_MAX_S = 2 ** 32;

/** Objects that a token can be bound to, with where they are kept. */
const BOUND_KINDS: Readonly<Record<string, { storage: string; resource: string; claim: 'pod' | 'secret' | 'node' }>> = {
  Pod: { storage: '/pods', resource: 'pods', claim: 'pod' },
  Secret: { storage: '/secrets', resource: 'secrets', claim: 'secret' },
  Node: { storage: '/nodes', resource: 'nodes', claim: 'node' },
};

/** POST serviceaccounts/{name}/token. @throws ApiError 404, 409, 422 */
export async function requestToken(
  core: Core,
  authority: TokenAuthority,
  account: { readonly namespace: string; readonly name: string },
  spec: TokenRequestSpec,
): Promise<IssuedToken> {
  const stored = core.store.get('/serviceaccounts', account);
  if (!stored) throw notFound({ group: '', resource: 'serviceaccounts' }, account.name);
  const expirationSeconds = spec.expirationSeconds ?? DEFAULT_EXPIRATION_S;
  assertExpiration(expirationSeconds);
  const audiences = spec.audiences?.length ? spec.audiences : [ISSUER];
  const serviceAccount = boundOf(stored.object);
  const { token, expiresAtMs } = await authority.issue(
    { ...boundObject(core, account, spec), namespace: account.namespace, serviceAccount, audiences, expirationSeconds },
    core.nowMs(),
  );
  return { token, expirationTimestamp: timestamp(expiresAtMs), audiences, expirationSeconds };
}

const boundOf = ({ metadata }: AnyObject): Bound => ({ name: metadata.name ?? '', uid: metadata.uid ?? '' });

function assertExpiration(seconds: number): void {
  const refuse = (detail: string) =>
    invalid('authentication.k8s.io', 'TokenRequest', '', [cause.invalid('spec.expirationSeconds', seconds, detail)]);
  if (seconds < EXPIRATION_MIN_S) throw refuse('may not specify a duration less than 10 minutes');
  if (seconds > EXPIRATION_MAX_S) throw refuse('may not specify a duration larger than 2^32 seconds');
}

/** The claims of `boundObjectRef`; a pod's token also names its node. */
function boundObject(
  core: Core,
  account: { readonly namespace: string; readonly name: string },
  { boundObjectRef: ref }: TokenRequestSpec,
): { pod?: Bound; secret?: Bound; node?: Bound } {
  if (!ref) return {};
  const row = BOUND_KINDS[ref.kind ?? ''];
  const name = ref.name ?? '';
  if (!row)
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      cause.invalid('spec.boundObjectRef', ref.kind ?? '', 'cannot bind token to object of this kind'),
    ]);
  const gvr = { group: '', version: 'v1', resource: row.resource };
  const found = core.store.get(row.storage, { name, namespace: row.claim === 'node' ? undefined : account.namespace });
  if (!found) throw notFound(gvr, name);
  const { object } = found;
  if (ref.uid && ref.uid !== object.metadata.uid)
    throw conflict(
      gvr,
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (row.claim !== 'pod') return { [row.claim]: boundOf(object) };
  if (valueAt(object, 'spec.serviceAccountName') !== account.name)
    throw invalid('authentication.k8s.io', 'TokenRequest', '', [
      cause.invalid(
        'spec.boundObjectRef',
        name,
        `cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`,
      ),
    ]);
  const nodeName = valueAt(object, 'spec.nodeName');
  const node = typeof nodeName === 'string' && core.store.get('/nodes', { name: nodeName });
  return { pod: boundOf(object), ...(node && { node: boundOf(node.object) }) };
}
