/**
 * Two network namespaces stand for two pods: real iptables rules, real original destinations, a proxy process in each, and a
 * capture on the wire between them.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ENV_PREFIX } from '#model/proxy-config';
import { dialIn, inNamespaces } from '#net/netns';
import { startControlPlane, TestCa } from '#proxy/testing';
import { eventually, repository, run } from '../../harness/index.ts';

const ID = `weft-px-${process.pid}`;
const WEB = 'web.a.serviceaccount.identity.linkerd.cluster.local';
const CLIENT = 'client.a.serviceaccount.identity.linkerd.cluster.local';
const VIP = '10.96.7.7';
/** Group of the proxies: they run as root here, since a checkout may be readable by root alone. */
const PROXY_GID = 2102;
const SECRET = 'the-body-that-nobody-may-read';

interface Pod {
  readonly name: string;
  readonly ip: string;
  readonly netPath: string;
}

const pods = {
  client: pod(`${ID}-c`, '10.244.99.1'),
  web: pod(`${ID}-w`, '10.244.99.2'),
};
const children: ChildProcess[] = [];
const closing: (() => unknown)[] = [];
let folder: string;
let ca: TestCa;

function pod(name: string, ip: string): Pod {
  return { name, ip, netPath: `/run/netns/${name}` };
}

async function ok(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  assert.equal(code, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Something listening or connecting inside a pod, from this process. */
const inside = <T>({ netPath }: Pod, action: () => T): T => inNamespaces({ net: netPath }, action);

before(
  async () => {
    assert.equal(process.getuid?.(), 0, 'this scenario needs root: it makes network namespaces');
    folder = mkdtempSync(join(tmpdir(), 'weft-px-'));
    writeFileSync(join(folder, 'token'), 'token');
    for (const { name } of [pods.client, pods.web]) await ok('ip', 'netns', 'add', name);
    await ok(
      'ip',
      'link',
      'add',
      'eth0',
      'netns',
      pods.client.name,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      pods.web.name,
    );
    for (const [self, peer] of [
      [pods.client, pods.web],
      [pods.web, pods.client],
    ] as const) {
      await ok('ip', '-n', self.name, 'link', 'set', 'lo', 'up');
      await ok('ip', '-n', self.name, 'addr', 'add', `${self.ip}/30`, 'dev', 'eth0');
      await ok('ip', '-n', self.name, 'link', 'set', 'eth0', 'up');
      await ok('ip', '-n', self.name, 'route', 'add', 'default', 'via', peer.ip);
    }
    ca = new TestCa();
    listen(pods.web, 8080, (socket) =>
      socket.on('data', (chunk) => {
        const clientId = /l5d-client-id: (\S+)/.exec(chunk.toString())?.[1] ?? 'nobody';
        const body = `${SECRET} for ${clientId} from ${socket.remoteAddress}`;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      }),
    );
    listen(pods.web, 2525, (socket) => {
      socket.write('220 ready\r\n');
      socket.on('data', (chunk) => socket.write(`${SECRET} ${chunk}`));
    });
    await startProxy(pods.web, WEB, [], '4190,4191');
    await startProxy(
      pods.client,
      CLIENT,
      [
        {
          addr: `${VIP}:80`,
          path: 'web.a.svc.cluster.local:80',
          endpoints: [{ ip: pods.web.ip, port: 8080, identity: WEB, inboundPort: 4143 }],
        },
        {
          addr: `${VIP}:25`,
          path: 'mail.a.svc.cluster.local:25',
          endpoints: [{ ip: pods.web.ip, port: 2525, identity: WEB, inboundPort: 4143 }],
        },
      ],
      '4190,4191',
    );
  },
  { timeout: 60_000 },
);

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const close of closing) await close();
  for (const { name } of [pods.client, pods.web]) await run('ip', ['netns', 'del', name]);
  rmSync(folder, { recursive: true, force: true });
});

function listen(where: Pod, port: number, handler: (socket: net.Socket) => void): void {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    handler(socket);
  });
  inside(where, () => server.listen(port, '0.0.0.0'));
  closing.push(() => server.close());
}

/** Rules and a proxy in a pod, ready when this resolves. */
async function startProxy(
  where: Pod,
  identity: string,
  services: NonNullable<Parameters<typeof startControlPlane>[1]>['services'] & object,
  ignored: string,
): Promise<void> {
  const control = await startControlPlane(ca, { services, inside: (bind) => inside(where, bind) });
  closing.push(() => control.close());
  const initArgs = ['--proxy-gid', String(PROXY_GID), '--inbound-ports-to-ignore', ignored, '--netns', where.netPath];
  const init = await run(
    process.execPath,
    ['-e', `const {runInit} = await import('#proxy/capture'); await runInit(${JSON.stringify(initArgs)});`],
    { cwd: repository } as object,
  );
  assert.equal(init.code, 0, init.stderr);
  const address = `127.0.0.1:${control.port}`;
  const env: Record<string, string> = {
    // As the charts set them where IPv6 is on: IPv4 connections arrive on IPv6 sockets.
    INBOUND_LISTEN_ADDR: '[::]:4143',
    OUTBOUND_LISTEN_ADDRS: '127.0.0.1:4140,[::1]:4140',
    ADMIN_LISTEN_ADDR: '[::]:4191',
    INBOUND_IPS: where.ip,
    POLICY_SVC_ADDR: address,
    POLICY_WORKLOAD: '{"ns":"a","pod":"p"}',
    DESTINATION_SVC_ADDR: address,
    DESTINATION_PROFILE_NETWORKS: '10.0.0.0/8',
    IDENTITY_SVC_ADDR: address,
    IDENTITY_LOCAL_NAME: identity,
    IDENTITY_TRUST_ANCHORS: ca.pem,
    IDENTITY_TOKEN_FILE: join(folder, 'token'),
    INBOUND_DETECT_TIMEOUT: '1s',
    OUTBOUND_DETECT_TIMEOUT: '500ms',
  };
  const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [ENV_PREFIX + name, value]));
  const program = "const {runProxy} = await import('#proxy'); await runProxy([], process.env);";
  const child = inside(where, () =>
    spawn(process.execPath, ['-e', program], {
      cwd: repository,
      gid: PROXY_GID,
      env: { ...named, PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await eventually(
    `${identity} is certified; it said: ${output}`,
    20_000,
    async () => /Certified identity/.test(output) || undefined,
    20,
  );
}

/** Sends text from a pod and gives what comes back until `stop` matches; rejects after a few seconds. */
async function ask(where: Pod, address: string, port: number, text: string, stop: RegExp): Promise<string> {
  const socket = await dialIn(where.netPath, { address, port, timeoutMs: 2_000 });
  return await new Promise((resolve, reject) => {
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), 4_000);
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (!stop.test(answer)) return;
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`closed after ${JSON.stringify(answer)}`));
    });
    if (text !== '') socket.write(text);
  });
}

const GET = 'GET / HTTP/1.1\r\nhost: web.a\r\n\r\n';

/** Everything that crosses the wire between the pods while `action` runs. */
async function captured(action: () => Promise<void>): Promise<string> {
  const file = join(folder, `capture-${Math.random()}.pcap`);
  const child = inside(pods.web, () =>
    spawn('tcpdump', ['-i', 'eth0', '--immediate-mode', '-U', '-s', '0', '-Z', 'root', '-w', file, 'tcp'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  children.push(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await eventually('tcpdump listens', 5_000, async () => /listening on/.test(said) || undefined, 20);
  await action();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
  return readFileSync(file, 'latin1');
}

const metrics = async (where: Pod): Promise<string> =>
  ask(where, '127.0.0.1', 4191, 'GET /metrics HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n', /# EOF/);

test('a request to a service address arrives over mutual TLS: both proxies name their peer, the wire shows no plain text', async () => {
  const wire = await captured(async () => {
    const answer = await ask(pods.client, VIP, 80, GET, /nobody-may-read for \S+ from/);
    assert.match(answer, new RegExp(`${SECRET} for ${CLIENT} from `));
  });
  assert.ok(wire.includes(WEB), 'the capture holds the handshake, whose server name is readable');
  assert.ok(!wire.includes(SECRET), 'the capture must not hold the body');
  assert.ok(!wire.includes('host: web.a'), 'nor the request');
  assert.match(
    await metrics(pods.client),
    new RegExp(`^request_total\\{direction="outbound",.*tls="true",server_id="${WEB}".* 1$`, 'm'),
  );
  assert.match(
    await metrics(pods.web),
    new RegExp(`^request_total\\{direction="inbound",.*tls="true",client_id="${CLIENT}".* 1$`, 'm'),
  );
});

test('a protocol in which the server speaks first passes too, and is as unreadable', async () => {
  const wire = await captured(async () => {
    await ask(pods.client, VIP, 25, '', /^220 ready\r\n$/);
  });
  assert.ok(wire.includes(WEB) && !wire.includes('220 ready'));
});

test('a client outside the mesh reaches the application in plain text under the default policy', async () => {
  // The host side of a pod has no proxy: a third namespace would be one, the group exempts this one likewise.
  const program = `const s = require('net').connect(8080, '${pods.web.ip}', () => s.write(${JSON.stringify(GET)})); s.on('data', (d) => { console.log(String(d)); process.exit(); });`;
  const wire = await captured(async () => {
    const child = inside(pods.client, () =>
      spawn(process.execPath, ['-e', program], { gid: PROXY_GID, stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    children.push(child);
    let answer = '';
    child.stdout.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await eventually('the answer', 5_000, async () => /for nobody from/.test(answer) || undefined, 20);
  });
  assert.ok(wire.includes(SECRET), 'here the capture shows the body: it would have been seen above');
  assert.match(
    await metrics(pods.web),
    /^request_total\{direction="inbound",.*no_tls_reason="no_tls_from_remote".* 1$/m,
  );
});

test('a proxy ends in order on SIGTERM', async () => {
  const child = children[1]!;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});
