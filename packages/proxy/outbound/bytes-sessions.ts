import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { HostMatch, Meta, OutboundPolicy } from '../discover/index.ts';
import { type Conn, splice } from '../tcp/index.ts';
import { parentLabels } from '../telemetry/index.ts';
import type { BytesRoute, Compiled, TlsBytesRoute } from './compile.ts';
import type { OutboundContext, Source } from './context.ts';
import { choose } from './plan.ts';
import type { TcpAttempt, TcpBackend } from './tcp-backend.ts';

/** How a connection of bytes failed, as a label of its route's metrics. */
type CloseError = '' | 'forbidden' | 'invalid_backend' | 'invalid_policy' | 'unexpected';

/** What counts the connections of one route. */
interface RouteCounts {
  opened(): void;
  closed(error: CloseError): void;
}

/** Why a route's connections cannot be made now, if so, and where they go otherwise. */
function pick(policy: OutboundPolicy, route: BytesRoute | undefined, random: Random): TcpBackend | [Fault, CloseError] {
  const choice = route && choose(route, random);
  const backend = choice?.held?.backend;
  if (policy.invalid !== undefined) return [new Fault('invalid-policy', policy.invalid), 'invalid_policy'];
  if (route?.refuse) return [new Fault('unauthorized-connection', route.refuse), route.refuse];
  if (backend) return backend;
  if (choice) return [new Fault('no-backend'), 'invalid_backend'];
  return [new Fault('load-shed', 'no backend is available'), 'unexpected'];
}

/** A connection for bytes by a policy's opaque route; the result gives the attempt up silently. */
export function connectBytes({ policy, bytes }: Compiled, random: Random, attempt: TcpAttempt): () => void {
  const picked = pick(policy, bytes, random);
  if (!Array.isArray(picked)) return picked.connect(attempt);
  attempt.failed(picked[0]);
  return () => undefined;
}

/** Connections whose bytes go out unread: opaque ones, and TLS of the application by its server name. */
export class BytesSessions {
  readonly #context: OutboundContext;

  constructor(context: OutboundContext) {
    this.#context = context;
  }

  /** By the policy's opaque route. `first`: bytes that were read already; `ended`: no others come. */
  opaque(socket: Conn, first: Buffer, ended: boolean, source: Source, { policy, bytes }: Compiled): void {
    const counts = this.#tcpCounts(policy.parent, bytes?.meta, source);
    this.#pass(socket, first, ended, source, { policy, route: bytes, counts });
  }

  /** By the policy's routes for a server name, lower case; '' when the client sent none. */
  tls(socket: Conn, first: Buffer, source: Source, sni: string, { policy, tls }: Compiled): void {
    const route = sni === '' ? undefined : findTlsRoute(tls, sni);
    if (!route && policy.invalid === undefined) {
      if (sni === '') this.#context.refuse(socket, source, 'sni-required');
      else this.#context.refuse(socket, source, 'route-not-found', `no TLS route for ${sni}`);
      return;
    }
    const counts = this.#tlsCounts(policy.parent, route?.meta, sni);
    this.#pass(socket, first, false, source, { policy, route, counts });
  }

  #pass(
    socket: Conn,
    first: Buffer,
    ended: boolean,
    source: Source,
    { policy, route, counts }: { policy: OutboundPolicy; route: BytesRoute | undefined; counts: RouteCounts },
  ): void {
    const { deps } = this.#context;
    const counted = this.#context.source(source.dst);
    deps.sockets.track(socket);
    counted.scope.opened();
    counted.scope.read(first.length);
    counts.opened();
    const over = (error: CloseError): void => {
      counts.closed(error);
      counted.release();
    };
    const fail = (fault: Fault, error: CloseError): void => {
      socket.off('close', onClose);
      counted.scope.closed('');
      over(error);
      this.#context.refuse(socket, source, fault.code, fault.detail);
    };
    const onClose = (): void => {
      giveUp();
      counted.scope.closed('');
      over('');
      source.closed();
    };
    let giveUp = (): void => undefined;
    const picked = pick(policy, route, deps.random);
    if (Array.isArray(picked)) {
      fail(...picked);
      return;
    }
    socket.once('close', onClose);
    giveUp = picked.connect({
      connected: (upstream, scope, done) => {
        socket.off('close', onClose);
        scope.opened();
        const pair = splice(
          { socket, scope: counted.scope, first, ended },
          { socket: upstream, scope, first: undefined, ended: false },
          deps.clock,
          () => {
            deps.drain.remove(pair);
            done();
            over('');
            source.closed();
          },
        );
        deps.drain.add(pair);
      },
      failed: (fault) => fail(fault, 'unexpected'),
    });
  }

  #tcpCounts(parent: Meta, route: Meta | undefined, { dst }: Source): RouteCounts {
    const { metrics } = this.#context.deps;
    const labels = { ...routeLabels(parent, route), target_ip: dst.ip, target_port: String(dst.port) };
    return {
      opened: () => metrics.count('outbound_tcp_route_open_total', labels),
      closed: (error) => metrics.count('outbound_tcp_route_close_total', { ...labels, error }),
    };
  }

  #tlsCounts(parent: Meta, route: Meta | undefined, sni: string): RouteCounts {
    const { config, deps } = this.#context;
    const labels = { ...routeLabels(parent, route), hostname: config.hostnameLabels ? sni : '' };
    return {
      opened: () => deps.metrics.count('outbound_tls_route_open_total', labels),
      closed: (error) => deps.metrics.count('outbound_tls_route_close_total', { ...labels, error }),
    };
  }
}

function routeLabels(parent: Meta, route: Meta | undefined) {
  return {
    ...parentLabels(parent),
    route_group: route?.group ?? '',
    route_kind: route?.kind ?? '',
    route_namespace: route?.namespace ?? '',
    route_name: route?.name ?? '',
  };
}

/** The whole name beats a suffix, a longer suffix a shorter one, any of them a route for all names; then the first. */
export function findTlsRoute(routes: readonly TlsBytesRoute[], sni: string): TlsBytesRoute | undefined {
  let best: TlsBytesRoute | undefined;
  let bestScore = -1;
  for (const route of routes) {
    const score = route.snis.length === 0 ? 0 : Math.max(...route.snis.map((match) => sniScore(match, sni)));
    if (score <= bestScore) continue;
    best = route;
    bestScore = score;
  }
  return best;
}

function sniScore(match: HostMatch, sni: string): number {
  if (match.kind === 'exact') return match.value === sni ? Number.POSITIVE_INFINITY : -1;
  return sni.endsWith(`.${match.value}`) ? match.value.length : -1;
}
