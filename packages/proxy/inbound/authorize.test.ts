import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authorization, Cidr, defaultMeta, defaultServerPolicy, parseIp } from '../discover/index.ts';
import { authorize, type ClientTls } from './index.ts';

const net = (text: string): Cidr => {
  const [ip = '', prefix] = text.split('/');
  return Cidr.of({ ip, prefix: Number(prefix) })!;
};
const authorization = (
  name: string,
  clients: Authorization['clients'],
  networks = ['0.0.0.0/0'],
  except: string[] = [],
): Authorization => ({
  meta: defaultMeta(name),
  clients,
  networks: networks.map((text) => ({ net: net(text), except: except.map(net) })),
});
const names = (identities: string[], suffixes: string[] = []) => ({ identities: new Set(identities), suffixes });
const meshed = (identity: string | undefined): ClientTls => ({ terminated: true, identity });
const PLAIN: ClientTls = { terminated: false, identity: undefined };

/** Name of the authorization that admits, or undefined. */
function admitted(list: Authorization[], tls: ClientTls, ip = '10.1.2.3'): string | undefined {
  return authorize(list, parseIp(ip)!, tls)?.meta.name;
}

test('the first authorization that admits decides', () => {
  const list = [authorization('tls', 'any-tls'), authorization('all', 'any'), authorization('never', 'any')];
  assert.equal(admitted(list, PLAIN), 'all');
  assert.equal(admitted(list, meshed(undefined)), 'tls');
});

test('networks and their exceptions limit an authorization', () => {
  const list = [authorization('net', 'any', ['10.0.0.0/8'], ['10.1.0.0/16'])];
  assert.equal(admitted(list, PLAIN, '10.2.0.1'), 'net');
  assert.equal(admitted(list, PLAIN, '10.1.0.1'), undefined);
  assert.equal(admitted(list, PLAIN, '192.168.0.1'), undefined);
});

test('identities match whole, suffixes by whole labels, the empty suffix every DNS name', () => {
  const one = [authorization('one', names(['a.b.c']))];
  assert.equal(admitted(one, meshed('a.b.c')), 'one');
  assert.equal(admitted(one, meshed('xa.b.c')), undefined);
  assert.equal(admitted(one, PLAIN), undefined);
  const suffix = [authorization('suffix', names([], ['b.c']))];
  assert.equal(admitted(suffix, meshed('a.b.c')), 'suffix');
  assert.equal(admitted(suffix, meshed('ab.c')), undefined);
  assert.equal(admitted(suffix, meshed('b.c')), undefined);
  assert.equal(admitted(suffix, meshed('spiffe://x/a.b.c')), undefined);
  const everyone = [authorization('everyone', names([], ['']))];
  assert.equal(admitted(everyone, meshed('a')), 'everyone');
  assert.equal(admitted(everyone, meshed('spiffe://x/y')), undefined);
  const uri = [authorization('uri', names(['spiffe://x/y'], ['']))];
  assert.equal(admitted(uri, meshed('spiffe://x/y')), 'uri');
  assert.equal(admitted(everyone, meshed(undefined)), undefined);
});

test('default policies: who is let in before the control plane has spoken', () => {
  const clusterNetworks = [{ ip: '10.0.0.0', prefix: 8 }];
  const list = (policy: Parameters<typeof defaultServerPolicy>[0]) => [
    ...defaultServerPolicy(policy, { opaque: false, detectTimeoutMs: 1, clusterNetworks }).authorizations,
  ];
  assert.equal(admitted(list('all-unauthenticated'), PLAIN, '8.8.8.8'), 'all-unauthenticated');
  assert.equal(admitted(list('all-authenticated'), PLAIN), undefined);
  assert.equal(admitted(list('all-authenticated'), meshed('a')), 'all-authenticated');
  assert.equal(admitted(list('cluster-unauthenticated'), PLAIN, '8.8.8.8'), undefined);
  assert.equal(admitted(list('cluster-authenticated'), meshed('a')), 'cluster-authenticated');
  assert.equal(admitted(list('audit'), PLAIN), 'audit');
  assert.equal(admitted(list('deny'), meshed('a')), undefined);
  for (const policy of ['deny', 'all-authenticated'] as const)
    assert.equal(admitted(list(policy), PLAIN, '127.0.0.1'), 'localhost');
});
