import { grpcTargets, HEADER_TEXT, httpTargets, PATH_TEXT } from './gateway-filters.ts';
import { backendRef, DEFAULT_RULES, DURATION, headerMatches, httpMatch } from './routes.ts';
import { type CrdSource, type CrdVersion, fields, list, oneOfNames, rule, rules, type Schema, str } from './schema.ts';
import { DNS_NAME, hostname, name, parentRef, routeStatus } from './shapes.ts';

/**
 * The Gateway API's route kinds (gateway.networking.k8s.io) with what the experimental channel of this release has, written down from
 * the published API, not copied from its manifests. Gateways and classes are not needed by a mesh. The release is the one of the
 * conformance suite that the mesh is tested with.
 */
export const GATEWAY_API_VERSION = 'v1.6.3';

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };
const ATOMIC = { 'x-kubernetes-list-type': 'atomic' } as const;
const AGE = { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' } as const;
const HOSTNAMES = { name: 'Hostnames', jsonPath: '.spec.hostnames' } as const;

/** A field of `ref` that may be left out, as CEL has it. */
const optional = (ref: string, field: string, none: string) => `(has(${ref}.${field}) ? ${ref}.${field} : ${none})`;
const sameParent = ['group', 'kind', 'name'].map((field) => `a.${field} == b.${field}`).join(' && ');
const same = (field: string, none: string) => `${optional('a', field, none)} == ${optional('b', field, none)}`;
const both = (field: string) => `has(a.${field}) == has(b.${field})`;
const SAME = `${sameParent} && ${same('__namespace__', "''")}`;

/** Parents, of which several that are one object say which part of it each means. */
const parents = (): Schema =>
  list(parentRef(GATEWAY), {
    maxItems: 32,
    ...ATOMIC,
    ...rules(
      rule(
        `self.all(a, self.all(b, !(${SAME}) || (${both('sectionName')} && ${both('port')})))`,
        'references to one parent must all have sectionName or port',
      ),
      rule(
        `self.all(a, self.exists_one(b, ${SAME} && ${same('sectionName', "''")} && ${same('port', '0')}))`,
        'references to one parent must differ in sectionName or port',
      ),
    ),
  });

/** What the specs of all routes have. */
const ofRoutes = () => ({ parentRefs: parents(), useDefaultGateways: oneOfNames('All', 'None') });
const hostnames = () => list(hostname(), { maxItems: 16, ...ATOMIC });
const route = (spec: Record<string, Schema>): Schema =>
  fields({ 'spec*': fields({ ...ofRoutes(), ...spec }), status: routeStatus(parentRef(GATEWAY)) });

const duration = (): Schema => str({ pattern: DURATION });
const ruleName = (): Schema => name({ pattern: DNS_NAME });
const sessionPersistence = (): Schema =>
  fields(
    {
      sessionName: str({ maxLength: 128 }),
      absoluteTimeout: duration(),
      type: { ...oneOfNames('Cookie', 'Header'), default: 'Cookie' },
      cookieConfig: fields({ lifetimeType: { ...oneOfNames('Permanent', 'Session'), default: 'Session' } }),
    },
    rules(
      rule(
        "!has(self.cookieConfig) || self.cookieConfig.lifetimeType != 'Permanent' || has(self.absoluteTimeout)",
        'absoluteTimeout is needed for a cookie whose lifetimeType is Permanent',
      ),
      rule("!has(self.cookieConfig) || self.type == 'Cookie'", 'cookieConfig is for type Cookie only'),
    ),
  );

/** Rules of a route, whose names differ and whose matches are bounded together. */
const ruleList = (item: Schema, matches: string, more: Schema = {}): Schema =>
  list(item, {
    maxItems: 16,
    ...ATOMIC,
    ...rules(
      rule(`self.map(r, ${matches}).sum() <= 128`, 'all rules of a route together may have 128 matches'),
      rule(
        'self.all(a, !has(a.name) || self.exists_one(b, has(b.name) && a.name == b.name))',
        'names of rules must differ within a route',
      ),
    ),
    ...more,
  });

const ofPaths = (cel: string, message: string) => rule(`self.type == 'RegularExpression' || ${cel}`, message);
const PATH_RULES = [
  ofPaths(
    "!['/./', '/../', '%2f', '%2F', '#'].exists(part, self.value.contains(part))",
    "value must not contain '/./', '/../', '%2f' or '#'",
  ),
  ofPaths("!self.value.endsWith('/.') && !self.value.endsWith('/..')", "value must not end with '/.' or '/..'"),
  ofPaths(`self.value.matches(r"${PATH_TEXT}")`, 'value must be a path as URLs have it'),
];

const timeouts = (): Schema =>
  fields(
    { request: duration(), backendRequest: duration() },
    rules(
      rule(
        "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
        'backendRequest timeout cannot be longer than request timeout',
      ),
    ),
  );
const retry = (): Schema =>
  fields({
    codes: list({ type: 'integer', minimum: 400, maximum: 599 }, { 'x-kubernetes-list-type': 'set' }),
    attempts: { type: 'integer', minimum: 1 },
    backoff: duration(),
  });

/** The prefix that is replaced must be known: filters that replace one need a single match by prefix. */
const prefixRule = (field: string, type: string) => {
  const replaces = (filters: string) =>
    `${filters}.exists(f, has(f.${field}) && has(f.${field}.path) && f.${field}.path.type == 'ReplacePrefixMatch')`;
  const ofRule = `has(self.filters) && ${replaces('self.filters')}`;
  const ofBackend = `has(self.backendRefs) && self.backendRefs.exists(b, has(b.filters) && ${replaces('b.filters')})`;
  const onePrefix = "size(self.matches) == 1 && has(self.matches[0].path) && self.matches[0].path.type == 'PathPrefix'";
  return rule(
    `!((${ofRule}) || (${ofBackend})) || (${onePrefix})`,
    `${type} with replacePrefixMatch needs exactly one match, of type PathPrefix`,
  );
};

const httpRule = (): Schema =>
  fields(
    {
      name: ruleName(),
      matches: list(httpMatch({ header: HEADER_TEXT, path: PATH_RULES }), {
        maxItems: 64,
        ...ATOMIC,
        default: DEFAULT_RULES[0]!.matches,
      }),
      ...httpTargets(),
      timeouts: timeouts(),
      retry: retry(),
      sessionPersistence: sessionPersistence(),
    },
    rules(
      rule(
        "!has(self.backendRefs) || size(self.backendRefs) == 0 || !has(self.filters) || self.filters.all(f, f.type != 'RequestRedirect')",
        'RequestRedirect filter must not be used together with backendRefs',
      ),
      prefixRule('requestRedirect', 'RequestRedirect'),
      prefixRule('urlRewrite', 'URLRewrite'),
    ),
  );

const httpRoute = (): Schema =>
  route({
    hostnames: hostnames(),
    rules: ruleList(httpRule(), 'size(r.matches)', { minItems: 1, default: DEFAULT_RULES }),
  });

/** Names of services and methods, where they are not patterns. */
const ofNames = (field: string, pattern: string) =>
  rule(
    `self.type == 'RegularExpression' || !has(self.${field}) || self.${field}.matches(r"${pattern}")`,
    `${field} must be a name of gRPC`,
  );
const grpcMethod = (): Schema =>
  fields(
    {
      type: { ...oneOfNames('Exact', 'RegularExpression'), default: 'Exact' },
      service: str({ maxLength: 1024 }),
      method: str({ maxLength: 1024 }),
    },
    rules(
      rule('has(self.service) || has(self.method)', "One or both of 'service' or 'method' must be specified"),
      ofNames('service', '^\\.?[a-zA-Z_][a-zA-Z_0-9]*(\\.[a-zA-Z_][a-zA-Z_0-9]*)*$'),
      ofNames('method', '^[a-zA-Z_][a-zA-Z_0-9]*$'),
    ),
  );
const grpcRoute = (): Schema =>
  route({
    hostnames: hostnames(),
    rules: ruleList(
      fields({
        name: ruleName(),
        matches: list(fields({ method: grpcMethod(), headers: headerMatches() }), { maxItems: 64, ...ATOMIC }),
        ...grpcTargets(),
        sessionPersistence: sessionPersistence(),
      }),
      '(has(r.matches) ? size(r.matches) : 0)',
    ),
  });

/** Routes that do not look into what they carry have one rule since v1alpha3. */
const streamRoute = (more: Record<string, Schema> = {}, rulesMax = 1): Schema =>
  route({
    ...more,
    'rules*': list(
      fields({ name: ruleName(), 'backendRefs*': list(backendRef(), { minItems: 1, maxItems: 16, ...ATOMIC }) }),
      { minItems: 1, maxItems: rulesMax, ...ATOMIC },
    ),
  });
const serverNames = (more: Schema = {}): Schema => list(hostname(), { maxItems: 1024, ...ATOMIC, ...more });
const tlsRoute = (): Schema =>
  streamRoute({
    'hostnames*': serverNames({
      minItems: 1,
      ...rules(rule('self.all(h, !isIP(h))', 'hostnames must be names, not addresses')),
    }),
  });

const source = (of: Pick<CrdSource, 'kind' | 'plural' | 'versions'>): CrdSource => ({
  group: GATEWAY.group,
  categories: ['gateway-api'],
  ...of,
});
/** Served for those who still ask for it. */
const former = (version: string, kind: string, schema: Schema): CrdVersion => ({
  name: version,
  deprecated: `${GATEWAY.group}/${version} ${kind} is a former version; use v1`,
  status: true,
  schema,
  columns: [AGE],
});

export const GATEWAY_CRDS: readonly CrdSource[] = [
  source({
    kind: 'HTTPRoute',
    plural: 'httproutes',
    versions: [
      { name: 'v1', storage: true, status: true, schema: httpRoute(), columns: [HOSTNAMES, AGE] },
      { name: 'v1beta1', status: true, schema: httpRoute(), columns: [HOSTNAMES, AGE] },
    ],
  }),
  source({
    kind: 'GRPCRoute',
    plural: 'grpcroutes',
    versions: [{ name: 'v1', storage: true, status: true, schema: grpcRoute(), columns: [HOSTNAMES, AGE] }],
  }),
  source({
    kind: 'TLSRoute',
    plural: 'tlsroutes',
    versions: [
      { name: 'v1', storage: true, status: true, schema: tlsRoute(), columns: [AGE] },
      former('v1alpha3', 'TLSRoute', tlsRoute()),
      former('v1alpha2', 'TLSRoute', streamRoute({ hostnames: serverNames() }, 16)),
    ],
  }),
  source({
    kind: 'TCPRoute',
    plural: 'tcproutes',
    versions: [
      { name: 'v1', storage: true, status: true, schema: streamRoute(), columns: [AGE] },
      former('v1alpha2', 'TCPRoute', streamRoute({}, 16)),
    ],
  }),
];

/** Marks of the bundle on each definition, as the upstream release carries them. */
export const GATEWAY_ANNOTATIONS: Readonly<Record<string, string>> = {
  // Kubernetes protects the group: a definition must say who approved it, or that nobody did.
  'api-approved.kubernetes.io': 'unapproved, written after the published Gateway API',
  'gateway.networking.k8s.io/bundle-version': GATEWAY_API_VERSION,
  'gateway.networking.k8s.io/channel': 'experimental',
  'helm.sh/resource-policy': 'keep',
};
