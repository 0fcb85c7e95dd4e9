import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outboundConfig, portPoliciesConfig } from './configs.ts';
import { Credentials } from './identity/index.ts';
import { TestCa, testConfig } from './testing/index.ts';

const ca = new TestCa();
const REMOTE = {
  POLICY_SVC_ADDR: 'linkerd-policy.linkerd:8090',
  POLICY_SVC_NAME: 'p.q',
  CONTROL_STREAM_LIFETIME: '1h',
};

test('streams of the control plane are tried every few seconds, endpoints back off longer', () => {
  const config = testConfig('a.b', ca.pem, {});
  const { backends, targets } = outboundConfig(config, new Credentials('a.b', ca.pem));
  assert.equal(targets.policyWatch.backoff.maxMs, 5_000);
  assert.equal(backends.backoff.maxMs, 60_000);
});

test('limits of streams apply to a control plane elsewhere, not to one on loopback', () => {
  assert.equal(portPoliciesConfig(testConfig('a.b', ca.pem, REMOTE)).watch.lifetimeMs, 3_600_000);
  const { POLICY_SVC_ADDR: _, ...local } = REMOTE;
  assert.equal(portPoliciesConfig(testConfig('a.b', ca.pem, local)).watch.lifetimeMs, undefined);
});

test('a port that shall be opaque is so before the control plane has answered', () => {
  const { fallback } = portPoliciesConfig(
    testConfig('a.b', ca.pem, { INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: '25' }),
  );
  assert.equal(fallback(25).protocol, 'opaque');
  assert.equal(fallback(26).protocol, 'detect');
});
