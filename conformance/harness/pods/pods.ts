/** Pods without a Kubernetes: network namespaces on one bridge, redirected by real rules, with a real proxy process in each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENV_PREFIX } from '#model/proxy-config';
import { dialIn, inNamespaces } from '#net/netns';
import { applyNft } from '#net/nftables';
import type { GrpcServer } from '#runtime/grpc';
import { eventually, repository, run, sumOf } from '../index.ts';
import type { Endpoint } from '../messages/index.ts';
import { World } from './world.ts';

/** Group of the proxies: they run as root here, since a checkout may be readable by root alone. */
const PROXY_GID = 2102;
export const INBOUND_PORT = 4143;
export const ADMIN_PORT = 4191;
/** Of settings that only our proxy has: their names are whole. */
const OWN_PREFIX = 'WEFT_PROXY_';
/** Lookups of addresses go on, so that the network itself has nothing to say. */
const SILENCE = `table inet silence {
  chain in { type filter hook input priority raw; iifname "eth0" meta l4proto tcp drop; }
  chain out { type filter hook output priority raw; oifname "eth0" meta l4proto tcp drop; }
}`;
const READY_MS = 20_000;
const DIAL_MS = 3_000;

/** One pod. */
export interface Pod {
  readonly name: string;
  readonly ip: string;
  readonly identity: string;
  /** Runs a synchronous action, such as `server.listen` or `spawn`, inside its network namespace. */
  inside<T>(action: () => T): T;
  /** Runs when the pods end, for what was started inside. */
  atEnd(end: () => void): void;
  /** Connects as its application would. */
  dial(address: string, port: number): Promise<Socket>;
  /** Whether all of TCP between it and others is lost, without a word to either side. */
  silence(silent: boolean): Promise<void>;
  /** As an endpoint of a destination, behind its proxy. */
  endpoint(port: number, changes?: Partial<Endpoint>): Endpoint;
  /** Its proxy. */
  readonly proxy: ChildProcess;
  /** Everything the proxy has written to standard output and error. */
  said(): string;
  /** The proxy's metrics as text. */
  metrics(): Promise<string>;
  /** Sum of a metric over the series that have all these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

export interface PodOptions {
  readonly name: string;
  /** Environment of the proxy beside the usual, without the prefix that most names have. */
  readonly env?: Readonly<Record<string, string>>;
  /** No proxy and no redirection. */
  readonly unmeshed?: boolean;
  /** Default: that of a service account of its name; where it is a SPIFFE URI, the server name is another. */
  readonly identity?: string;
  /** Its proxy sends spans to the world's collector. */
  readonly traced?: boolean;
  /** Files and sockets that its proxy may have open; absent: as many as this process. */
  readonly openFilesMax?: number;
  /** It is not waited for until its proxy has a certificate. */
  readonly uncertified?: boolean;
}

export interface Pods {
  readonly world: World;
  /** May be asked for before the start; what it does works from then on. */
  pod(name: string): Pod;
  /** Makes the pods and starts their proxies; all are certified when it resolves. Needs root. */
  start(): Promise<void>;
  /** Ends processes, servers and namespaces; to be called whatever happens. */
  close(): Promise<void>;
}

async function ok(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited ${code}: ${stderr}`);
  return stdout;
}

let made = 0;

/** Pods that are made at `start`. */
export function planPods(options: readonly PodOptions[], world = new World()): Pods {
  const id = `wp${process.pid % 100_000}-${made++}`;
  const folder = mkdtempSync(join(tmpdir(), 'weft-pods-'));
  const shared: Shared = { folder, world, children: [], servers: [], ends: [] };
  const planned = options.map((each, index) =>
    planPod({ ...each, ...shared, netPath: `/run/netns/${id}-${index}`, ip: `10.244.0.${index + 10}` }),
  );
  const namespaces: string[] = [];
  const makeNamespace = async (name: string): Promise<void> => {
    await ok('ip', 'netns', 'add', name);
    namespaces.push(name);
  };
  const makeNetwork = async (): Promise<void> => {
    const hub = `${id}-hub`;
    await makeNamespace(hub);
    await ok('ip', '-n', hub, 'link', 'add', 'br0', 'type', 'bridge');
    await ok('ip', '-n', hub, 'addr', 'add', '10.244.0.1/24', 'dev', 'br0');
    await ok('ip', '-n', hub, 'link', 'set', 'br0', 'up');
    for (const [index, { pod }] of planned.entries()) {
      const netns = `${id}-${index}`;
      await makeNamespace(netns);
      await ok('ip', 'link', 'add', 'eth0', 'netns', netns, 'type', 'veth', 'peer', 'name', `v${index}`, 'netns', hub);
      await ok('ip', '-n', hub, 'link', 'set', `v${index}`, 'master', 'br0', 'up');
      await ok('ip', '-n', netns, 'link', 'set', 'lo', 'up');
      await ok('ip', '-n', netns, 'addr', 'add', `${pod.ip}/24`, 'dev', 'eth0');
      await ok('ip', '-n', netns, 'link', 'set', 'eth0', 'up');
      // Service addresses need some route, so that packets to them reach the OUTPUT chain.
      await ok('ip', '-n', netns, 'route', 'add', 'default', 'via', '10.244.0.1');
    }
  };
  return {
    world,
    pod(name) {
      const found = planned.find(({ pod }) => pod.name === name);
      if (!found) throw new Error(`there is no pod ${name}`);
      return found.pod;
    },
    async start() {
      if (process.getuid?.() !== 0) throw new Error('this scenario needs root: it makes network namespaces');
      writeFileSync(join(folder, 'token'), 'token');
      await makeNetwork();
      await Promise.all(planned.map(({ start }) => start()));
    },
    async close() {
      for (const end of shared.ends) end();
      for (const child of shared.children) child.kill('SIGKILL');
      await Promise.all(shared.servers.map((server) => server.close()));
      for (const name of namespaces) await run('ip', ['netns', 'del', name]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the pods of one scenario have in common. */
interface Shared {
  readonly folder: string;
  readonly world: World;
  readonly children: ChildProcess[];
  readonly servers: GrpcServer[];
  readonly ends: (() => void)[];
}

interface Place extends PodOptions, Shared {
  readonly netPath: string;
  readonly ip: string;
}

function planPod(place: Place): { readonly pod: Pod; start(): Promise<void> } {
  const { name, netPath, ip } = place;
  const { identity = `${name}.a.serviceaccount.identity.linkerd.cluster.local` } = place;
  const serverName = identity.includes('://') ? `${name}.a.svc.cluster.local` : identity;
  const inside = <T>(action: () => T): T => inNamespaces({ net: netPath }, action);
  const dial = (address: string, port: number) => dialIn(netPath, { address, port, timeoutMs: DIAL_MS });
  let output = '';
  let proxy: ChildProcess | undefined;
  const metrics = async (): Promise<string> => {
    const socket = await dial('127.0.0.1', ADMIN_PORT);
    const text = await readAll(socket, 'GET /metrics HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n');
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(`${name}'s metrics: ${text.slice(0, 200)}`);
    return text;
  };
  const start = async (): Promise<void> => {
    if (place.unmeshed) return;
    const started = await startProxy(place, { identity, serverName }, inside, (text) => {
      output += text;
    });
    proxy = started;
    if (place.uncertified) return;
    await eventually(
      `${name} is certified; its proxy said: ${output}`,
      READY_MS,
      async () => {
        if (started.exitCode !== null) throw new Error(`the proxy ended with ${started.exitCode}: ${output}`);
        return /Certified identity/.test(output) || undefined;
      },
      20,
    );
  };
  const pod: Pod = {
    name,
    ip,
    identity,
    inside,
    atEnd: (end) => place.ends.push(end),
    dial,
    silence: (silent) => applyNft(silent ? SILENCE : 'delete table inet silence', netPath),
    endpoint: (port, changes = {}) => ({
      ip,
      port,
      ...(!place.unmeshed && { identity, serverName, inboundPort: INBOUND_PORT, hint: 'h2' as const }),
      ...changes,
    }),
    get proxy() {
      if (!proxy) throw new Error(`${name} has no proxy`);
      return proxy;
    },
    said: () => output,
    metrics,
    metric: async (wanted, labels = {}) => sumOf(await metrics(), wanted, labels),
  };
  return { pod, start };
}

async function startProxy(
  { name, netPath, ip, folder, world, children, servers, traced, openFilesMax, env = {} }: Place,
  { identity, serverName }: { readonly identity: string; readonly serverName: string },
  inside: <T>(action: () => T) => T,
  said: (text: string) => void,
): Promise<ChildProcess> {
  const pod = JSON.stringify({ ns: 'a', pod: name });
  const { port, server } = await world.serve(name, inside);
  servers.push(server);
  const initArgs = ['--proxy-gid', String(PROXY_GID), '--inbound-ports-to-ignore', '4190,4191', '--netns', netPath];
  const init = await run(process.execPath, [
    '-e',
    `const {runInit} = await import('${repository}/packages/proxy/capture/index.ts'); await runInit(${JSON.stringify(initArgs)});`,
  ]);
  if (init.code !== 0) throw new Error(`weft init exited ${init.code}: ${init.stderr}`);
  const control = `127.0.0.1:${port}`;
  const settings: Record<string, string> = {
    INBOUND_LISTEN_ADDR: `0.0.0.0:${INBOUND_PORT}`,
    OUTBOUND_LISTEN_ADDR: '127.0.0.1:4140',
    ADMIN_LISTEN_ADDR: `0.0.0.0:${ADMIN_PORT}`,
    INBOUND_IPS: ip,
    POLICY_SVC_ADDR: control,
    POLICY_WORKLOAD: pod,
    POLICY_CLUSTER_NETWORKS: '10.0.0.0/8',
    DESTINATION_SVC_ADDR: control,
    DESTINATION_CONTEXT: pod,
    DESTINATION_PROFILE_NETWORKS: '10.0.0.0/8',
    IDENTITY_SVC_ADDR: control,
    ...(identity === serverName
      ? { IDENTITY_LOCAL_NAME: identity }
      : { IDENTITY_SERVER_ID: identity, IDENTITY_SERVER_NAME: serverName }),
    ...(traced && { TRACE_COLLECTOR_SVC_ADDR: control, TRACE_SERVICE_NAME: name }),
    IDENTITY_TRUST_ANCHORS: world.ca.pem,
    IDENTITY_TOKEN_FILE: join(folder, 'token'),
    INBOUND_DETECT_TIMEOUT: '1s',
    OUTBOUND_DETECT_TIMEOUT: '500ms',
    INBOUND_CONNECT_TIMEOUT: '500ms',
    ...env,
  };
  const named = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key.startsWith(OWN_PREFIX) ? key : ENV_PREFIX + key, value]),
  );
  const program = `const {runProxy} = await import('${repository}/packages/proxy/index.ts'); await runProxy([], process.env);`;
  const limit = openFilesMax === undefined ? ':' : `ulimit -n ${openFilesMax}`;
  const child = inside(() =>
    spawn('sh', ['-c', `${limit}; exec "$0" -e "$1"`, process.execPath, program], {
      cwd: repository,
      gid: PROXY_GID,
      env: { ...named, PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  children.push(child);
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => said(chunk.toString()));
  return child;
}

/** Sends text and gives all that comes until the end; rejects after a few seconds. */
export function readAll(socket: Socket, text: string, withinMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end within ${withinMs} ms; so far ${JSON.stringify(answer.slice(0, 500))}`));
    }, withinMs);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('end', finish);
    socket.on('close', finish);
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.write(Buffer.from(text, 'latin1'));
  });
}
