/** Authorizations: which resources admit whom to a Server or a route, and their wire form. */
import { create } from '@bufbuild/protobuf';
import { inbound } from '#api/mesh';
import { identityOf, type MeshDomain, namespaceIdentitySuffix } from '#model/names';
import { DEFAULT_POLICIES, type DefaultPolicyName } from '#model/policy';
import { ALL_NETWORKS, encodeNetwork, type NetworkMatch } from '../networks.ts';
import type { RouteRecord } from '../routes/index.ts';
import type {
  AuthorizationPolicyRecord,
  MeshTlsRecord,
  ServerAuthorizationRecord,
  ServiceAccountRef,
} from './clients.ts';
import type { ServerRecord } from './servers.ts';
import type { InboundView } from './view.ts';

export interface AuthorizeConfig extends MeshDomain {
  clusterNetworks: readonly NetworkMatch[];
}

/** Group, kind and name for metadata and metrics; `kind: default` has no group. */
interface AuthzName {
  group: '' | 'policy.linkerd.io';
  kind: 'default' | 'authorizationpolicy' | 'serverauthorization';
  name: string;
}

/** Which clients an authorization admits. */
type ClientMatch =
  | { kind: 'unauthenticated' }
  | { kind: 'tls' }
  | {
      kind: 'identities';
      identities: readonly string[];
      /** Labels of names' ends; no label matches all. */
      suffixes: readonly (readonly string[])[];
    };

interface Authorization {
  name: AuthzName;
  /** None: nobody is admitted. */
  networks: readonly NetworkMatch[];
  client: ClientMatch;
}

const POLICY = 'policy.linkerd.io';
/** Any identity. */
const ANYONE: ClientMatch = { kind: 'identities', identities: [], suffixes: [[]] };

/** What a default policy admits; none for `deny`. */
export function defaultAuthz(policy: DefaultPolicyName, config: AuthorizeConfig): inbound.Authz[] {
  const { networks, identity } = DEFAULT_POLICIES[policy];
  return encodeAll([
    {
      name: { group: '', kind: 'default', name: policy },
      networks: { all: ALL_NETWORKS, cluster: config.clusterNetworks, none: [] }[networks],
      client: identity === 'any' ? ANYONE : { kind: 'unauthenticated' },
    },
  ]);
}

/** Admits probes from the networks of the kubelets. */
export function probeAuthz(networks: readonly NetworkMatch[]): inbound.Authz[] {
  return encodeAll([
    { name: { group: '', kind: 'default', name: 'probe' }, networks, client: { kind: 'unauthenticated' } },
  ]);
}

/**
 * Everything that admits clients to a Server. The Server's own accessPolicy comes last: the proxy names the first that fits, and
 * what a precise policy admits should not be reported as audited.
 */
export function serverAuthz(view: InboundView, server: ServerRecord, config: AuthorizeConfig): inbound.Authz[] {
  const resources = [
    ...[...view.serverAuthorizations(server)].map((each) => ofServerAuthorization(each, config)),
    ...ofPolicies(view, view.serverPolicies(server), config),
  ];
  const own = server.accessPolicy ? defaultAuthz(server.accessPolicy, config) : [];
  return [...encodeAll(resources.sort(byName)), ...own];
}

/** What admits clients to a route beside those whom its Server admits: the proxy adds these by itself. */
export function routeAuthz(view: InboundView, route: RouteRecord, config: AuthorizeConfig): inbound.Authz[] {
  return encodeAll(ofPolicies(view, view.routePolicies(route), config).sort(byName));
}

function byName({ name: a }: Authorization, { name: b }: Authorization): number {
  const [left, right] = [`${a.kind} ${a.name}`, `${b.kind} ${b.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

function ofServerAuthorization(record: ServerAuthorizationRecord, config: AuthorizeConfig): Authorization {
  const { client } = record;
  return {
    name: { group: POLICY, kind: 'serverauthorization', name: record.name },
    networks: record.networks ?? config.clusterNetworks,
    client:
      typeof client === 'string'
        ? { kind: client }
        : readIdentities([...client.identities, ...identitiesOf(client.serviceAccounts, config)]),
  };
}

function ofPolicies(
  view: InboundView,
  policies: Iterable<AuthorizationPolicyRecord>,
  config: AuthorizeConfig,
): Authorization[] {
  return [...policies].flatMap((each) => ofPolicy(view, each, config) ?? []);
}

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
  for (const { kind, key } of policy.required)
    if (kind === 'networkauthentication') {
      const found = view.networkAuthentication(key);
      if (!found) return undefined;
      networks = found.networks;
    } else if (kind === 'meshtlsauthentication') {
      const found = view.meshTlsAuthentication(key);
      if (!found) return undefined;
      client = readIdentities(allIdentitiesOf(found, config));
    } else {
      const [namespace = '', name = ''] = key.split('/');
      client = readIdentities(identitiesOf([{ namespace, name }], config));
    }
  return { name: { group: POLICY, kind: 'authorizationpolicy', name: policy.name }, networks, client };
}

function allIdentitiesOf({ identities, serviceAccounts, namespaces }: MeshTlsRecord, config: MeshDomain): string[] {
  return [
    ...identities,
    ...identitiesOf(serviceAccounts, config),
    ...namespaces.map((namespace) => `*.${namespaceIdentitySuffix(namespace, config)}`),
  ];
}

function identitiesOf(accounts: readonly ServiceAccountRef[], config: MeshDomain): string[] {
  return accounts.map(({ name, namespace }) => identityOf({ serviceAccount: name, namespace }, config));
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

/** A proxy takes no authorization without networks, and one for nowhere admits nobody. */
function encodeAll(authorizations: readonly Authorization[]): inbound.Authz[] {
  return authorizations.filter(({ networks }) => networks.length > 0).map(encodeAuthz);
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
