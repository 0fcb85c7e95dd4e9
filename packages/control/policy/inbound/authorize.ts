/** Authorizations: which resources admit whom to a Server, and their wire form. */
import { create } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { matchesLabelSelector } from '#kube/client';
import { identityOf, type MeshDomain, namespaceIdentitySuffix } from '#model/names';
import { DEFAULT_POLICIES, type DefaultPolicyName } from '#model/policy';
import { keyOf } from '../../fold/index.ts';
import { ALL_NETWORKS, encodeNetwork, type NetworkMatch } from '../networks.ts';
import type { InboundView } from './index-view.ts';
import type {
  AuthorizationPolicyRecord,
  ClientMatch,
  MeshTlsRecord,
  ObjectRef,
  ServerAuthorizationRecord,
  ServerRecord,
} from './records.ts';

export interface AuthorizeConfig extends MeshDomain {
  clusterNetworks: readonly NetworkMatch[];
}

/** Group, kind and name for metadata and metrics; `kind: default` has no group. */
export interface AuthzName {
  group: '' | 'policy.linkerd.io';
  kind: 'default' | 'authorizationpolicy' | 'serverauthorization';
  name: string;
}

interface Authorization {
  name: AuthzName;
  networks: readonly NetworkMatch[];
  client: ClientMatch;
}

const POLICY = 'policy.linkerd.io';
/** Any identity. */
const ANYONE: ClientMatch = { kind: 'identities', identities: [], suffixes: [[]] };

/** What a default policy admits; none for `deny`. */
export function defaultAuthz(policy: DefaultPolicyName, config: AuthorizeConfig): inbound.Authz[] {
  const { networks, identity } = DEFAULT_POLICIES[policy];
  if (networks === 'none') return [];
  return [
    encodeAuthz({
      name: { group: '', kind: 'default', name: policy },
      networks: networks === 'all' ? ALL_NETWORKS : config.clusterNetworks,
      client: identity === 'any' ? ANYONE : { kind: 'unauthenticated' },
    }),
  ];
}

/** Admits probes from the networks of the kubelets. */
export function probeAuthz(networks: readonly NetworkMatch[]): inbound.Authz {
  return encodeAuthz({
    name: { group: '', kind: 'default', name: 'probe' },
    networks,
    client: { kind: 'unauthenticated' },
  });
}

/**
 * Everything that admits clients to a Server. The Server's own accessPolicy comes last: the proxy names the first that fits, and
 * what a precise policy admits should not be reported as audited.
 */
export function serverAuthz(view: InboundView, server: ServerRecord, config: AuthorizeConfig): inbound.Authz[] {
  const resources = [
    ...view
      .serverAuthorizations(server.namespace)
      .filter((each) => selects(each, server))
      .map((each) => ofServerAuthorization(each, config)),
    ...view
      .authorizationPolicies(server.namespace)
      .filter((each) => targets(each, server))
      .flatMap((each) => ofPolicy(view, each, config) ?? []),
  ];
  resources.sort((a, b) => compare(`${a.name.kind} ${a.name.name}`, `${b.name.kind} ${b.name.name}`));
  return [...resources.map(encodeAuthz), ...(server.accessPolicy ? defaultAuthz(server.accessPolicy, config) : [])];
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function selects(authorization: ServerAuthorizationRecord, server: ServerRecord): boolean {
  const { server: selector } = authorization;
  return 'name' in selector
    ? selector.name === server.name
    : matchesLabelSelector(selector.selector, { ...server.labels });
}

function targets({ target, namespace }: AuthorizationPolicyRecord, server: ServerRecord): boolean {
  if (target.group === POLICY && target.kind === 'server') return target.name === server.name;
  return target.group === '' && target.kind === 'namespace' && target.name === namespace;
}

function ofServerAuthorization(record: ServerAuthorizationRecord, config: AuthorizeConfig): Authorization {
  const { client } = record;
  return {
    name: { group: POLICY, kind: 'serverauthorization', name: record.name },
    networks: record.networks ?? config.clusterNetworks,
    client:
      typeof client === 'string'
        ? { kind: client }
        : readIdentities([
            ...client.identities,
            ...client.serviceAccounts.map((account) => accountIdentity(account, config)),
          ]),
  };
}

const accountIdentity = (account: { name: string; namespace: string }, config: MeshDomain) =>
  identityOf({ serviceAccount: account.name, namespace: account.namespace }, config);

/**
 * What a policy admits: an identity source and a network must both fit where both are named; no reference at all admits everyone.
 * Undefined while anything it refers to is missing: the policy then counts for nothing.
 */
function ofPolicy(
  view: InboundView,
  policy: AuthorizationPolicyRecord,
  config: AuthorizeConfig,
): Authorization | undefined {
  let networks: readonly NetworkMatch[] = ALL_NETWORKS;
  let client: ClientMatch = { kind: 'unauthenticated' };
  for (const ref of policy.required) {
    const namespace = ref.namespace ?? policy.namespace;
    if (ref.kind === 'networkauthentication') {
      const found = view.networkAuthentication(keyOf(namespace, ref.name));
      if (!found) return undefined;
      networks = found;
    } else if (ref.kind === 'meshtlsauthentication') {
      const found = view.meshTlsAuthentication(keyOf(namespace, ref.name));
      if (!found) return undefined;
      client = readIdentities(identitiesOf(found, config));
    } else if (ref.kind === 'serviceaccount' && ref.group === '')
      client = readIdentities([accountIdentity({ name: ref.name, namespace }, config)]);
    else return undefined;
  }
  return { name: { group: POLICY, kind: 'authorizationpolicy', name: policy.name }, networks, client };
}

function identitiesOf(record: MeshTlsRecord, config: MeshDomain): string[] {
  const ofRef = (ref: ObjectRef) =>
    ref.kind === 'namespace'
      ? `*.${namespaceIdentitySuffix(ref.name, config)}`
      : accountIdentity({ name: ref.name, namespace: ref.namespace ?? '' }, config);
  return [...record.identities, ...record.refs.map(ofRef)];
}

/** `*` is anyone, `*.a.b` whoever ends so, the rest exact. */
function readIdentities(texts: readonly string[]): ClientMatch {
  const identities: string[] = [];
  const suffixes: string[][] = [];
  for (const text of texts) {
    if (text === '*') suffixes.push([]);
    else if (text.startsWith('*.')) suffixes.push(text.slice(2).split('.'));
    else identities.push(text);
  }
  return { kind: 'identities', identities, suffixes };
}

function encodeAuthz({ name, networks, client }: Authorization): inbound.Authz {
  const metadata =
    name.kind === 'default'
      ? ({ case: 'default', value: name.name } as const)
      : ({ case: 'resource', value: { group: name.group, kind: name.kind, name: name.name } } as const);
  return create(inbound.AuthzSchema, {
    networks: networks.map(encodeNetwork),
    authentication: encodeClient(client),
    labels: { ...name },
    metadata: { kind: metadata },
  });
}

function encodeClient(client: ClientMatch): inbound.Authn {
  const make = (permit: inbound.Authn['permit']) => create(inbound.AuthnSchema, { permit });
  const open = create(inbound.Authn_PermitUnauthenticatedSchema);
  if (client.kind === 'unauthenticated') return make({ case: 'unauthenticated', value: open });
  const meshed = (clients: inbound.Authn_PermitMeshTLS['clients']) =>
    make({ case: 'meshTLS', value: create(inbound.Authn_PermitMeshTLSSchema, { clients }) });
  if (client.kind === 'tls') return meshed({ case: 'unauthenticated', value: open });
  const identities = client.identities.map((name) => ({ name }));
  const suffixes = client.suffixes.map((parts) => ({ parts: [...parts] }));
  const value = create(inbound.Authn_PermitMeshTLS_PermitClientIdentitiesSchema, { identities, suffixes });
  return meshed({ case: 'identities', value });
}
