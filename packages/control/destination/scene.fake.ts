/** A cluster in memory with a destination service on it, and proxies that ask it over gRPC. */
import net from 'node:net';
import type { Gvr, KubeObject } from '#api/kube';
import { destination as api, decodeTcpAddress, FEATURES_KEY } from '#api/mesh';
import { FakeKubeClient } from '#kube/client';
import { PortSet } from '#model/annotations';
import { FakeClock } from '#runtime/clock';
import { createGrpcClient, createGrpcServer, type GrpcClient, type GrpcError } from '#runtime/grpc';
import { FakeLog } from '#runtime/log';
import { type ControlMetrics, createControlMetrics } from '../process/index.ts';
import { createDestination, type DestinationConfig, type DestinationDeps } from './service.ts';

const gvr = (group: string, version: string, resource: string): Gvr => ({ group, version, resource });
export const GVRS = {
  Pod: gvr('', 'v1', 'pods'),
  Service: gvr('', 'v1', 'services'),
  Node: gvr('', 'v1', 'nodes'),
  Secret: gvr('', 'v1', 'secrets'),
  EndpointSlice: gvr('discovery.k8s.io', 'v1', 'endpointslices'),
  ReplicaSet: gvr('apps', 'v1', 'replicasets'),
  Job: gvr('batch', 'v1', 'jobs'),
  Server: gvr('policy.linkerd.io', 'v1beta3', 'servers'),
  ServiceProfile: gvr('linkerd.io', 'v1alpha2', 'serviceprofiles'),
  ExternalWorkload: gvr('workload.linkerd.io', 'v1beta1', 'externalworkloads'),
} as const;
export type Kind = keyof typeof GVRS;

export const CONFIG: DestinationConfig = {
  controlPlaneNamespace: 'linkerd',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  forceOpaqueTransport: true,
  h2Upgrade: false,
  zoneWeights: false,
  ipv6: false,
  http2: undefined,
  defaultOpaquePorts: PortSet.parse('25,3306') ?? PortSet.EMPTY,
};

/** A cluster whose objects are written as `shop/web` and a body. */
export class FakeCluster {
  readonly kube = new FakeKubeClient();

  put(kind: Kind, key: string, body: Record<string, unknown> = {}): this {
    const [namespace, name] = key.includes('/') ? key.split('/') : [undefined, key];
    const { metadata, ...rest } = body as { metadata?: object };
    const object = { kind, metadata: { name, ...(namespace && { namespace }), ...metadata }, ...rest };
    this.kube.seed(GVRS[kind], object as unknown as KubeObject);
    return this;
  }

  /** A running pod with a proxy. */
  pod(key: string, ip: string, body: PodBody = {}): this {
    const {
      labels,
      annotations,
      meshed = true,
      ownerReferences,
      ports = [],
      nodeName,
      serviceAccountName,
      phase = 'Running',
    } = body;
    const proxy = {
      name: 'linkerd-proxy',
      env: [
        { name: 'LINKERD2_PROXY_INBOUND_LISTEN_ADDR', value: '0.0.0.0:4143' },
        { name: 'LINKERD2_PROXY_ADMIN_LISTEN_ADDR', value: '0.0.0.0:4191' },
        { name: 'LINKERD2_PROXY_CONTROL_LISTEN_ADDR', value: '0.0.0.0:4190' },
      ],
    };
    return this.put('Pod', key, {
      metadata: {
        labels: { ...(meshed && { 'linkerd.io/control-plane-ns': 'linkerd' }), ...labels },
        ...(annotations && { annotations }),
        ...(ownerReferences && { ownerReferences }),
        ...(body.deletionTimestamp && { deletionTimestamp: body.deletionTimestamp }),
      },
      spec: {
        nodeName,
        ...(serviceAccountName && { serviceAccountName }),
        ...(meshed && { initContainers: [proxy] }),
        containers: [{ name: 'app', ports }],
        ...(body.hostNetwork && { hostNetwork: true }),
      },
      status: { phase, podIP: ip, podIPs: [{ ip }], hostIP: '172.30.0.1' },
    });
  }

  /** A Service with one port `http` 80 and one slice of `endpoints` on 8080. */
  service(key: string, endpoints: readonly SliceEndpointBody[], body: Record<string, unknown> = {}): this {
    const { metadata, spec } = body as { metadata?: object; spec?: object };
    this.put('Service', key, {
      metadata,
      spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }], ...spec },
    });
    return this.slice(key, endpoints);
  }

  slice(
    key: string,
    endpoints: readonly SliceEndpointBody[],
    body: {
      suffix?: string;
      metadata?: { labels?: object; annotations?: object };
      addressType?: string;
      ports?: object[];
    } = {},
  ): this {
    const [namespace, name] = key.split('/');
    return this.put('EndpointSlice', `${key}-${body.suffix ?? '1'}`, {
      metadata: { ...body.metadata, labels: { 'kubernetes.io/service-name': name, ...body.metadata?.labels } },
      addressType: body.addressType ?? 'IPv4',
      ports: body.ports ?? [{ name: 'http', port: 8080 }],
      endpoints: endpoints.map(({ ip, pod, ready = true, zones, ...rest }) => ({
        addresses: [ip],
        conditions: { ready },
        ...(pod && { targetRef: { kind: 'Pod', namespace, name: pod } }),
        ...(zones && { hints: { forZones: zones.map((zone) => ({ name: zone })) } }),
        ...rest,
      })),
    });
  }

  async remove(kind: Kind, key: string): Promise<void> {
    const [namespace, name] = key.includes('/') ? key.split('/') : [undefined, key];
    await this.kube.delete(GVRS[kind], { name: name ?? '', ...(namespace && { namespace }) });
  }
}

export interface PodBody {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  meshed?: boolean;
  ownerReferences?: object[];
  ports?: object[];
  nodeName?: string;
  serviceAccountName?: string;
  phase?: string;
  hostNetwork?: boolean;
  deletionTimestamp?: string;
}

export interface SliceEndpointBody {
  ip: string;
  pod?: string;
  ready?: boolean;
  hostname?: string;
  nodeName?: string;
  zone?: string;
  /** Topology hints. */
  zones?: string[];
  targetRef?: object;
}

/** What a proxy heard on a Get stream, folded. */
export class Heard {
  readonly endpoints = new Map<string, api.WeightedAddr>();
  labels: Record<string, string> = {};
  /** Labels of the set that an address came in. */
  readonly labelsOf = new Map<string, Record<string, string>>();
  /** `+10.0.0.1:80,10.0.0.2:80` or `-…`, a line a message. */
  readonly log: string[] = [];
  ended: string | undefined;
  cancel = () => {};

  get addresses(): string[] {
    return [...this.endpoints.keys()].sort();
  }
  get only(): api.WeightedAddr {
    const [first] = this.endpoints.values();
    if (this.endpoints.size !== 1 || !first) throw new Error(`expected one endpoint, got ${this.addresses}`);
    return first;
  }
  receive(message: api.Update): void {
    const { case: kind, value } = message.update;
    const keys = (value && 'addrs' in value ? value.addrs : []).map((each) =>
      String(decodeTcpAddress('weight' in each ? each.addr : each)),
    );
    this.log.push(`${kind === 'add' ? '+' : '-'}${keys.sort()}`);
    if (kind === 'add') {
      this.labels = value.metricLabels;
      for (const addr of value.addrs) {
        const key = String(decodeTcpAddress(addr.addr));
        this.endpoints.set(key, addr);
        this.labelsOf.set(key, value.metricLabels);
      }
    } else for (const key of keys) this.endpoints.delete(key);
  }
}

export interface Scene {
  clock: FakeClock;
  metrics: ControlMetrics;
  log: FakeLog;
  /** `features`: what the proxy says that it understands, such as `endpoint-priority`. */
  get(path: string, token?: string, features?: string): Heard;
  /** The profiles heard so far, last last, and the code with which the stream ended. */
  profile(path: string, token?: string): { all: api.DestinationProfile[]; ended: string | undefined };
  close(): Promise<void>;
}

/** Serves `home`; `linked` are the clusters behind kubeconfigs of these names, `otherwise` makes those of others. */
export async function startScene(
  home: FakeCluster,
  linked: Record<string, Pick<FakeKubeClient, 'watch' | 'close'>> = {},
  config: Partial<DestinationConfig> = {},
  otherwise?: DestinationDeps['connect'],
): Promise<Scene> {
  const log = new FakeLog();
  const metrics = createControlMetrics(() => 0);
  const clock = new FakeClock(Date.parse('2026-01-01T00:01:00Z'));
  const connect: DestinationDeps['connect'] = (kubeconfig, observer) => {
    const cluster = linked[kubeconfig] ?? otherwise?.(kubeconfig, observer);
    if (!cluster) throw new Error('no such cluster');
    return cluster;
  };
  const service = createDestination(
    { kube: home.kube, connect, clock, log: log.log, metrics },
    { ...CONFIG, ...config },
  );
  await service.synced;
  const bugs: unknown[] = [];
  const server = createGrpcServer({ onBug: (_, error) => bugs.push(error) });
  service.serve(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client: GrpcClient = createGrpcClient({
    authority: 'destination:8086',
    connect: () =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
      }),
  });
  const codeOf = (error: GrpcError | undefined) => error?.code ?? 'OK';
  return {
    clock,
    metrics,
    log,
    get(path, token = '{"ns":"shop","nodeName":"n1","pod":"client"}', features) {
      const heard = new Heard();
      heard.cancel = client.serverStream(
        api.Destination.method.get,
        { path, contextToken: token },
        {
          message: (message) => heard.receive(message),
          ended: (error) => {
            heard.ended = codeOf(error);
          },
        },
        features === undefined ? {} : { metadata: { [FEATURES_KEY]: features } },
      );
      return heard;
    },
    profile(path, token = '{"ns":"shop","nodeName":"n1","pod":"client"}') {
      const heard = { all: [] as api.DestinationProfile[], ended: undefined as string | undefined };
      client.serverStream(
        api.Destination.method.getProfile,
        { path, contextToken: token },
        {
          message: (message) => heard.all.push(message),
          ended: (error) => {
            heard.ended = codeOf(error);
          },
        },
      );
      return heard;
    },
    async close() {
      client.close();
      service.stop();
      await server.close();
      if (bugs.length > 0) throw bugs[0];
    },
  };
}

/** The Secret that links a cluster; its kubeconfig is the cluster's name. */
export function linkSecret(
  cluster: string,
  trustDomain = 'cluster.local',
  kubeconfig = cluster,
): Record<string, unknown> {
  return {
    metadata: {
      labels: { 'multicluster.linkerd.io/cluster-name': cluster },
      annotations: {
        'multicluster.linkerd.io/trust-domain': trustDomain,
        'multicluster.linkerd.io/cluster-domain': 'cluster.local',
      },
    },
    type: 'mirror.linkerd.io/remote-kubeconfig',
    data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') },
  };
}

/** Waits until `holds`, longer than that takes on a busy machine; fails with what `state` says. */
export async function until(holds: () => boolean, state: () => unknown = () => ''): Promise<void> {
  for (let waited = 0; !holds(); waited += 2) {
    if (waited > 15_000)
      throw new Error(`timed out: ${JSON.stringify(state(), (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
