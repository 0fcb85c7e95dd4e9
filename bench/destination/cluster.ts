/**
 * The Kubernetes API, as far as the destination service asks for it, `bun cluster.ts SHAPE`: lists in pages and watches of services,
 * pods and EndpointSlices over HTTP/2. Commands: `flip SERVICE` takes an endpoint of the service out or puts it back in, and
 * answers when the event left; `storm RATE:SECONDS` does so at random; `state` says which endpoints are in, for the last check.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '#runtime/random';
import { answerCommands } from '../worker.ts';
import { address, decodeShape, serviceName, sharedMs } from './shape.ts';

const shape = decodeShape(process.argv[2]);
const NAMESPACE = 'shop';
let version = 1;
/** By service and endpoint: whether it is in. */
const ready = Array.from({ length: shape.services }, () => new Uint8Array(shape.endpoints).fill(1));
const watchers = new Map<string, Set<ServerHttp2Stream>>();

const metadata = (name: string, more: object = {}) => ({
  name,
  namespace: NAMESPACE,
  uid: `00000000-0000-0000-0000-${name.padStart(12, '0').slice(-12)}`,
  resourceVersion: String(version),
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

const service = (i: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(serviceName(i)),
  spec: {
    clusterIP: `172.20.${i >> 8}.${i & 255}`,
    clusterIPs: [`172.20.${i >> 8}.${i & 255}`],
    selector: { app: serviceName(i) },
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  },
});

const podName = (i: number, e: number) => `${serviceName(i)}-6f5d8c7b9-${e.toString(36).padStart(5, '0')}`;

/** About as large as a meshed pod is: 6 kB. */
const pod = (i: number, e: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata(podName(i, e), {
    labels: { app: serviceName(i), 'linkerd.io/control-plane-ns': 'linkerd', 'pod-template-hash': '6f5d8c7b9' },
    annotations: { 'linkerd.io/proxy-version': 'bench', 'linkerd.io/inject': 'enabled' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${serviceName(i)}-6f5d8c7b9`, controller: true },
    ],
  }),
  spec: {
    nodeName: `node-${e % 10}`,
    serviceAccountName: serviceName(i),
    containers: [
      { name: 'app', image: 'registry.example/app:1', ports: [{ name: 'http', containerPort: 8080 }], resources: {} },
      {
        name: 'linkerd-proxy',
        image: 'registry.example/proxy:1',
        env: [
          { name: 'LINKERD2_PROXY_INBOUND_LISTEN_ADDR', value: '0.0.0.0:4143' },
          { name: 'LINKERD2_PROXY_ADMIN_LISTEN_ADDR', value: '0.0.0.0:4191' },
          { name: 'LINKERD2_PROXY_CONTROL_LISTEN_ADDR', value: '0.0.0.0:4190' },
          ...Array.from({ length: 60 }, (_, n) => ({
            name: `LINKERD2_PROXY_SETTING_${n}`,
            value: `value of setting ${n}`,
          })),
        ],
      },
    ],
  },
  status: {
    phase: 'Running',
    podIP: address(shape, i, e),
    podIPs: [{ ip: address(shape, i, e) }],
    hostIP: '172.30.0.1',
  },
});

const SLICE_ENDPOINTS = 100;
const slicesOf = Math.ceil(shape.endpoints / SLICE_ENDPOINTS);
const slice = (i: number, part: number) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadata(`${serviceName(i)}-${part}`, { labels: { 'kubernetes.io/service-name': serviceName(i) } }),
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: Array.from({ length: Math.min(SLICE_ENDPOINTS, shape.endpoints - part * SLICE_ENDPOINTS) }, (_, n) => {
    const e = part * SLICE_ENDPOINTS + n;
    return {
      addresses: [address(shape, i, e)],
      conditions: { ready: ready[i]![e] === 1, serving: ready[i]![e] === 1, terminating: false },
      nodeName: `node-${e % 10}`,
      zone: `zone-${e % 3}`,
      targetRef: { kind: 'Pod', namespace: NAMESPACE, name: podName(i, e) },
    };
  }),
});

const node = (n: number) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node-${n}`, labels: { 'topology.kubernetes.io/zone': `zone-${n % 3}` } },
});

/** How many objects a resource has, and each of them. */
const RESOURCES: Record<string, [count: number, object: (i: number) => object]> = {
  services: [shape.services, service],
  nodes: [10, node],
  pods: [shape.services * shape.endpoints, (n) => pod(Math.floor(n / shape.endpoints), n % shape.endpoints)],
  endpointslices: [shape.services * slicesOf, (n) => slice(Math.floor(n / slicesOf), n % slicesOf)],
};

const server = createServer();
server.on('stream', (opened, headers) => {
  const stream = opened as ServerHttp2Stream;
  stream.on('error', () => undefined); // a watch that its reader ended
  const url = new URL(String(headers[':path']), 'http://cluster');
  const resource = url.pathname.split('/').at(-1) ?? '';
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  if (!url.searchParams.has('watch')) {
    stream.end(
      listOf(resource, Number(url.searchParams.get('limit') ?? 500), Number(url.searchParams.get('continue') ?? 0)),
    );
    return;
  }
  const watching = watchers.get(resource) ?? new Set();
  watchers.set(resource, watching.add(stream));
  stream.on('close', () => watching.delete(stream));
});

function listOf(resource: string, limit: number, from: number): string {
  const [count, object] = RESOURCES[resource] ?? [0, () => ({})];
  const to = Math.min(count, from + limit);
  const items = Array.from({ length: to - from }, (_, n) => object(from + n));
  const page = to < count ? { continue: String(to) } : {};
  return JSON.stringify({
    kind: 'List',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(version), ...page },
    items,
  });
}

/** Takes an endpoint out, or puts it back in. */
function flip(i: number, e: number): void {
  version += 1;
  ready[i]![e] = ready[i]![e] === 1 ? 0 : 1;
  const event = `${JSON.stringify({ type: 'MODIFIED', object: slice(i, Math.floor(e / SLICE_ENDPOINTS)) })}\n`;
  for (const stream of watchers.get('endpointslices') ?? []) stream.write(event);
}

const random = seededRandom(11);
const below = (max: number) => Math.floor(random() * max);

/** Changes `rate` times a second, in turns of 10 ms. */
async function storm(rate: number, seconds: number): Promise<{ changes: number; atMs: number }> {
  const startMs = performance.now();
  let changes = 0;
  while (changes < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - startMs) / 1000) * rate));
    for (; changes < due; changes++) flip(below(shape.services), below(shape.endpoints));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { changes, atMs: sharedMs() };
}

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const turns = new Map<number, number>();
answerCommands({ port: (server.address() as AddressInfo).port }, () => ({}), {
  flip(argument) {
    const i = Number(argument);
    const turn = turns.get(i) ?? 0;
    turns.set(i, turn + 1);
    // Out, in, the next one out, in: the number of endpoints stays nearly the same.
    flip(i, (turn >> 1) % shape.endpoints);
    return { atMs: sharedMs() };
  },
  storm(argument) {
    const [rate = 0, seconds = 0] = argument.split(':').map(Number);
    return storm(rate, seconds);
  },
  state: () => ({ ready: ready.map((flags) => Array.from(flags).join('')) }),
});
