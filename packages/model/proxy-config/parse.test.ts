import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_ROWS, ENV_PREFIX, parseProxyConfig, READERS } from './index.ts';

const minimal = {
  POLICY_SVC_ADDR: 'linkerd-policy.linkerd.svc.cluster.local.:8090',
  POLICY_SVC_NAME: 'linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local',
  POLICY_WORKLOAD: '{"ns":"a", "pod":"web-1"}',
  DESTINATION_SVC_ADDR: 'localhost.:8086',
  IDENTITY_SVC_ADDR: '[::1]:8080',
  IDENTITY_LOCAL_NAME: 'web.a.serviceaccount.identity.linkerd.cluster.local',
  IDENTITY_TRUST_ANCHORS: '-----BEGIN CERTIFICATE-----\n…',
  IDENTITY_TOKEN_FILE: '/token',
};

function parse(changes: Record<string, string | undefined> = {}) {
  const env: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries({ ...minimal, ...changes })) env[ENV_PREFIX + name] = value;
  return parseProxyConfig(env);
}

function config(changes: Record<string, string | undefined> = {}) {
  const result = parse(changes);
  if ('errors' in result) assert.fail(result.errors.join('; '));
  return result.config;
}

function errors(changes: Record<string, string | undefined>): string[] {
  const result = parse(changes);
  return 'errors' in result ? result.errors : assert.fail('no error');
}

test('a minimal environment gives every default', () => {
  const made = config();
  assert.deepEqual(made.inboundListen, { host: '0.0.0.0', port: 4143 });
  assert.deepEqual(made.outboundListeners, [{ host: '127.0.0.1', port: 4140 }]);
  assert.equal(made.shutdownGraceMs, 120_000);
  assert.equal(made.outboundHttpFailfastMs, 3_000);
  assert.deepEqual(made.profileSuffixes, ['svc.cluster.local']);
  assert.equal(made.streamLifetimeMs, undefined);
  assert.equal(made.informationalHeaders, true);
});

test('services on loopback need no name, others do', () => {
  const made = config();
  assert.deepEqual(made.destination, { addr: { host: 'localhost.', port: 8086 }, name: undefined });
  assert.deepEqual(made.identity, { addr: { host: '::1', port: 8080 }, name: undefined });
  assert.equal(made.policy.name, minimal.POLICY_SVC_NAME);
  assert.match(errors({ POLICY_SVC_NAME: '' }).join(), /POLICY_SVC_NAME must be set/);
});

test('reads what the charts set', () => {
  const made = config({
    OUTBOUND_LISTEN_ADDRS: '127.0.0.1:4140,[::1]:4140',
    INBOUND_LISTEN_ADDR: '[::]:4143',
    INBOUND_IPS: '10.42.0.7,fd00::7',
    INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: '25,3000-3002',
    POLICY_CLUSTER_NETWORKS: '10.0.0.0/8,fd00::/8',
    CONTROL_STREAM_LIFETIME: '1h',
    OUTBOUND_CONNECT_TIMEOUT: '1000ms',
    IDENTITY_MAX_REFRESH: '1d',
  });
  assert.equal(made.outboundListeners.length, 2);
  assert.deepEqual(made.inboundListen, { host: '::', port: 4143 });
  assert.deepEqual(made.inboundOpaquePorts, [25, 3000, 3001, 3002]);
  assert.deepEqual(made.clusterNetworks[1], { ip: 'fd00::', prefix: 8 });
  assert.equal(made.streamLifetimeMs, 3_600_000);
  assert.equal(made.outboundConnectTimeoutMs, 1_000);
});

test('every bad value is named, with what was expected, what was seen and what the default is', () => {
  const found = errors({
    OUTBOUND_CONNECT_TIMEOUT: '10',
    INGRESS_MODE: 'yes',
    INBOUND_PORTS: '0',
    INBOUND_IPS: 'x',
    CORES: 'many',
  });
  assert.deepEqual(
    found.map((text) => text.replace(ENV_PREFIX, '')),
    [
      'INBOUND_IPS must be a list of IP addresses, but is "x"; unset it to do without',
      'INBOUND_PORTS must be a port from 1 to 65535, but is "0"; unset it to do without',
      'INGRESS_MODE must be true or false, but is "yes"; the default is false',
      'OUTBOUND_CONNECT_TIMEOUT must be a duration with a unit (ms, s, m, h, d), but is "10"; the default is 1s',
    ],
  );
});

test('lenient settings only warn', () => {
  const result = parse({ CORES: 'many', LOG_FORMAT: 'xml' });
  assert.ok('config' in result);
  assert.equal(result.warnings.length, 2);
  assert.deepEqual(
    result.warnings.map((text) => text.replace(/^.*; /, '')),
    ['using the default, which is plain', 'using the default, which is none'],
  );
  assert.equal(result.config.logFormat, 'plain');
  assert.equal(result.config.cores, undefined);
});

test('settings that contradict each other are refused', () => {
  assert.match(errors({ IDENTITY_DISABLED: '1' }).join(), /no longer supported/);
  assert.match(errors({ IDENTITY_LOCAL_NAME: '' }).join(), /IDENTITY_LOCAL_NAME must be set/);
  assert.match(errors({ INBOUND_DEFAULT_POLICY: 'cluster-authenticated' }).join(), /CLUSTER_NETWORKS must be set/);
  assert.match(errors({ IDENTITY_TRUST_ANCHORS: 'none' }).join(), /PEM/);
  assert.match(errors({ DNS_MIN_TTL: '2s', DNS_MAX_TTL: '1s' }).join(), /DNS_MIN_TTL must not be above/);
  assert.match(errors({ TRACE_COLLECTOR_SVC_ADDR: 'otel.a:4317' }).join(), /TRACE_COLLECTOR_SVC_NAME must be set/);
  assert.match(errors({ INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT: '3s' }).join(), /must be set together/);
  assert.match(errors({ OUTBOUND_SERVER_HTTP2_INITIAL_STREAM_WINDOW_SIZE: '70000' }).join(), /must be set together/);
  assert.match(errors({ HTTP2_INITIAL_STREAM_WINDOW_SIZE: '2147483648' }).join(), /from 1 to 2147483647/);
  assert.match(errors({ INBOUND_SERVER_HTTP2_MAX_FRAME_SIZE: '100' }).join(), /from 16384 to/);
});

test('every fallback in the table is a valid value', () => {
  for (const row of Object.values(CONFIG_ROWS))
    if ('fallback' in row) assert.ok('value' in READERS[row.type](row.fallback), row.env);
});

test('however long an endpoint was away, it is met again within 10 s of its return', () => {
  const { outboundBackoffMaxMs, outboundBackoffJitter, outboundConnectTimeoutMs } = config();
  assert.ok(outboundBackoffMaxMs * (1 + outboundBackoffJitter) + outboundConnectTimeoutMs < 10_000);
  assert.equal(config({ OUTBOUND_CONNECT_EXP_BACKOFF_MAX: '60s' }).outboundBackoffMaxMs, 60_000);
});
