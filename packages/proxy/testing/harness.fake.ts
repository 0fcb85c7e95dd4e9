import net from 'node:net';
import { PROXY_METRICS } from '#model/metrics';
import { CONFIG_ROWS, type ConfigRow, ENV_PREFIX, parseProxyConfig } from '#model/proxy-config';
import { systemClock } from '#runtime/clock';
import { Drain } from '#runtime/drain';
import { createFlusher } from '#runtime/flush';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { seededRandom } from '#runtime/random';
import { type Bound, build } from '../build.ts';
import type {
  DestinationUpdate,
  EndpointInfo,
  MeshClients,
  OutboundPolicy,
  Profile,
  ServerPolicy,
  StreamSink,
} from '../discover/index.ts';
import { bareEndpoint, defaultMeta, defaultServerPolicy } from '../discover/index.ts';
import { createHttpShared, TurnClock } from '../http/index.ts';
import { Credentials } from '../identity/index.ts';
import type { FinishedSpan } from '../tracing/index.ts';
import type { TestCa } from './test-ca.fake.ts';

/** One kind of stream: what subscribers get now, and the subscribers for later changes. */
class Topic<T> {
  #value: T | { code: string } | undefined;
  readonly #sinks = new Set<StreamSink<T>>();
  opened = 0;

  /** A value for everyone, now and later; `{code}` refuses. */
  set(value: T | { code: string }): void {
    this.#value = value;
    for (const sink of [...this.#sinks]) this.#tell(sink);
  }

  /** A message for those who listen now. */
  push(value: T): void {
    for (const sink of [...this.#sinks]) sink.message(value);
  }

  subscribe(sink: StreamSink<T>): () => void {
    this.opened++;
    this.#sinks.add(sink);
    queueMicrotask(() => this.#tell(sink));
    return () => this.#sinks.delete(sink);
  }

  #tell(sink: StreamSink<T>): void {
    if (this.#value === undefined || !this.#sinks.has(sink)) return;
    const refusal = this.#value as { code?: string };
    if (typeof refusal.code === 'string') {
      this.#sinks.delete(sink);
      sink.ended({ code: refusal.code, message: 'scripted' });
    } else sink.message(this.#value as T);
  }
}

/** A control plane that says what the test wrote down. */
export class ScriptedMesh implements MeshClients {
  readonly #ports = new Map<number, Topic<ServerPolicy>>();
  readonly #outbound = new Map<string, Topic<OutboundPolicy>>();
  readonly #profiles = new Map<string, Topic<Profile>>();
  readonly #destinations = new Map<string, Topic<DestinationUpdate>>();

  port(port: number): Topic<ServerPolicy> {
    return topic(this.#ports, port);
  }
  outbound(addr: string): Topic<OutboundPolicy> {
    return topic(this.#outbound, addr);
  }
  profile(addr: string): Topic<Profile> {
    return topic(this.#profiles, addr);
  }
  destination(path: string): Topic<DestinationUpdate> {
    return topic(this.#destinations, path);
  }

  watchPort(port: number, sink: StreamSink<ServerPolicy>): () => void {
    return this.port(port).subscribe(sink);
  }
  watchOutbound(target: Parameters<MeshClients['watchOutbound']>[0], sink: StreamSink<OutboundPolicy>): () => void {
    const key = 'authority' in target ? target.authority : `${target.ip}:${target.port}`;
    return this.outbound(key).subscribe(sink);
  }
  watchProfile(path: string, sink: StreamSink<Profile>): () => void {
    return this.profile(path).subscribe(sink);
  }
  watchDestination(path: string, sink: StreamSink<DestinationUpdate>): () => void {
    return this.destination(path).subscribe(sink);
  }
}

function topic<K, T>(topics: Map<K, Topic<T>>, key: K): Topic<T> {
  let found = topics.get(key);
  if (!found) {
    found = new Topic();
    topics.set(key, found);
  }
  return found;
}

/** A policy that lets everyone in and looks at the bytes. */
export function openPolicy(changes: Partial<ServerPolicy> = {}): ServerPolicy {
  const base = defaultServerPolicy('all-unauthenticated', { opaque: false, detectTimeoutMs: 300, clusterNetworks: [] });
  return { ...base, ...changes };
}

export function endpoint(port: number, changes: Partial<EndpointInfo> = {}): EndpointInfo {
  return {
    ...bareEndpoint('127.0.0.1', port),
    labels: { namespace: 'a', service: 'web' },
    ...changes,
  };
}

/** A profile that says nothing beyond the changes. */
export function profile(changes: Partial<Profile> = {}): Profile {
  return { fqn: '', opaque: false, endpoint: undefined, routes: [], retryBudget: undefined, overrides: [], ...changes };
}

/** What the policy controller says about a Service: detection, one route, one balancer. */
export function servicePolicy(path: string, changes: Partial<OutboundPolicy> = {}): OutboundPolicy {
  const parent = { group: 'core', kind: 'Service', name: 'web', namespace: 'a', section: '', port: 80 };
  const target = { kind: 'balancer', path, ewma: { defaultRttMs: 30, decayMs: 10_000 } } as const;
  const distribution = {
    kind: 'first',
    backends: [{ backend: { meta: parent, target }, weight: 1, filters: [] }],
  } as const;
  const routes = [{ meta: defaultMeta('http'), hosts: [], rules: [{ matches: [], filters: [], distribution }] }];
  const http = { routes, breaker: undefined };
  return {
    protocol: 'detect',
    parent,
    http1: http,
    http2: http,
    opaqueRoute: { meta: defaultMeta('opaq'), distribution, refuse: undefined },
    tlsRoutes: [],
    ...changes,
  };
}

/**
 * Settings for tests that look at what becomes of requests and not at these bounds: a busy machine is no reason to give up, nor to let
 * bytes pass unread because the first of them came late.
 */
export const PATIENT: Readonly<Record<string, string>> = {
  INBOUND_CONNECT_TIMEOUT: '5s',
  INBOUND_DETECT_TIMEOUT: '5s',
  OUTBOUND_CONNECT_TIMEOUT: '5s',
  OUTBOUND_DETECT_TIMEOUT: '5s',
  OUTBOUND_HTTP_FAILFAST_TIMEOUT: '5s',
  OUTBOUND_TCP_FAILFAST_TIMEOUT: '5s',
};

export interface TestProxyOptions {
  readonly name: string;
  readonly ca: TestCa;
  readonly env?: Record<string, string>;
  /** Another authority's leaf, or an expired one. */
  readonly material?: { keyPem: string; chainPem: string };
}

/** A whole proxy on loopback, with scripted control plane and scripted original destinations. */
export class TestProxy {
  readonly mesh = new ScriptedMesh();
  readonly log = new FakeLog('debug');
  readonly accessLog: string[] = [];
  /** Recorded where TRACE_COLLECTOR_SVC_ADDR is set, whatever its value. */
  readonly spans: FinishedSpan[] = [];
  readonly metrics: Registry<typeof PROXY_METRICS>;
  readonly name: string;
  /** Where connections to each listener were meant to go; inbound default: the proxy's own port. */
  inboundDst: { ip: string; port: number } | undefined;
  outboundDst = { ip: '10.96.0.10', port: 80 };
  bound!: Bound;

  private constructor(name: string) {
    this.name = name;
    this.metrics = new Registry(PROXY_METRICS, { seriesMax: 10_000, retainMs: 600_000 }, () => performance.now());
  }

  static async start({ name, ca, env = {}, material }: TestProxyOptions): Promise<TestProxy> {
    const proxy = new TestProxy(name);
    const config = testConfig(name, ca.pem, env);
    const credentials = new Credentials(name, ca.pem);
    const leaf = material ?? ca.issue(name);
    credentials.update(leaf.keyPem, leaf.chainPem);
    const flusher = createFlusher();
    const clock = new TurnClock(systemClock, flusher);
    proxy.bound = await build(config, {
      clock,
      random: seededRandom(1),
      log: proxy.log.log,
      metrics: proxy.metrics,
      drain: new Drain(clock),
      http: createHttpShared(clock, flusher),
      originalDst: (socket) => {
        if (socket.localPort !== proxy.inboundPort) return proxy.outboundDst;
        return proxy.inboundDst ?? { ip: '127.0.0.1', port: proxy.inboundPort };
      },
      clients: proxy.mesh,
      credentials,
      certified: Promise.resolve(),
      accessLine: (line) => proxy.accessLog.push(line),
      spans: env['TRACE_COLLECTOR_SVC_ADDR'] === undefined ? undefined : { push: (span) => proxy.spans.push(span) },
      admin: {
        logFilter: () => 'info',
        setLogFilter: (text) => (text === 'bad' ? 'no such level' : undefined),
        env: () => ({ A: '1' }),
        shutdown: undefined,
      },
    });
    return proxy;
  }

  get inboundPort(): number {
    return this.bound.inbound[0]!.port;
  }
  get outboundPort(): number {
    return this.bound.outbound[0]!.port;
  }
  get adminPort(): number {
    return this.bound.admin[0]!.port;
  }

  /** This proxy as an endpoint of a destination, dialled at its inbound port with a transport header. */
  endpoint(appPort: number, changes: Partial<EndpointInfo> = {}): EndpointInfo {
    const tls = { identity: this.name, serverName: this.name };
    return endpoint(appPort, { tls, inboundPort: this.inboundPort, ...changes });
  }

  /** Value of the only series of a metric whose labels contain all of these; 0 if there is none. */
  metric(name: string, labels: Record<string, string> = {}): number {
    let sum = 0;
    for (const line of this.metrics.render().split('\n')) {
      const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match?.[1] !== name) continue;
      if (Object.entries(labels).every(([key, value]) => match[2]?.includes(`${key}="${value}"`)))
        sum += Number(match[3]);
    }
    return sum;
  }

  /** The series of a metric, as text. */
  series(name: string): string[] {
    return this.metrics
      .render()
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`));
  }

  stop(): Promise<boolean> {
    return this.bound.drain(50);
  }
}

export function testConfig(name: string, anchorsPem: string, env: Record<string, string>) {
  const settings: Record<string, string> = {
    OUTBOUND_LISTEN_ADDR: '127.0.0.1:0',
    INBOUND_LISTEN_ADDR: '127.0.0.1:0',
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CONTROL_LISTEN_ADDR: '127.0.0.1:0',
    POLICY_SVC_ADDR: 'localhost.:8090',
    POLICY_WORKLOAD: '{"ns":"a","pod":"p"}',
    DESTINATION_SVC_ADDR: 'localhost.:8086',
    DESTINATION_PROFILE_NETWORKS: '10.0.0.0/8',
    IDENTITY_SVC_ADDR: 'localhost.:8080',
    IDENTITY_LOCAL_NAME: name,
    IDENTITY_TRUST_ANCHORS: anchorsPem,
    IDENTITY_TOKEN_FILE: '/nonexistent',
    OUTBOUND_HTTP_FAILFAST_TIMEOUT: '400ms',
    OUTBOUND_TCP_FAILFAST_TIMEOUT: '400ms',
    INBOUND_DETECT_TIMEOUT: '300ms',
    OUTBOUND_DETECT_TIMEOUT: '300ms',
    ...env,
  };
  const bare = new Set(Object.values<ConfigRow>(CONFIG_ROWS).flatMap(({ env: name, bare }) => (bare ? [name] : [])));
  const parsed = parseProxyConfig(
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [bare.has(key) ? key : ENV_PREFIX + key, value])),
  );
  if ('errors' in parsed) throw new Error(parsed.errors.join('; '));
  return parsed.config;
}

/** A TCP server on loopback for the length of a test. */
export async function serve(
  handler: (socket: net.Socket) => void,
  port = 0,
): Promise<{ port: number; close: () => void; connections: () => number }> {
  const open = new Set<net.Socket>();
  let count = 0;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    count++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    handler(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    connections: () => count,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** What has not happened by then does not happen: on a machine that others keep busy, seconds pass between two turns. */
const WITHIN_MS = 15_000;

/** A client whose received text can be waited for. */
export class Wire {
  readonly socket: net.Socket;
  text = '';
  ended = false;
  closed = false;
  error: string | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake?.();
    });
  }

  /** Sends on a connection of its own, and gives what matched of the answer. */
  static async ask(port: number, text: string, answer: RegExp): Promise<RegExpExecArray> {
    const wire = await Wire.connect(port);
    wire.send(text);
    try {
      return await wire.expect(answer);
    } finally {
      wire.socket.destroy();
    }
  }

  static connect(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Wire(socket));
      });
    });
  }

  send(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'));
  }

  /** Waits until the received text matches, and takes it up to there away; fails after `withinMs`. */
  async expect(pattern: RegExp, withinMs = WITHIN_MS): Promise<RegExpExecArray> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const match = pattern.exec(this.text);
      if (match) {
        this.text = this.text.slice(match.index + match[0].length);
        return match;
      }
      await this.#change(deadline, `${pattern} in ${JSON.stringify(this.text.slice(0, 500))}`);
    }
  }

  async expectClosed(withinMs = WITHIN_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!this.ended && !this.closed)
      await this.#change(deadline, `the end; got ${JSON.stringify(this.text.slice(0, 500))}`);
  }

  async #change(deadline: number, what: string): Promise<void> {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0 || this.closed) throw new Error(`no ${what}${this.closed ? ' (closed)' : ''} ${this.error ?? ''}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Waits until `check` holds; fails with its last state otherwise, which `what` may tell. */
export async function eventually(
  check: () => boolean,
  what: string | (() => string),
  withinMs = WITHIN_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
