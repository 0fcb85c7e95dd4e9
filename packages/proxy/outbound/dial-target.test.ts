import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../testing/index.ts';
import { dialTarget, endpointTls, serverIdentity } from './dial-target.ts';

const config = {
  connectTimeoutMs: 1_000,
  options: { keepaliveMs: undefined, userTimeoutMs: undefined },
  localIps: ['10.0.0.9'],
  context: () => {
    throw new Error('no handshake in these tests');
  },
};
const tls = { identity: 'web.a.id', serverName: 'web.a' };

/** What matters of a target: where to, as whom, and the header. */
function where(changes: Parameters<typeof endpoint>[1], protocol: 'http/1' | 'http/2' | 'tcp' = 'http/1') {
  const target = dialTarget(endpoint(80, changes), protocol, config);
  return { to: `${target.host}:${target.port}`, id: target.tls?.identity, header: target.header };
}

test('an endpoint without identity, or in this pod, is dialled in plain text on its own port', () => {
  assert.deepEqual(where({ inboundPort: 4143 }), { to: '127.0.0.1:80', id: undefined, header: undefined });
  const own = { ip: '10.0.0.9', tls, inboundPort: 4143 };
  assert.deepEqual(where(own), { to: '10.0.0.9:80', id: undefined, header: undefined });
  assert.equal(serverIdentity(endpoint(80, own), config.localIps), undefined);
  assert.deepEqual(endpointTls(endpoint(80, own), config.localIps), { tls: 'no_identity', no_tls_reason: 'loopback' });
});

test('without a proxy port a meshed endpoint is dialled with TLS and no header', () => {
  assert.deepEqual(where({ tls }), { to: '127.0.0.1:80', id: 'web.a.id', header: undefined });
});

test('a proxy port gets a header that names the port and what the connection will carry', () => {
  const meshed = { tls, inboundPort: 4143 };
  const header = (session: string | undefined) => ({
    to: '127.0.0.1:4143',
    id: 'web.a.id',
    header: { port: 80, name: '', session },
  });
  assert.deepEqual(where(meshed), header('http/1'));
  assert.deepEqual(where(meshed, 'http/2'), header('http/2'));
  assert.deepEqual(where(meshed, 'tcp'), header(undefined));
  assert.deepEqual(where({ ...meshed, opaque: true }), header(undefined));
});

test('a gateway is dialled where it is and told the name and port behind it; a name without port changes nothing', () => {
  const authorityOverride = { authority: 'web.b.svc:8080', host: 'web.b.svc', port: 8080 };
  assert.deepEqual(where({ tls, authorityOverride }, 'http/2'), {
    to: '127.0.0.1:80',
    id: 'web.a.id',
    header: { port: 8080, name: 'web.b.svc', session: 'http/2' },
  });
  const named = { authority: 'web.b.svc', host: 'web.b.svc', port: undefined };
  assert.deepEqual(where({ tls, authorityOverride: named }).header, undefined);
});
