import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ENV_PREFIX } from '#model/proxy-config';
import {
  eventually,
  type FakeControlPlane,
  openPolicy,
  startControlPlane,
  TestCa,
  TestProxy,
} from './testing/index.ts';

const NAME = 'web.a.serviceaccount.identity.linkerd.cluster.local';
const CONTROL = 'linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local';
const PROGRAM = `const {runProxy} = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'index.ts')).href)}); await runProxy([], process.env);`;

let ca: TestCa;
let control: FakeControlPlane;
let folder: string;
const children: ChildProcess[] = [];

before(async () => {
  ca = new TestCa();
  control = await startControlPlane(ca);
  folder = mkdtempSync(join(tmpdir(), 'weft-proxy-'));
  writeFileSync(join(folder, 'token'), 'the-token');
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await control.close();
  rmSync(folder, { recursive: true });
});

interface Process {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function start(env: Record<string, string>): Process {
  const settings: Record<string, string> = {
    OUTBOUND_LISTEN_ADDR: '127.0.0.1:0',
    INBOUND_LISTEN_ADDR: '127.0.0.1:0',
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    POLICY_SVC_ADDR: `127.0.0.1:${control.port}`,
    POLICY_WORKLOAD: '{"ns":"a","pod":"web-1"}',
    DESTINATION_SVC_ADDR: `127.0.0.1:${control.port}`,
    IDENTITY_SVC_ADDR: `127.0.0.1:${control.port}`,
    IDENTITY_LOCAL_NAME: NAME,
    IDENTITY_TRUST_ANCHORS: ca.pem,
    IDENTITY_TOKEN_FILE: join(folder, 'token'),
    IDENTITY_MIN_REFRESH: '200ms',
    ...env,
  };
  const named = Object.fromEntries(Object.entries(settings).map(([key, value]) => [ENV_PREFIX + key, value]));
  const child = spawn(process.execPath, ['-e', PROGRAM], { env: { ...named, PATH: process.env['PATH'] ?? '' } });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return { child, output: () => output, exit: new Promise((resolve) => child.on('exit', resolve)) };
}

const adminUrl = (process: Process): string =>
  `http://127.0.0.1:${/admin interface on \S+:(\d+)/.exec(process.output())?.[1]}`;

test('bad settings end the process with code 64 and one line each', async () => {
  const proxy = start({ INBOUND_PORTS: 'many', OUTBOUND_CONNECT_TIMEOUT: 'soon' });
  assert.equal(await proxy.exit, 64);
  assert.match(proxy.output(), /^Invalid configuration: LINKERD2_PROXY_INBOUND_PORTS must be a port/m);
  assert.match(proxy.output(), /^Invalid configuration: LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT must be a duration/m);
});

test('a busy port ends the process with code 1 and says which', async () => {
  const proxy = start({ ADMIN_LISTEN_ADDR: `127.0.0.1:${control.port}` });
  assert.equal(await proxy.exit, 1);
  assert.match(proxy.output(), /Initialization failed.*EADDRINUSE/);
});

test('the process gets its certificate over gRPC, becomes ready, shows its metrics, and ends in order', async () => {
  const proxy = start({});
  await eventually(() => /Certified identity id=web\.a/.test(proxy.output()), proxy.output(), 30_000);
  assert.equal(control.tokens.at(-1), 'the-token');
  const url = adminUrl(proxy);
  await eventually(() => proxy.output().includes('admin interface'), 'the address');
  const ready = await fetch(`${url}/ready`);
  assert.equal(ready.status, 200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^control_identity_cert_refreshes_total\{result="ok"\} 1$/m);
  assert.match(
    metrics,
    /^control_request_total\{addr="127\.0\.0\.1:\d+",tls="no_identity",no_tls_reason="loopback"\} [123]$/m,
  );
  assert.match(metrics, /^process_resident_memory_bytes [1-9]/m);
  proxy.child.kill('SIGTERM');
  assert.equal(await proxy.exit, 0);
  assert.match(proxy.output(), /received SIGTERM, starting shutdown/);
});

test('without a certificate the process stays alive, not ready, and tries again', async () => {
  const other = new TestCa();
  const before = control.tokens.length;
  const proxy = start({ IDENTITY_TRUST_ANCHORS: other.pem });
  await eventually(() => control.tokens.length >= before + 2, 'two attempts', 30_000);
  assert.match(proxy.output(), /does not chain to the trust anchors/);
  assert.equal((await fetch(`${adminUrl(proxy)}/ready`)).status, 503);
  assert.equal((await fetch(`${adminUrl(proxy)}/live`)).status, 200);
  proxy.child.kill('SIGTERM');
  assert.equal(await proxy.exit, 0);
});

test('the control plane is reached over mesh TLS without ALPN, through a proxy in front of it', async () => {
  const sidecar = await TestProxy.start({ name: CONTROL, ca });
  sidecar.inboundDst = { ip: '127.0.0.1', port: control.port };
  sidecar.mesh.port(control.port).set(openPolicy());
  const clients = await meshClients(sidecar.inboundPort);
  const seen: string[] = [];
  const cancel = clients.watchPort(8080, {
    message: (policy) => seen.push(policy.meta.name),
    ended: (error) => seen.push(`ended ${error?.code}`),
  });
  clients.watchOutbound(
    { ip: '10.1.2.3', port: 80 },
    { message: () => seen.push('?'), ended: (error) => seen.push(`ended ${error?.code}`) },
  );
  await eventually(() => seen.length >= 2, `both answers, not ${seen}`);
  assert.deepEqual(seen.sort(), ['all-unauthenticated', 'ended NOT_FOUND']);
  assert.equal(sidecar.metric('tcp_open_total', { peer: 'src', tls: 'true', client_id: NAME }), 1);
  cancel();
  clients.close();
  await sidecar.stop();
});

/** The proxy's own clients, made as the process makes them, but with an address that is not loopback by name. */
async function meshClients(port: number) {
  const { CallMetrics, ChannelMetrics, createControlChannel, createMeshClients } = await import('./control/index.ts');
  const { Credentials } = await import('./identity/index.ts');
  const { processDeps } = await import('./wiring.ts');
  const { testConfig } = await import('./testing/index.ts');
  const deps = processDeps(testConfig(NAME, ca.pem, { LOG: 'off' }));
  const credentials = new Credentials(NAME, ca.pem);
  const leaf = ca.issue(NAME);
  credentials.update(leaf.keyPem, leaf.chainPem);
  const service = { addr: { host: 'control.test', port }, name: CONTROL };
  const { clock, metrics } = deps;
  const watch = new ChannelMetrics('policy', service, { clock, metrics, connectTimeoutMs: 1_000 });
  const channel = createControlChannel(
    service,
    {
      connectTimeoutMs: 1_000,
      keepaliveMs: undefined,
      userTimeoutMs: undefined,
      windows: { stream: 65_535, connection: 1_048_576 },
    },
    {
      ...deps,
      watch,
      resolver: { resolve: async () => [{ host: '127.0.0.1', port }], distrust: () => undefined },
      context: () => credentials.context(),
    },
  );
  const calls = new CallMetrics(service, { metrics, clock, channel: watch });
  const clients = createMeshClients({
    policy: { channel, calls },
    destination: { channel, calls },
    workload: 'w',
    context: 'c',
  });
  return { ...clients, close: () => channel.close() };
}
