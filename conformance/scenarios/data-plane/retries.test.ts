/** What retries hide and what they must not repeat, what bounds a request, and what requests may ask for themselves. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { ms, type PolicyOptions, servicePolicy, to, usePods } from '../../harness/pods/index.ts';
import { GRPC, message, refuse, reply } from './grpc.ts';
import { type Answer, ask, call, connectHttp2, type RequestOptions, serveHttp1, serveHttp2 } from './http.ts';

type Rule = NonNullable<PolicyOptions['rules']>[number];

const VIP = '10.96.0.7';
/** Statuses of the next answers, from the front; then 200. */
let answers: number[] = [];
/** Bodies of the requests that arrived, and their header fields that begin with `l5d-`. */
let bodies: string[] = [];
let asked: string[] = [];

const { world, client, web } = usePods({ client: {}, web: {} }, () => {
  serveHttp1(web, 8080, (request, response) => {
    asked.push(...Object.keys(request.headers).filter((name) => /^l5d-(retry|.*timeout)/.test(name)));
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      bodies.push(body);
      response.statusCode = answers.shift() ?? 200;
      if (request.url === '/slow') setTimeout(() => response.end('slow'), 500);
      else if (request.url === '/drip') {
        response.write('drop ');
        setTimeout(() => response.end('drop'), 500);
      } else response.end('web');
    });
  });
});

let port = 80;
let path: string;
/** Each test has an address of its own. */
beforeEach(() => {
  port++;
  path = `web.a.svc.cluster.local:${port}`;
  answers = [];
  bodies = [];
  asked = [];
  world.endpoints(path, [web.endpoint(8080)]);
});

function use(rule: Omit<Rule, 'backends'>): void {
  world.policy(`${VIP}:${port}`, servicePolicy(path, { rules: [{ backends: to(path), ...rule } as Rule] }));
}

const send = (options: RequestOptions = {}): Promise<Answer> => ask(client, VIP, port, options);

const BACKOFF = { minBackoff: ms(5), maxBackoff: ms(20), jitterRatio: 1 };
const retry = (maxRetries: number) => ({
  maxRetries,
  maxRequestBytes: 65_536,
  conditions: { statusRanges: [{ start: 500, end: 599 }] },
  backoff: BACKOFF,
});

test('a request is sent again with its body', async () => {
  use({ retry: retry(2) });
  answers = [500, 502];
  const body = 'x'.repeat(60_000);
  assert.equal((await send({ method: 'POST', body })).status, 200);
  assert.deepEqual(bodies, [body, body, body]);
});

test('a request whose body is too large to keep is sent once, whole', async () => {
  use({ retry: retry(2) });
  answers = [500];
  const body = 'y'.repeat(300_000);
  assert.equal((await send({ method: 'POST', body })).status, 500);
  assert.deepEqual(bodies, [body]);
});

test('retries end at their number, and the last answer is what the application sees', async () => {
  use({ retry: retry(2) });
  answers = [500, 501, 503, 200];
  const { status, body } = await send();
  assert.deepEqual([status, body, bodies.length], [503, 'web', 3]);
  const labels = { parent_port: String(port) };
  assert.equal(await client.metric('outbound_http_route_retry_limit_exceeded_total', labels), 1);
  assert.equal(await client.metric('outbound_http_route_retry_requests_total', labels), 2);
});

test('gRPC calls are sent again by their status, with their message', async () => {
  const statuses = [14, 8, 0];
  const seen: string[] = [];
  serveHttp2(web, 9090, (stream) => {
    let body = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      body = Buffer.concat([body, chunk]);
    });
    stream.on('end', () => {
      seen.push(body.subarray(5).toString());
      const status = statuses.shift() ?? 0;
      if (status === 0) reply(stream, 'done');
      else refuse(stream, status);
    });
  });
  world.endpoints(path, [web.endpoint(9090)]);
  const grpcRetry = {
    maxRetries: 3,
    maxRequestBytes: 65_536,
    conditions: { unavailable: true, resourceExhausted: true },
    backoff: BACKOFF,
  };
  const grpcRules = [{ backends: to(path), retry: grpcRetry }];
  world.policy(`${VIP}:${port}`, servicePolicy(path, { protocol: 'grpc', grpcRules }));
  const session = await connectHttp2(client, VIP, port);
  const once = () => call(session, { ...GRPC, ':path': '/a.B/C' }, message('ask'));
  assert.equal((await once()).trailers['grpc-status'], '0');
  assert.deepEqual(seen, ['ask', 'ask', 'ask']);
  statuses.push(13);
  const failed = await once();
  assert.equal(failed.headers['grpc-status'] ?? failed.trailers['grpc-status'], '13', 'INTERNAL was not asked for');
  session.destroy();
});

test('requests may ask for retries and bounds where the route allows it, and the server does not see that', async () => {
  use({ allowL5dRequestHeaders: true });
  answers = [503, 503];
  const lines = ['l5d-retry-http: 5xx', 'l5d-retry-limit: 2'];
  assert.equal((await send({ lines })).status, 200);
  assert.equal(bodies.length, 3);
  const startMs = performance.now();
  assert.equal((await send({ path: '/slow', lines: ['l5d-request-timeout: 150ms'] })).status, 504);
  assert.ok(performance.now() - startMs < 450);
  assert.equal((await send({ path: '/slow', lines: ['l5d-timeout: 150ms'] })).status, 504);
  assert.equal((await send({ path: '/slow', lines: ['l5d-response-timeout: 150ms'] })).status, 504);
  assert.equal((await send()).status, 200);
  assert.deepEqual(asked, []);
});

test('elsewhere such wishes change nothing and pass on', async () => {
  use({});
  answers = [503];
  const lines = ['l5d-retry-http: 5xx', 'l5d-request-timeout: 100ms'];
  assert.equal((await send({ lines })).status, 503);
  assert.equal((await send({ path: '/slow', lines })).status, 200);
  assert.deepEqual(asked, ['l5d-retry-http', 'l5d-request-timeout', 'l5d-retry-http', 'l5d-request-timeout']);
});

test('a response that does not end in time breaks off; before its head it is a 504', async () => {
  use({ timeouts: { response: ms(200) } });
  assert.equal((await send({ path: '/slow' })).status, 504);
  const broken = await send({ path: '/drip' });
  assert.doesNotMatch(broken.body, /drop [\s\S]*drop/);
  assert.equal((await send()).status, 200);
  const labels = { parent_port: String(port), error: 'RESPONSE_STREAM_TIMEOUT' };
  await eventually(
    'both are counted',
    3_000,
    async () => (await client.metric('outbound_http_route_request_statuses_total', labels)) === 2 || undefined,
  );
});

test('silence both ways for too long ends an exchange', async () => {
  use({ timeouts: { idle: ms(200) } });
  assert.equal((await send({ path: '/slow' })).status, 504);
  assert.doesNotMatch((await send({ path: '/drip' })).body, /drop [\s\S]*drop/);
  use({ timeouts: { idle: ms(2_000) } });
  await eventually(
    'the longer bound',
    3_000,
    async () => /drop [\s\S]*drop/.test((await send({ path: '/drip' })).body) || undefined,
  );
});
