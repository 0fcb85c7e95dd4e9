/** Two `weft proxy` processes as in pods, each with a control plane on its loopback. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#net/programs';
import {
  ADMIN_PORT,
  CLIENT_IP,
  CLIENT_NAME,
  CLIENT_NS,
  CONTROL_PORT,
  INBOUND_PORT,
  OUTBOUND_PORT,
  PROXY_UID,
  SERVER_IP,
  SERVER_NAME,
  SERVER_NS,
} from './addresses.ts';
import { type ControlScript, type PortScript, targetOf } from './control.ts';
import { type Material, writeMaterial } from './material.ts';
import { captureTraffic, setUpNetwork } from './network.ts';
import { type Running, start } from './processes.ts';

const SIDES = {
  client: { name: CLIENT_NAME, namespace: CLIENT_NS, ip: CLIENT_IP },
  server: { name: SERVER_NAME, namespace: SERVER_NS, ip: SERVER_IP },
} as const;

type Side = keyof typeof SIDES;

export interface PairOptions {
  /** Command line that begins a `weft` command. */
  readonly weft: readonly string[];
  readonly ports: readonly PortScript[];
  /** Where keys and sockets go; on a private tmpfs at /run. */
  readonly folder: string;
  /** Further settings of both proxies, without their prefix. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Pair {
  /** The outbound proxy of the client's side, the inbound one of the server's side. */
  readonly proxies: Readonly<Record<Side, Running>>;
  readonly others: readonly Running[];
  readonly material: Material;
}

/** For bursts of connections. */
const LISTEN_BACKLOG = '16384';
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 100;

/** Needs to be the first process of {@link runIsolated}. Resolves when both proxies are ready; rejects with their last words. */
export async function startPair({ weft, ports, folder, settings: more }: PairOptions): Promise<Pair> {
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run']);
  mkdirSync(folder, { recursive: true });
  await setUpNetwork();
  await captureTraffic(weft);
  const material = await writeMaterial(join(folder, 'tls'));
  const script: ControlScript = { folder: material.folder, ports };
  const control = [process.execPath, join(import.meta.dirname, 'control.ts'), JSON.stringify(script)];
  const others = Object.values(SIDES).map(({ namespace }) => start(`control plane (${namespace})`, namespace, control));
  const proxies = {
    client: startProxy(weft, 'client', { ...settings('client', ports, material), ...more }),
    server: startProxy(weft, 'server', { ...settings('server', ports, material), ...more }),
  };
  await Promise.all([ready(proxies.client, 'client', others), ready(proxies.server, 'server', others)]);
  return { proxies, others, material };
}

/** As the injector sets them, where they matter here. */
function settings(side: Side, ports: readonly PortScript[], { folder, anchors }: Material): Record<string, string> {
  const control = `127.0.0.1:${CONTROL_PORT}`;
  return {
    LOG: 'warn',
    // What was counted at the beginning of a long run is asked for at its end.
    METRICS_RETAIN_IDLE: '2h',
    OUTBOUND_LISTEN_ADDR: `127.0.0.1:${OUTBOUND_PORT}`,
    INBOUND_LISTEN_ADDR: `0.0.0.0:${INBOUND_PORT}`,
    ADMIN_LISTEN_ADDR: `0.0.0.0:${ADMIN_PORT}`,
    INBOUND_TCP_LISTEN_BACKLOG: LISTEN_BACKLOG,
    OUTBOUND_TCP_LISTEN_BACKLOG: LISTEN_BACKLOG,
    INBOUND_IPS: SIDES[side].ip,
    INBOUND_PORTS: side === 'server' ? ports.map(targetOf).join(',') : '',
    POLICY_SVC_ADDR: control,
    POLICY_WORKLOAD: `{"ns":"pair","pod":"${side}-1"}`,
    POLICY_CLUSTER_NETWORKS: '10.0.0.0/8',
    DESTINATION_SVC_ADDR: control,
    DESTINATION_CONTEXT: `{"ns":"pair","nodeName":"pair","pod":"${side}-1"}`,
    DESTINATION_PROFILE_NETWORKS: '10.0.0.0/8',
    IDENTITY_SVC_ADDR: control,
    IDENTITY_LOCAL_NAME: SIDES[side].name,
    IDENTITY_DIR: '/run/linkerd',
    IDENTITY_TRUST_ANCHORS: anchors,
    IDENTITY_TOKEN_FILE: join(folder, `${side}.token`),
  };
}

function startProxy(weft: readonly string[], side: Side, variables: Readonly<Record<string, string>>): Running {
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`LINKERD2_PROXY_${name}`, value]));
  const uid = String(PROXY_UID);
  const asProxy = ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs'];
  const { namespace } = SIDES[side];
  return start(`weft proxy (${namespace})`, namespace, [...asProxy, ...weft, 'proxy'], env);
}

async function ready(proxy: Running, side: Side, others: readonly Running[]): Promise<void> {
  const url = `http://127.0.0.1:${ADMIN_PORT}/ready`;
  const probe = ['netns', 'exec', SIDES[side].namespace, 'curl', '-s', '--max-time', '2', '-w', '%{http_code}', url];
  let seen = '';
  for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
    for (const each of [proxy, ...others]) each.requireAlive();
    seen = (await run('ip', probe, { okCodes: [...Array(100).keys()] })).stdout;
    if (seen.endsWith('200')) return;
  }
  throw new Error(`${proxy.name} is not ready within ${READY_TIMEOUT_MS / 1000} s: ${seen}\n${proxy.lastWords()}`);
}

/** What a proxy shows at /metrics. */
export async function metricsOf(side: Side): Promise<string> {
  const url = `http://127.0.0.1:${ADMIN_PORT}/metrics`;
  const args = ['netns', 'exec', SIDES[side].namespace, 'curl', '-sSf', '--max-time', '5', url];
  return (await run('ip', args)).stdout;
}
