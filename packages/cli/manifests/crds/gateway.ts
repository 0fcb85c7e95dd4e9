import {
  backendRef,
  DEFAULT_RULES,
  DURATION,
  filterOf,
  headerMatches,
  headerModifier,
  httpMatch,
  requestRedirect,
  urlRewrite,
} from './routes.ts';
import { type CrdSource, fields, int32, list, oneOfNames, rule, rules, type Schema, str } from './schema.ts';
import { group, hostname, kind, name, namespace, parentRef, port, routeStatus } from './shapes.ts';

/**
 * The Gateway API's route kinds (gateway.networking.k8s.io, release 1.2, with what its experimental channel adds for
 * meshes), written down from the published API, not copied from its manifests. Gateways and classes are not needed by a mesh.
 */
export const GATEWAY_API_VERSION = 'v1.2.1';

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };
const parents = (): Schema => list(parentRef(GATEWAY), { maxItems: 32, 'x-kubernetes-list-type': 'atomic' });
const status = (): Schema => routeStatus(parentRef(GATEWAY));
const AGE = { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' } as const;
const HOSTNAMES = { name: 'Hostnames', jsonPath: '.spec.hostnames' } as const;

const objectRef = (): Schema => fields({ 'group*': group(), 'kind*': kind(), 'name*': name() });
const mirror = (): Schema =>
  fields({
    'backendRef*': fields({
      group: group({ default: '' }),
      kind: kind({ default: 'Service' }),
      'name*': name(),
      namespace: namespace(),
      port: port(),
    }),
    percent: int32({ minimum: 0, maximum: 100 }),
    fraction: fields({ 'numerator*': int32({ minimum: 0 }), denominator: int32({ minimum: 1, default: 100 }) }),
  });

const httpFilter = (): Schema =>
  filterOf({
    RequestHeaderModifier: ['requestHeaderModifier', headerModifier()],
    ResponseHeaderModifier: ['responseHeaderModifier', headerModifier()],
    RequestMirror: ['requestMirror', mirror()],
    RequestRedirect: ['requestRedirect', requestRedirect([301, 302])],
    URLRewrite: ['urlRewrite', urlRewrite()],
    ExtensionRef: ['extensionRef', objectRef()],
  });
const grpcFilter = (): Schema =>
  filterOf({
    RequestHeaderModifier: ['requestHeaderModifier', headerModifier()],
    ResponseHeaderModifier: ['responseHeaderModifier', headerModifier()],
    RequestMirror: ['requestMirror', mirror()],
    ExtensionRef: ['extensionRef', objectRef()],
  });
const duration = (): Schema => str({ pattern: DURATION });
const ruleName = (): Schema => name({ pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' });
const sessionPersistence = (): Schema =>
  fields({
    sessionName: str({ maxLength: 128 }),
    absoluteTimeout: duration(),
    idleTimeout: duration(),
    type: { ...oneOfNames('Cookie', 'Header'), default: 'Cookie' },
    cookieConfig: fields({ lifetimeType: { ...oneOfNames('Permanent', 'Session'), default: 'Session' } }),
  });

const httpRule = (): Schema =>
  fields(
    {
      name: ruleName(),
      matches: list(httpMatch(), { maxItems: 64, default: DEFAULT_RULES[0]!.matches }),
      filters: list(httpFilter(), { maxItems: 16 }),
      backendRefs: list(backendRef({ filters: list(httpFilter(), { maxItems: 16 }) }), { maxItems: 16 }),
      timeouts: fields(
        { request: duration(), backendRequest: duration() },
        rules(
          rule(
            "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
            'backendRequest timeout cannot be longer than request timeout',
          ),
        ),
      ),
      retry: fields({
        codes: list({ type: 'integer', minimum: 400, maximum: 599 }, { 'x-kubernetes-list-type': 'atomic' }),
        attempts: { type: 'integer' },
        backoff: duration(),
      }),
      sessionPersistence: sessionPersistence(),
    },
    rules(
      rule(
        "!has(self.backendRefs) || size(self.backendRefs) == 0 || !has(self.filters) || self.filters.all(f, f.type != 'RequestRedirect')",
        'RequestRedirect filter must not be used together with backendRefs',
      ),
    ),
  );

const httpRoute = (): Schema =>
  fields({
    'spec*': fields({
      parentRefs: parents(),
      hostnames: list(hostname(), { maxItems: 16, 'x-kubernetes-list-type': 'atomic' }),
      rules: list(httpRule(), { maxItems: 16, default: DEFAULT_RULES }),
    }),
    status: status(),
  });

const grpcMethod = (): Schema =>
  fields(
    {
      type: { ...oneOfNames('Exact', 'RegularExpression'), default: 'Exact' },
      service: str({ maxLength: 1024 }),
      method: str({ maxLength: 1024 }),
    },
    rules(
      rule(
        'has(self.type) ? has(self.service) || has(self.method) : true',
        "One or both of 'service' or 'method' must be specified",
      ),
    ),
  );
const grpcRoute = (): Schema =>
  fields({
    spec: fields({
      parentRefs: parents(),
      hostnames: list(hostname(), { maxItems: 16, 'x-kubernetes-list-type': 'atomic' }),
      rules: list(
        fields({
          name: ruleName(),
          matches: list(fields({ method: grpcMethod(), headers: headerMatches() }), { maxItems: 64 }),
          filters: list(grpcFilter(), { maxItems: 16 }),
          backendRefs: list(backendRef({ filters: list(grpcFilter(), { maxItems: 16 }) }), { maxItems: 16 }),
          sessionPersistence: sessionPersistence(),
        }),
        { maxItems: 16 },
      ),
    }),
    status: status(),
  });

const streamRoute = (more: Record<string, Schema>): Schema =>
  fields({
    'spec*': fields({
      parentRefs: parents(),
      ...more,
      'rules*': list(fields({ name: ruleName(), backendRefs: list(backendRef(), { minItems: 1, maxItems: 16 }) }), {
        minItems: 1,
        maxItems: 16,
      }),
    }),
    status: status(),
  });

const source = (of: Pick<CrdSource, 'kind' | 'plural' | 'versions'>): CrdSource => ({
  group: GATEWAY.group,
  categories: ['gateway-api'],
  ...of,
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
    versions: [
      { name: 'v1', storage: true, status: true, schema: grpcRoute(), columns: [HOSTNAMES, AGE] },
      {
        name: 'v1alpha2',
        deprecated:
          'The v1alpha2 version of GRPCRoute has been deprecated and will be removed in a future release of the API. Please upgrade to v1.',
        status: true,
        schema: grpcRoute(),
        columns: [HOSTNAMES, AGE],
      },
    ],
  }),
  source({
    kind: 'TLSRoute',
    plural: 'tlsroutes',
    versions: [
      {
        name: 'v1alpha2',
        storage: true,
        status: true,
        schema: streamRoute({ hostnames: list(hostname(), { maxItems: 16 }) }),
        columns: [AGE],
      },
    ],
  }),
  source({
    kind: 'TCPRoute',
    plural: 'tcproutes',
    versions: [{ name: 'v1alpha2', storage: true, status: true, schema: streamRoute({}), columns: [AGE] }],
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
