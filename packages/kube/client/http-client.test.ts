import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { ApiError, isNotFound } from './errors.ts';
import { createKubeClient } from './http-client.ts';
import type { KubeClient } from './types.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };

interface Seen {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}
type Handler = (request: Seen, stream: ServerHttp2Stream) => void;

let server: Http2Server;
let client: KubeClient;
let handler: Handler;
let seen: Seen[];
let staleAsked: boolean[];

before(async () => {
  server = createServer();
  server.on('stream', (stream, headers) => {
    let body = '';
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on('error', () => {}); // A cancelled watch resets its stream.
    stream.on('end', () => {
      const request = {
        method: String(headers[':method']),
        path: String(headers[':path']),
        headers: headers as Record<string, string>,
        body,
      };
      seen.push(request);
      handler(request, stream as ServerHttp2Stream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => server.close());
beforeEach(() => {
  client?.close();
  seen = [];
  staleAsked = [];
  client = createKubeClient({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`,
    tls: () => Promise.resolve({ version: '1' }),
    headers: (stale = false) => {
      staleAsked.push(stale);
      return Promise.resolve({ authorization: stale ? 'Bearer fresh' : 'Bearer old' });
    },
  });
});
after(() => client.close());

const json = (stream: ServerHttp2Stream, status: number, body: unknown): void => {
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(JSON.stringify(body));
};
const pod = (name: string, resourceVersion: string, more: object = {}): AnyObject => ({
  metadata: { name, namespace: 'a', resourceVersion },
  ...more,
});

test('a list follows its pages and names its items', async () => {
  handler = (request, stream) => {
    const second = request.path.includes('continue=next');
    json(stream, 200, {
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '7', ...(second ? {} : { continue: 'next' }) },
      items: [pod(second ? 'two' : 'one', '5')],
    });
  };
  const list = await client.list<AnyObject>(PODS, { namespace: 'a', labelSelector: 'x in (y,z)' });
  assert.deepEqual(
    list.items.map((item) => [item.kind, item.apiVersion, item.metadata.name]),
    [
      ['Pod', 'v1', 'one'],
      ['Pod', 'v1', 'two'],
    ],
  );
  assert.equal(list.resourceVersion, '7');
  assert.equal(seen[0]?.path, '/prefix/api/v1/namespaces/a/pods?labelSelector=x%20in%20(y%2Cz)&limit=500');
});

test('a refusal becomes an ApiError with the Status of the server', async () => {
  handler = (_request, stream) =>
    json(stream, 404, { kind: 'Status', code: 404, reason: 'NotFound', message: 'pods "x" not found' });
  const error = await client.get(PODS, 'x', 'a').catch((caught: unknown) => caught);
  assert.ok(error instanceof ApiError && isNotFound(error));
  assert.equal(error.message, 'pods "x" not found');
});

test('plain text from a proxy in between still becomes an ApiError', async () => {
  handler = (_request, stream) => {
    stream.respond({ ':status': 503 });
    stream.end('upstream connect error');
  };
  await assert.rejects(client.get(PODS, 'x', 'a'), { code: 503, message: 'upstream connect error' });
});

test('a 401 is retried once with fresh credentials', async () => {
  handler = (request, stream) =>
    request.headers['authorization'] === 'Bearer fresh' ? json(stream, 200, pod('x', '1')) : json(stream, 401, {});
  assert.equal((await client.get(PODS, 'x', 'a')).metadata.name, 'x');
  assert.deepEqual(staleAsked, [false, true]);
});

test('every patch type has its content type, and apply names a manager', async () => {
  handler = (_request, stream) => json(stream, 200, pod('x', '2'));
  for (const type of ['json', 'merge', 'strategic', 'apply'] as const)
    await client.patch(PODS, { name: 'x', namespace: 'a' }, { type, body: { a: 1 }, subresource: 'status' });
  assert.deepEqual(
    seen.map((request) => request.headers['content-type']),
    [
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
      'application/apply-patch+yaml',
    ],
  );
  assert.equal(seen[3]?.path, '/prefix/api/v1/namespaces/a/pods/x/status?fieldManager=weft');
});

test('create, update and delete go where they should', async () => {
  handler = (_request, stream) => json(stream, 200, pod('x', '2'));
  await client.create(PODS, pod('x', ''), { dryRun: true });
  await client.update(PODS, pod('x', '1'), 'status');
  await client.delete(PODS, { name: 'x', namespace: 'a' }, { propagationPolicy: 'Foreground' });
  assert.deepEqual(
    seen.map((request) => `${request.method} ${request.path}`),
    [
      'POST /prefix/api/v1/namespaces/a/pods?dryRun=All',
      'PUT /prefix/api/v1/namespaces/a/pods/x/status',
      'DELETE /prefix/api/v1/namespaces/a/pods/x',
    ],
  );
  assert.equal(JSON.parse(seen[2]?.body ?? '').propagationPolicy, 'Foreground');
});

test('a throttled request waits as told and tries again', async () => {
  let calls = 0;
  handler = (_request, stream) => {
    calls += 1;
    if (calls > 1) return json(stream, 200, pod('x', '1'));
    stream.respond({ ':status': 429, 'retry-after': '0' });
    stream.end();
  };
  await client.get(PODS, 'x', 'a');
  assert.equal(calls, 2);
});

test('a server that cannot be reached is named in the error', async () => {
  const lost = createKubeClient({
    server: 'http://127.0.0.1:1',
    tls: () => Promise.resolve({ version: '1' }),
    headers: () => Promise.resolve({}),
  });
  await assert.rejects(lost.version(), /cannot reach the API server http:\/\/127\.0\.0\.1:1/);
});

test('a request that is not answered ends at its time limit', async () => {
  handler = () => {};
  await assert.rejects(client.raw('/slow', { timeoutMs: 30 }), /no answer within 30 ms/);
});

test('a watch lists, then reports changes, deletions and nothing after stop', async () => {
  let watchStream: ServerHttp2Stream | undefined;
  handler = (request, stream) => {
    if (!request.path.includes('watch=true'))
      return json(stream, 200, { metadata: { resourceVersion: '5' }, items: [pod('one', '4')] });
    stream.respond({ ':status': 200 });
    watchStream = stream;
    const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
    const text = line('ADDED', pod('two', '6')) + line('BOOKMARK', pod('', '7')) + line('MODIFIED', pod('one', '8'));
    // Cut inside an event: lines, not chunks, are events.
    stream.write(text.slice(0, 40));
    setTimeout(() => stream.write(text.slice(40) + line('DELETED', pod('two', '9'))), 5);
  };
  const events: string[] = [];
  await new Promise<void>((resolve) => {
    const stop = client.watch<AnyObject>(
      PODS,
      {},
      {
        reset: (items) => events.push(`reset ${items.map((item) => item.metadata.name)}`),
        applied: (item) => events.push(`applied ${item.metadata.name}`),
        deleted: (item) => {
          events.push(`deleted ${item.metadata.name}`);
          stop();
          watchStream?.end('{"type":"ADDED","object":{"metadata":{"name":"late"}}}\n');
          setTimeout(resolve, 20);
        },
      },
    );
  });
  assert.deepEqual(events, ['reset one', 'applied two', 'applied one', 'deleted two']);
  assert.match(seen[1]?.path ?? '', /resourceVersion=5&timeoutSeconds=\d+/);
});

test('a watch takes the first version that is served, and another one when that is served no more', async () => {
  const route = (apiVersion: string) => ({ metadata: { name: 'r', resourceVersion: '4' }, apiVersion });
  let served = 'v1alpha2';
  handler = (request, stream) => {
    const version = /example\.com\/([^/]+)/.exec(request.path)?.[1];
    if (version !== served) return json(stream, 404, { kind: 'Status', code: 404, reason: 'NotFound', metadata: {} });
    if (!request.path.includes('watch=true'))
      return json(stream, 200, { metadata: { resourceVersion: '5' }, items: [route(`example.com/${version}`)] });
    served = 'v1';
    stream.respond({ ':status': 200 });
    stream.end();
  };
  const versions: (string | undefined)[] = [];
  await new Promise<void>((resolve) => {
    const stop = client.watch<AnyObject>(
      { group: 'example.com', version: 'v1', resource: 'routes' },
      { olderVersions: ['v1alpha3', 'v1alpha2'] },
      {
        reset: (items) => {
          versions.push(...items.map(({ apiVersion }) => apiVersion));
          if (versions.length === 2) {
            stop();
            resolve();
          }
        },
        applied: () => {},
        deleted: () => {},
      },
    );
  });
  assert.deepEqual(versions, ['example.com/v1alpha2', 'example.com/v1']);
});

test('a metadata-only list asks for PartialObjectMetadata and drops what comes besides', async () => {
  handler = (_request, stream) =>
    json(stream, 200, { metadata: { resourceVersion: '5' }, items: [pod('one', '4', { spec: { big: true } })] });
  const { items } = await client.list<AnyObject>(PODS, { metadataOnly: true });
  assert.equal(items[0]?.['spec'], undefined);
  assert.match(seen[0]?.headers['accept'] ?? '', /as=PartialObjectMetadataList;g=meta.k8s.io;v=v1/);
});

test('more watches than one session carries all work', async () => {
  handler = (request, stream) => {
    if (!request.path.includes('watch=true'))
      return json(stream, 200, { metadata: { resourceVersion: '5' }, items: [] });
    stream.respond({ ':status': 200 });
    stream.write(`${JSON.stringify({ type: 'ADDED', object: pod('x', '6') })}\n`);
  };
  let applied = 0;
  await new Promise<void>((resolve) => {
    for (let index = 0; index < 200; index += 1)
      client.watch(
        PODS,
        {},
        {
          reset: () => {},
          deleted: () => {},
          applied: () => {
            applied += 1;
            if (applied === 200) resolve();
          },
        },
      );
  });
  assert.equal(applied, 200);
});

test('requests beyond the rate wait for their turn', async () => {
  handler = (_, stream) => json(stream, 200, { gitVersion: 'v1' });
  const paced = createKubeClient(
    {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      tls: () => Promise.resolve({ version: '1' }),
      headers: () => Promise.resolve({}),
    },
    { perSecond: 20, burst: 2 },
  );
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 4 }, () => paced.version()));
  paced.close();
  assert.equal(seen.length, 4);
  assert.ok(performance.now() - startMs >= 95, 'the last two waited');
});
