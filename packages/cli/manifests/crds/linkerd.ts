import { backendRef, DEFAULT_RULES, filterOf, headerModifier, httpMatch, requestRedirect } from './routes.ts';
import {
  anything,
  bool,
  type CrdSource,
  type CrdVersion,
  exactlyOne,
  fields,
  int32,
  int64,
  intOrString,
  keyed,
  list,
  oneOfNames,
  type Schema,
  str,
} from './schema.ts';
import {
  condition,
  conditions,
  group,
  hostname,
  kind,
  labelSelector,
  name,
  namespace,
  network,
  parentRef,
  port,
  routeStatus,
} from './shapes.ts';

/** The mesh's own kinds: every version that Linkerd serves, so that its users' manifests apply unchanged. */

const POLICY = 'policy.linkerd.io';
const WILDCARD_NAME = '^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
const QUANTITY =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$';
const AGE = { name: 'Age', jsonPath: '.metadata.creationTimestamp', type: 'date' } as const;

const spec = (schema: Schema, status?: Schema): Schema => fields({ 'spec*': schema, ...(status && { status }) });
const targetRef = (): Schema => fields({ group: group(), 'kind*': kind(), 'name*': name() });

// --- ServiceProfile ---------------------------------------------------------------------------------------------------

/** Conditions nest; a schema cannot, so it looks one level deep and keeps the rest. */
const nested = (): Schema => list(anything);
const requestCondition = (): Schema =>
  fields({ pathRegex: str(), method: str(), all: nested(), any: nested(), not: anything });
const responseCondition = (): Schema =>
  fields({
    status: fields({
      min: int32({ minimum: 100, maximum: 599 }),
      max: int32({ minimum: 100, maximum: 599 }),
    }),
    all: nested(),
    any: nested(),
    not: anything,
  });
const serviceProfileSpec = (routes: 'routes' | 'routes*'): Schema =>
  fields({
    [routes]: list(
      fields({
        'name*': str(),
        'condition*': requestCondition(),
        isRetryable: bool,
        timeout: str(),
        responseClasses: list(fields({ 'condition*': responseCondition(), isFailure: bool })),
      }),
    ),
    retryBudget: fields({
      'retryRatio*': { type: 'number', format: 'float' },
      'minRetriesPerSecond*': int32({ minimum: 0 }),
      'ttl*': str(),
    }),
    dstOverrides: list(fields({ authority: str(), weight: intOrString({ pattern: QUANTITY }) })),
    opaquePorts: list(str()),
  });

// --- Server -----------------------------------------------------------------------------------------------------------

const serverFields = (): Record<string, Schema> => ({
  'port*': intOrString(),
  proxyProtocol: str({ default: 'unknown' }),
});
const podServer = (): Schema => fields({ 'podSelector*': labelSelector, ...serverFields() });
const anyServer = (more: Record<string, Schema> = {}): Schema =>
  fields(
    { podSelector: labelSelector, externalWorkloadSelector: labelSelector, ...serverFields(), ...more },
    exactlyOne('podSelector', 'externalWorkloadSelector'),
  );
const SERVER_COLUMNS = [
  { name: 'Port', jsonPath: '.spec.port', description: 'The port the server is listening on' },
  { name: 'Protocol', jsonPath: '.spec.proxyProtocol', description: 'The protocol of the server' },
] as const;
const ACCESS_COLUMN = {
  name: 'Access Policy',
  jsonPath: '.spec.accessPolicy',
  description: 'Who may connect when nothing authorizes',
};
const deprecatedServer = (version: string): string =>
  `policy.linkerd.io/${version} Server is deprecated; use policy.linkerd.io/v1beta3 Server`;

// --- authorization ----------------------------------------------------------------------------------------------------

const serverAuthorizationSpec = (): Schema =>
  fields({
    'server*': fields({ name: namespace(), selector: labelSelector }, exactlyOne('name', 'selector')),
    'client*': fields({
      networks: list(network),
      unauthenticated: bool,
      meshTLS: fields({
        unauthenticatedTLS: bool,
        identities: list(str({ pattern: WILDCARD_NAME })),
        serviceAccounts: list(fields({ 'name*': str(), namespace: str() })),
      }),
    }),
  });
const SERVER_NAME_COLUMN = {
  name: 'Server',
  jsonPath: '.spec.server.name',
  description: 'The server that the authorization is for',
};

// --- HTTPRoute --------------------------------------------------------------------------------------------------------

/** `group` defaults to the policy group and `kind` to Gateway, which that group lacks: manifests name the kind. */
const PARENT_DEFAULTS = { group: POLICY, kind: 'Gateway' };
const simpleFilters = (): Schema =>
  list(
    filterOf({
      RequestHeaderModifier: ['requestHeaderModifier', headerModifier()],
      RequestRedirect: ['requestRedirect', requestRedirect([301, 302])],
    }),
    { maxItems: 16 },
  );
const backendFilters = (): Schema =>
  list(
    filterOf({
      RequestHeaderModifier: ['requestHeaderModifier', headerModifier()],
      ResponseHeaderModifier: ['responseHeaderModifier', headerModifier()],
      RequestRedirect: ['requestRedirect', requestRedirect([301, 302])],
    }),
    { maxItems: 16 },
  );
const oldBackendRefs = (): Schema =>
  list(fields({ 'name*': name(), port: port(), namespace: namespace({ default: 'default' }) }), { maxItems: 16 });
const newBackendRefs = (): Schema => list(backendRef({ filters: backendFilters() }), { maxItems: 16 });
function httpRoute(backendRefs: Schema, more: Record<string, Schema> = {}): Schema {
  const matches = list(httpMatch(), { maxItems: 8, default: DEFAULT_RULES[0]!.matches });
  return spec(
    fields({
      parentRefs: list(parentRef(PARENT_DEFAULTS), { maxItems: 32 }),
      hostnames: list(hostname(), { maxItems: 16 }),
      rules: list(fields({ matches, filters: simpleFilters(), backendRefs, ...more }), {
        maxItems: 16,
        default: DEFAULT_RULES,
      }),
    }),
    routeStatus(parentRef(PARENT_DEFAULTS)),
  );
}
const timeouts = (): Schema =>
  fields({ request: str({ format: 'duration' }), backendRequest: str({ format: 'duration' }) });
const ROUTE_COLUMNS = [{ name: 'Hostnames', jsonPath: '.spec.hostnames' }, AGE] as const;
const routeVersion = (version: string, schema: Schema, storage = false): CrdVersion => ({
  name: version,
  storage,
  status: true,
  schema,
  columns: ROUTE_COLUMNS,
});

// --- rate limits, egress, external workloads -----------------------------------------------------------------------------

const rate = (): Record<string, Schema> => ({ 'requestsPerSecond*': int64() });
const rateLimitSpec = (): Schema =>
  fields({
    'targetRef*': targetRef(),
    total: fields(rate()),
    identity: fields(rate()),
    overrides: list(
      fields({
        ...rate(),
        'clientRefs*': list(fields({ group: group(), 'kind*': kind(), namespace: namespace(), 'name*': name() })),
      }),
    ),
  });
const rateLimitStatus = (): Schema =>
  fields({
    conditions: list(condition),
    targetRef: fields({ group: group({ default: POLICY }), kind: kind({ default: 'Server' }), 'name*': name() }),
  });
const RATE_COLUMNS = [
  { name: 'Target_kind', jsonPath: '.spec.targetRef.kind' },
  { name: 'Target_name', jsonPath: '.spec.targetRef.name' },
  { name: 'Total_RPS', jsonPath: '.spec.total.requestsPerSecond', type: 'integer', format: 'int32' },
  { name: 'Identity_RPS', jsonPath: '.spec.identity.requestsPerSecond', type: 'integer' },
] as const;

function externalWorkload(tlsField: 'meshTLS' | 'meshTls', addresses: number): Schema {
  const text253 = (): Schema => str({ minLength: 1, maxLength: 253 });
  return spec(
    fields({
      [`${tlsField}*`]: fields({ 'identity*': text253(), 'serverName*': text253() }),
      ports: list(fields({ name: str(), 'port*': port(), protocol: str({ default: 'TCP' }) })),
      workloadIPs: list(fields({ ip: str() }), { maxItems: addresses }),
    }),
    fields({
      conditions: keyed(
        fields({
          'type*': str(),
          'status*': oneOfNames('True', 'False', 'Unknown'),
          lastProbeTime: str({ format: 'date-time' }),
          lastTransitionTime: str({ format: 'date-time' }),
          reason: str(),
          message: str(),
        }),
        ['type'],
      ),
    }),
  );
}
const IDENTITY_COLUMN = { name: 'Identity', jsonPath: '.spec.meshTLS.identity' } as const;

export const LINKERD_CRDS: readonly CrdSource[] = [
  {
    group: 'linkerd.io',
    kind: 'ServiceProfile',
    plural: 'serviceprofiles',
    shortNames: ['sp'],
    versions: [
      { name: 'v1alpha1', schema: spec(serviceProfileSpec('routes*')) },
      { name: 'v1alpha2', storage: true, schema: fields({ spec: serviceProfileSpec('routes') }) },
    ],
  },
  {
    group: POLICY,
    kind: 'Server',
    plural: 'servers',
    shortNames: ['srv'],
    versions: [
      {
        name: 'v1alpha1',
        deprecated: deprecatedServer('v1alpha1'),
        schema: spec(podServer()),
        columns: SERVER_COLUMNS,
      },
      { name: 'v1beta1', deprecated: deprecatedServer('v1beta1'), schema: spec(podServer()), columns: SERVER_COLUMNS },
      { name: 'v1beta2', schema: spec(anyServer()), columns: SERVER_COLUMNS },
      {
        name: 'v1beta3',
        storage: true,
        schema: spec(anyServer({ accessPolicy: str({ default: 'deny' }) })),
        columns: [...SERVER_COLUMNS, ACCESS_COLUMN],
      },
    ],
  },
  {
    group: POLICY,
    kind: 'ServerAuthorization',
    plural: 'serverauthorizations',
    shortNames: ['saz', 'serverauthz', 'srvauthz'],
    versions: [
      {
        name: 'v1alpha1',
        deprecated:
          'policy.linkerd.io/v1alpha1 ServerAuthorization is deprecated; use policy.linkerd.io/v1beta1 ServerAuthorization',
        schema: spec(serverAuthorizationSpec()),
        columns: [SERVER_NAME_COLUMN],
      },
      { name: 'v1beta1', storage: true, schema: spec(serverAuthorizationSpec()), columns: [SERVER_NAME_COLUMN] },
    ],
  },
  {
    group: POLICY,
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    shortNames: ['authzpolicy'],
    versions: [
      {
        name: 'v1alpha1',
        storage: true,
        schema: spec(
          fields({
            'targetRef*': targetRef(),
            'requiredAuthenticationRefs*': list(
              fields({ group: group(), 'kind*': kind(), 'name*': name(), namespace: str({ maxLength: 253 }) }),
            ),
          }),
        ),
      },
    ],
  },
  {
    group: POLICY,
    kind: 'MeshTLSAuthentication',
    plural: 'meshtlsauthentications',
    shortNames: ['meshtlsauthn'],
    versions: [
      {
        name: 'v1alpha1',
        storage: true,
        schema: spec(
          fields(
            {
              identities: list(str(), { minItems: 1 }),
              identityRefs: list(fields({ group: group(), 'kind*': kind(), name: name(), namespace: namespace() }), {
                minItems: 1,
              }),
            },
            exactlyOne('identities', 'identityRefs'),
          ),
        ),
      },
    ],
  },
  {
    group: POLICY,
    kind: 'NetworkAuthentication',
    plural: 'networkauthentications',
    shortNames: ['netauthn', 'networkauthn'],
    versions: [{ name: 'v1alpha1', storage: true, schema: spec(fields({ 'networks*': list(network) })) }],
  },
  {
    group: POLICY,
    kind: 'HTTPRoute',
    plural: 'httproutes',
    versions: [
      routeVersion('v1alpha1', httpRoute(oldBackendRefs())),
      routeVersion('v1beta1', httpRoute(oldBackendRefs())),
      routeVersion('v1beta2', httpRoute(newBackendRefs())),
      routeVersion('v1beta3', httpRoute(newBackendRefs(), { timeouts: timeouts() }), true),
    ],
  },
  {
    group: POLICY,
    kind: 'HTTPLocalRateLimitPolicy',
    plural: 'httplocalratelimitpolicies',
    versions: [
      {
        name: 'v1alpha1',
        storage: true,
        status: true,
        schema: spec(rateLimitSpec(), rateLimitStatus()),
        columns: RATE_COLUMNS,
      },
    ],
  },
  {
    group: POLICY,
    kind: 'EgressNetwork',
    plural: 'egressnetworks',
    categories: ['policy'],
    versions: [
      {
        name: 'v1alpha1',
        storage: true,
        status: true,
        schema: spec(
          fields({ 'trafficPolicy*': oneOfNames('Allow', 'Deny'), networks: list(network) }),
          fields({ conditions: conditions() }),
        ),
      },
    ],
  },
  {
    group: 'workload.linkerd.io',
    kind: 'ExternalWorkload',
    plural: 'externalworkloads',
    categories: ['external'],
    versions: [
      { name: 'v1alpha1', schema: externalWorkload('meshTls', 1), columns: [AGE] },
      {
        name: 'v1beta1',
        storage: true,
        status: true,
        schema: externalWorkload('meshTLS', 2),
        columns: [IDENTITY_COLUMN, AGE],
      },
    ],
  },
];
