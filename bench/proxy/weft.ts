/** The subject: two `weft proxy` processes as in pods, each with a control plane on its loopback. */
import { join } from 'node:path';
import { run } from '#net/programs';
import {
  ADMIN_PORT,
  CLIENT_IP,
  CLIENT_NAME,
  CLIENT_NS,
  CONTROL_PORT,
  INBOUND_PORT,
  ORIGIN_PORTS,
  OUTBOUND_PORT,
  PROXY_UID,
  type Protocol,
  SERVER_IP,
  SERVER_NAME,
  SERVER_NS,
  SERVICE_IP,
  SERVICE_PORTS,
} from './addresses.ts';
import type { Material } from './material.ts';
import { type Running, start } from './processes.ts';

export const weftUrl = (protocol: Protocol): string => `http://${SERVICE_IP}:${SERVICE_PORTS[protocol]}/`;

interface Side {
  account: 'client' | 'bb';
  name: string;
  namespace: string;
  ip: string;
  ports: string;
}

const SIDES: readonly Side[] = [
  { account: 'client', name: CLIENT_NAME, namespace: CLIENT_NS, ip: CLIENT_IP, ports: '' },
  {
    account: 'bb',
    name: SERVER_NAME,
    namespace: SERVER_NS,
    ip: SERVER_IP,
    ports: Object.values(ORIGIN_PORTS).join(','),
  },
];

/** Starts everything; `proxies` are what counts. `argv` begins a `weft` command, `control` are flags of the control plane. */
export function startWeft(
  argv: readonly string[],
  material: Material,
  control: readonly string[] = [],
): { proxies: Running[]; others: Running[] } {
  const script = join(import.meta.dirname, 'control.ts');
  const others = SIDES.map(({ namespace }) =>
    start(`control plane (${namespace})`, namespace, [process.execPath, script, material.folder, ...control]),
  );
  const proxies = SIDES.map((side) => startProxy(argv, side, material));
  return { proxies, others };
}

function startProxy(argv: readonly string[], side: Side, { folder, anchors }: Material): Running {
  const control = `127.0.0.1:${CONTROL_PORT}`;
  // As the injector sets them, where they matter here.
  const settings: Record<string, string> = {
    LOG: 'warn',
    OUTBOUND_LISTEN_ADDR: `127.0.0.1:${OUTBOUND_PORT}`,
    INBOUND_LISTEN_ADDR: `0.0.0.0:${INBOUND_PORT}`,
    ADMIN_LISTEN_ADDR: `0.0.0.0:${ADMIN_PORT}`,
    INBOUND_IPS: side.ip,
    INBOUND_PORTS: side.ports,
    INBOUND_TCP_LISTEN_BACKLOG: '16384',
    OUTBOUND_TCP_LISTEN_BACKLOG: '16384',
    POLICY_SVC_ADDR: control,
    POLICY_WORKLOAD: `{"ns":"bench","pod":"${side.account}-1"}`,
    POLICY_CLUSTER_NETWORKS: '10.0.0.0/8',
    DESTINATION_SVC_ADDR: control,
    DESTINATION_CONTEXT: `{"ns":"bench","nodeName":"bench","pod":"${side.account}-1"}`,
    DESTINATION_PROFILE_NETWORKS: '10.0.0.0/8',
    IDENTITY_SVC_ADDR: control,
    IDENTITY_LOCAL_NAME: side.name,
    IDENTITY_DIR: '/run/linkerd',
    IDENTITY_TRUST_ANCHORS: anchors,
    IDENTITY_TOKEN_FILE: join(folder, `${side.account}.token`),
  };
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`LINKERD2_PROXY_${name}`, value]));
  const uid = String(PROXY_UID);
  const asProxy = ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs'];
  return start(`weft proxy (${side.namespace})`, side.namespace, [...asProxy, ...argv, 'proxy'], env);
}

/** What each proxy counted over mutual TLS with the expected peer, and any others; from its own metrics. */
export interface MeshCounts {
  readonly outboundRequests: number;
  readonly inboundRequests: number;
  /** Requests and connections between the proxies that were anything else. */
  readonly others: number;
}

/** Asks both proxies what they have carried. */
export async function meshCounts(): Promise<MeshCounts> {
  const [client, server] = await Promise.all(SIDES.map(({ namespace }) => metricsOf(namespace)));
  const out = { direction: 'outbound', tls: 'true', server_id: SERVER_NAME };
  const into = { direction: 'inbound', tls: 'true', client_id: CLIENT_NAME };
  /** Of connections between the proxies and requests in them; those to the admin port are our own. */
  const count = (metrics: string | undefined, name: string, labels: Record<string, string>): number =>
    sum(metrics, name, labels) - sum(metrics, name, { ...labels, target_port: String(ADMIN_PORT) });
  const outboundRequests = count(client, 'request_total', out);
  const inboundRequests = count(server, 'request_total', into);
  const [toPeer, fromPeer] = [
    { direction: 'outbound', peer: 'dst' },
    { direction: 'inbound', peer: 'src' },
  ];
  const all =
    count(client, 'request_total', { direction: 'outbound' }) +
    count(server, 'request_total', { direction: 'inbound' }) +
    count(client, 'tcp_open_total', toPeer) +
    count(server, 'tcp_open_total', fromPeer);
  const meshed =
    outboundRequests +
    inboundRequests +
    count(client, 'tcp_open_total', { ...out, ...toPeer }) +
    count(server, 'tcp_open_total', { ...into, ...fromPeer });
  return { outboundRequests, inboundRequests, others: all - meshed };
}

const METRICS_TIMEOUT_S = 5;

async function metricsOf(namespace: string): Promise<string> {
  const url = `http://127.0.0.1:${ADMIN_PORT}/metrics`;
  const args = ['netns', 'exec', namespace, 'curl', '-sSf', '--max-time', String(METRICS_TIMEOUT_S), url];
  return (await run('ip', args)).stdout;
}

/** Sum of a metric over the series that have all these labels. */
export function sum(metrics: string | undefined, name: string, labels: Readonly<Record<string, string>>): number {
  let total = 0;
  for (const [, series = '', value] of (metrics ?? '').matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, 'gm')))
    if (Object.entries(labels).every(([label, wanted]) => series.includes(`${label}="${wanted}"`)))
      total += Number(value);
  return total;
}
