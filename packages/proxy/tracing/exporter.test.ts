import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { collector } from '#api/otlp';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { createGrpcClient, createGrpcServer, GrpcError } from '#runtime/grpc';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { eventually } from '../testing/index.ts';
import { type FinishedSpan, SpanExporter } from './index.ts';

const SPAN: FinishedSpan = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentSpanId: '1111111111111111',
  name: '/a',
  kind: 'server',
  startWallMs: 1_700_000_000_000.25,
  endWallMs: 1_700_000_000_001.5,
  attributes: [
    ['url.path', '/a'],
    ['http.response.status_code', 500],
  ],
  failed: true,
};

/** An exporter whose collector answers as told. */
async function make(answer: (spans: number) => { rejectedSpans: bigint } | GrpcError) {
  const server = createGrpcServer();
  const requests: collector.ExportTraceServiceRequest[] = [];
  server.unary(collector.TraceService.method.export, (request) => {
    requests.push(request);
    const result = answer(request.resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0);
    if (result instanceof GrpcError) throw result;
    return { partialSuccess: result };
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const channel = createGrpcClient({
    authority: 'collector',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
      }),
  });
  const clock = new FakeClock();
  const log = new FakeLog();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 1_000, retainMs: 1 }, () => clock.nowMs());
  const resource = [
    ['service.name', 'web'],
    ['process.pid', 7],
  ] as const;
  const exporter = new SpanExporter({ channel, resource, clock, log: log.log, metrics });
  const close = async (): Promise<void> => {
    channel.close();
    await server.close();
  };
  return { exporter, requests, clock, log, metrics, close };
}

test('spans arrive at the collector after ten seconds, with their resource', async () => {
  const { exporter, requests, clock, metrics, close } = await make(() => ({ rejectedSpans: 0n }));
  exporter.push(SPAN);
  clock.advance(9_999);
  assert.equal(requests.length, 0);
  clock.advance(1);
  await eventually(() => requests.length === 1, 'an export');
  const [group] = requests[0]!.resourceSpans;
  assert.deepEqual(
    group?.resource?.attributes.map(({ key, value }) => [key, value?.value.value]),
    [
      ['service.name', 'web'],
      ['process.pid', 7n],
    ],
  );
  const [span] = group?.scopeSpans[0]?.spans ?? [];
  assert.equal(Buffer.from(span!.traceId).toString('hex'), SPAN.traceId);
  assert.equal(Buffer.from(span!.parentSpanId).toString('hex'), SPAN.parentSpanId);
  assert.equal(span!.startTimeUnixNano, 1_700_000_000_000_250_000n);
  assert.equal(span!.endTimeUnixNano, 1_700_000_000_001_500_000n);
  assert.equal(span!.status?.code, 2);
  await eventually(() => /opentelemetry_span_exports 1\n/.test(metrics.render()), 'a counted span');
  await close();
});

test('a full batch goes at once, and the rest when the collector has answered', async () => {
  const { exporter, requests, close } = await make(() => ({ rejectedSpans: 0n }));
  for (let i = 0; i < 450; i++) exporter.push(SPAN);
  await eventually(() => requests.length === 2, 'two exports');
  await exporter.stop();
  assert.deepEqual(
    requests.map((request) => request.resourceSpans[0]?.scopeSpans[0]?.spans.length),
    [200, 200, 50],
  );
  await close();
});

test('spans beyond the queue, those refused and those of failed calls are counted as lost', async () => {
  let fails = true;
  const { exporter, metrics, log, close } = await make(() =>
    fails ? new GrpcError('UNAVAILABLE', 'busy') : { rejectedSpans: 3n },
  );
  for (let i = 0; i < 2_500; i++) exporter.push(SPAN);
  assert.match(metrics.render(), /opentelemetry_spans_dropped_total\{reason="queue"\} 300\n/);
  await exporter.stop();
  assert.match(metrics.render(), /opentelemetry_spans_dropped_total\{reason="export"\} 2200\n/);
  assert.match(log.lines[0] ?? '', /Failed to export spans error=busy spans=200/);
  fails = false;
  exporter.push(SPAN);
  await exporter.stop();
  assert.match(metrics.render(), /reason="export"\} 2201\n/);
  await close();
});
