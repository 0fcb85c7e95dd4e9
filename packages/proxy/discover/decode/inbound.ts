import type { inbound } from '#api/mesh';
import { DEFAULT_ROUTE, LOCALHOST } from '../default-policy.ts';
import {
  type Authorization,
  defaultMeta,
  type InboundRoute,
  type Meta,
  type RateLimitPolicy,
  type ServerPolicy,
} from '../types.ts';
import { filterDecoder } from './filters.ts';
import { decodeGrpcMatches, decodeHost, decodeMatch } from './match.ts';
import { decodeMeta, decodeNetwork, durationMs, Invalid, need } from './values.ts';

/** A port's policy from the wire. All or nothing: any violation makes a policy that lets nothing in. */
export function decodeServer(server: inbound.Server): ServerPolicy {
  try {
    const meta = metaOfLabels(server.labels);
    const authorizations = [...server.authorizations.map(decodeAuthz), LOCALHOST];
    const common = { meta, authorizations, detectTimeoutMs: 0 };
    const orDefault = (routes: readonly InboundRoute[]) => (routes.length === 0 ? [DEFAULT_ROUTE] : routes);
    const { kind } = need(server.protocol, 'the protocol');
    switch (kind.case) {
      case 'detect':
        return {
          ...common,
          protocol: 'detect',
          detectTimeoutMs: durationMs(need(kind.value.timeout, 'the timeout of detection')),
          routes: orDefault(kind.value.httpRoutes.map(decodeHttpRoute)),
          rateLimit: kind.value.httpLocalRateLimit && decodeRateLimit(kind.value.httpLocalRateLimit),
        };
      case 'http1':
      case 'http2':
        return {
          ...common,
          protocol: kind.case,
          detectTimeoutMs: DETECT_MS,
          routes: orDefault(kind.value.routes.map(decodeHttpRoute)),
          rateLimit: kind.value.localRateLimit && decodeRateLimit(kind.value.localRateLimit),
        };
      case 'grpc':
        return {
          ...common,
          protocol: 'grpc',
          detectTimeoutMs: DETECT_MS,
          routes: orDefault(kind.value.routes.map(decodeGrpcRoute)),
        };
      case 'opaque':
      case 'tls':
        return { ...common, protocol: kind.case, routes: [] };
      default:
        throw new Invalid('the kind of protocol is missing');
    }
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    const invalid = `invalid server configuration: ${error.message}`;
    const meta = defaultMeta('invalid');
    return {
      protocol: 'detect',
      detectTimeoutMs: DETECT_MS,
      meta,
      authorizations: [],
      routes: [DEFAULT_ROUTE],
      invalid,
    };
  }
}

/** For policies that name HTTP but whose connections turn out to need a look. */
const DETECT_MS = 10_000;

/** `{group, kind, name}`, or in the older form only `name: "default:foo"`. */
function metaOfLabels(labels: Readonly<Record<string, string>>): Meta {
  const name = need(labels['name'], 'label "name"');
  const [prefix, rest] = name.split(/:(.*)/s);
  if (prefix === 'default' && rest) return defaultMeta(rest);
  return { group: labels['group'] ?? '', kind: labels['kind'] ?? '', name, namespace: '', section: '', port: 0 };
}

function decodeAuthz(authz: inbound.Authz): Authorization {
  if (authz.networks.length === 0) throw new Invalid('an authorization without networks');
  return {
    meta: authz.metadata ? decodeMeta(authz.metadata, 'an authorization', false) : metaOfLabels(authz.labels),
    networks: authz.networks.map(({ net, except }) => ({ net: decodeNetwork(net), except: except.map(decodeNetwork) })),
    clients: decodeClients(need(authz.authentication, 'the authentication of an authorization')),
  };
}

function decodeClients({ permit }: inbound.Authn): Authorization['clients'] {
  if (permit.case === 'unauthenticated') return 'any';
  const { clients } = need(permit.value, 'what an authentication permits');
  if (clients.case === 'unauthenticated') return 'any-tls';
  const { identities, suffixes } = need(clients.value, 'the clients of an authentication');
  return {
    identities: new Set(identities.map(({ name }) => name)),
    suffixes: suffixes.map(({ parts }) => parts.join('.')),
  };
}

const httpFilter = filterDecoder('http');
const grpcFilter = filterDecoder('grpc');

function decodeHttpRoute(route: inbound.HttpRoute): InboundRoute {
  return {
    ...decodeRoute(route),
    rules: route.rules.map(({ matches, filters }) => ({
      matches: matches.map(decodeMatch),
      filters: filters.map(httpFilter),
    })),
  };
}

function decodeGrpcRoute(route: inbound.GrpcRoute): InboundRoute {
  return {
    ...decodeRoute(route),
    rules: route.rules.map(({ matches, filters }) => ({
      matches: decodeGrpcMatches(matches),
      filters: filters.map(grpcFilter),
    })),
  };
}

function decodeRoute(route: inbound.HttpRoute | inbound.GrpcRoute): Omit<InboundRoute, 'rules'> {
  return {
    meta: decodeMeta(route.metadata, 'a route', false),
    hosts: route.hosts.map(decodeHost),
    authorizations: route.authorizations.map(decodeAuthz),
  };
}

function decodeRateLimit(limit: inbound.HttpLocalRateLimit): RateLimitPolicy {
  return {
    meta: decodeMeta(limit.metadata, 'a rate limit', false),
    total: limit.total && perSecond(limit.total),
    perIdentity: limit.identity && perSecond(limit.identity),
    overrides: limit.overrides.map(({ limit: own, clients }) => ({
      perSecond: perSecond(need(own, 'the limit of an override')),
      identities: need(clients, 'the clients of an override').identities.map(({ name }) => name),
    })),
  };
}

function perSecond({ requestsPerSecond }: inbound.HttpLocalRateLimit_Limit): number {
  if (requestsPerSecond === 0) throw new Invalid('a rate limit of 0');
  return requestsPerSecond;
}
