import { detectHttp, detectTls } from '../accept/index.ts';
import type { Meta } from '../discover/index.ts';
import type { Conn } from '../tcp/index.ts';
import { parentLabels } from '../telemetry/index.ts';
import type { BytesSessions } from './bytes-sessions.ts';
import { NO_BYTES, type OutboundContext, type Source } from './context.ts';
import type { Target } from './discovery.ts';
import type { HttpSessions } from './http-sessions.ts';
import { OutboundRouter } from './router.ts';

/** How metrics call what a policy says of a port. What detection then finds is counted by itself. */
const COUNTED = {
  detect: 'detect',
  grpc: 'http/2',
  http1: 'http/1',
  http2: 'http/2',
  opaque: 'opaq',
  tls: 'tls',
} as const;

/** Decides what the bytes of a connection are: by the policy of its destination and, where it leaves that open, by looking. */
export class Protocols {
  readonly #context: OutboundContext;
  readonly #http: HttpSessions;
  readonly #bytes: BytesSessions;

  constructor(context: OutboundContext, http: HttpSessions, bytes: BytesSessions) {
    this.#context = context;
    this.#http = http;
    this.#bytes = bytes;
  }

  /** `target` is known and held by `source`. */
  decide(socket: Conn, source: Source, target: Target): void {
    const { policy } = target.current!;
    const protocol = target.opaque ? 'opaque' : policy.protocol;
    this.#context.countProtocol(COUNTED[protocol], policy.parent);
    switch (protocol) {
      case 'http1':
        this.#serve('http/1', socket, NO_BYTES, source, target);
        break;
      case 'http2':
      case 'grpc':
        this.#serve('http/2', socket, NO_BYTES, source, target);
        break;
      case 'detect':
        this.#detect(socket, source, target);
        break;
      case 'tls':
        this.#tls(socket, source, target);
        break;
      case 'opaque':
        this.#opaque(socket, NO_BYTES, false, source, target);
        break;
    }
  }

  /** Bytes that turned out to be no HTTP, and are passed on unread. */
  opaque(socket: Conn, first: Buffer, ended: boolean, source: Source, target: Target): void {
    this.#context.countProtocol('opaq', target.current!.policy.parent);
    this.#opaque(socket, first, ended, source, target);
  }

  #opaque(socket: Conn, first: Buffer, ended: boolean, source: Source, target: Target): void {
    this.#bytes.opaque(socket, first, ended, source, target.current!);
  }

  #serve(protocol: 'http/1' | 'http/2', socket: Conn, first: Buffer, source: Source, target: Target): void {
    this.#http.serve(protocol, socket, first, source, new OutboundRouter(target));
  }

  #detect(socket: Conn, source: Source, target: Target): void {
    const { config, deps, log } = this.#context;
    const { parent } = target.current!.policy;
    const options = { clock: deps.clock, timeoutMs: config.detectTimeoutMs, first: NO_BYTES };
    detectHttp(socket, options, (seen, result, seconds) => {
      this.#detected(parent, result, seconds);
      switch (seen?.protocol) {
        case 'http/1':
        case 'http/2':
          this.#serve(seen.protocol, socket, seen.bytes, source, target);
          break;
        case 'not-http':
          this.#opaque(socket, seen.bytes, seen.ended, source, target);
          break;
        case 'timeout':
          log.info('Continuing after timeout: protocol detection', { 'client.addr': source.ip });
          this.#opaque(socket, seen.bytes, false, source, target);
          break;
        case undefined:
          socket.destroy();
          source.closed();
          break;
      }
    });
  }

  #detected(parent: Meta, result: string, seconds: number): void {
    const { metrics } = this.#context.deps;
    const labels = parentLabels(parent);
    metrics.count('outbound_tcp_detect_http_results_total', { result, ...labels });
    metrics.observe('outbound_tcp_detect_http_duration_seconds', labels, seconds);
  }

  #tls(socket: Conn, source: Source, target: Target): void {
    const { config, deps } = this.#context;
    const options = { clock: deps.clock, timeoutMs: config.detectTimeoutMs, first: NO_BYTES };
    detectTls(socket, options, (seen) => {
      if (seen.kind === 'hello') this.#bytes.tls(socket, seen.bytes, source, seen.hello.sni ?? '', target.current!);
      else if (seen.kind === 'timeout') this.#context.refuse(socket, source, 'tls-detect-timeout');
      else if (seen.kind === 'plain') this.#context.refuse(socket, source, 'sni-required', 'no TLS');
      else {
        socket.destroy();
        source.closed();
      }
    });
  }
}
