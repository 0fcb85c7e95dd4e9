import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { destination, inbound, outbound } from '#api/mesh';
import type { HttpMatch, OutboundHttpRoute, OutboundPolicy, Profile } from '../types.ts';
import { decodeServer } from './inbound.ts';
import { decodeOutbound } from './outbound.ts';
import { decodeProfile } from './profile.ts';

type Json = Record<string, unknown>;

const named = (name: string): Json => ({ default: name });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const forward: Json = {
  metadata: named('b'),
  queue: { failfastTimeout: '3s' },
  forward: { addr: { ip: { ipv4: 0x0a000001 }, port: 80 } },
};
const to = (backend: Json = forward, filters: Json[] = []): Json => ({
  firstAvailable: { backends: [{ backend, filters }] },
});

/** A policy of one HTTP (or gRPC) rule with these fields. */
function rule(changes: Json, kind: 'http1' | 'grpc' = 'http1'): OutboundPolicy {
  const routes = [{ metadata: named('r'), rules: [{ backends: to(), ...changes }] }];
  return decoded({ metadata: named('p'), protocol: { [kind]: { routes } } });
}

function decoded(json: Json): OutboundPolicy {
  // Without the fields that a case leaves undefined.
  return decodeOutbound(fromJson(outbound.OutboundPolicySchema, JSON.parse(JSON.stringify(json)) as JsonValue));
}

function onlyRule(policy: OutboundPolicy): OutboundHttpRoute['rules'][number] {
  assert.equal(policy.invalid, undefined);
  const [route] = policy.protocol === 'grpc' ? policy.http2.routes : policy.http1.routes;
  return route!.rules[0]!;
}

test('what a rule of HTTP says, field by field', () => {
  const backoff = { minBackoff: '0.025s', maxBackoff: '0.250s', jitterRatio: 1 };
  const cases: readonly (readonly [Json, Partial<OutboundHttpRoute['rules'][number]>])[] = [
    [
      { timeouts: { request: '1s', response: '2s', idle: '3s' } },
      { timeouts: { requestMs: 1000, responseMs: 2000, idleMs: 3000 } },
    ],
    [{ requestTimeout: '4s' }, { timeouts: { requestMs: 4000 } }],
    [{ requestTimeout: '4s', timeouts: { request: '1s' } }, { timeouts: { requestMs: 1000 } }],
    [{ allowL5dRequestHeaders: true }, { allowsRequestHeaders: true }],
    [
      {
        retry: {
          maxRetries: 3,
          maxRequestBytes: 65536,
          timeout: '0.5s',
          backoff,
          conditions: {
            statusRanges: [
              { start: 500, end: 599 },
              { start: 429, end: 429 },
            ],
          },
        },
      },
      {
        retry: {
          limit: 3,
          bytesMax: 65536,
          perTryMs: 500,
          backoff: { minMs: 25, maxMs: 250, jitter: 1 },
          statuses: [
            { from: 500, to: 599 },
            { from: 429, to: 429 },
          ],
          grpcCodes: [],
        },
      },
    ],
    [
      { retry: { conditions: {} } },
      { retry: { limit: 0, bytesMax: 0, perTryMs: undefined, backoff: undefined, statuses: [], grpcCodes: [] } },
    ],
  ];
  for (const [wire, expected] of cases) {
    const got = onlyRule(rule(wire)) as unknown as Record<string, unknown>;
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(got[field], value, JSON.stringify(wire));
  }
  assert.deepEqual(Object.keys(onlyRule(rule({ timeouts: { request: '0s' } }))).includes('timeouts'), false);
});

test("filters, Linkerd's and our own", () => {
  const ratio = { numerator: 1, denominator: 4 };
  const host = 'other';
  const cases: readonly (readonly [Json, object])[] = [
    [
      { failureInjector: { status: 503, message: 'm', ratio } },
      { kind: 'fail', status: 503, message: 'm', ratio: 0.25 },
    ],
    [
      { requestHeaderModifier: { add: { headers: [{ name: 'A', value: base64('1') }] }, remove: ['B'] } },
      { kind: 'request-headers', edit: { add: [['a', '1']], set: [], remove: ['b'] } },
    ],
    [
      { responseHeaderModifier: { set: { headers: [{ name: 'a', value: base64('1') }] } } },
      { kind: 'response-headers', edit: { add: [], set: [['a', '1']], remove: [] } },
    ],
    [
      { redirect: { scheme: { registered: 'HTTPS' }, host, port: 8443, status: 308, path: { prefix: '/n' } } },
      { kind: 'redirect', scheme: 'https', host, port: 8443, status: 308, path: { kind: 'prefix', value: '/n' } },
    ],
    [
      { redirect: {} },
      { kind: 'redirect', scheme: undefined, host: undefined, port: undefined, status: 301, path: undefined },
    ],
    [{ pathRewrite: { path: { full: '/x' }, host } }, { kind: 'rewrite', path: { kind: 'full', value: '/x' }, host }],
    [{ delay: { duration: '0.1s', ratio } }, { kind: 'delay', delayMs: 100, ratio: 0.25 }],
  ];
  for (const [wire, expected] of cases) assert.deepEqual(onlyRule(rule({ filters: [wire] })).filters, [expected]);
  const [mirror] = onlyRule(rule({ filters: [{ requestMirror: { backend: forward } }] })).filters;
  assert.equal(mirror?.kind === 'mirror' && mirror.backend.target.kind, 'forward');
  const ofBackend = onlyRule(rule({ backends: to(forward, [{ delay: { duration: '1s' } }]) }));
  assert.deepEqual(ofBackend.distribution.backends[0]?.filters, [{ kind: 'delay', delayMs: 1000, ratio: 1 }]);
});

test('rules of gRPC routes match services and methods, fail by status and retry by status', () => {
  const got = onlyRule(
    rule(
      {
        matches: [{ rpc: { service: 'a.B', method: 'C' }, headers: [{ name: 'X', exact: base64('1') }] }, {}],
        filters: [{ failureInjector: { code: 14, message: 'm' } }],
        retry: {
          conditions: {
            cancelled: true,
            deadineExceeded: true,
            resourceExhausted: true,
            internal: true,
            unavailable: true,
          },
        },
      },
      'grpc',
    ),
  );
  const any = { path: undefined, query: [], method: undefined };
  assert.deepEqual(got.matches, [
    { ...any, rpc: { service: 'a.B', method: 'C' }, headers: [{ name: 'x', match: { kind: 'exact', value: '1' } }] },
    { ...any, rpc: { service: '', method: '' }, headers: [] },
  ] satisfies HttpMatch[]);
  assert.deepEqual(got.filters, [{ kind: 'fail-grpc', code: 14, message: 'm', ratio: 1 }]);
  assert.deepEqual(got.retry?.grpcCodes, [1, 4, 8, 13, 14]);
  assert.deepEqual(onlyRule(rule({}, 'grpc')).matches, [{ ...any, rpc: { service: '', method: '' }, headers: [] }]);
});

test("regular expressions have the syntax of Linkerd's proxies", () => {
  const [match] = onlyRule(rule({ matches: [{ path: { regex: '(?i)/A(?P<n>\\d+)' } }] })).matches;
  assert.equal(match?.path?.kind === 'regex' && match.path.regex.test('/a12'), true);
});

test('breakers, of each version of HTTP', () => {
  const backoff = { minBackoff: '1s', maxBackoff: '60s', jitterRatio: 0.5 };
  const read = { minMs: 1_000, maxMs: 60_000, jitter: 0.5 };
  const breaker = (failureAccrual: Json) =>
    decoded({ metadata: named('p'), protocol: { http1: { routes: [], failureAccrual } } });
  assert.deepEqual(breaker({ consecutiveFailures: { maxFailures: 7, backoff } }).http1.breaker, {
    kind: 'consecutive',
    maxFailures: 7,
    backoff: read,
  });
  const ejection = { minReadyEndpoints: 2 };
  const floor = breaker({ consecutiveFailures: { maxFailures: 7, backoff }, ejection }).http1.breaker;
  assert.equal(floor?.minReadyEndpoints, 2);
  const unified = { successRateThreshold: 0.75, minRequests: 5, maxConsecutiveFailures: 9, backoff };
  assert.deepEqual(breaker({ unified }).http1.breaker, {
    kind: 'unified',
    successRate: 0.75,
    windowMs: 10_000,
    minRequests: 5,
    maxFailures: 9,
    backoff: read,
  });
});

const detect = (http1: Json, http2: Json): OutboundPolicy =>
  decoded({ metadata: named('p'), protocol: { detect: { timeout: '1s', http1, http2, opaque: {} } } });

test('equal halves of a detecting policy are kept once', () => {
  const one = { routes: [{ metadata: named('r'), rules: [{ backends: to() }] }] };
  const same = detect(one, one);
  assert.equal(same.http1, same.http2);
  const other = detect(one, { routes: [{ metadata: named('s'), rules: [{ backends: to() }] }] });
  assert.deepEqual([other.http1.routes[0]?.meta.name, other.http2.routes[0]?.meta.name], ['r', 's']);
});

test('TLS routes name the servers that they are for', () => {
  const policy = decoded({
    metadata: named('p'),
    protocol: {
      tls: {
        routes: [
          {
            metadata: named('r'),
            snis: [{ exact: 'A.b' }, { suffix: { reverseLabels: ['com', 'x'] } }],
            rules: [{ backends: to() }],
          },
          { metadata: named('no'), rules: [{ backends: { empty: {} }, filters: [{ forbidden: {} }] }] },
        ],
      },
    },
  });
  assert.deepEqual(policy.tlsRoutes[0]?.snis, [
    { kind: 'exact', value: 'a.b' },
    { kind: 'suffix', value: 'x.com' },
  ]);
  assert.deepEqual([policy.tlsRoutes[1]?.snis, policy.tlsRoutes[1]?.refuse], [[], 'forbidden']);
});

test('backends without weight get nothing, unless there is but one', () => {
  const random = (...weights: number[]) =>
    onlyRule(
      rule({
        backends: {
          randomAvailable: { backends: weights.map((weight) => ({ backend: { backend: forward }, weight })) },
        },
      }),
    ).distribution;
  assert.deepEqual(
    random(1, 0, 3).backends.map(({ weight }) => weight),
    [1, 3],
  );
  assert.equal(random(0).kind, 'random');
  assert.equal(random(0, 0).kind, 'empty');
});

test('whatever breaks the rules of a policy spoils all of it, and the reason says what', () => {
  const retry = (changes: Json): Json => ({ retry: { conditions: {}, ...changes } });
  const backoff = (minBackoff: string, maxBackoff: string, jitterRatio = 0): Json =>
    retry({ backoff: { minBackoff, maxBackoff, jitterRatio } });
  const filter = (one: Json): Json => ({ filters: [one] });
  const breaker = (failureAccrual: Json): OutboundPolicy =>
    decoded({ metadata: named('p'), protocol: { http1: { routes: [], failureAccrual } } });
  const good = { minBackoff: '1s', maxBackoff: '2s' };
  const bad: readonly (readonly [OutboundPolicy, RegExp])[] = [
    [rule({ retry: {} }), /conditions of retries/],
    [rule(retry({ conditions: { statusRanges: [{ start: 0, end: 599 }] } })), /from 1 to 599/],
    [rule(retry({ conditions: { statusRanges: [{ start: 500, end: 499 }] } })), /from 500 to 599/],
    [rule(retry({ maxRetries: 65_536 })), /number of retries/],
    [rule(backoff('2s', '1s')), /backoff from 2000ms to 1000ms/],
    [rule(backoff('0s', '0s')), /backoff/],
    [rule(backoff('1s', '2s', 101)), /jitter/],
    [rule(retry({ backoff: { minBackoff: '1s' } })), /greatest backoff/],
    [rule({ timeouts: { idle: '-1s' } }), /negative/],
    [rule(filter({})), /filter without a known kind/],
    [rule(filter({ failureInjector: { status: 199 } })), /status of an injected failure/],
    [rule(filter({ failureInjector: { status: 500, ratio: { numerator: 1 } } })), /denominator 0/],
    [rule(filter({ failureInjector: { status: 500, ratio: { numerator: 2, denominator: 1 } } })), /ratio above 1/],
    [rule(filter({ redirect: { status: 200 } })), /status of a redirect/],
    [rule(filter({ redirect: { host: 'a\r\nb' } })), /no host/],
    [rule(filter({ delay: {} })), /duration of a delay/],
    [rule(filter({ requestMirror: {} })), /backend of a mirror/],
    [
      rule(filter({ requestHeaderModifier: { set: { headers: [{ name: 'a', value: base64('b\nc') }] } } })),
      /no header/,
    ],
    [rule({ matches: [{ path: {} }] }), /match without a kind/],
    [rule({ matches: [{ path: { regex: '(' } }] }), /no regular expression/],
    [rule({ backends: { firstAvailable: {} } }), /empty list/],
    [rule({ backends: {} }), /distribution without a kind/],
    [rule({ backends: { firstAvailable: { backends: [{}] } } }), /a backend/],
    [rule({ backends: to({ ...forward, queue: {} }) }), /fail-fast/],
    [rule({ backends: to({ ...forward, metadata: undefined }) }), /metadata of a backend/],
    [rule({ backends: to({ ...forward, forward: {} }) }), /address of a backend/],
    [rule({ backends: to({ ...forward, forward: undefined, balancer: { peakEwma: {} } }) }), /discovery/],
    [breaker({}), /failure accrual without a kind/],
    [breaker({ consecutiveFailures: {} }), /backoff of failure accrual/],
    [breaker({ unified: { successRateThreshold: 1.5, backoff: good } }), /success rate/],
    [breaker({ unified: { successRateThreshold: 0.5, decay: '0.001s', backoff: good } }), /window/],
    [breaker({ unified: { minRequests: 1_000_001, backoff: good } }), /requests that failure accrual needs/],
    [decoded({ metadata: named('p'), protocol: { http1: { routes: [{}] } } }), /metadata of a route/],
    [decoded({ metadata: named('p'), protocol: {} }), /kind of protocol/],
    [decoded({ metadata: named('p'), protocol: { tls: { routes: [{ metadata: named('r') }] } } }), /exactly one rule/],
  ];
  for (const [policy, reason] of bad) {
    assert.match(policy.invalid ?? 'accepted', reason);
    assert.deepEqual([policy.http1.routes, policy.http2.routes, policy.opaqueRoute], [[], [], undefined]);
  }
});

const server = (protocol: Json) =>
  decodeServer(fromJson(inbound.ServerSchema, { labels: { name: 'x' }, protocol } as unknown as JsonValue));

test('ports have rate limits and gRPC routes', () => {
  const limits = {
    metadata: named('l'),
    total: { requestsPerSecond: 100 },
    identity: { requestsPerSecond: 10 },
    overrides: [{ limit: { requestsPerSecond: 50 }, clients: { identities: [{ name: 'a.b' }] } }],
  };
  const expected = {
    meta: { group: '', kind: 'default', name: 'l', namespace: '', section: '', port: 0 },
    total: 100,
    perIdentity: 10,
    overrides: [{ perSecond: 50, identities: ['a.b'] }],
  };
  assert.deepEqual(server({ http1: { localRateLimit: limits } }).rateLimit, expected);
  assert.deepEqual(server({ detect: { timeout: '1s', httpLocalRateLimit: limits } }).rateLimit, expected);
  assert.match(
    server({ http2: { localRateLimit: { metadata: named('l'), total: {} } } }).invalid ?? '',
    /rate limit of 0/,
  );
  const grpc = server({
    grpc: {
      routes: [
        {
          metadata: named('r'),
          rules: [{ matches: [{ rpc: { service: 'a' } }], filters: [{ failureInjector: { code: 7 } }] }],
        },
      ],
    },
  });
  assert.equal(grpc.routes[0]?.rules[0]?.matches[0]?.rpc?.service, 'a');
  assert.equal(grpc.routes[0]?.rules[0]?.filters[0]?.kind, 'fail-grpc');
});

const profile = (json: Json): Profile =>
  decodeProfile(fromJson(destination.DestinationProfileSchema, json as JsonValue));

test('a profile from the wire; what cannot be used is left out by itself', () => {
  const got = profile({
    fullyQualifiedName: 'web.a.svc',
    opaqueProtocol: true,
    retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 10, ttl: '10s' },
    dstOverrides: [
      { authority: 'a.b:80', weight: 5 },
      { authority: 'c.d:80', weight: 0 },
      { authority: 'no port', weight: 1 },
    ],
    routes: [
      {
        condition: { all: { matches: [{ path: { regex: '/a.*' } }, { not: { method: { registered: 'POST' } } }] } },
        metricsLabels: { route: 'a' },
        isRetryable: true,
        timeout: '1.5s',
        responseClasses: [
          { condition: { status: { min: 500, max: 599 } }, isFailure: true },
          { condition: { status: { min: 99, max: 100 } }, isFailure: true },
        ],
      },
      { condition: { path: { regex: '(' } } },
      { metricsLabels: { route: 'without a condition' } },
    ],
  });
  assert.deepEqual([got.fqn, got.opaque, got.overrides], ['web.a.svc', true, [{ authority: 'a.b:80', weight: 5 }]]);
  assert.deepEqual(got.retryBudget, { ratio: 0.5, minPerSecond: 10, ttlMs: 10_000 });
  const [route, ...others] = got.routes;
  assert.deepEqual(others, []);
  assert.deepEqual([route?.isRetryable, route?.timeoutMs, route?.labels], [true, 1_500, { route: 'a' }]);
  assert.deepEqual(route?.classes, [{ condition: { kind: 'status', from: 500, to: 599 }, isFailure: true }]);
  assert.equal(route?.condition.kind, 'all');
});

test('a budget out of bounds means that nothing is retried', () => {
  for (const bad of [{ retryRatio: 1001 }, { retryRatio: -1 }, { ttl: '0.5s' }, { ttl: '61s' }])
    assert.equal(profile({ retryBudget: { retryRatio: 0.2, ttl: '10s', ...bad } }).retryBudget, undefined);
});

test('hints of endpoints: weight, zone, priority, HTTP/2, a name behind a gateway', () => {
  const addr = { ip: { ipv4: 0x0a000001 }, port: 8080 };
  const { endpoint } = profile({
    endpoint: {
      addr,
      weight: 25_000,
      priority: 2,
      metricLabels: { zone: 'z1', zone_locality: 'LOCAL' },
      authorityOverride: { authorityOverride: 'web.a.svc:8080' },
      http2: {
        keepAlive: { interval: '10s', timeout: '3s', whileIdle: true },
        flowControl: { initialConnectionWindowSize: 1, initialStreamWindowSize: 0, adaptiveFlowControl: true },
        internals: { maxFrameSize: 32_768 },
      },
      resourceRef: { resource: { group: 'core', kind: 'Pod', name: 'web-1', namespace: 'a' } },
    },
  });
  assert.deepEqual([endpoint?.weight, endpoint?.priority, endpoint?.zone, endpoint?.locality], [2.5, 2, 'z1', 'local']);
  assert.deepEqual(endpoint?.authorityOverride, { authority: 'web.a.svc:8080', host: 'web.a.svc', port: 8080 });
  assert.deepEqual(endpoint?.http2, {
    keepAlive: { intervalMs: 10_000, timeoutMs: 3_000, whileIdle: true },
    windows: undefined,
    adaptiveWindows: true,
    maxFrameSize: 32_768,
    maxConcurrentResetStreams: undefined,
    maxSendBufBytes: undefined,
  });
  assert.equal(endpoint?.resource?.name, 'web-1');
  const plain = profile({ endpoint: { addr, authorityOverride: { authorityOverride: 'web.a.svc' } } }).endpoint;
  assert.deepEqual([plain?.weight, plain?.locality, plain?.authorityOverride?.port], [1, 'unknown', undefined]);
  const broken = profile({ endpoint: { addr, authorityOverride: { authorityOverride: 'a:b:c' } } }).endpoint;
  assert.equal(broken?.authorityOverride, undefined);
});
