/** What a request is about, read from method, path and query alone (kubernetes.md 4.2). */
export interface RequestInfo {
  readonly path: string;
  readonly query: URLSearchParams;
  /** False for paths outside /api/{v} and /apis/{g}/{v}. */
  readonly isResource: boolean;
  /** Kubernetes verb for resources, lower-case method for other paths. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** What follows the subresource, e.g. the path below `proxy/`. */
  readonly rest: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Segments after a namespace's name that belong to the namespace itself. */
const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/** Reads a request line. `pinnedName` extracts `metadata.name=x` from a field selector. */
export function readRequestInfo(
  method: string,
  url: string,
  pinnedName: (fieldSelector: string | undefined) => string | undefined,
): RequestInfo {
  const [rawPath = '/', search = ''] = splitOnce(url, '?');
  const query = new URLSearchParams(search);
  const parts = rawPath
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const path = `/${rawPath.split('/').map(decoded).join('/').replace(/^\/+/, '')}`;
  const none = { path, query, isResource: false, verb: method.toLowerCase(), ...NOTHING };
  const prefix = parts.shift();
  if (prefix !== 'api' && prefix !== 'apis') return none;
  if (parts.length < (prefix === 'api' ? 2 : 3)) return none;
  const group = prefix === 'api' ? '' : parts.shift()!;
  const version = parts.shift()!;
  let verb = VERBS[method] ?? '';
  if (parts[0] === 'watch' && parts.length > 1) {
    parts.shift();
    verb = 'watch';
  }
  const found = splitResource(parts);
  return {
    path,
    query,
    isResource: true,
    group,
    version,
    ...found,
    ...nameless(verb, found.name, query, pinnedName),
  };
}

/** True for `watch`, `watch=1` and `watch=true`, as Go's query conversion reads booleans. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

const NOTHING = {
  group: '',
  version: '',
  resource: '',
  subresource: '',
  namespace: undefined,
  name: '',
  rest: [],
} as const;

function splitResource(parts: string[]): Pick<RequestInfo, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'> {
  let namespace: string | undefined;
  if (parts[0] === 'namespaces' && parts[1] !== undefined) {
    namespace = parts[1];
    if (parts[2] !== undefined && !NAMESPACE_SUBRESOURCES.includes(parts[2])) parts.splice(0, 2);
  }
  const [resource = '', name = '', subresource = '', ...rest] = parts;
  return { namespace, resource, name, subresource, rest };
}

/** A get without a name lists or watches, a delete without one is a deletecollection. */
function nameless(
  verb: string,
  name: string,
  query: URLSearchParams,
  pinnedName: (fieldSelector: string | undefined) => string | undefined,
): { verb: string; name: string } {
  if (verb === 'watch') return { verb, name };
  if (verb === 'get' && isTrue(query.get('watch'))) return { verb: 'watch', name: name || pinned() };
  if (name) return { verb, name };
  if (verb === 'get') return { verb: 'list', name: pinned() };
  return { verb: verb === 'delete' ? 'deletecollection' : verb, name };

  function pinned(): string {
    return pinnedName(query.get('fieldSelector') ?? undefined) ?? '';
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A lone per cent sign: the text stands for itself and will match nothing.
    return part;
  }
}
