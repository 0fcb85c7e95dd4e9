import { Fault, type FaultCode } from '#model/faults';
import type { Log } from '#runtime/log';
import { formatAddr, type KeepaliveOptions, type SocketAddr, setSocketOptions, unmapIp } from '#runtime/net';
import { decideHttp, peek } from '../accept/index.ts';
import type { Deps } from '../deps.ts';
import type { MeshClients, Meta } from '../discover/index.ts';
import {
  type ExchangeObserver,
  Http1Server,
  Http2Server,
  type Http2Settings,
  type HttpSide,
  STRIP,
} from '../http/index.ts';
import { LIMITS } from '../limits.ts';
import { type Conn, splice } from '../tcp/index.ts';
import { Errors, parentLabels, ScopeCache, TcpCounters, targetLabels } from '../telemetry/index.ts';
import { Backends, type BackendsConfig } from './backends.ts';
import { choose } from './plan.ts';
import { OutboundRouter } from './router.ts';
import { type Target, Targets, type TargetsConfig } from './targets.ts';

export interface OutboundConfig {
  readonly detectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly accept: KeepaliveOptions;
  /** Tell the application why a request failed. */
  readonly informationalHeaders: boolean;
  /** HTTP/2 with the application. */
  readonly http2: Http2Settings;
  readonly backends: BackendsConfig;
  readonly targets: TargetsConfig;
}

export interface OutboundDeps extends Deps {
  readonly clients: MeshClients;
  /** Watch the requests; the list may change. */
  readonly observers: readonly ExchangeObserver[];
}

const NO_BYTES = Buffer.alloc(0);

/** A connection from the application, as far as it is known. */
interface Source {
  readonly dst: SocketAddr;
  readonly addr: string;
  readonly target: Target;
}

/** The outbound half of the proxy: give it accepted sockets. */
export class Outbound {
  readonly #config: OutboundConfig;
  readonly #deps: OutboundDeps;
  readonly #log: Log;
  readonly #backends: Backends;
  readonly #targets: Targets;
  readonly #side: HttpSide;
  readonly #tcpErrors: Errors;
  readonly #sources = new ScopeCache<TcpCounters>();

  constructor(config: OutboundConfig, deps: OutboundDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#log = deps.log.target('linkerd_app_outbound');
    this.#backends = new Backends(config.backends, deps, deps.clients);
    this.#targets = new Targets(config.targets, deps, deps.clients, this.#backends);
    this.#tcpErrors = new Errors(deps.metrics, 'outbound_tcp_errors_total');
    const httpErrors = new Errors(deps.metrics, 'outbound_http_errors_total');
    this.#side = {
      shared: deps.http,
      clock: deps.clock,
      random: deps.random,
      strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
      observers: deps.observers,
      obeyPeerClose: true,
      inFlightMax: config.inFlightMax,
      inFlight: 0,
      failed: (code) => httpErrors.count(code),
    };
  }

  accept(socket: Conn): void {
    socket.on('error', ignoreLateError);
    const dst = this.#deps.originalDst(socket);
    const addr = `${unmapIp(socket.remoteAddress ?? '')}:${socket.remotePort ?? 0}`;
    if (!dst) {
      this.#refuse(socket, addr, 'no-original-destination', '');
      return;
    }
    if (isLoopbackIp(dst.ip)) {
      this.#refuse(socket, addr, 'loop', formatAddr(dst.ip, dst.port));
      return;
    }
    setSocketOptions(socket, this.#config.accept);
    this.#targets.get(dst, (target) => {
      if (!target) {
        this.#refuse(socket, addr, 'connect-timeout', `no discovery for ${formatAddr(dst.ip, dst.port)}`);
        return;
      }
      if (socket.destroyed) {
        target.release();
        return;
      }
      if (target.refused !== undefined || !target.current) {
        this.#refuse(socket, addr, 'invalid-policy', target.refused ?? '');
        target.release();
        return;
      }
      this.#protocol(socket, { dst, addr, target });
    });
  }

  stop(): void {
    this.#targets.stop();
    this.#backends.stop();
  }

  #protocol(socket: Conn, source: Source): void {
    const { policy } = source.target.current!;
    const protocol = source.target.opaque ? 'opaque' : policy.protocol;
    switch (protocol) {
      case 'http1':
        this.#http('http/1', socket, NO_BYTES, source);
        break;
      case 'detect':
        this.#detect(socket, source, policy.parent);
        break;
      case 'http2':
      case 'grpc':
        this.#http('http/2', socket, NO_BYTES, source);
        break;
      case 'tls':
        this.#opaque(socket, NO_BYTES, false, source, 'tls');
        break;
      case 'opaque':
        this.#opaque(socket, NO_BYTES, false, source, 'opaq');
        break;
    }
  }

  #detect(socket: Conn, source: Source, parent: Meta): void {
    const { clock } = this.#deps;
    const startMs = clock.nowMs();
    const options = {
      clock,
      timeoutMs: this.#config.detectTimeoutMs,
      bytesMax: LIMITS.detectBytesMax,
      first: NO_BYTES,
    };
    peek(socket, options, decideHttp, (result) => {
      const outcome = result.kind === 'decided' ? result.value : DETECT_RESULTS[result.kind];
      this.#detected(parent, outcome, (clock.nowMs() - startMs) / 1000);
      switch (result.kind) {
        case 'decided':
          if (result.value === 'not-http') this.#opaque(socket, result.bytes, false, source, 'opaq');
          else this.#http(result.value, socket, result.bytes, source);
          break;
        case 'timeout':
        case 'full':
          this.#log.info('Continuing after timeout: protocol detection', { 'client.addr': source.addr });
          this.#opaque(socket, result.bytes, false, source, 'detect');
          break;
        case 'ended':
          if (result.bytes.length > 0) this.#opaque(socket, result.bytes, true, source, 'opaq');
          else this.#giveUp(socket, source);
          break;
        case 'broken':
          this.#giveUp(socket, source);
          break;
      }
    });
  }

  #detected(parent: Meta, outcome: string, seconds: number): void {
    const result = outcome === 'not-http' ? 'not_http' : outcome;
    const labels = parentLabels(parent);
    this.#deps.metrics.counter('outbound_tcp_detect_http_results_total', { result, ...labels }).inc();
    this.#deps.metrics.histogram('outbound_tcp_detect_http_duration_seconds', labels).observe(seconds);
  }

  #giveUp(socket: Conn, source: Source): void {
    socket.destroy();
    source.target.release();
  }

  #http(protocol: 'http/1' | 'http/2', socket: Conn, first: Buffer, source: Source): void {
    const { target } = source;
    this.#countProtocol(protocol, target);
    const counted = this.#source(source.dst);
    counted.scope.opened();
    counted.scope.read(first.length);
    const tls = { tls: 'no_identity', no_tls_reason: 'loopback' } as const;
    const ip = unmapIp(socket.remoteAddress ?? '');
    const options = {
      side: this.#side,
      router: new OutboundRouter(target),
      client: { ip, port: socket.remotePort ?? 0, dst: source.dst, identity: undefined, tls },
      scope: counted.scope,
      explain: this.#config.informationalHeaders,
      closed: () => {
        this.#deps.drain.remove(server);
        counted.release();
        target.release();
      },
    };
    const server =
      protocol === 'http/1'
        ? new Http1Server(socket, first, options)
        : new Http2Server(socket, first, {
            ...options,
            settings: this.#config.http2,
            downgrades: false,
            refused: (fault) => this.#report(source.addr, fault),
          });
    socket.off('error', ignoreLateError);
    this.#deps.drain.add(server);
  }

  #opaque(socket: Conn, first: Buffer, ended: boolean, source: Source, protocol: string): void {
    const { target, dst, addr } = source;
    this.#countProtocol(protocol, target);
    const counted = this.#source(dst);
    counted.scope.opened();
    counted.scope.read(first.length);
    const over = (): void => {
      counted.release();
      target.release();
    };
    const fail = (code: FaultCode, detail: string): void => {
      socket.off('close', onClose);
      this.#refuse(socket, addr, code, detail);
      counted.scope.closed('');
      over();
    };
    const onClose = (): void => {
      giveUp();
      counted.scope.closed('');
      over();
    };
    let giveUp = (): void => undefined;
    const { policy, tcp } = target.current!;
    const choice = tcp && choose(tcp, this.#deps.random);
    const backend = choice?.held?.backend;
    if (policy.invalid !== undefined) fail('invalid-policy', policy.invalid);
    else if (policy.opaqueRoute?.refuse) fail('unauthorized-connection', policy.opaqueRoute.refuse);
    else if (!backend) fail(choice ? 'no-backend' : 'load-shed', 'no backend is available');
    if (!backend || socket.destroyed) return;
    socket.once('close', onClose);
    giveUp = backend.connect({
      connected: (upstream, scope, done) => {
        socket.off('close', onClose);
        scope.opened();
        const pair = splice(
          { socket, scope: counted.scope, first, ended },
          { socket: upstream, scope, first: undefined, ended: false },
          () => {
            this.#deps.drain.remove(pair);
            done();
            over();
          },
        );
        this.#deps.drain.add(pair);
      },
      failed: (fault) => fail(fault.code, fault.detail),
    });
  }

  #source(dst: SocketAddr): { scope: TcpCounters; release: () => void } {
    const key = formatAddr(dst.ip, dst.port);
    const labels = {
      direction: 'outbound',
      peer: 'src',
      ...targetLabels(dst.ip, dst.port),
      tls: 'no_identity',
      no_tls_reason: 'loopback',
    };
    const scope = this.#sources.hold(key, () => new TcpCounters(this.#deps.metrics, labels));
    return { scope, release: () => this.#sources.release(key) };
  }

  #countProtocol(protocol: string, target: Target): void {
    const labels = parentLabels(target.current!.policy.parent);
    this.#deps.metrics.counter('outbound_tcp_protocol_connections_total', { protocol, ...labels }).inc();
  }

  #refuse(socket: Conn, addr: string, code: FaultCode, detail: string): void {
    this.#report(addr, new Fault(code, detail));
    socket.destroy();
  }

  #report(addr: string, fault: Fault): void {
    this.#tcpErrors.count(fault.code);
    this.#log.info('Connection closed', { error: fault.message, 'client.addr': addr });
  }
}

const DETECT_RESULTS = { timeout: 'read_timeout', full: 'not_http', ended: 'not_http', broken: 'error' } as const;

function isLoopbackIp(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** Sockets in between owners must not throw; whoever owns them next adds a listener of its own. */
function ignoreLateError(): void {
  // The close event that follows is what counts.
}
