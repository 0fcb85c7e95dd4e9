import { createServer, type Server } from 'node:http';
import type { EndpointSlice, Service } from '#api/kube';
import { inNamespaces } from '#net/netns';
import { backendsOf, type ProxyNode, SERVICE_NAME_LABEL } from './endpoints.ts';

/** What a node says of one Service to a load balancer that asks. */
export interface ServiceHealth {
  namespace: string;
  name: string;
  /** Endpoints on this node. */
  localEndpoints: number;
}

type NetNode = ProxyNode & { netPath: string };

/** Per port for health checks what the node answers there. Pure. */
export function healthOf(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: ProxyNode,
): Map<number, ServiceHealth> {
  const found = new Map<number, ServiceHealth>();
  for (const service of services) {
    const { namespace = '', name = '' } = service.metadata;
    const { healthCheckNodePort, ports = [] } = service.spec ?? {};
    if (!healthCheckNodePort) continue;
    const own = slices.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === name,
    );
    const local = ports.flatMap((port) => backendsOf(service, port, own, node).filter(({ isLocal }) => isLocal));
    const localEndpoints = new Set(local.map(({ ip }) => ip)).size;
    found.set(healthCheckNodePort, { namespace, name, localEndpoints });
  }
  return found;
}

/** Answers health checks on the nodes: 200 where a Service has endpoints of the node, 503 where not, with the count as JSON. */
export class HealthPorts {
  private readonly log: (message: string) => void;
  private readonly open = new Map<string, { server: Server; health: ServiceHealth }>();

  constructor(log: (message: string) => void) {
    this.log = log;
  }

  apply(services: readonly Service[], slices: readonly EndpointSlice[], nodes: readonly NetNode[]): void {
    const wanted = new Set<string>();
    for (const node of nodes)
      for (const [port, health] of healthOf(services, slices, node)) {
        const key = `${node.name}:${port}`;
        wanted.add(key);
        const opened = this.open.get(key);
        if (opened) opened.health = health;
        else this.listen(node, port, health);
      }
    for (const [key, { server }] of this.open) if (!wanted.has(key)) this.close(key, server);
  }

  stop(): void {
    for (const [key, { server }] of this.open) this.close(key, server);
  }

  private close(key: string, server: Server): void {
    this.open.delete(key);
    server.close();
    server.closeAllConnections();
  }

  private listen(node: NetNode, port: number, first: ServiceHealth): void {
    const key = `${node.name}:${port}`;
    const server = createServer((_request, response) => {
      const { namespace, name, localEndpoints } = this.open.get(key)?.health ?? first;
      const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: true };
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
      });
      response.end(JSON.stringify(body));
    });
    server.on('error', (error) => {
      this.log(`health checks of node ${key}: ${error.message}`);
      if (this.open.get(key)?.server === server) this.open.delete(key);
    });
    this.open.set(key, { server, health: first });
    inNamespaces({ net: node.netPath }, () => server.listen(port, node.ip));
  }
}
