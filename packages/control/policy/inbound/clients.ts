/** What is kept of the objects that say which clients are admitted. */
import type { KubeObject } from '#api/kube';
import { checkAuthorizationPolicy } from '../admission/authorization.ts';
import { isRef, listOf, objectOf, Refusal, refOf, textsOf } from '../admission/refusal.ts';
import { type NetworkMatch, parseNetwork } from '../networks.ts';
import { readSelector, type Selector } from './selector.ts';
import { type Named, nameOf } from './table.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface ServiceAccountRef {
  name: string;
  namespace: string;
}

export interface ServerAuthorizationRecord extends Named {
  /** Of Servers in its namespace, by their labels in the second form. */
  server: { name: string } | { labels: Selector };
  /** Undefined: the cluster networks. */
  networks: readonly NetworkMatch[] | undefined;
  client: 'unauthenticated' | 'tls' | { identities: readonly string[]; serviceAccounts: readonly ServiceAccountRef[] };
}

/** Reads a ServerAuthorization. Throws Refusal, also for one that says neither which Server nor which clients. */
export function readServerAuthorization(object: KubeObject): ServerAuthorizationRecord {
  const spec = specOf(object);
  const server = objectOf(spec, 'server') ?? {};
  const client = objectOf(spec, 'client') ?? {};
  const selector = objectOf(server, 'selector');
  const { name } = refOf(server);
  if (!name && !selector) throw new Refusal('server: neither name nor selector is given');
  return {
    ...nameOf(object),
    server: selector && !name ? { labels: readSelector(selector) } : { name },
    networks: listOf(client, 'networks').length > 0 ? readNetworks(client) : undefined,
    client: readClient(client, object.metadata.namespace ?? ''),
  };
}

function readClient(client: Fields, ownNamespace: string): ServerAuthorizationRecord['client'] {
  if (client['unauthenticated'] === true) return 'unauthenticated';
  const meshTls = objectOf(client, 'meshTLS') ?? {};
  if (meshTls['unauthenticatedTLS'] === true) return 'tls';
  const identities = textsOf(meshTls, 'identities');
  const serviceAccounts = listOf(meshTls, 'serviceAccounts').map((each) => {
    const { name, namespace = ownNamespace } = refOf(each);
    return { name, namespace };
  });
  if (identities.length + serviceAccounts.length === 0) throw new Refusal('client: no client is named');
  return { identities, serviceAccounts };
}

/** A target or a requirement; group and kind in lower case, core is ''. */
export interface ObjectRef {
  group: string;
  kind: string;
  /** `namespace/name`; the name of a Namespace. */
  key: string;
}

export interface AuthorizationPolicyRecord extends Named {
  target: ObjectRef;
  /** At most one that names identities, and one that names networks. */
  required: readonly ObjectRef[];
}

/** Reads an AuthorizationPolicy. Throws Refusal. */
export function readAuthorizationPolicy(object: KubeObject): AuthorizationPolicyRecord {
  const named = nameOf(object);
  const spec = specOf(object);
  checkAuthorizationPolicy({ namespace: named.namespace, annotations: {}, spec });
  const { namespace: _, ...target } = objectOf(spec, 'targetRef') ?? {};
  return {
    ...named,
    target: readRef(target, named.namespace),
    required: listOf(spec, 'requiredAuthenticationRefs').map((ref) => readRef(ref, named.namespace)),
  };
}

function readRef(fields: Fields, ownNamespace: string): ObjectRef {
  const { group, kind, name, namespace = ownNamespace } = refOf(fields);
  const lower = kind.toLowerCase();
  return { group, kind: lower, key: group === '' && lower === 'namespace' ? name : `${namespace}/${name}` };
}

export interface MeshTlsRecord extends Named {
  identities: readonly string[];
  serviceAccounts: readonly ServiceAccountRef[];
  /** All identities of these are meant. */
  namespaces: readonly string[];
}

/** Reads a MeshTLSAuthentication. Throws Refusal. */
export function readMeshTls(object: KubeObject): MeshTlsRecord {
  const named = nameOf(object);
  const spec = specOf(object);
  const serviceAccounts: ServiceAccountRef[] = [];
  const namespaces: string[] = [];
  for (const ref of listOf(spec, 'identityRefs').map(refOf)) {
    if (!ref.name) throw new Refusal('identityRefs: name is missing');
    if (isRef(ref, '', 'Namespace')) namespaces.push(ref.name);
    else if (isRef(ref, '', 'ServiceAccount'))
      serviceAccounts.push({ name: ref.name, namespace: ref.namespace ?? named.namespace });
    else throw new Refusal(`identityRefs: expected ServiceAccount or Namespace, got ${ref.kind}`);
  }
  return { ...named, identities: textsOf(spec, 'identities'), serviceAccounts, namespaces };
}

export interface NetworkRecord extends Named {
  networks: readonly NetworkMatch[];
}

/** Reads a NetworkAuthentication. Throws Refusal, also for one without networks. */
export function readNetworkAuthentication(object: KubeObject): NetworkRecord {
  const networks = readNetworks(specOf(object));
  if (networks.length === 0) throw new Refusal('networks: at least one network must be specified');
  return { ...nameOf(object), networks };
}

function readNetworks(parent: Fields): NetworkMatch[] {
  const read = (text: unknown) => {
    const network = parseNetwork(String(text));
    if (!network) throw new Refusal(`networks: expected a network or an IP address, got ${JSON.stringify(text)}`);
    return network;
  };
  return listOf(parent, 'networks').map((each) => ({
    network: read(each['cidr']),
    except: textsOf(each, 'except').map(read),
  }));
}

function specOf(object: KubeObject): Fields {
  return objectOf(object as unknown as Fields, 'spec') ?? {};
}
