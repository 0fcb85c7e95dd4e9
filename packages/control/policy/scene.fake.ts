/** A cluster in memory with a policy service on it, and proxies that ask it over gRPC. */
import net from 'node:net';
import type { Gvr, KubeObject } from '#api/kube';
import { encodeTcpAddress, FEATURES_KEY, inbound, outbound } from '#api/mesh';
import { FakeKubeClient } from '#kube/client';
import { PortSet } from '#model/annotations';
import { createGrpcClient, createGrpcServer, type GrpcError } from '#runtime/grpc';
import { FakeLog } from '#runtime/log';
import { type ControlMetrics, createControlMetrics } from '../process/index.ts';
import { parseNetworks } from './networks.ts';
import { createPolicy, type PolicyConfig } from './service.ts';

const core = (resource: string): Gvr => ({ group: '', version: 'v1', resource });
const policy = (resource: string, version: string): Gvr => ({ group: 'policy.linkerd.io', version, resource });
const gateway = (resource: string, version: string): Gvr => ({ group: 'gateway.networking.k8s.io', version, resource });
export const GVRS = {
  Pod: core('pods'),
  Service: core('services'),
  Server: policy('servers', 'v1beta3'),
  ServerAuthorization: policy('serverauthorizations', 'v1beta1'),
  AuthorizationPolicy: policy('authorizationpolicies', 'v1alpha1'),
  MeshTLSAuthentication: policy('meshtlsauthentications', 'v1alpha1'),
  NetworkAuthentication: policy('networkauthentications', 'v1alpha1'),
  HTTPLocalRateLimitPolicy: policy('httplocalratelimitpolicies', 'v1alpha1'),
  EgressNetwork: policy('egressnetworks', 'v1alpha1'),
  /** Of Linkerd's group. */
  PolicyHTTPRoute: policy('httproutes', 'v1beta3'),
  HTTPRoute: gateway('httproutes', 'v1'),
  GRPCRoute: gateway('grpcroutes', 'v1'),
  TLSRoute: gateway('tlsroutes', 'v1'),
  TCPRoute: gateway('tcproutes', 'v1'),
  ExternalWorkload: { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' },
} as const;
type Kind = keyof typeof GVRS;

export class FakeCluster {
  readonly kube = new FakeKubeClient();

  put(kind: Kind, key: string, body: Record<string, unknown> = {}): this {
    const [namespace, name] = key.split('/');
    const { metadata, ...rest } = body as { metadata?: object };
    this.kube.seed(GVRS[kind], { kind, metadata: { name, namespace, ...metadata }, ...rest } as unknown as KubeObject);
    return this;
  }

  /** A meshed pod with a port `http` 80. */
  pod(
    key: string,
    annotations: Record<string, string> = {},
    container: object = {},
    labels: Record<string, string> = {},
  ): this {
    return this.put('Pod', key, {
      metadata: { annotations, labels: { 'linkerd.io/control-plane-ns': 'linkerd', ...labels } },
      spec: { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 80 }], ...container }] },
    });
  }

  async remove(kind: Kind, key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    await this.kube.delete(GVRS[kind], { name, namespace });
  }
}

/** What a proxy heard: all messages, and the code with which the stream ended. */
export interface Heard<T> {
  all: T[];
  last: T;
  ended: string | undefined;
}

export interface Scene {
  log: FakeLog;
  metrics: ControlMetrics;
  port(port: number, workload?: string): Heard<inbound.Server>;
  get(port: number): Promise<inbound.Server>;
  /** `10.0.0.1:80` or an authority; `features`: what the proxy knows beyond Linkerd's, as it names it. */
  traffic(target: string, workload?: string, features?: string): Heard<outbound.OutboundPolicy>;
  close(): Promise<void>;
}

const networks = (text: string) => parseNetworks(text) ?? [];

/** Serves `cluster`. */
export async function startScene(cluster: FakeCluster, config: Partial<PolicyConfig> = {}): Promise<Scene> {
  const log = new FakeLog();
  const metrics = createControlMetrics(() => 0);
  const service = createPolicy(
    { kube: cluster.kube, log: log.log, metrics },
    {
      controlPlaneNamespace: 'linkerd',
      trustDomain: 'cluster.local',
      clusterDomain: 'cluster.local',
      clusterNetworks: networks('10.0.0.0/8'),
      probeNetworks: networks('0.0.0.0/0,::/0'),
      defaultPolicy: 'all-unauthenticated',
      defaultOpaquePorts: PortSet.parse('3306') ?? PortSet.EMPTY,
      globalEgressNamespace: 'linkerd-egress',
      allowL5dRequestHeaders: false,
      ...config,
    },
  );
  await service.synced;
  const bugs: unknown[] = [];
  const server = createGrpcServer({ onBug: (_, error) => bugs.push(error) });
  service.serve(server);
  const { port: listening } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = createGrpcClient({
    authority: 'policy:8090',
    connect: () =>
      new Promise((resolve) => {
        const socket = net.connect(listening, '127.0.0.1', () => resolve(socket));
      }),
  });
  function listen<T>(): {
    heard: Heard<T>;
    sink: { message(message: T): void; ended(error: GrpcError | undefined): void };
  } {
    const all: T[] = [];
    const heard: Heard<T> = {
      all,
      get last() {
        const last = all.at(-1);
        if (last === undefined) throw new Error(`nothing heard, ended with ${heard.ended}`);
        return last;
      },
      ended: undefined,
    };
    const ended = (error: GrpcError | undefined) => {
      heard.ended = error?.code ?? 'OK';
    };
    return { heard, sink: { message: (message) => void all.push(message), ended } };
  }
  return {
    log,
    metrics,
    port(port, workload = '{"ns":"shop","pod":"web"}') {
      const { heard, sink } = listen<inbound.Server>();
      client.serverStream(inbound.InboundServerPolicies.method.watchPort, { workload, port }, sink);
      return heard;
    },
    get: (port) => client.unary(inbound.InboundServerPolicies.method.getPort, { workload: 'shop:web', port }),
    traffic(target, sourceWorkload = '{"ns":"shop","pod":"web"}', features = undefined) {
      const { heard, sink } = listen<outbound.OutboundPolicy>();
      const [, ip = '', port] = /^([\d.]+):(\d+)$/.exec(target) ?? [];
      const addr = encodeTcpAddress(ip, Number(port));
      const spec = addr ? ({ case: 'addr', value: addr } as const) : ({ case: 'authority', value: target } as const);
      const options = features === undefined ? {} : { metadata: { [FEATURES_KEY]: features } };
      client.serverStream(outbound.OutboundPolicies.method.watch, { sourceWorkload, target: spec }, sink, options);
      return heard;
    },
    async close() {
      client.close();
      await service.stop();
      await server.close();
      if (bugs.length > 0) throw bugs[0];
    },
  };
}

/** Waits until `holds`, longer than that takes on a busy machine. */
export async function until(holds: () => boolean, state: () => unknown = () => ''): Promise<void> {
  for (let waited = 0; !holds(); waited += 2) {
    if (waited > 15_000) throw new Error(`timed out: ${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
