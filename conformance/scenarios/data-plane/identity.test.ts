/** Who trusts whom: roots in rotation, short certificates, SPIFFE names, and those that are refused. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestCa } from '#proxy/testing';
import { everyone, only, type Pod, servicePolicy, usePods, World } from '../../harness/pods/index.ts';
import { type Answer, get, serveHttp1, serveTcp } from './http.ts';

const VIP = '10.96.0.10';
const SPIFFE = 'spiffe://root.test/ns/a/sa/vm';
/** Shorter than Linkerd's day, long enough for a busy machine to renew it in time. */
const SHORT_MS = 4_000;
const next = new TestCa('next.test');
const foreign = new TestCa('foreign.test');
const MESHED = ['client', 'rotated', 'short', 'vm', 'foreign'] as const;
type Name = (typeof MESHED)[number];

const world = new World();
world.issue = (identity) => {
  if (identity.startsWith('rotated')) return { ca: next, validMs: 600_000 };
  if (identity.startsWith('foreign')) return { ca: foreign, validMs: 600_000 };
  return { ca: world.ca, validMs: identity.startsWith('short') ? SHORT_MS : 600_000 };
};
const both = `${world.ca.pem}${next.pem}`;
const env = { IDENTITY_TRUST_ANCHORS: both, OUTBOUND_HTTP_FAILFAST_TIMEOUT: '300ms' };
const pods = usePods(
  {
    client: { env },
    rotated: { env },
    short: { env: { ...env, IDENTITY_MIN_REFRESH: '500ms' } },
    vm: { identity: SPIFFE, env },
    foreign: { env: { ...env, IDENTITY_TRUST_ANCHORS: both + foreign.pem } },
    plain: { unmeshed: true },
  },
  () => {
    for (const name of MESHED) {
      const pod = pods[name];
      serveHttp1(pod, 8080, (request, response) => response.end(String(request.headers['l5d-client-id'])));
      serveTcp(pod, 9000, (socket) => socket.pipe(socket));
      for (const [port, protocol, hint] of [
        [8080, 'detect', 'h2'],
        [9000, 'opaque', 'opaque'],
      ] as const) {
        const path = `${name}.a.svc.cluster.local:${port}`;
        world.service(`${address(name)}:${port}`, path, [pod.endpoint(port, { hint })], { protocol });
      }
      world.port(name, 9000, everyone({ protocol: { kind: { case: 'opaque', value: {} } } }));
    }
  },
  world,
);
/** The service of a pod. */
const address = (name: Name): string => VIP.replace(/\d+$/, String(20 + MESHED.indexOf(name)));

const ask = (from: Name, to: Name): Promise<Answer> => get(pods[from], address(to), 8080);

test('while roots are rotated, pods with certificates of either know each other', async () => {
  assert.equal((await ask('client', 'rotated')).body, pods.client.identity);
  assert.equal((await ask('rotated', 'client')).body, pods.rotated.identity);
});

test('a SPIFFE name is an identity like any other, of servers and of clients', async () => {
  assert.equal((await ask('client', 'vm')).body, pods.client.identity);
  const labels = { direction: 'outbound', server_id: SPIFFE, tls: 'true' };
  assert.equal(await pods.client.metric('request_total', labels), 1);
  world.port('rotated', 8080, everyone({ authorizations: [only(SPIFFE)] }));
  await sleep(50);
  assert.deepEqual([(await ask('vm', 'rotated')).body, (await ask('client', 'rotated')).status], [SPIFFE, 403]);
  world.port('rotated', 8080, everyone());
});

test('a peer of a root that is not trusted is refused on either side', async () => {
  const asClient = await ask('foreign', 'client');
  assert.ok(asClient.status >= 502, String(asClient.status));
  const asServer = await ask('client', 'foreign');
  assert.ok(asServer.status >= 502, String(asServer.status));
  assert.match(asServer.headers['l5d-proxy-error'] ?? '', /fail-fast|certificate|TLS/);
});

test('a server that is not who discovery says is refused', async () => {
  const path = 'wrong.a.svc.cluster.local:8080';
  const { identity: _, ...there } = pods.short.endpoint(8080);
  world.endpoints(path, [{ ...there, identity: 'bank.a.serviceaccount.identity.linkerd.cluster.local' }]);
  world.policy(`${VIP}:8080`, servicePolicy(path));
  assert.ok((await get(pods.client, VIP, 8080)).status >= 502);
});

/** Runs openssl's client in the unmeshed pod against the application's port of another; gives all that it says. */
async function handshake(to: Pod, ...args: string[]): Promise<{ code: number | null; said: string }> {
  const child = pods.plain.inside(() =>
    spawn('openssl', ['s_client', '-connect', `${to.ip}:8080`, '-servername', to.identity, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  child.stdin.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { code, said };
}

test('TLS 1.3 alone is spoken, without tickets; version 1.2 is refused', async () => {
  const { said } = await handshake(pods.client, '-tls1_3');
  assert.match(said, /New, TLSv1\.3, Cipher is TLS_AES_/);
  assert.doesNotMatch(said, /New Session Ticket|Early data was accepted/);
  const old = await handshake(pods.client, '-tls1_2');
  assert.notEqual(old.code, 0);
  assert.match(old.said, /alert protocol version|unsupported protocol|wrong version/);
});

test('certificates are renewed in time: no connection fails, and old ones stay open', async () => {
  const startMs = performance.now();
  const echo = async (from: Name, to: Name): Promise<void> => {
    const socket = await pods[from].dial(address(to), 9000);
    try {
      await once(socket, 'hello');
    } finally {
      socket.destroy();
    }
  };
  const old = await pods.client.dial(address('short'), 9000);
  await once(old, 'first');
  let connections = 0;
  // Each is a handshake of its own, with `short` on either side.
  while (performance.now() - startMs < SHORT_MS + 1_500) {
    await Promise.all([echo('client', 'short'), echo('short', 'client')]);
    connections += 2;
    await sleep(40);
  }
  assert.ok(connections > 40, `${connections} connections`);
  assert.ok((await pods.short.metric('control_identity_cert_refreshes_total', { result: 'ok' })) >= 2);
  assert.equal(await pods.short.metric('control_identity_cert_refreshes_total', { result: 'error' }), 0);
  await once(old, 'last');
  old.destroy();
});

/** Sends a text and waits for its echo. */
function once(socket: Awaited<ReturnType<Pod['dial']>>, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no echo of ${text}`)), 2_000);
    const end = (error?: Error): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      if (error) reject(error);
      else resolve();
    };
    const onClose = (): void => end(new Error(`closed before the echo of ${text}`));
    let got = '';
    const onData = (chunk: Buffer): void => {
      got += chunk.toString();
      if (got === text) end();
    };
    socket.on('data', onData).on('close', onClose);
    socket.on('error', () => socket.destroy());
    socket.write(text);
  });
}
