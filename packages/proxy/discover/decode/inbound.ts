import type { inbound } from '#api/mesh';
import { type Authorization, defaultMeta, type InboundRoute, type Meta, type ServerPolicy } from '../types.ts';
import {
  decodeFilter,
  decodeHost,
  decodeMatch,
  decodeMeta,
  decodeNetwork,
  durationMs,
  Invalid,
  need,
} from './common.ts';

export interface ServerDecoding {
  /** Appended to the authorizations of every policy. */
  readonly always: Authorization;
  /** For a policy that lists no routes. */
  readonly defaultRoute: InboundRoute;
}

/** A port's policy from the wire. All or nothing: any violation makes a policy that lets nothing in. */
export function decodeServer(server: inbound.Server, { always, defaultRoute }: ServerDecoding): ServerPolicy {
  try {
    const meta = metaOfLabels(server.labels);
    const authorizations = [...server.authorizations.map(decodeAuthz), always];
    const common = { meta, authorizations, detectTimeoutMs: 0 };
    const withRoutes = (routes: readonly inbound.HttpRoute[]): readonly InboundRoute[] =>
      routes.length === 0 ? [defaultRoute] : routes.map(decodeRoute);
    const { kind } = need(server.protocol, 'the protocol');
    switch (kind.case) {
      case 'detect':
        return {
          ...common,
          protocol: 'detect',
          detectTimeoutMs: durationMs(need(kind.value.timeout, 'the timeout of detection')),
          routes: withRoutes(kind.value.httpRoutes),
        };
      case 'http1':
      case 'http2':
        return { ...common, protocol: kind.case, detectTimeoutMs: DETECT_MS, routes: withRoutes(kind.value.routes) };
      case 'grpc':
        return { ...common, protocol: 'grpc', detectTimeoutMs: DETECT_MS, routes: [] };
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
      routes: [defaultRoute],
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

function decodeRoute(route: inbound.HttpRoute): InboundRoute {
  return {
    meta: decodeMeta(route.metadata, 'a route', false),
    hosts: route.hosts.map(decodeHost),
    authorizations: route.authorizations.map(decodeAuthz),
    rules: route.rules.map((rule) => ({
      matches: rule.matches.map(decodeMatch),
      filters: rule.filters.map(decodeFilter),
    })),
  };
}
