/** A cluster in memory, replicas that write statuses to it, and their time. */
import type { AnyObject, Gvr, KubeObject } from '#api/kube';
import { FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { follow } from '../../fold/index.ts';
import { createControlMetrics } from '../../process/index.ts';
import { InboundView } from '../inbound/index.ts';
import { parseNetworks } from '../networks.ts';
import { EgressNetworks, Services } from '../outbound/index.ts';
import { parentProblemIn } from '../parents.ts';
import { ROUTE_SOURCES, Routes } from '../routes/index.ts';
import { STATUS_RESOURCES, type StatusView, StatusWriter } from './index.ts';

/** Group of Linkerd's policy. */
export const POLICY = 'policy.linkerd.io';
const core = (resource: string): Gvr => ({ group: '', version: 'v1', resource });
const gvr = (index: number): Gvr => ROUTE_SOURCES[index]!.gvr;
/** Kinds that tests speak of. */
export const GVRS = {
  Service: core('services'),
  Server: { group: POLICY, version: 'v1beta3', resource: 'servers' },
  EgressNetwork: { group: POLICY, version: 'v1alpha1', resource: 'egressnetworks' },
  RateLimit: { group: POLICY, version: 'v1alpha1', resource: 'httplocalratelimitpolicies' },
  PolicyHttp: gvr(0),
  Http: gvr(1),
  Grpc: gvr(2),
  Tls: gvr(3),
  Tcp: gvr(4),
  Lease: { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' },
  Deployment: { group: 'apps', version: 'v1', resource: 'deployments' },
} as const;
export type Kind = keyof typeof GVRS;

/** References to parents. */
export const web = (more: object = {}) => ({ kind: 'Service', group: '', name: 'web', ...more });
export const server = (name = 'http') => ({ kind: 'Server', group: POLICY, name });
export const out = (more: object = {}) => ({ kind: 'EgressNetwork', group: POLICY, name: 'out', port: 443, ...more });
/** The rest of a Service. */
export const clusterIp = { spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] } };
/** Lets everything happen that waits for nothing but its turn. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** Objects are of namespace `shop` unless they say otherwise. */
export class Scene {
  readonly clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  readonly kube = new FakeKubeClient();

  put(kind: Kind, name: string, body: object = {}): this {
    const { metadata, ...rest } = body as { metadata?: object };
    this.kube.seed(GVRS[kind], {
      metadata: { namespace: 'shop', name, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
      ...rest,
    } as KubeObject);
    return this;
  }

  remove(kind: Kind, name: string): Promise<void> {
    return this.kube.delete(GVRS[kind], { namespace: 'shop', name });
  }

  /** A replica that follows the cluster. */
  async replica(identity = 'one') {
    const { kube, clock } = this;
    const fake = new FakeLog();
    const log = fake.log;
    const metrics = createControlMetrics(() => 0);
    const services = new Services((key) => routes.backendChanged('service', key));
    const egress = new EgressNetworks(
      { clusterNetworks: parseNetworks('10.0.0.0/8') ?? [], globalNamespace: 'linkerd-egress' },
      () => {},
      () => {},
    );
    const known = (kind: Kind) => kube.all<KubeObject>(GVRS[kind]);
    const view = {
      server: (key: string) => known('Server').some(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
    };
    const problems = parentProblemIn(view as never, services, egress);
    const routes: Routes = new Routes(() => {}, problems);
    const inbound = new InboundView(routes, () => {});
    const scene: StatusView = {
      routes,
      egress,
      hasServer: view.server,
      hasService: (key) => services.get(key) !== undefined,
      rateLimits: () => inbound.rateLimits(),
    };
    const writer = new StatusWriter(
      { kube, clock, metrics, log, view: scene },
      { controlPlaneNamespace: 'linkerd', identity, deployment: 'linkerd-destination', patchTimeoutMs: 5000 },
    );
    const observer = {
      failed: () => {},
      recovered: () => {},
      changed: (resource: string) => STATUS_RESOURCES.has(resource) && writer.changed(),
    };
    await follow(
      kube,
      [services, routes, egress, inbound].flatMap(({ watched }) => watched),
      observer,
    ).synced;
    writer.start();
    await turns();
    const count = async (name: string) => {
      const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`resource_status_${name} `));
      return Number(line?.split(' ')[1] ?? 0);
    };
    return { writer, lines: fake.lines, count };
  }

  /** Lets time go by in steps, so that what is awaited comes between them. */
  async pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step += 50) {
      this.clock.advance(50);
      await turns();
    }
  }

  status(kind: Kind, name: string): Record<string, unknown> | undefined {
    const found = this.kube.all<AnyObject>(GVRS[kind]).find((object) => object.metadata.name === name);
    return found?.['status'] as Record<string, unknown> | undefined;
  }

  parents(kind: Kind, name: string) {
    return (this.status(kind, name)?.['parents'] ?? []) as {
      parentRef: Record<string, unknown>;
      conditions: Record<string, unknown>[];
    }[];
  }

  /** Conditions by parent, as one line each. */
  told(kind: Kind, name: string): string[] {
    return this.parents(kind, name).flatMap(({ parentRef, conditions }) =>
      conditions.map(
        ({ type, status, reason, message }) =>
          `${parentRef['group']}/${parentRef['kind']}/${parentRef['namespace']}/${parentRef['name']}:${parentRef['port'] ?? ''} ` +
          `${type}=${status} ${reason}${message ? ` ${message}` : ''}`,
      ),
    );
  }

  /** Conditions of the object itself, as one line each. */
  conditions(kind: Kind, name: string): string[] {
    const { conditions = [] } = (this.status(kind, name) ?? {}) as { conditions?: Record<string, unknown>[] };
    return conditions.map(
      ({ type, status, reason, message }) => `${type}=${status} ${reason}${message ? ` ${message}` : ''}`,
    );
  }

  patches(resource = ''): string[] {
    return this.kube.actions
      .filter(({ verb, resource: its }) => verb === 'patch' && its.startsWith(resource))
      .map(({ resource: its, name }) => `${its} ${name}`);
  }
}
