import { Fault, type FaultCode } from '#model/faults';
import type { Log } from '#runtime/log';
import { formatAddr, type KeepaliveOptions, type SocketAddr, setSocketOptions, unmapIp } from '#runtime/net';
import { terminate } from '#runtime/tls';
import { HELLO_BYTES_MAX } from '#wire/tls-hello';
import { decodeTransportHeader, TRANSPORT_ALPN, TRANSPORT_HEADER_BYTES_MAX } from '#wire/transport-header';
import { decideHttp, decideTls, peek } from '../accept/index.ts';
import type { Deps } from '../deps.ts';
import { dial } from '../dial/index.ts';
import { parseIp, type ServerPolicy } from '../discover/index.ts';
import { Http1Server, type HttpSide, STRIP } from '../http/index.ts';
import type { Credentials } from '../identity/index.ts';
import { LIMITS } from '../limits.ts';
import { type Conn, splice } from '../tcp/index.ts';
import { Errors, type Metrics, type TlsLabels } from '../telemetry/index.ts';
import { LocalApp, type LocalAppConfig } from './app.ts';
import { authorize, type ClientTls } from './authorize.ts';
import { InboundMetrics } from './metrics.ts';
import type { PortPolicies, PortPolicy } from './port-policies.ts';
import { InboundRouter } from './router.ts';

export interface InboundConfig {
  /** Own addresses; empty: any original destination is accepted. */
  readonly ips: readonly string[];
  /** Ports of the proxy itself: connections must not be sent there. */
  readonly ownPorts: ReadonlySet<number>;
  /** Connections meant for this port come from proxies, with a transport header. */
  readonly directPort: number;
  readonly detectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly accept: KeepaliveOptions;
  readonly app: LocalAppConfig;
}

export interface InboundDeps extends Deps {
  readonly policies: PortPolicies;
  readonly credentials: Credentials;
}

/** A connection from a client, as far as it is known. */
interface Client {
  readonly dst: SocketAddr;
  readonly addr: string;
  readonly ip: Uint8Array;
  readonly policy: PortPolicy;
  readonly tls: ClientTls;
  readonly tlsLabels: TlsLabels;
  /** Frees what the connection held; called when it is over. */
  readonly closed: () => void;
}

const NOT_TLS: ClientTls = { terminated: false, identity: undefined };
const NO_BYTES = Buffer.alloc(0);

/** The inbound half of the proxy: give it accepted sockets. */
export class Inbound {
  readonly #config: InboundConfig;
  readonly #deps: InboundDeps;
  readonly #log: Log;
  readonly #metrics: InboundMetrics;
  readonly #tcpErrors: Errors;
  readonly #side: HttpSide;
  readonly #apps = new Map<string, LocalApp>();

  constructor(config: InboundConfig, deps: InboundDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#log = deps.log.target('linkerd_app_inbound');
    this.#metrics = new InboundMetrics(deps.metrics);
    this.#tcpErrors = new Errors(deps.metrics as Metrics, 'inbound_tcp_errors_total');
    const httpErrors = new Errors(deps.metrics, 'inbound_http_errors_total');
    this.#side = {
      shared: deps.http,
      clock: deps.clock,
      random: deps.random,
      strip: { request: STRIP['inbound-request'], response: STRIP['inbound-response'] },
      observers: [],
      obeyPeerClose: false,
      inFlightMax: config.inFlightMax,
      inFlight: 0,
      failed: (code) => httpErrors.count(code),
    };
  }

  accept(socket: Conn): void {
    const { config, deps } = { config: this.#config, deps: this.#deps };
    socket.on('error', ignoreLateError);
    const dst = deps.originalDst(socket);
    const addr = unmapIp(socket.remoteAddress ?? '');
    const ip = parseIp(addr);
    if (!dst || !ip) {
      this.#refuse(socket, addr, 'no-original-destination', '');
      return;
    }
    setSocketOptions(socket, config.accept);
    const foreign = config.ips.length > 0 && !config.ips.includes(dst.ip);
    if (foreign) {
      this.#refuse(socket, addr, 'loop', `${formatAddr(dst.ip, dst.port)} is not this pod`);
      return;
    }
    if (dst.port === config.directPort) this.#direct(socket, { addr, ip, dst });
    else if (config.ownPorts.has(dst.port)) this.#refuse(socket, addr, 'loop', formatAddr(dst.ip, dst.port));
    else this.#redirected(socket, { addr, ip, dst });
  }

  // --- connections that iptables redirected

  #redirected(socket: Conn, from: { addr: string; ip: Uint8Array; dst: SocketAddr }): void {
    const policy = this.#deps.policies.get(from.dst.port);
    const client = { ...from, policy, closed: () => policy.release() };
    if (policy.current.protocol === 'opaque') {
      const tlsLabels = { tls: 'no_identity', no_tls_reason: 'port_skipped' } as const;
      this.#forward(socket, NO_BYTES, false, { ...client, tls: NOT_TLS, tlsLabels });
      return;
    }
    this.#peekTls(socket, from.addr, client.closed, (bytes, hello, ended) => {
      if (hello && hello.sni === this.#deps.credentials.serverName) {
        this.#terminate(socket, bytes, from.addr, undefined, client.closed, (secured, identity) =>
          this.#protocol(secured, NO_BYTES, false, {
            ...client,
            tls: { terminated: true, identity },
            tlsLabels: { tls: 'true', client_id: identity ?? '' },
          }),
        );
        return;
      }
      if (hello) {
        // TLS that is not for us: the application's own, passed on unread.
        const tlsLabels = { tls: 'opaque', sni: hello.sni ?? '' } as const;
        this.#forward(socket, bytes, ended, { ...client, tls: NOT_TLS, tlsLabels });
        return;
      }
      const tlsLabels = { tls: 'no_identity', no_tls_reason: 'no_tls_from_remote' } as const;
      this.#protocol(socket, bytes, ended, { ...client, tls: NOT_TLS, tlsLabels });
    });
  }

  #peekTls(
    socket: Conn,
    addr: string,
    closed: () => void,
    done: (
      bytes: Buffer,
      hello: { sni: string | undefined; alpn: readonly string[] } | undefined,
      ended: boolean,
    ) => void,
  ): void {
    const options = {
      clock: this.#deps.clock,
      timeoutMs: this.#config.detectTimeoutMs,
      bytesMax: HELLO_BYTES_MAX,
      first: NO_BYTES,
    };
    peek(socket, options, decideTls, (result) => {
      if (result.kind === 'decided')
        done(result.bytes, result.value.kind === 'tls' ? result.value.hello : undefined, false);
      else if (result.kind === 'full') done(result.bytes, undefined, false);
      else if (result.kind === 'ended' && result.bytes.length > 0) done(result.bytes, undefined, true);
      else {
        if (result.kind === 'timeout') this.#refuse(socket, addr, 'tls-detect-timeout', '');
        socket.destroy();
        closed();
      }
    });
  }

  #terminate(
    socket: Conn,
    bytes: Buffer,
    addr: string,
    alpn: readonly string[] | undefined,
    closed: () => void,
    done: (secured: Conn, identity: string | undefined) => void,
  ): void {
    const timer = this.#deps.clock.after(LIMITS.handshakeMs, () => socket.destroy());
    socket.unshift(bytes);
    terminate(
      socket,
      { context: this.#deps.credentials.context(), ...(alpn && { alpn }) },
      {
        secured: (secured, identity) => {
          timer.cancel();
          secured.on('error', ignoreLateError);
          done(secured, identity);
        },
        failed: (error, reason) => {
          timer.cancel();
          const code = reason === 'untrusted' ? 'forged-client' : 'tls-handshake';
          this.#refuse(socket, addr, code, error.message);
          closed();
        },
      },
    );
  }

  /** Decides what the bytes inside are, by the policy and, where it leaves that open, by looking. */
  #protocol(socket: Conn, first: Buffer, ended: boolean, client: Client): void {
    const { protocol, detectTimeoutMs } = client.policy.current;
    if (protocol === 'tls' || protocol === 'opaque') {
      this.#forward(socket, first, ended, client);
      return;
    }
    if (protocol === 'http1' && !client.tls.terminated && !ended) {
      this.#http1(socket, first, client);
      return;
    }
    const startMs = this.#deps.clock.nowMs();
    const count = (result: string): void => {
      const seconds = (this.#deps.clock.nowMs() - startMs) / 1000;
      this.#metrics.detected(client.policy.current.meta, client.dst.port, result, seconds);
    };
    const options = { clock: this.#deps.clock, timeoutMs: detectTimeoutMs, bytesMax: LIMITS.detectBytesMax, first };
    if (ended) {
      const found = decideHttp(first);
      count(found === undefined || found === 'not-http' ? 'not_http' : found);
      if (found === 'http/1') this.#http1(socket, first, client);
      else this.#unknown(socket, first, true, client);
      return;
    }
    peek(socket, options, decideHttp, (result) => {
      if (result.kind === 'decided') {
        count(result.value === 'not-http' ? 'not_http' : result.value);
        if (result.value === 'http/1') this.#http1(socket, result.bytes, client);
        else if (result.value === 'http/2') this.#forward(socket, result.bytes, false, client);
        else this.#unknown(socket, result.bytes, false, client);
      } else if (result.kind === 'timeout' || result.kind === 'full') {
        count('read_timeout');
        if (protocol === 'http1') this.#http1(socket, result.bytes, client);
        else this.#unknown(socket, result.bytes, false, client);
      } else if (result.kind === 'ended' && result.bytes.length > 0) {
        count('not_http');
        this.#unknown(socket, result.bytes, true, client);
      } else {
        count('error');
        socket.destroy();
        client.closed();
      }
    });
  }

  /** Not HTTP: only a policy that leaves the protocol open lets it through. */
  #unknown(socket: Conn, first: Buffer, ended: boolean, client: Client): void {
    if (client.policy.current.protocol === 'detect') {
      this.#forward(socket, first, ended, client);
      return;
    }
    this.#refuse(socket, client.addr, 'bad-request', `port ${client.dst.port} accepts only HTTP`);
    client.closed();
  }

  // --- connections from proxies

  #direct(socket: Conn, from: { addr: string; ip: Uint8Array; dst: SocketAddr }): void {
    const nothing = (): void => undefined;
    this.#peekTls(socket, from.addr, nothing, (bytes, hello) => {
      if (hello?.sni !== this.#deps.credentials.serverName) {
        this.#refuse(socket, from.addr, 'client-identity-required', `TLS for ${hello?.sni ?? 'nobody'}`);
        return;
      }
      if (!hello.alpn.includes(TRANSPORT_ALPN)) {
        this.#refuse(socket, from.addr, 'bad-transport-header', '');
        return;
      }
      this.#terminate(socket, bytes, from.addr, [TRANSPORT_ALPN], nothing, (secured, identity) => {
        if (identity === undefined) {
          this.#refuse(secured, from.addr, 'client-identity-required', '');
          return;
        }
        this.#readHeader(secured, from, identity);
      });
    });
  }

  #readHeader(secured: Conn, from: { addr: string; ip: Uint8Array; dst: SocketAddr }, identity: string): void {
    const options = {
      clock: this.#deps.clock,
      timeoutMs: this.#config.detectTimeoutMs,
      bytesMax: TRANSPORT_HEADER_BYTES_MAX,
      first: NO_BYTES,
    };
    const decide = (bytes: Buffer) => {
      const result = decodeTransportHeader(bytes, bytes.length);
      return result.kind === 'more' ? undefined : result;
    };
    peek(secured, options, decide, (result) => {
      if (result.kind !== 'decided' || result.value.kind === 'invalid') {
        const reason = result.kind === 'decided' && result.value.kind === 'invalid' ? result.value.reason : result.kind;
        this.#refuse(secured, from.addr, 'bad-transport-header', reason);
        return;
      }
      const { header, next } = result.value;
      this.#metrics.transportHeader(header, identity);
      if (header.name !== '') {
        this.#refuse(secured, from.addr, 'bad-gateway-domain', header.name);
        return;
      }
      if (this.#config.ownPorts.has(header.port)) {
        this.#refuse(secured, from.addr, 'loop', String(header.port));
        return;
      }
      const policy = this.#deps.policies.get(header.port);
      const client: Client = {
        ...from,
        dst: { ip: from.dst.ip, port: header.port },
        policy,
        tls: { terminated: true, identity },
        tlsLabels: { tls: 'true', client_id: identity },
        closed: () => policy.release(),
      };
      const rest = result.bytes.subarray(next);
      if (header.session === 'http/1') this.#http1(secured, rest, client);
      else this.#forward(secured, rest, false, client);
    });
  }

  // --- onwards to the application

  #http1(socket: Conn, first: Buffer, client: Client): void {
    const held: (() => void)[] = [client.closed];
    const labels = (policy: ServerPolicy) => ({ dst: client.dst, tls: client.tlsLabels, server: policy.meta });
    const source = this.#metrics.source(labels(client.policy.current));
    const app = this.#app(client.dst);
    app.users++;
    const router = new InboundRouter({
      policy: () => client.policy.current,
      ip: client.ip,
      tls: client.tls,
      app,
      counts: (policy) => {
        const counts = this.#metrics.requests(labels(policy));
        held.push(counts.release);
        return counts;
      },
      log: this.#log,
    });
    source.scope.opened();
    source.scope.read(first.length);
    const server = new Http1Server(socket, first, {
      side: this.#side,
      router,
      client: {
        ip: client.addr,
        port: socket.remotePort ?? 0,
        dst: client.dst,
        identity: client.tls.identity,
        tls: client.tlsLabels,
      },
      scope: source.scope,
      // Peers in the mesh learn why; strangers do not.
      explain: client.tls.identity !== undefined,
      closed: () => {
        this.#deps.drain.remove(server);
        app.users--;
        source.release();
        for (const release of held) release();
      },
    });
    socket.off('error', ignoreLateError);
    this.#deps.drain.add(server);
  }

  /** Bytes through to the application, as long as the policy allows this client. */
  #forward(socket: Conn, first: Buffer, ended: boolean, client: Client): void {
    const { dst, policy } = client;
    const labels = { dst, tls: client.tlsLabels, server: policy.current.meta };
    const counts = this.#metrics.tcp(labels);
    const admitted = (): ReturnType<typeof authorize> =>
      policy.current.invalid === undefined
        ? authorize(policy.current.authorizations, client.ip, client.tls)
        : undefined;
    const authorization = admitted();
    if (!authorization) {
      counts.deny();
      this.#refuse(socket, client.addr, 'unauthorized-connection', formatAddr(dst.ip, dst.port));
      client.closed();
      return;
    }
    counts.allow(authorization);
    const source = this.#metrics.source(labels);
    source.scope.opened();
    source.scope.read(first.length);
    const { connectTimeoutMs: timeoutMs, options } = this.#config.app;
    const gone = (): void => {
      source.scope.closed('');
      source.release();
      client.closed();
    };
    const cancel = dial({ host: dst.ip, port: dst.port, timeoutMs, options }, this.#deps, {
      connected: (upstream) => {
        socket.off('close', onClose);
        const app = this.#app(dst);
        app.users++;
        app.scope.opened();
        const stopWatching = policy.onChange(() => {
          if (admitted()) return;
          counts.terminate();
          this.#log.info('Connection terminated: no longer authorized', { 'client.addr': client.addr });
          pair.abort();
        });
        const pair = splice(
          { socket, scope: source.scope, first, ended },
          { socket: upstream, scope: app.scope, first: undefined, ended: false },
          () => {
            stopWatching();
            this.#deps.drain.remove(pair);
            source.release();
            client.closed();
          },
        );
        this.#deps.drain.add(pair);
      },
      failed: (fault) => {
        socket.off('close', onClose);
        this.#refuse(socket, client.addr, fault.code, fault.detail);
        gone();
      },
    });
    const onClose = (): void => {
      cancel();
      gone();
    };
    socket.once('close', onClose);
  }

  #app(dst: SocketAddr): LocalApp {
    const key = formatAddr(dst.ip, dst.port);
    let app = this.#apps.get(key);
    if (!app) {
      if (this.#apps.size >= LIMITS.portPoliciesMax) this.#forgetUnusedApps();
      app = new LocalApp(dst, this.#config.app, this.#metrics.app(dst), this.#deps);
      this.#apps.set(key, app);
    }
    return app;
  }

  #forgetUnusedApps(): void {
    for (const [key, app] of this.#apps) if (app.unused) this.#apps.delete(key);
  }

  #refuse(socket: Conn, addr: string, code: FaultCode, detail: string): void {
    const fault = new Fault(code, detail);
    this.#tcpErrors.count(code);
    this.#log.info('Connection closed', { error: fault.message, 'client.addr': addr });
    socket.destroy();
  }
}

/** Sockets in between owners must not throw; whoever owns them next adds a listener of its own. */
function ignoreLateError(): void {
  // The close event that follows is what counts.
}
