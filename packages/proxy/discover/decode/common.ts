import { decodeIp, type destination, type httpRoute, type meta, type net } from '#api/mesh';
import { Cidr } from '../cidr.ts';
import {
  defaultMeta,
  type EndpointInfo,
  type HeaderEdit,
  type HostMatch,
  type HttpFilter,
  type HttpMatch,
  type Meta,
  type TextMatch,
} from '../types.ts';

/** A message that cannot be used as a whole; the text goes to the log and, shortened, to clients. */
export class Invalid extends Error {}

/** The value, or Invalid. */
export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Invalid(`${what} is missing`);
  return value;
}

/** `Duration` in milliseconds. */
export function durationMs(duration: { seconds: bigint; nanos: number }): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

export function decodeMeta(metadata: meta.Metadata | undefined, what: string, needsNamespace = true): Meta {
  const { kind } = need(metadata, `metadata of ${what}`);
  if (kind.case === 'default') return defaultMeta(kind.value);
  const { group, kind: type, name, namespace, section, port } = need(kind.value, `metadata of ${what}`);
  if (group === '' || type === '' || name === '' || (needsNamespace && namespace === ''))
    throw new Invalid(`metadata of ${what} must have group, kind, name${needsNamespace ? ' and namespace' : ''}`);
  return { group, kind: type, name, namespace, section, port };
}

export function decodeNetwork(network: net.IPNetwork | undefined): Cidr {
  const ip = need(decodeIp(network?.ip), 'address of a network');
  return need(Cidr.of({ ip, prefix: network?.prefixLen ?? 0 }), 'address of a network');
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'HEAD', 'TRACE'] as const;

export function decodeMatch(match: httpRoute.HttpRouteMatch): HttpMatch {
  const { method } = match;
  return {
    path: match.path && decodeText(match.path.kind),
    headers: match.headers.map(({ name, value }) => ({ name: name.toLowerCase(), match: decodeText(value) })),
    query: match.queryParams.map(({ name, value }) => ({ name, match: decodeText(value) })),
    method: method?.type.case === 'registered' ? METHODS[method.type.value] : method?.type.value,
  };
}

function decodeText(kind: { case: string | undefined; value?: unknown }): TextMatch {
  const value =
    kind.value instanceof Uint8Array ? Buffer.from(kind.value).toString('latin1') : String(kind.value ?? '');
  switch (kind.case) {
    case 'exact':
    case 'prefix':
      return { kind: kind.case, value };
    case 'regex':
      return { kind: 'regex', regex: decodeRegex(value) };
    default:
      throw new Invalid('a match without a kind');
  }
}

/** Always anchored to the whole value. */
function decodeRegex(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch (error) {
    throw new Invalid(`${JSON.stringify(source)} is no regular expression: ${(error as Error).message}`);
  }
}

export function decodeHost(host: httpRoute.HostMatch): HostMatch {
  if (host.match.case === 'exact') return { kind: 'exact', value: host.match.value.toLowerCase() };
  const { reverseLabels } = need(host.match.value, 'a host match');
  return { kind: 'suffix', value: [...reverseLabels].reverse().join('.').toLowerCase() };
}

export function decodeHeaderEdit(edit: httpRoute.RequestHeaderModifier | httpRoute.ResponseHeaderModifier): HeaderEdit {
  const pairs = (headers: httpRoute.RequestHeaderModifier['add']): (readonly [string, string])[] =>
    (headers?.headers ?? []).map(({ name, value }) => decodeHeader(name, Buffer.from(value).toString('latin1')));
  return { add: pairs(edit.add), set: pairs(edit.set), remove: edit.remove.map((name) => name.toLowerCase()) };
}

/** A line that a filter puts in must stay one line. */
function decodeHeader(name: string, value: string): readonly [string, string] {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new Invalid(`${JSON.stringify(name)} is no header that could be set`);
  return [name.toLowerCase(), value];
}

/** The filters that every kind of HTTP route can have, by the name of their field. */
export function decodeFilter(filter: { kind: { case: string | undefined; value?: unknown } }): HttpFilter {
  const { kind } = filter;
  switch (kind.case) {
    case 'failureInjector': {
      const { status, message, ratio } = kind.value as httpRoute.HttpFailureInjector;
      if (ratio && ratio.denominator === 0) throw new Invalid('a failure ratio with denominator 0');
      return { kind: 'fail', status, message, ratio: ratio ? ratio.numerator / ratio.denominator : 1 };
    }
    case 'requestHeaderModifier':
      return { kind: 'request-headers', edit: decodeHeaderEdit(kind.value as httpRoute.RequestHeaderModifier) };
    case 'responseHeaderModifier':
      return { kind: 'response-headers', edit: decodeHeaderEdit(kind.value as httpRoute.ResponseHeaderModifier) };
    case 'redirect':
      return decodeRedirect(kind.value as httpRoute.RequestRedirect);
    default:
      throw new Invalid('a filter without a kind');
  }
}

function decodeRedirect(redirect: httpRoute.RequestRedirect): HttpFilter {
  const { scheme, path } = redirect;
  const replace = path?.replace;
  return {
    kind: 'redirect',
    status: redirect.status === 0 ? 301 : redirect.status,
    scheme: scheme?.type.case === 'registered' ? (['http', 'https'] as const)[scheme.type.value] : scheme?.type.value,
    host: redirect.host === '' ? undefined : redirect.host,
    port: redirect.port === 0 ? undefined : redirect.port,
    path: replace?.case === undefined ? undefined : { kind: replace.case, value: replace.value },
  };
}

/** Undefined when the address is missing: such an endpoint is left out. */
export function decodeEndpoint(
  addr: destination.WeightedAddr,
  setLabels: Readonly<Record<string, string>> = {},
): EndpointInfo | undefined {
  const ip = decodeIp(addr.addr?.ip);
  if (ip === undefined || !addr.addr) return undefined;
  const hint = addr.protocolHint;
  const inboundPort = hint?.opaqueTransport?.inboundPort ?? 0;
  return {
    ip,
    port: addr.addr.port & 0xffff,
    tls: decodeTls(addr.tlsIdentity),
    h2: hint?.protocol.case === 'h2',
    opaque: hint?.protocol.case === 'opaque',
    inboundPort: inboundPort >= 1 && inboundPort <= 65_534 ? inboundPort : undefined,
    authorityOverride: decodeAuthority(addr.authorityOverride?.authorityOverride),
    labels: { ...setLabels, ...addr.metricLabels },
  };
}

/** Names that cannot be used mean plain text, as in Linkerd. */
function decodeTls(identity: destination.TlsIdentity | undefined): EndpointInfo['tls'] {
  const serverName = identity?.serverName?.name;
  if (identity?.strategy.case === 'dnsLikeIdentity') {
    const { name } = identity.strategy.value;
    return isDnsName(name) ? { identity: name, serverName: serverName || name } : undefined;
  }
  if (identity?.strategy.case !== 'uriLikeIdentity' || !serverName) return undefined;
  const { uri } = identity.strategy.value;
  return uri.includes('://') ? { identity: uri, serverName } : undefined;
}

function isDnsName(name: string): boolean {
  return name !== '' && !name.endsWith('.') && /^[A-Za-z0-9._-]+$/.test(name);
}

function decodeAuthority(text: string | undefined): EndpointInfo['authorityOverride'] {
  const match = /^([^:]+):(\d{1,5})$/.exec(text ?? '');
  return match ? { host: match[1] ?? '', port: Number(match[2]) } : undefined;
}
