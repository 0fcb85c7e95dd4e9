import { type Command, Option } from 'commander';
import { decodeIp, destination, FEATURES_KEY } from '#api/mesh';
import type { GrpcClient, GrpcError } from '#runtime/grpc';
import { type CliContext, UserError } from '../../context.ts';
import { renderTable } from '../../output/index.ts';
import { destinationClient } from './controller.ts';
import { goJson } from './go-json.ts';

interface Flags {
  output: 'table' | 'json';
  destinationPod?: string;
  token: string;
  showCluster?: boolean;
}

/** One endpoint as destination streams it. */
export interface EndpointRow {
  namespace: string;
  ip: string;
  port: number;
  pod: string;
  /** `name.namespace` of the Service that it belongs to: of a federated service, the member. */
  service: string;
  /** Linked cluster that it is in; undefined for the own one. */
  cluster: string | undefined;
  /** Level of priority: 0 is used first. */
  priority: number;
  weight: number;
  http2?: Record<string, unknown>;
  labels: Record<string, string>;
}

/** A stream is read until it was silent for this long after an update, and for at most the longer time. */
const QUIET_MS = 1_000;
const WINDOW_MS = 5_000;

export function registerEndpoints(group: Command, context: CliContext): void {
  group
    .command('endpoints')
    .alias('ep')
    .argument('<authority...>', 'Names such as web.shop.svc.cluster.local:8080')
    .description("Introspect the destination controller's state: the endpoints of a Service")
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['table', 'json']).default('table'))
    .option('--destination-pod <name>', 'Which replica of the destination controller to ask')
    .option('--token <token>', 'Context token, as a proxy would send it', 'default:diagnostics')
    .option('--show-cluster', 'Say of each endpoint which cluster it is in, at which level, and its weight')
    .action(async (authorities: string[], flags: Flags) => {
      const client = await destinationClient(context, flags.destinationPod);
      try {
        const sets = await Promise.all(authorities.map((authority) => endpointsOf(client, authority, flags.token)));
        print(sets.flat(), flags, context);
      } finally {
        client.close();
      }
    });
}

function print(rows: EndpointRow[], { output, showCluster = false }: Flags, { io }: CliContext): void {
  rows.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.service, b.service) || compare(a.pod, b.pod));
  if (output === 'json') io.out(`${JSON.stringify(rows.map(showCluster ? withCluster : withoutCluster), null, 2)}\n`);
  else if (rows.length === 0) io.err('No endpoints found.\n');
  else io.out(tables(rows, showCluster));
}

/** What the own cluster is called. */
const OWN_CLUSTER = 'local';
/** A weight of 1 on the wire. */
const WEIGHT_ONE = 10_000;
const withCluster = (row: EndpointRow) => ({ ...row, cluster: row.cluster ?? OWN_CLUSTER });
const withoutCluster = ({ cluster: _cluster, priority: _priority, ...row }: EndpointRow) => row;

const HEAD = ['NAMESPACE', 'IP', 'PORT', 'POD', 'SERVICE'] as const;

/** A table a namespace, a blank line between them; names are as wide in all. */
export function tables(rows: readonly EndpointRow[], showCluster = false): string {
  const widest = (head: string, texts: readonly string[]) => Math.max(head.length, ...texts.map((text) => text.length));
  const widths = [
    widest(
      'NAMESPACE',
      rows.map(({ namespace }) => namespace),
    ),
    0,
    0,
    widest(
      'POD',
      rows.map(({ pod }) => pod),
    ),
  ];
  const head = showCluster ? [...HEAD, 'CLUSTER', 'LEVEL', 'WEIGHT'] : HEAD;
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))];
  return namespaces
    .map((namespace) => {
      const ours = rows.filter((row) => row.namespace === namespace);
      const cells = ours.map(({ ip, port, pod, service, cluster = OWN_CLUSTER, priority, weight }) => [
        ...[namespace, ip, String(port), pod, service],
        ...(showCluster ? [cluster, String(priority), String(weight / WEIGHT_ONE)] : []),
      ]);
      return renderTable([head, ...cells], { widths });
    })
    .join('\n');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Follows one name for a while and folds what comes. A name that is not found has no endpoints. */
export function endpointsOf(client: GrpcClient, authority: string, contextToken: string): Promise<EndpointRow[]> {
  return new Promise((resolve, reject) => {
    const rows = new Map<string, EndpointRow>();
    const finish = (error?: GrpcError): void => {
      clearTimeout(quiet);
      clearTimeout(whole);
      cancel();
      if (error && error.code !== 'NOT_FOUND')
        reject(new UserError(`${authority}: ${error.code}: ${error.message}`, { cause: error }));
      else resolve([...rows.values()]);
    };
    let quiet: NodeJS.Timeout | undefined;
    const whole = setTimeout(() => finish(), WINDOW_MS);
    const cancel = client.serverStream(
      destination.Destination.method.get,
      { scheme: 'http:', path: authority, contextToken },
      {
        message: (update) => {
          fold(rows, update);
          clearTimeout(quiet);
          quiet = setTimeout(() => finish(), QUIET_MS);
        },
        ended: (error) => finish(error),
      },
      { metadata: { [FEATURES_KEY]: 'endpoint-priority' } },
    );
  });
}

function fold(rows: Map<string, EndpointRow>, update: destination.Update): void {
  const { value } = { value: update.update };
  if (value.case === 'add') for (const address of value.value.addrs) put(rows, address, value.value.metricLabels);
  else if (value.case === 'remove') for (const address of value.value.addrs) rows.delete(keyOf(address));
  else if (value.case === 'noEndpoints') rows.clear();
}

function put(rows: Map<string, EndpointRow>, address: destination.WeightedAddr, set: Record<string, string>): void {
  if (!address.addr) return;
  const labels = { ...set, ...address.metricLabels };
  const namespace = labels['namespace'] ?? '';
  rows.set(keyOf(address.addr), {
    namespace,
    ip: decodeIp(address.addr.ip) ?? '',
    port: address.addr.port,
    pod: labels['pod'] ?? '',
    service: `${labels['service'] ?? ''}.${namespace}`,
    cluster: labels['target_cluster'],
    priority: address.priority,
    weight: address.weight,
    ...(address.http2 && { http2: goJson(destination.Http2ClientParamsSchema, address.http2) }),
    labels: address.metricLabels,
  });
}

const keyOf = (address: { ip?: Parameters<typeof decodeIp>[0]; port: number }): string =>
  `${decodeIp(address.ip)}:${address.port}`;
