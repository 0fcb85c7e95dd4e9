import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONFIG_ROWS } from '#model/proxy-config';
import { outboundConfig, portPoliciesConfig } from './configs.ts';
import { Credentials } from './identity/index.ts';
import { TestCa, testConfig } from './testing/index.ts';

const ca = new TestCa();
const REMOTE = {
  POLICY_SVC_ADDR: 'linkerd-policy.linkerd:8090',
  POLICY_SVC_NAME: 'p.q',
  CONTROL_STREAM_LIFETIME: '1h',
};

test('streams of the control plane are tried every few seconds, though endpoints may back off longer', () => {
  const config = testConfig('a.b', ca.pem, { OUTBOUND_CONNECT_EXP_BACKOFF_MAX: '60s' });
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

/** Settings that nothing outside the table reads, and why. */
const UNREAD: Readonly<Record<string, string>> = {
  coresMaxRatio: 'there is one event loop, whatever the machine has',
};

test('every setting is read by the proxy, or it is known why not', () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fake)\.ts$/.test(file))
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  // What several settings make together is put together beside the table.
  const whole = [...files, readFileSync(`${folder}/../model/proxy-config/parse.ts`, 'utf8')].join('\n');
  const isRead = (field: string): boolean => {
    // Those of both sides are read by a template that begins with the side.
    const bySide = field.replace(/^(inbound|outbound)/, '\x24{side}');
    return new RegExp(`\\b(config|settings)\\.${field}\\b`).test(whole) || whole.includes(`config[\`${bySide}\`]`);
  };
  const isTaken = (field: string): boolean => new RegExp(`const \\{[^}]*\\b${field}\\b[^}]*\\} = settings`).test(whole);
  // Address and name of a service are read by its name.
  const isService = (field: string): boolean => /^(policy|destination|identity)(Addr|Name)$/.test(field);
  for (const field of Object.keys(CONFIG_ROWS))
    assert.equal(isRead(field) || isTaken(field) || isService(field), !(field in UNREAD), field);
  for (const field of Object.keys(UNREAD)) assert.ok(field in CONFIG_ROWS, field);
});
