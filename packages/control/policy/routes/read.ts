/** Reads routes of all kinds. What cannot be read throws a Refusal, so that the last good version can stay. */
import type { Gvr, KubeObject } from '#api/kube';
import { parseGoDuration } from '#model/annotations';
import { listOf, objectOf, Refusal, refOf, textsOf } from '../admission/refusal.ts';
import type {
  BackendRef,
  GrpcMatch,
  HeaderChanges,
  HttpMatch,
  IgnoredField,
  ParentRef,
  PathChange,
  RouteFilter,
  RouteRecord,
  RouteRule,
  RouteType,
  Share,
  StoredParentStatus,
  ValueMatch,
} from './record.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One kind of route as the API server has it. */
export interface RouteSource {
  type: RouteType;
  group: RouteRecord['group'];
  kind: string;
  /** With the newest version that is read. */
  gvr: Gvr;
  /** Read, too, where the newest is not served. */
  olderVersions: readonly string[];
}

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

/** `versions`: the newest first; their meaning is the same. */
function source(type: RouteType, group: RouteRecord['group'], kind: string, ...versions: string[]): RouteSource {
  const [version = '', ...olderVersions] = versions;
  return { type, group, kind, gvr: { group, version, resource: `${kind.toLowerCase()}s` }, olderVersions };
}

/** Every kind of route that the mesh reads. */
export const ROUTE_SOURCES: readonly RouteSource[] = [
  source('http', POLICY, 'HTTPRoute', 'v1beta3'),
  source('http', GATEWAY, 'HTTPRoute', 'v1', 'v1beta1'),
  source('grpc', GATEWAY, 'GRPCRoute', 'v1', 'v1alpha2'),
  source('tls', GATEWAY, 'TLSRoute', 'v1', 'v1alpha3', 'v1alpha2'),
  source('tcp', GATEWAY, 'TCPRoute', 'v1', 'v1alpha2'),
];

/** Reads an object of a source. Throws Refusal. */
export function readRoute(source: RouteSource, object: KubeObject): RouteRecord {
  const { type, group, kind } = source;
  const { namespace = '', name = '', creationTimestamp = '', annotations = {} } = object.metadata;
  const fields = object as unknown as Fields;
  const spec = objectOf(fields, 'spec') ?? {};
  const base = {
    group,
    kind,
    namespace,
    name,
    createdAt: creationTimestamp,
    annotations,
    problem: undefined,
    ...versionOf(source, object),
    parents: listOf(spec, 'parentRefs').map((ref) => readParent({ group, ...ref }, namespace)),
    hostnames: textsOf(spec, 'hostnames'),
  };
  const rules = <M>(readMatches: (rule: Fields) => M[]): RouteRule<M>[] =>
    listOf(spec, 'rules').map((rule) => readRule(rule, readMatches));
  if (type === 'http') return { type, ...base, rules: rules(readHttpMatches) };
  if (type === 'grpc') return { type, ...base, rules: rules(readGrpcMatches) };
  return { type, ...base, rules: rules<never>(() => []) };
}

/** What belongs to the newest version of a route even when the rest of it cannot be read. Throws Refusal. */
function versionOf(
  { gvr }: RouteSource,
  object: KubeObject,
): Pick<RouteRecord, 'generation' | 'gvr' | 'resourceVersion' | 'status'> {
  const { generation, resourceVersion } = object.metadata;
  const version = object.apiVersion?.split('/')[1] ?? gvr.version;
  const status = objectOf(object as unknown as Fields, 'status') ?? {};
  return {
    generation,
    gvr: { ...gvr, version },
    resourceVersion,
    status: listOf(status, 'parents') as unknown as readonly StoredParentStatus[],
  };
}

/**
 * The record of an object that {@link readRoute} refuses: the last good one, or without any a route that has parents, so that they
 * can be told, and counts for nothing. Undefined when not even those can be read.
 */
export function readUnreadable(
  source: RouteSource,
  object: KubeObject,
  old: RouteRecord | undefined,
  message: string,
): RouteRecord | undefined {
  const lastGood = old !== undefined && (old.problem?.lastGood ?? true);
  try {
    const spec = { parentRefs: listOf(objectOf(object as unknown as Fields, 'spec') ?? {}, 'parentRefs') };
    const base = lastGood ? old : readRoute(source, { ...object, spec } as KubeObject);
    return { ...base, ...versionOf(source, object), problem: { message, lastGood } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return old;
  }
}

function readParent(ref: Fields, routeNamespace: string): ParentRef {
  const { group, kind, name, namespace, port } = refOf({ kind: 'Gateway', ...ref });
  return {
    group,
    kind: kind.toLowerCase(),
    name,
    namespace: namespace ?? routeNamespace,
    port,
    sectionName: text(ref, 'sectionName') || undefined,
  };
}

const IGNORED: readonly IgnoredField[] = ['retry', 'sessionPersistence'];

function readRule<M>(rule: Fields, readMatches: (rule: Fields) => M[]): RouteRule<M> {
  const backends = rule['backendRefs'] === undefined ? undefined : listOf(rule, 'backendRefs').map(readBackend);
  const ignored = IGNORED.filter((field) => (rule[field] ?? undefined) !== undefined);
  return {
    matches: readMatches(rule),
    filters: listOf(rule, 'filters').map(readFilter),
    backends: backends?.length === 0 ? undefined : backends,
    requestTimeoutMs: readTimeout(objectOf(rule, 'timeouts')),
    ...(ignored.length > 0 && { ignored }),
  };
}

/** Durations of the Gateway API (GEP-2257) are a part of Go's. */
function readTimeout(timeouts: Fields | undefined): number | undefined {
  const request = timeouts && text(timeouts, 'request');
  return request === undefined ? undefined : parseGoDuration(request);
}

function readBackend(ref: Fields): BackendRef {
  const { group, kind, name, namespace, port } = refOf({ kind: 'Service', ...ref });
  const weight = ref['weight'];
  return {
    group,
    kind: kind.toLowerCase(),
    name,
    namespace,
    port,
    weight: typeof weight === 'number' ? weight : 1,
    filters: listOf(ref, 'filters').map(readFilter),
  };
}

/** Without any match, a rule takes everything. */
function readHttpMatches(rule: Fields): HttpMatch[] {
  const matches = listOf(rule, 'matches');
  return (matches.length > 0 ? matches : [{}]).map((match) => {
    const path = objectOf(match, 'path') ?? {};
    const type = PATH_TYPES[text(path, 'type') ?? 'PathPrefix'];
    if (!type) throw new Refusal(`matches: path: unknown type ${path['type']}`);
    return {
      path: { type, value: text(path, 'value') ?? '/' },
      headers: readValues(match, 'headers'),
      query: readValues(match, 'queryParams'),
      method: text(match, 'method'),
    };
  });
}
const PATH_TYPES: Readonly<Record<string, HttpMatch['path']['type']>> = {
  Exact: 'exact',
  PathPrefix: 'prefix',
  RegularExpression: 'regex',
};

function readGrpcMatches(rule: Fields): GrpcMatch[] {
  const matches = listOf(rule, 'matches');
  return (matches.length > 0 ? matches : [{}]).map((match) => {
    const method = objectOf(match, 'method') ?? {};
    if (method['type'] === 'RegularExpression')
      throw new Refusal('matches: method: regular expressions are not supported; use Exact');
    return {
      service: text(method, 'service') || undefined,
      method: text(method, 'method') || undefined,
      headers: readValues(match, 'headers'),
    };
  });
}

function readValues(match: Fields, field: string): ValueMatch[] {
  return listOf(match, field).map((each) => ({
    name: text(each, 'name') ?? '',
    type: each['type'] === 'RegularExpression' ? 'regex' : 'exact',
    value: text(each, 'value') ?? '',
  }));
}

function readFilter(filter: Fields): RouteFilter {
  const type = text(filter, 'type') ?? '';
  const read = FILTERS[type];
  return read ? read(filter) : { type: 'unknown', name: type };
}

const FILTERS: Readonly<Record<string, (filter: Fields) => RouteFilter>> = {
  RequestHeaderModifier: (filter) => ({
    type: 'request-headers',
    changes: readHeaders(objectOf(filter, 'requestHeaderModifier')),
  }),
  ResponseHeaderModifier: (filter) => ({
    type: 'response-headers',
    changes: readHeaders(objectOf(filter, 'responseHeaderModifier')),
  }),
  RequestRedirect: (filter) => {
    const redirect = objectOf(filter, 'requestRedirect') ?? {};
    return {
      type: 'redirect',
      scheme: text(redirect, 'scheme'),
      host: text(redirect, 'hostname'),
      port: number(redirect, 'port'),
      path: readPath(redirect),
      status: number(redirect, 'statusCode') ?? 302,
    };
  },
  URLRewrite: (filter) => {
    const rewrite = objectOf(filter, 'urlRewrite') ?? {};
    return { type: 'rewrite', host: text(rewrite, 'hostname'), path: readPath(rewrite) };
  },
  RequestMirror: (filter) => {
    const mirror = objectOf(filter, 'requestMirror') ?? {};
    return { type: 'mirror', backend: readBackend(objectOf(mirror, 'backendRef') ?? {}), share: readShare(mirror) };
  },
};

function readHeaders(modifier: Fields = {}): HeaderChanges {
  const pairs = (field: string) =>
    listOf(modifier, field).map((each) => ({ name: text(each, 'name') ?? '', value: text(each, 'value') ?? '' }));
  return { set: pairs('set'), add: pairs('add'), remove: textsOf(modifier, 'remove') };
}

function readPath(parent: Fields): PathChange | undefined {
  const path = objectOf(parent, 'path');
  if (!path) return undefined;
  return path['type'] === 'ReplaceFullPath'
    ? { replace: 'full', value: text(path, 'replaceFullPath') ?? '/' }
    : { replace: 'prefix', value: text(path, 'replacePrefixMatch') ?? '/' };
}

function readShare(mirror: Fields): Share | undefined {
  const percent = number(mirror, 'percent');
  if (percent !== undefined) return { numerator: percent, denominator: 100 };
  const fraction = objectOf(mirror, 'fraction');
  return (
    fraction && { numerator: number(fraction, 'numerator') ?? 0, denominator: number(fraction, 'denominator') ?? 100 }
  );
}

function text(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Refusal(`${field}: expected a text`);
  return value;
}

function number(fields: Fields, field: string): number | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw new Refusal(`${field}: expected a number`);
  return value;
}
