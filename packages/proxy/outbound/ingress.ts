import { Fault } from '#model/faults';
import { formatAddr } from '#runtime/net';
import { detectHttp } from '../accept/index.ts';
import {
  type Exchange,
  fieldValue,
  NAMES,
  type Plan,
  type RequestScope,
  type Router,
  stripFields,
} from '../http/index.ts';
import type { Conn } from '../tcp/index.ts';
import { NO_BYTES, type OutboundContext, type Source } from './context.ts';
import type { Target } from './discovery.ts';
import type { HttpSessions } from './http-sessions.ts';
import { isLoopback } from './loopback.ts';
import type { Protocols } from './protocols.ts';
import { OutboundRouter } from './router.ts';
import type { TargetKey, Targets } from './targets.ts';

const OVERRIDE = NAMES.idOf('l5d-dst-override');
const WITHOUT_OVERRIDE = new Uint8Array(NAMES.size);
WITHOUT_OVERRIDE[OVERRIDE] = 1;

/** Where `l5d-dst-override` has no port. */
const DEFAULT_PORT = 80;

/**
 * Connections of an ingress controller, which balances by itself: each request says in `l5d-dst-override` which service it is for;
 * those that do not, and what is no HTTP, go to the address that the connection was opened to.
 */
export class Ingress {
  readonly #context: OutboundContext;
  readonly #targets: Targets;
  readonly #http: HttpSessions;
  readonly #protocols: Protocols;

  constructor(context: OutboundContext, targets: Targets, http: HttpSessions, protocols: Protocols) {
    this.#context = context;
    this.#targets = targets;
    this.#http = http;
    this.#protocols = protocols;
  }

  accept(socket: Conn, source: Source): void {
    const { config, deps } = this.#context;
    const options = { clock: deps.clock, timeoutMs: config.detectTimeoutMs, first: NO_BYTES };
    detectHttp(socket, options, (seen) => {
      if (!seen) {
        socket.destroy();
        source.closed();
      } else if (seen.protocol === 'http/1' || seen.protocol === 'http/2')
        this.#http.serve(seen.protocol, socket, seen.bytes, source, new IngressRouter(this.#targets));
      else this.#opaque(socket, seen.bytes, seen.ended, source);
    });
  }

  #opaque(socket: Conn, first: Buffer, ended: boolean, source: Source): void {
    this.#targets.get({ kind: 'address', ...source.dst }, (target) => {
      if (!target?.current) {
        const fault = target?.refused ?? noDiscovery(formatAddr(source.dst.ip, source.dst.port));
        target?.release();
        this.#context.refuse(socket, source, fault.code, fault.detail);
        return;
      }
      const closed = (): void => {
        target.release();
        source.closed();
      };
      if (socket.destroyed) closed();
      else this.#protocols.opaque(socket, first, ended, { ...source, closed }, target);
    });
  }
}

function noDiscovery(where: string): Fault {
  return new Fault('connect-timeout', `no discovery for ${where}`);
}

/** Finds the target of each request by its header. */
class IngressRouter implements Router {
  readonly #targets: Targets;

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  route(exchange: Exchange): Plan | Fault | undefined {
    const { fields } = exchange.request;
    const override = fieldValue(fields, OVERRIDE);
    const { dst } = exchange.client;
    const key: TargetKey | undefined =
      override === undefined ? { kind: 'address', ...dst } : parseTarget(override, 'ingress');
    if (!key) return new Fault('bad-dst-override', JSON.stringify(override));
    if (key.kind === 'address' && isLoopback(key.ip)) return new Fault('loop', formatAddr(key.ip, key.port));
    if (override !== undefined) stripFields(fields, WITHOUT_OVERRIDE);
    const user = new TargetUser();
    exchange.scopes.push(user);
    let plan: Plan | Fault | undefined;
    let waited = false;
    this.#targets.get(key, (target) => {
      if (!user.take(target)) return;
      const found = target ? new OutboundRouter(target).route(exchange) : noDiscovery(`${override}`);
      if (waited) exchange.decided(found);
      else plan = found;
    });
    waited = true;
    return plan;
  }
}

/** Holds the target of one request until it ends. */
class TargetUser implements RequestScope {
  #target: Target | undefined;
  #ended = false;

  /** False: the request is over already. */
  take(target: Target | undefined): boolean {
    if (this.#ended) target?.release();
    else this.#target = target;
    return !this.#ended;
  }

  started(): void {
    // Counts nothing.
  }
  requestFrame(): void {
    // Counts nothing.
  }
  responseFrame(): void {
    // Counts nothing.
  }

  ended(): void {
    this.#ended = true;
    this.#target?.release();
    this.#target = undefined;
  }
}

/** `web.a.svc.cluster.local:80`, `Web.a.svc.cluster.local.` or `10.0.0.1:80`; undefined: none of these. */
export function parseTarget(text: string, kind: 'ingress' | 'gateway'): TargetKey | undefined {
  const match = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(text.trim());
  const port = match?.[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  const host = match?.[1]?.toLowerCase().replace(/\.$/, '');
  if (!host || port < 1 || port > 65_535) return undefined;
  if (host.startsWith('[')) return { kind: 'address', ip: host.slice(1, -1), port };
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? { kind: 'address', ip: host, port } : { kind, host, port };
}
