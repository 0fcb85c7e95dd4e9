/**
 * The Kubernetes API of a cluster that exists only as numbers, as far as controllers of Weft ask for it: lists in pages and watches of
 * Services, pods (6 kB each), nodes and EndpointSlices over HTTP/2. Other kinds are answered 404, as where they are not defined.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface ClusterShape {
  readonly services: number;
  /** Endpoints of each service; each is a pod. */
  readonly endpoints: number;
}

export const NAMESPACE = 'shop';
export const serviceName = (service: number): string => `web-${service}`;

/** Address of an endpoint; unique up to 16 million, `first` sets one cluster's apart from another's. */
export function address(shape: ClusterShape, service: number, endpoint: number, first = 0): string {
  const number = first + service * shape.endpoints + endpoint + 1;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

export interface SimulatedOptions {
  /** On every Service. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where its addresses begin; see {@link address}. */
  readonly firstAddress?: number;
}

const SLICE_ENDPOINTS = 100;

/** A resource: how many objects it has, and each of them. */
interface Listed {
  /** `v1` where nothing is said. */
  readonly apiVersion?: string;
  readonly kind: string;
  readonly count: number;
  object(i: number): object;
}

/** One such cluster. */
export class SimulatedCluster {
  /** By service and endpoint: whether it is in. */
  readonly ready: Uint8Array[];
  readonly #shape: ClusterShape;
  readonly #options: SimulatedOptions;
  readonly #labels: Readonly<Record<string, string>>[];
  readonly #watchers = new Map<string, Set<ServerHttp2Stream>>();
  #version = 1;

  constructor(shape: ClusterShape, options: SimulatedOptions = {}) {
    this.#shape = shape;
    this.#options = options;
    this.ready = Array.from({ length: shape.services }, () => new Uint8Array(shape.endpoints).fill(1));
    this.#labels = Array.from({ length: shape.services }, () => options.labels ?? {});
  }

  /** Serves on a free port of loopback. */
  async listen(): Promise<number> {
    const server = createServer();
    server.on('stream', (opened, headers) => {
      const stream = opened as ServerHttp2Stream;
      stream.on('error', () => undefined); // a watch that its reader ended
      this.#answer(stream, new URL(String(headers[':path']), 'http://cluster'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** Takes an endpoint out, or puts it back in. */
  flip(service: number, endpoint: number): void {
    const flags = this.ready[service]!;
    flags[endpoint] = flags[endpoint] === 1 ? 0 : 1;
    this.#send('endpointslices', 'MODIFIED', () => this.#slice(service, Math.floor(endpoint / SLICE_ENDPOINTS)));
  }

  /** Gives a Service other labels. */
  label(service: number, labels: Readonly<Record<string, string>>): void {
    this.#labels[service] = labels;
    this.#send('services', 'MODIFIED', () => this.#service(service));
  }

  #send(resource: string, type: string, object: () => object): void {
    this.#version += 1;
    const event = `${JSON.stringify({ type, object: object() })}\n`;
    for (const stream of this.#watchers.get(resource) ?? []) stream.write(event);
  }

  #answer(stream: ServerHttp2Stream, url: URL): void {
    const resource = url.pathname.split('/').at(-1) ?? '';
    const items = this.#resources[resource];
    stream.respond({ ':status': items ? 200 : 404, 'content-type': 'application/json' });
    if (!items) {
      stream.end(
        JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }),
      );
      return;
    }
    if (!url.searchParams.has('watch')) {
      const number = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise);
      stream.end(this.#list(items, number('limit', 500), number('continue', 0)));
      return;
    }
    const watching = this.#watchers.get(resource) ?? new Set();
    this.#watchers.set(resource, watching.add(stream));
    stream.on('close', () => watching.delete(stream));
  }

  #list({ apiVersion = 'v1', kind, count, object }: Listed, limit: number, from: number): string {
    const to = Math.min(count, from + limit);
    const items = Array.from({ length: to - from }, (_, n) => object(from + n));
    const page = to < count ? { continue: String(to) } : {};
    return JSON.stringify({
      kind: `${kind}List`,
      apiVersion,
      metadata: { resourceVersion: String(this.#version), ...page },
      items,
    });
  }

  get #resources(): Record<string, Listed> {
    const { services, endpoints } = this.#shape;
    const slicesOf = Math.ceil(endpoints / SLICE_ENDPOINTS);
    return {
      services: { kind: 'Service', count: services, object: (i) => this.#service(i) },
      nodes: { kind: 'Node', count: 10, object: (n) => this.#node(n) },
      pods: {
        kind: 'Pod',
        count: services * endpoints,
        object: (n) => this.#pod(Math.floor(n / endpoints), n % endpoints),
      },
      endpointslices: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        count: services * slicesOf,
        object: (n) => this.#slice(Math.floor(n / slicesOf), n % slicesOf),
      },
    };
  }

  #metadata(name: string, more: object = {}) {
    return {
      name,
      namespace: NAMESPACE,
      uid: `00000000-0000-0000-0000-${name.padStart(12, '0').slice(-12)}`,
      resourceVersion: String(this.#version),
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...more,
    };
  }

  #node(n: number): object {
    const { namespace: _none, ...metadata } = this.#metadata(`node-${n}`, {
      labels: { 'topology.kubernetes.io/zone': `zone-${n % 3}` },
    });
    return { apiVersion: 'v1', kind: 'Node', metadata };
  }

  #service(i: number): object {
    const clusterIP = `172.20.${i >> 8}.${i & 255}`;
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: this.#metadata(serviceName(i), { labels: this.#labels[i] }),
      spec: {
        clusterIP,
        clusterIPs: [clusterIP],
        selector: { app: serviceName(i) },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    };
  }

  #address(i: number, e: number): string {
    return address(this.#shape, i, e, this.#options.firstAddress);
  }

  /** About as large as a meshed pod is: 6 kB. */
  #pod(i: number, e: number): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: this.#metadata(podName(i, e), {
        labels: { app: serviceName(i), 'linkerd.io/control-plane-ns': 'linkerd', 'pod-template-hash': '6f5d8c7b9' },
        annotations: { 'linkerd.io/proxy-version': 'bench', 'linkerd.io/inject': 'enabled' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${serviceName(i)}-6f5d8c7b9`, controller: true },
        ],
      }),
      spec: {
        nodeName: `node-${e % 10}`,
        serviceAccountName: serviceName(i),
        containers: CONTAINERS,
      },
      status: {
        phase: 'Running',
        podIP: this.#address(i, e),
        podIPs: [{ ip: this.#address(i, e) }],
        hostIP: '172.30.0.1',
      },
    };
  }

  #slice(i: number, part: number): object {
    const length = Math.min(SLICE_ENDPOINTS, this.#shape.endpoints - part * SLICE_ENDPOINTS);
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: this.#metadata(`${serviceName(i)}-${part}`, {
        labels: { ...this.#labels[i], 'kubernetes.io/service-name': serviceName(i) },
      }),
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length }, (_, n) => {
        const e = part * SLICE_ENDPOINTS + n;
        const isReady = this.ready[i]![e] === 1;
        return {
          addresses: [this.#address(i, e)],
          conditions: { ready: isReady, serving: isReady, terminating: false },
          nodeName: `node-${e % 10}`,
          zone: `zone-${e % 3}`,
          targetRef: { kind: 'Pod', namespace: NAMESPACE, name: podName(i, e) },
        };
      }),
    };
  }
}

const podName = (i: number, e: number) => `${serviceName(i)}-6f5d8c7b9-${e.toString(36).padStart(5, '0')}`;

const CONTAINERS = [
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
];
