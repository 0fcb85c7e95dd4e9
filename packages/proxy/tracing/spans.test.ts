import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Field } from '#wire/fields';
import { NAMES } from '../http/index.ts';
import { eventually, openPolicy, PATH, serve, usePair, Wire } from '../testing/index.ts';
import { requestAttributes } from './attributes.ts';
import { findContext, replaceSpan } from './fields.ts';
import type { FinishedSpan } from './index.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

let seen = '';
let app: Awaited<ReturnType<typeof serve>>;

const pair = usePair({ env: { TRACE_COLLECTOR_SVC_ADDR: 'localhost.:4317' } });

before(async () => {
  app = await serve((socket) => {
    socket.on('data', (chunk) => {
      seen = chunk.toString('latin1');
      socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n');
    });
  });
  pair.server.mesh.port(app.port).set(openPolicy());
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [pair.server.endpoint(app.port)] });
});

after(async () => {
  app.close();
});

async function request(fields: string): Promise<FinishedSpan[]> {
  pair.client.spans.length = 0;
  pair.server.spans.length = 0;
  await Wire.ask(
    pair.client.outboundPort,
    `GET /a?b=c HTTP/1.1\r\nhost: web.a:80\r\nuser-agent: t/1\r\n${fields}\r\n`,
    / 503 /,
  );
  return [...pair.client.spans, ...pair.server.spans];
}

test('each proxy adds a server and a client span, chained through the field that the context came in', async () => {
  await request(`traceparent: 00-${TRACE}-${SPAN}-01\r\n`);
  await eventually(() => pair.client.spans.length + pair.server.spans.length === 4, 'four spans');
  const [outClient, outServer, inClient, inServer] = [...pair.client.spans, ...pair.server.spans];
  assert.deepEqual(
    [outServer, outClient, inServer, inClient].map((span) => [span?.kind, span?.traceId, span?.name, span?.failed]),
    [
      ['server', TRACE, '/a', true],
      ['client', TRACE, '/a', true],
      ['server', TRACE, '/a', true],
      ['client', TRACE, '/a', true],
    ],
  );
  assert.equal(outServer?.parentSpanId, SPAN);
  assert.equal(outClient?.parentSpanId, outServer?.spanId);
  assert.equal(inServer?.parentSpanId, outClient?.spanId);
  assert.equal(inClient?.parentSpanId, inServer?.spanId);
  assert.match(seen, new RegExp(`traceparent: 00-${TRACE}-${inClient?.spanId}-01\r\n`));
  assert.deepEqual(Object.fromEntries(outServer?.attributes ?? []), {
    direction: 'outbound',
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/a',
    'url.query': 'b=c',
    'url.full': 'http://web.a:80/a?b=c',
    'network.transport': 'tcp',
    'server.address': 'web.a',
    'server.port': 80,
    'user_agent.original': 't/1',
    'http.response.status_code': 503,
  });
});

test('a trace that is not recorded goes on with new span ids and leaves no spans', async () => {
  await request(`x-b3-traceid: ${TRACE}\r\nx-b3-spanid: ${SPAN}\r\nx-b3-sampled: 0\r\n`);
  assert.match(seen, new RegExp(`x-b3-traceid: ${TRACE}\r\n`));
  const id = /x-b3-spanid: ([0-9a-f]{16})\r\n/.exec(seen)?.[1];
  assert.notEqual(id, undefined);
  assert.notEqual(id, SPAN);
  assert.deepEqual([...pair.client.spans, ...pair.server.spans], []);
});

test('no trace is begun where none came', async () => {
  await request('');
  assert.doesNotMatch(seen, /trace|b3/);
  assert.deepEqual([...pair.client.spans, ...pair.server.spans], []);
});

test('credentials in an authority are not told', () => {
  const head = {
    version: 20,
    method: 'GET',
    scheme: 'https',
    authority: 'user:secret@[fd00::1]:443',
    path: '/',
    absoluteForm: false,
    upgrade: '',
    fields: [],
    contentLength: 3,
  } as const;
  const found = new Map(requestAttributes({ ...head, fields: [] }, 'inbound'));
  assert.equal(found.get('url.full'), 'https://REDACTED@[fd00::1]:443/');
  assert.equal(found.get('server.address'), 'fd00::1');
  assert.equal(found.get('server.port'), 443);
  assert.equal(found.get('http.request.header.content-length'), '3');
});

test('the context of gRPC is found and changed in its own field; W3C goes before it', () => {
  const { idOf } = NAMES;
  const binary = Buffer.from(`0000${TRACE}01${SPAN}0201`, 'hex').toString('base64');
  const grpc = new Field(idOf('grpc-trace-bin'), 'grpc-trace-bin', binary);
  const w3c = new Field(idOf('traceparent'), 'traceparent', `00-${TRACE}-1111111111111111-00`);
  assert.equal(findContext([grpc, w3c])?.context.spanId, '1111111111111111');
  const fields = [grpc];
  const found = findContext(fields);
  assert.deepEqual(found?.context, { traceId: TRACE, spanId: SPAN, sampled: true });
  replaceSpan(fields, found!.fieldId, '2222222222222222');
  assert.equal(findContext(fields)?.context.spanId, '2222222222222222');
  assert.equal(findContext([new Field(idOf('traceparent'), 'traceparent', 'nonsense')]), undefined);
});
