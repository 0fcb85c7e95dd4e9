import type { ProxyConfig } from '#model/proxy-config';
import { type Listener, listen } from '#runtime/net';
import { memoryLimitBytes, OpenSockets, openFilesMax, processLimits } from './accept/index.ts';
import { AdminPort, type AdminState, adminRoutes } from './admin/index.ts';
import { inboundConfig, outboundConfig, portPoliciesConfig } from './configs.ts';
import type { Deps } from './deps.ts';
import type { MeshClients } from './discover/index.ts';
import { ProfileGateway } from './gateway/index.ts';
import type { Credentials } from './identity/index.ts';
import { Inbound, PortPolicies } from './inbound/index.ts';
import { LIMITS } from './limits.ts';
import { createObservers } from './observers.ts';
import { Outbound } from './outbound/index.ts';
import { TapPort, Taps } from './tap/index.ts';
import type { Conn } from './tcp/index.ts';
import type { SpanSink } from './tracing/index.ts';

export interface BuildDeps extends Omit<Deps, 'sockets'> {
  readonly clients: MeshClients;
  readonly credentials: Credentials;
  /** Resolves when the first certificate is there; accepted connections wait for it. */
  readonly certified: Promise<void>;
  readonly admin: Omit<AdminState, 'ready' | 'metrics'>;
  /** Takes a line of the access log, with its line feed. */
  readonly accessLine: (line: string) => void;
  /** Where spans go; undefined: the proxy takes no part in traces. */
  readonly spans: SpanSink | undefined;
}

/** A proxy with its ports bound. */
export interface Bound {
  readonly inbound: readonly { ip: string; port: number }[];
  readonly outbound: readonly { ip: string; port: number }[];
  readonly admin: readonly { ip: string; port: number }[];
  /** Empty where tap is off. */
  readonly tap: readonly { ip: string; port: number }[];
  /** Accepts no more, waits for what is open, cuts it after the grace period; true when nothing had to be cut. */
  drain(graceMs: number): Promise<boolean>;
}

/** Binds all ports and wires the proxy; connections are taken up when the proxy has its certificate. */
export async function build(config: ProxyConfig, world: BuildDeps): Promise<Bound> {
  const limits = processLimits(openFilesMax(), config.memoryLimitBytes ?? memoryLimitBytes());
  const sockets = new OpenSockets(limits, world);
  const deps = { ...world, sockets };
  const policies = new PortPolicies(portPoliciesConfig(config), deps);
  let ready = false;
  const admin = new AdminPort(
    adminRoutes({ ...deps.admin, ready: () => ready, metrics: (format) => deps.metrics.renderSlowly(format) }),
    { ...deps, policies },
  );
  const observers = createObservers(config, deps);
  const tap =
    config.tapName === undefined
      ? undefined
      : new TapPort(config.tapName, { ...deps, taps: new Taps({ ...deps, observers }) });
  const listeners: Listener[] = [];
  const bind = async (addr: { host: string; port: number }, accept: (socket: Conn) => void, backlog?: number) => {
    const listener = await listen({ ...addr, backlog }, accept);
    listeners.push(listener);
    return listener.addr;
  };
  const gate = new Gate();
  let inbound: Inbound | undefined;
  let outbound: Outbound | undefined;
  try {
    const adminAddr: { ip: string; port: number } = await bind(config.adminListen, (socket) =>
      admin.accept(socket, adminAddr.port),
    );
    admin.watch(adminAddr.port);
    const tapAddrs = tap ? [await bind(config.controlListen, (socket) => tap.accept(socket))] : [];
    const inboundAddr = await bind(
      config.inboundListen,
      (socket) => sockets.admit(socket, 'inbound') && gate.pass(socket, () => inbound?.accept(socket)),
      config.inboundBacklog,
    );
    const outboundAddrs = [];
    for (const addr of config.outboundListeners) {
      const accept = (socket: Conn): void => {
        if (sockets.admit(socket, 'outbound')) gate.pass(socket, () => outbound?.accept(socket));
      };
      try {
        outboundAddrs.push(await bind(addr, accept, config.outboundBacklog));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (!addr.host.includes(':') || code === 'EADDRINUSE') throw error;
        // A pod without IPv6 opens no IPv6 connections either.
        deps.log.warn('No outbound listener for IPv6', { addr: addr.host, error: code });
      }
    }
    const ownPorts = new Set([inboundAddr, ...outboundAddrs].map(({ port }) => port));
    outbound = new Outbound(outboundConfig(config, deps.credentials), { ...deps, observers: observers.outbound });
    const gateway =
      config.gatewaySuffixes.length > 0
        ? new ProfileGateway(
            { suffixes: config.gatewaySuffixes, identity: deps.credentials.identity },
            { ...deps, targets: outbound.targets },
          )
        : undefined;
    inbound = new Inbound(
      inboundConfig(config, inboundAddr.port, ownPorts),
      { ...deps, policies, observers: observers.inbound },
      gateway,
    );
    void deps.certified.then(() => {
      ready = true;
      gate.open();
    });
    return {
      inbound: [inboundAddr],
      outbound: outboundAddrs,
      admin: [adminAddr],
      tap: tapAddrs,
      async drain(graceMs) {
        for (const listener of listeners.slice(1)) listener.close();
        const clean = await deps.drain.drain(graceMs);
        await tap?.close();
        inbound?.stop();
        outbound?.stop();
        policies.stop();
        listeners[0]?.close();
        return clean;
      },
    };
  } catch (error) {
    for (const listener of listeners) listener.close();
    policies.stop();
    throw error;
  }
}

/** Holds accepted connections, unread, until the proxy has its certificate. */
class Gate {
  #waiting: (() => void)[] | undefined = [];

  pass(socket: Conn, accept: () => void): void {
    if (!this.#waiting) accept();
    else if (this.#waiting.length >= LIMITS.acceptWaitingMax) socket.destroy();
    else {
      socket.on('error', () => socket.destroy());
      this.#waiting.push(() => {
        if (!socket.destroyed) accept();
      });
    }
  }

  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const accept of waiting) accept();
  }
}
