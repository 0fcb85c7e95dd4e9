import { PROXY_METRICS } from '#model/metrics';
import type { ControlService, ProxyConfig } from '#model/proxy-config';
import { systemClock } from '#runtime/clock';
import { Drain } from '#runtime/drain';
import { createFlusher } from '#runtime/flush';
import type { GrpcClient } from '#runtime/grpc';
import { createLog, type Filter, LineWriter, parseFilter } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { originalDst } from '#runtime/net';
import { systemRandom } from '#runtime/random';
import { CallMetrics, ChannelMetrics, createControlChannel, Resolver, type ResolverClient } from './control/index.ts';
import type { Deps } from './deps.ts';
import { createHttpShared, TurnClock } from './http/index.ts';
import type { Credentials } from './identity/index.ts';
import { resourceAttributes, SpanExporter } from './tracing/index.ts';

/** The real world, with the log that the process writes to standard output and the access log on standard error. */
export type ProcessDeps = Omit<Deps, 'sockets'> & {
  readonly log: ReturnType<typeof createLog>;
  readonly accessLog: LineWriter;
};

/** Clock, chance, log, metrics and sockets of this process. */
export function processDeps(config: ProxyConfig): ProcessDeps {
  const flusher = createFlusher();
  const clock = new TurnClock(systemClock, flusher);
  const startMs = clock.nowMs();
  const limits = {
    seriesMax: config.metricsSeriesMax,
    unbounded: ['metrics_series_folded_total'],
    retainMs: config.metricsRetainIdleMs,
  };
  const metrics = new Registry(PROXY_METRICS, limits, () => clock.nowMs());
  const parsed = parseFilter(config.log);
  const log = createLog({
    format: config.logFormat,
    filter: 'value' in parsed ? parsed.value : EVERYTHING,
    write: (line) => process.stdout.write(line),
    uptimeSeconds: () => (clock.nowMs() - startMs) / 1000,
    wallMs: () => clock.wallMs(),
    suppressed: (target) => metrics.counter('log_suppressed_total', { target }).inc(),
  });
  if ('error' in parsed) log.warn(`LINKERD2_PROXY_LOG: ${parsed.error}; everything is logged`);
  const lostLines = metrics.counter('access_log_dropped_total', {});
  return {
    clock,
    accessLog: new LineWriter({ fd: STDERR, dropped: () => lostLines.inc() }),
    random: systemRandom,
    log,
    metrics,
    drain: new Drain(clock),
    http: createHttpShared(clock, flusher),
    originalDst,
  };
}

const STDERR = 2;
const EVERYTHING: Filter = { text: 'trace', enabled: () => true };

export type ControlName = 'identity' | 'destination' | 'policy';

/** The collector of spans; undefined: tracing is off. */
export function connectToCollector(
  config: ProxyConfig,
  deps: ProcessDeps,
  credentials: Credentials,
): SpanExporter | undefined {
  if (!config.traceCollector) return undefined;
  const { channel, calls } = connectTo('trace_collector', config.traceCollector, config, deps, credentials);
  return new SpanExporter({
    channel: { unary: (method, request, options) => calls.timed(() => channel.unary(method, request, options)) },
    resource: resourceAttributes(config, deps.clock.wallMs(), deps.log),
    clock: deps.clock,
    log: deps.log.target('linkerd_opentelemetry'),
    metrics: deps.metrics,
  });
}

/** A connection to one service, with its metrics. */
export function connectTo(
  client: ResolverClient,
  service: ControlService,
  config: ProxyConfig,
  deps: ProcessDeps,
  credentials: Credentials,
): { channel: GrpcClient; calls: CallMetrics } {
  const lifetimes = { minTtlMs: config.dnsMinTtlMs, maxTtlMs: config.dnsMaxTtlMs };
  const resolver = new Resolver(client, lifetimes, deps);
  const { clock, metrics } = deps;
  const watch = new ChannelMetrics(client, service, {
    clock,
    metrics,
    connectTimeoutMs: config.outboundConnectTimeoutMs,
  });
  const channel = createControlChannel(
    service,
    {
      connectTimeoutMs: config.outboundConnectTimeoutMs,
      keepaliveMs: config.outboundConnectKeepaliveMs,
      userTimeoutMs: config.outboundConnectUserTimeoutMs,
      windows: { stream: config.http2StreamWindow, connection: config.http2ConnectionWindow },
    },
    { ...deps, resolver, watch, context: () => credentials.context() },
  );
  return { channel, calls: new CallMetrics(service, { metrics, clock, channel: watch }) };
}
