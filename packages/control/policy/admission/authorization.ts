/** Rules for Servers and for what admits clients to them. */
import { isDnsSubdomain } from '#model/names';
import { DEFAULT_POLICIES } from '#model/policy';
import { contains, parseNetwork } from '../networks.ts';
import {
  isRef,
  listOf,
  Malformed,
  neededRef,
  objectOf,
  type PolicyObject,
  type Ref,
  Refusal,
  type Rule,
  textOf,
  textsOf,
} from './refusal.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';
const PROTOCOLS = ['unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS'];

export const checkAuthorizationPolicy = ({ spec, namespace }: PolicyObject): void => {
  const targetSpec = objectOf(spec, 'targetRef');
  if (!targetSpec) throw new Refusal('targetRef is missing');
  checkTarget(neededRef(targetSpec, 'targetRef'), namespace);
  // An empty list admits everyone, so that a missing one must not be taken for it.
  if (!Array.isArray(spec['requiredAuthenticationRefs']))
    throw new Malformed('requiredAuthenticationRefs: expected a list, which may be empty');
  const refs = listOf(spec, 'requiredAuthenticationRefs').map((ref) => neededRef(ref, 'requiredAuthenticationRefs'));
  const count = (group: string, kind: string) => refs.filter((ref) => isRef(ref, group, kind)).length;
  const meshTls = count(POLICY, 'MeshTLSAuthentication');
  const accounts = count('', 'ServiceAccount');
  const networks = count(POLICY, 'NetworkAuthentication');
  if (meshTls > 1) throw new Refusal('only a single MeshTLSAuthentication may be set');
  if (accounts > 1) throw new Refusal('only a single ServiceAccount may be set');
  if (meshTls > 0 && accounts > 0)
    throw new Refusal('a MeshTLSAuthentication and a ServiceAccount may not be set together');
  if (networks > 1) throw new Refusal('only a single NetworkAuthentication may be set');
  if (meshTls + accounts + networks !== refs.length)
    throw new Refusal(
      `requiredAuthenticationRefs: expected MeshTLSAuthentication, NetworkAuthentication or ServiceAccount, got ${refs.map(textOf).join(', ')}`,
    );
};

function checkTarget(target: Ref, namespace: string): void {
  if (isRef(target, POLICY, 'Server') || isRef(target, POLICY, 'HTTPRoute')) return;
  if (isRef(target, GATEWAY, 'HTTPRoute') || isRef(target, GATEWAY, 'GRPCRoute')) return;
  if (!isRef(target, '', 'Namespace'))
    throw new Refusal(`targetRef: expected Server, HTTPRoute, GRPCRoute or Namespace, got ${textOf(target)}`);
  if (target.name !== namespace)
    throw new Refusal(
      `targetRef: a policy cannot target another namespace (${target.name}) than its own (${namespace})`,
    );
}

export const checkMeshTls: Rule = ({ spec }) => {
  const identities = textsOf(spec, 'identities');
  const refs = listOf(spec, 'identityRefs').map((ref) => neededRef(ref, 'identityRefs'));
  for (const identity of identities)
    if (!isIdentityMatch(identity))
      throw new Refusal(`identities: expected *, *.<dns>, a DNS name or a SPIFFE URI, got "${identity}"`);
  for (const ref of refs) {
    if (isRef(ref, '', 'Namespace')) {
      if (ref.namespace)
        throw new Refusal('identityRefs: a reference to a Namespace is cluster-scoped and may not have a namespace');
    } else if (!isRef(ref, '', 'ServiceAccount'))
      throw new Refusal(`identityRefs: expected ServiceAccount or Namespace, got ${textOf(ref)}`);
  }
  if (identities.length + refs.length === 0) throw new Refusal('identities or identityRefs must be set');
};

function isIdentityMatch(text: string): boolean {
  if (text === '*') return true;
  return text.startsWith('spiffe://') ? isSpiffeId(text) : isDnsSubdomain(text.replace(/^\*\./, ''));
}

/** A trust domain of lower-case letters, digits and `-._`, then path segments of letters, digits and `-._`. */
function isSpiffeId(uri: string): boolean {
  const [domain = '', ...segments] = uri.slice('spiffe://'.length).split('/');
  if (uri.length > 2048 || !/^[a-z0-9._-]{1,255}$/.test(domain)) return false;
  return segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && segment !== '.' && segment !== '..');
}

export const checkNetworkAuthentication: Rule = ({ spec }) => {
  const networks = listOf(spec, 'networks');
  if (networks.length === 0) throw new Refusal('networks: at least one network must be specified');
  checkNetworks(networks);
};

/** Each is a network whose exceptions lie within it and leave something of it. */
export function checkNetworks(networks: readonly Readonly<Record<string, unknown>>[]): void {
  for (const entry of networks) {
    const cidr = String(entry['cidr'] ?? '');
    const network = parseNetwork(cidr);
    if (!network) throw new Refusal(`cidr: expected a network or an IP address, got "${cidr}"`);
    for (const text of textsOf(entry, 'except')) {
      const except = parseNetwork(text);
      if (!except) throw new Refusal(`except: expected a network or an IP address, got "${text}"`);
      if (contains(except, network)) throw new Refusal(`cidr '${cidr}' is completely negated by exception '${text}'`);
      if (!contains(network, except)) throw new Refusal(`cidr '${cidr}' does not include exception '${text}'`);
    }
  }
}

export const checkServer: Rule = (object) => {
  const { spec } = object;
  const port = spec['port'];
  const numbered = typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535;
  const named = typeof port === 'string' && /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/i.test(port);
  if (!numbered && !named) throw new Refusal(`port: expected 1 to 65535 or a port name, got ${JSON.stringify(port)}`);
  const selectors = ['podSelector', 'externalWorkloadSelector'].map((field) => objectOf(spec, field));
  if (selectors.filter(Boolean).length !== 1)
    throw new Refusal('exactly one of podSelector and externalWorkloadSelector must be set');
  for (const selector of selectors) if (selector) checkSelector(selector);
  const protocol = spec['proxyProtocol'] ?? 'unknown';
  if (!PROTOCOLS.includes(String(protocol)))
    throw new Refusal(`proxyProtocol: expected one of ${PROTOCOLS.join(', ')}, got "${protocol}"`);
  const policy = spec['accessPolicy'] ?? undefined;
  if (policy !== undefined && !Object.hasOwn(DEFAULT_POLICIES, String(policy)))
    throw new Refusal(`accessPolicy: expected one of ${Object.keys(DEFAULT_POLICIES).join(', ')}, got "${policy}"`);
};

function checkSelector(selector: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(objectOf(selector, 'matchLabels') ?? {}))
    if (typeof value !== 'string') throw new Malformed(`matchLabels: ${key}: expected a text`);
  for (const expression of listOf(selector, 'matchExpressions')) {
    const operator = String(expression['operator'] ?? '');
    const values = textsOf(expression, 'values');
    if (typeof expression['key'] !== 'string') throw new Refusal('matchExpressions: key is missing');
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) throw new Refusal(`matchExpressions: ${operator} needs values`);
    } else if (operator !== 'Exists' && operator !== 'DoesNotExist')
      throw new Refusal(`matchExpressions: expected In, NotIn, Exists or DoesNotExist, got "${operator}"`);
    else if (values.length > 0) throw new Refusal(`matchExpressions: ${operator} takes no values`);
  }
}

export const checkServerAuthorization: Rule = ({ spec }, warn) => {
  const client = objectOf(spec, 'client');
  if (!client) throw new Refusal('client is missing');
  const meshTls = objectOf(client, 'meshTLS');
  if (meshTls && client['unauthenticated'] === true)
    throw new Refusal('client: meshTLS cannot be set where unauthenticated clients are allowed');
  const named = meshTls ? textsOf(meshTls, 'identities').length + listOf(meshTls, 'serviceAccounts').length : 0;
  if (meshTls?.['unauthenticatedTLS'] === true && named > 0)
    throw new Refusal(
      'client: identities and serviceAccounts cannot be set where unauthenticated TLS clients are allowed',
    );
  checkNetworks(listOf(client, 'networks'));
  const server = objectOf(spec, 'server') ?? {};
  const selector = objectOf(server, 'selector');
  if (!server['name'] && !selector) throw new Malformed('server: expected a name or a selector');
  if (selector) checkSelector(selector);
  if (client['unauthenticated'] !== true && meshTls?.['unauthenticatedTLS'] !== true && named === 0)
    warn('client: admits nobody: neither unauthenticated nor meshTLS says whom');
};
