import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { collector } from '#api/otlp';
import { createGrpcClient, createGrpcServer, type GrpcClient, GrpcError } from '#runtime/grpc';
import { eventually, openPolicy, PATH, servicePolicy, usePair } from '../testing/index.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const METHOD = collector.TraceService.method.export;

let caller: GrpcClient;
const app = createGrpcServer();
let context: string | undefined;

const pair = usePair({ env: { TRACE_COLLECTOR_SVC_ADDR: 'localhost.:4317' } });

before(async () => {
  app.unary(METHOD, ({ resourceSpans }, call) => {
    context = call.metadata('traceparent');
    if (resourceSpans.length > 0) throw new GrpcError('UNAVAILABLE', 'busy');
    return {};
  });
  const { port } = await app.listen({ host: '127.0.0.1', port: 0 });
  pair.server.mesh.port(port).set(openPolicy({ protocol: 'grpc' }));
  pair.client.mesh
    .outbound('10.96.0.10:80')
    .set({ ...servicePolicy(PATH), protocol: 'grpc', http1: { routes: [], breaker: undefined } });
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(port, { h2: true })] });
  caller = createGrpcClient({
    authority: 'web.a',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect(pair.client.outboundPort, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
      }),
  });
});

after(async () => {
  caller.close();
  await app.close();
});

test('calls of gRPC are counted by their own status, in families of their own, on both sides', async () => {
  await caller.unary(METHOD, {});
  await assert.rejects(caller.unary(METHOD, { resourceSpans: [{}] }), { code: 'UNAVAILABLE' });
  const counted = (): number => pair.server.metric('response_total', { direction: 'inbound', grpc_status: '14' });
  await eventually(() => counted() === 1, 'a counted failure');
  for (const [proxy, direction] of [
    [pair.client, 'outbound'],
    [pair.server, 'inbound'],
  ] as const) {
    const responses = (labels: Record<string, string>) => proxy.metric('response_total', { direction, ...labels });
    assert.equal(responses({ status_code: '200', classification: 'success', grpc_status: '0' }), 1);
    assert.equal(responses({ status_code: '200', classification: 'failure', grpc_status: '14' }), 1);
  }
  assert.equal(pair.server.metric('inbound_grpc_statuses_total', { status: 'UNAVAILABLE' }), 1);
  assert.equal(pair.client.metric('outbound_grpc_route_request_statuses_total', { grpc_status: 'OK', error: '' }), 1);
  assert.equal(
    pair.client.metric('outbound_grpc_route_backend_response_statuses_total', { grpc_status: 'UNAVAILABLE' }),
    1,
  );
  assert.equal(pair.server.metric('inbound_http_requests_total', { parent_port: String(pair.server.inboundPort) }), 0);
});

test('a call takes part in the trace that its metadata names', async () => {
  await caller.unary(METHOD, {}, { metadata: { traceparent: `00-${TRACE}-${SPAN}-01` } });
  const spans = (): number => pair.client.spans.length + pair.server.spans.length;
  await eventually(() => spans() === 4, 'four spans');
  const last = pair.server.spans.find(({ kind }) => kind === 'client');
  assert.equal(context, `00-${TRACE}-${last?.spanId}-01`);
  assert.equal(last?.name, '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
});
