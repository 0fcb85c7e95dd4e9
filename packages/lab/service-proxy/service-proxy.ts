import { ENDPOINT_SLICES, type EndpointSlice, PODS, type Pod, SERVICES, type Service } from '#api/kube';
import { applyNft, type FlowTarget } from '#net/nftables';
import type { Clock, Timer } from '#runtime/clock';
import type { Caches } from '../reconcile/index.ts';
import { type BalancerRoutes, balancerRoutes, type RoutedNode } from './balancer-routes.ts';
import { encodeRules } from './encode.ts';
import { HealthPorts } from './health-ports.ts';
import { buildRules, type HostPort, type RuleSet } from './rules.ts';

/** Bounds of the service proxy. */
export const LIMITS = {
  /** Changes within this time become one transaction. */
  gatherMs: 15,
  /** Pause after a refused transaction; doubles up to the cap. */
  retryFirstMs: 500,
  retryCapMs: 30_000,
} as const;

export interface ServiceProxyDeps {
  caches: Caches;
  clock: Clock;
  log(message: string): void;
  /** Applies a script in a network namespace; nft by default. */
  apply?(script: string, netPath: string): Promise<void>;
  /** Drops what the kernel remembers of flows to a frontend; absent where the host has no program for it. */
  forgetFlows?(frontend: FlowTarget, netPath: string): Promise<void>;
}

interface NodeState {
  node: RoutedNode;
  netPath: string;
  applied: RuleSet | undefined;
}

/** Keeps the service tables of a cluster's nodes in step with its Services, EndpointSlices and pods' host ports. */
export class ServiceProxy {
  private readonly deps: ServiceProxyDeps;
  private readonly serviceCidr: string;
  private readonly nodes: readonly NodeState[];
  private readonly routes: BalancerRoutes;
  private readonly health: HealthPorts;
  private readonly stops: (() => void)[] = [];
  private timer: Timer | undefined;
  private working: Promise<void> | undefined;
  private dirty = false;
  private retryMs: number = LIMITS.retryFirstMs;
  private stopped = false;

  constructor(
    deps: ServiceProxyDeps,
    options: { serviceCidr: string; nodes: readonly (RoutedNode & { netPath: string })[]; routes: BalancerRoutes },
  ) {
    this.deps = deps;
    this.serviceCidr = options.serviceCidr;
    this.routes = options.routes;
    this.health = new HealthPorts(deps.log);
    this.nodes = options.nodes.map(({ netPath, ...node }) => ({ node, netPath, applied: undefined }));
  }

  /** Starts to follow the cluster; settles when the first rules stand on all nodes. */
  async start(): Promise<void> {
    const { caches } = this.deps;
    for (const gvr of [SERVICES, ENDPOINT_SLICES]) this.stops.push(caches.subscribe(gvr, () => this.changed()));
    this.stops.push(
      caches.subscribe(PODS, ({ now, old }) => {
        if (hasHostPorts(now as Pod | undefined) || hasHostPorts(old as Pod | undefined)) this.changed();
      }),
    );
    await caches.synced();
    await this.applyAll();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    for (const stop of this.stops) stop();
    this.health.stop();
  }

  private changed(): void {
    this.dirty = true;
    if (this.timer || this.working || this.stopped) return;
    this.timer = this.deps.clock.after(LIMITS.gatherMs, () => {
      this.timer = undefined;
      this.working = this.applyAll().finally(() => {
        this.working = undefined;
        if (this.dirty) this.changed();
      });
    });
  }

  private async applyAll(): Promise<void> {
    this.dirty = false;
    for (const state of this.nodes) await this.apply(state);
    await this.applyBalancing();
  }

  /** After the rules, so that a node knows of what it is sent. */
  private async applyBalancing(): Promise<void> {
    const { caches } = this.deps;
    const services = caches.of<Service>(SERVICES).list();
    const slices = caches.of<EndpointSlice>(ENDPOINT_SLICES).list();
    const nodes = this.nodes.map(({ node, netPath }) => ({ ...node, netPath }));
    this.health.apply(services, slices, nodes);
    try {
      await this.routes.apply(balancerRoutes(services, slices, nodes));
    } catch (error) {
      this.failed('load balancer addresses', error);
    }
  }

  private failed(what: string, error: unknown): void {
    this.deps.log(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    this.deps.clock.after(this.retryMs, () => this.changed());
    this.retryMs = Math.min(this.retryMs * 2, LIMITS.retryCapMs);
  }

  /**
   * A UDP client that goes on sending would stay with a backend that is gone, because its flow is remembered. TCP flows are left
   * alone: they end by themselves.
   */
  private async forgetUdpFlows(state: NodeState, rules: RuleSet): Promise<void> {
    const now = udpFrontends(rules);
    for (const [frontend, body] of udpFrontends(state.applied ?? rules)) {
      if (now.get(frontend) === body) continue;
      const [ip = '', , port = ''] = frontend.split(' . ');
      await this.deps.forgetFlows?.({ ip, port: Number(port), protocol: 'udp' }, state.netPath);
    }
  }

  private async apply(state: NodeState): Promise<void> {
    const { caches, apply = applyNft } = this.deps;
    const rules = buildRules({
      services: caches.of<Service>(SERVICES).list(),
      slices: caches.of<EndpointSlice>(ENDPOINT_SLICES).list(),
      hostPorts: caches
        .of<Pod>(PODS)
        .list()
        .flatMap((pod) => hostPortsOn(pod, state.node.name)),
      node: state.node,
      podCidrs: this.nodes.map(({ node }) => node.podCidr),
    });
    const text = (set: RuleSet): string => encodeRules(set, { serviceCidr: this.serviceCidr, before: undefined });
    if (state.applied && text(state.applied) === text(rules)) return;
    try {
      await apply(encodeRules(rules, { serviceCidr: this.serviceCidr, before: state.applied }), state.netPath);
      await this.forgetUdpFlows(state, rules);
      state.applied = rules;
      this.retryMs = LIMITS.retryFirstMs;
    } catch (error) {
      // Whatever state the table is in, the next attempt builds it anew.
      state.applied = undefined;
      this.failed(`services of node ${state.node.name}`, error);
    }
  }
}

/** UDP frontends of rules: `<ip> . udp . <port>`, with their chain's rules. */
function udpFrontends(rules: RuleSet): Map<string, string> {
  const found = new Map<string, string>();
  for (const element of rules.vips) {
    const [frontend = '', chain = ''] = element.split(' : goto ');
    if (frontend.includes(' . udp . ')) found.set(frontend, rules.chains.get(chain)?.join('\n') ?? '');
  }
  return found;
}

const portsOf = (pod: Pod | undefined) =>
  [...(pod?.spec?.containers ?? []), ...(pod?.spec?.initContainers ?? [])].flatMap(({ ports = [] }) => ports);

const hasHostPorts = (pod: Pod | undefined): boolean => portsOf(pod).some(({ hostPort }) => hostPort);

function hostPortsOn(pod: Pod, nodeName: string): HostPort[] {
  const ip = pod.status?.podIP;
  const isLive = pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
  if (pod.spec?.nodeName !== nodeName || !ip || pod.spec.hostNetwork || !isLive) return [];
  return portsOf(pod).flatMap(({ hostPort, containerPort, protocol = 'TCP' }) =>
    hostPort ? [{ ip, port: containerPort, hostPort, protocol }] : [],
  );
}
