import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AnyObject, Status } from '#api/kube';
import { createAuthority, issueClientCertificate, issueLeaf, kubeconfig } from '#lab/auth';
import { type LoopbackServer, startLoopbackServer } from '../loopback.fake.ts';
import { LoopbackClient } from './loopback-client.fake.ts';

const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const PATH = '/api/v1/namespaces/default/configmaps';

let lab: LoopbackServer;
let admin: LoopbackClient;
let anonymous: LoopbackClient;
const clients: LoopbackClient[] = [];

function clientOf(credentials?: ConstructorParameters<typeof LoopbackClient>[2]): LoopbackClient {
  const client = new LoopbackClient(lab.port, lab.keys.ca.certificate, credentials);
  clients.push(client);
  return client;
}

/** How far the server's clock is ahead. */
let skippedMs = 0;

before(async () => {
  lab = await startLoopbackServer({ deps: { nowMs: () => Date.now() + skippedMs } });
  const user = { name: 'admin', groups: ['system:masters'] };
  admin = clientOf(await issueClientCertificate(lab.keys, user, Date.now()));
  anonymous = clientOf();
});

after(async () => {
  for (const client of clients) client.close();
  await lab.close();
});

const configMap = (
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): AnyObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels },
  data,
});

interface Line {
  type: string;
  object: AnyObject & { code?: number; rows?: { cells: unknown[] }[] };
}

/** Opens a watch as the service account `watcher` over HTTP/2 and collects its events. */
async function watching(query: string, headers: Record<string, string> = {}) {
  const events: Line[] = [];
  let wake: () => void = () => undefined;
  const { stop, ended } = (await watcher()).stream(
    `${PATH}?watch=1&${query}`,
    (line) => {
      events.push(JSON.parse(line) as Line);
      wake();
    },
    headers,
  );
  const until = async (count: number): Promise<Line[]> => {
    while (events.length < count)
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        setTimeout(() => reject(new Error(`${events.length} of ${count} events`)), 3_000).unref();
      });
    return events;
  };
  return { events, until, stop, ended };
}

let watcherClient: LoopbackClient | undefined;
async function watcher(): Promise<LoopbackClient> {
  if (watcherClient) return watcherClient;
  await lab.client.create(
    { group: '', version: 'v1', resource: 'serviceaccounts' },
    {
      metadata: { name: 'watcher', namespace: 'default' },
    },
  );
  await lab.client.create({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings' }, {
    metadata: { name: 'watcher', namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ kind: 'ServiceAccount', name: 'watcher', namespace: 'default' }],
  } as AnyObject);
  const { token } = await lab.requestToken({ namespace: 'default', name: 'watcher' }, { expirationSeconds: 36_000 });
  watcherClient = clientOf({ token });
  return watcherClient;
}

test('nobody may read the version and health, and nothing else', async () => {
  assert.equal((await anonymous.request('/version')).json<{ gitVersion: string }>().gitVersion, 'v1.34.4+weft');
  assert.equal((await anonymous.request('/livez')).text, 'ok');
  const refused = await anonymous.request(PATH);
  assert.equal(refused.code, 403);
  assert.equal(
    refused.json<Status>().message,
    'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
  );
  assert.equal((await anonymous.request('/nowhere')).code, 403);
  const missing = await admin.request('/nowhere');
  assert.deepEqual([missing.code, missing.text], [404, '404 page not found\n']);
});

test('forged credentials are refused and logged', async () => {
  const stranger = await createAuthority('kubernetes', Date.now());
  const forged = await issueLeaf(
    stranger,
    { commonName: 'admin', organizations: ['system:masters'], usage: 'client' },
    Date.now(),
  );
  const answer = await clientOf(forged).request(PATH);
  assert.deepEqual([answer.code, answer.json<Status>().reason], [401, 'Unauthorized']);
  assert.equal((await clientOf({ token: 'abc.def.ghi' }).request(PATH)).code, 401);
  assert.match(lab.logged.join('\n'), /client certificate .* is not signed by this cluster/);
  assert.match(lab.logged.join('\n'), /invalid bearer token/);
  const metrics = (await admin.request('/metrics')).text;
  assert.match(metrics, /^authentication_attempts\{result="error"\} 2$/m);
  assert.match(
    metrics,
    /^apiserver_request_total\{code="401",group="",resource="configmaps",subresource="",verb="list",version="v1"\} 2$/m,
  );
});

test('an administrator acts as others with --as, others do not', async () => {
  const headers = { 'impersonate-user': 'bob', 'impersonate-group': 'devs' };
  const whoami = await admin.request('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    headers,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  assert.equal(whoami.code, 201);
  assert.deepEqual(whoami.json<{ status: unknown }>().status, {
    userInfo: { username: 'bob', groups: ['devs', 'system:authenticated'] },
  });
  const refused = await (await watcher()).request(PATH, { headers });
  assert.equal(
    refused.json<Status>().message,
    'users "bob" is forbidden: User "system:serviceaccount:default:watcher" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});

test('objects are created, read, replaced and deleted over HTTP/1.1', async () => {
  const made = await admin.request(PATH, { method: 'POST', body: configMap('crud', { a: '1' }) });
  assert.equal(made.code, 201);
  assert.equal(
    (await admin.request(`${PATH}/crud`)).json<AnyObject>().metadata.uid,
    made.json<AnyObject>().metadata.uid,
  );
  const replaced = await admin.request(`${PATH}/crud`, { method: 'PUT', body: configMap('crud', { a: '2' }) });
  assert.deepEqual(replaced.json<AnyObject>()['data'], { a: '2' });
  const deleted = await admin.request(`${PATH}/crud`, { method: 'DELETE' });
  assert.deepEqual(deleted.json<Status>().details, {
    name: 'crud',
    kind: 'configmaps',
    uid: made.json<AnyObject>().metadata.uid,
  });
  assert.equal((await admin.request(`${PATH}/crud`)).code, 404);
});

test('unknown fields and repeated ones are refused, warned of or dropped as the client asks', async () => {
  const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"strict"},"dta":{},"data":{"a":"1","a":"2"}}';
  const strict = await admin.request(`${PATH}?fieldValidation=Strict`, { method: 'POST', body });
  assert.equal(strict.code, 400);
  assert.equal(
    strict.json<Status>().message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", duplicate field "data.a"',
  );
  const warned = await admin.request(`${PATH}?fieldValidation=Warn&dryRun=All`, { method: 'POST', body });
  assert.equal(warned.code, 201);
  assert.equal(warned.headers['warning'], '299 - "unknown field \\"dta\\"", 299 - "duplicate field \\"data.a\\""');
  const ignored = await admin.request(`${PATH}?fieldValidation=Ignore&dryRun=All`, { method: 'POST', body });
  assert.equal(ignored.headers['warning'], undefined);
});

test('a dry run leaves the revision counter alone', async () => {
  const before = lab.store.revision;
  const made = await admin.request(`${PATH}?dryRun=All`, { method: 'POST', body: configMap('dry') });
  assert.equal(made.code, 201);
  assert.equal(made.json<AnyObject>().metadata.resourceVersion, undefined);
  assert.equal(lab.store.revision, before);
});

test('bodies of the wrong media type, too long, or of another kind are refused', async () => {
  const xml = await admin.request(PATH, { method: 'POST', body: '<a/>', headers: { 'content-type': 'text/xml' } });
  assert.equal(xml.code, 415);
  const huge = await admin.request(PATH, {
    method: 'POST',
    body: configMap('huge', { a: 'x'.repeat(4 * 1024 * 1024) }),
  });
  assert.equal(huge.code, 413);
  const secret = await admin.request(PATH, { method: 'POST', body: { ...configMap('x'), kind: 'Secret' } });
  assert.equal(secret.code, 400);
  const put = await admin.request('/api/v1/namespaces/default/configmaps', { method: 'PUT', body: configMap('x') });
  assert.equal(put.code, 405);
  assert.equal((await admin.request(PATH, { headers: { accept: 'text/html' } })).code, 406);
  assert.equal((await admin.request('/api/v1/namespaces/default/nothings')).code, 404);
});

test('lists come in pages that show one revision', async () => {
  const selector = 'labelSelector=page%3Dyes';
  for (const name of ['p1', 'p2', 'p3']) await lab.client.create(CONFIG_MAPS, configMap(name, {}, { page: 'yes' }));
  const first = (await admin.request(`${PATH}?limit=2&${selector}`)).json<{
    metadata: Record<string, unknown>;
    items: AnyObject[];
  }>();
  assert.deepEqual(
    first.items.map(({ metadata, kind }) => [metadata.name, kind]),
    [
      ['p1', undefined],
      ['p2', undefined],
    ],
  );
  assert.equal(first.metadata['remainingItemCount'], undefined);
  const whole = (await admin.request(`${PATH}?limit=1`)).json<typeof first>();
  assert.ok((whole.metadata['remainingItemCount'] as number) >= 2);
  await lab.client.delete(CONFIG_MAPS, { name: 'p3', namespace: 'default' });
  const rest = (await admin.request(`${PATH}?limit=2&${selector}&continue=${first.metadata['continue']}`)).json<
    typeof first
  >();
  assert.deepEqual(
    rest.items.map(({ metadata }) => metadata.name),
    ['p3'],
  );
  assert.equal(rest.metadata['resourceVersion'], first.metadata['resourceVersion']);
  const bad = await admin.request(`${PATH}?continue=abc`);
  assert.equal(bad.code, 400);
});

test('lists are tables or bare metadata for those who accept them', async () => {
  await lab.client.create(CONFIG_MAPS, configMap('shape', { a: '1' }, { shape: 'yes' }));
  const url = `${PATH}?labelSelector=shape`;
  const table = await admin.request(url, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  });
  const { kind, columnDefinitions, rows } = table.json<{
    kind: string;
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object: AnyObject }[];
  }>();
  assert.equal(kind, 'Table');
  assert.equal(columnDefinitions[0]?.name, 'Name');
  assert.equal(rows[0]?.cells[0], 'shape');
  assert.equal(rows[0]?.object.kind, 'PartialObjectMetadata');
  const partial = await admin.request(url, {
    headers: {
      accept:
        'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    },
  });
  const { items } = partial.json<{ items: AnyObject[] }>();
  assert.deepEqual(Object.keys(items[0] ?? {}), ['kind', 'apiVersion', 'metadata']);
});

test('revision parameters that make no sense are refused', async () => {
  assert.equal((await admin.request(`${PATH}?resourceVersionMatch=Exact`)).code, 422);
  assert.equal((await admin.request(`${PATH}?resourceVersionMatch=Exact&resourceVersion=0`)).code, 422);
  assert.equal(
    (await admin.request(`${PATH}?fieldSelector=spec.x%3D1`)).json<Status>().message,
    'field label not supported: spec.x',
  );
  assert.equal((await admin.request(`${PATH}?watch=1&sendInitialEvents=true`)).code, 422);
});

test('a watch over HTTP/2 tells of changes and of objects that enter and leave its selector', async () => {
  const revision = lab.store.revision;
  const watch = await watching(`resourceVersion=${revision}&labelSelector=w%3D1`);
  await lab.client.create(CONFIG_MAPS, configMap('w', {}, { w: '1' }));
  const ref = { name: 'w', namespace: 'default' };
  await lab.client.patch(CONFIG_MAPS, ref, { type: 'merge', body: { data: { a: '1' } } });
  const left = await lab.client.patch(CONFIG_MAPS, ref, { type: 'merge', body: { metadata: { labels: { w: '2' } } } });
  await lab.client.patch(CONFIG_MAPS, ref, { type: 'merge', body: { metadata: { labels: { w: '1' } } } });
  await lab.client.delete(CONFIG_MAPS, ref);
  const events = await watch.until(5);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED'],
  );
  assert.equal(events[2]?.object.metadata.resourceVersion, left.metadata.resourceVersion);
  assert.equal(events[0]?.object.kind, 'ConfigMap');
  watch.stop();
});

test('a streaming list sends what is there, marks its end, and goes on', async () => {
  await lab.client.create(CONFIG_MAPS, configMap('s1', {}, { s: '1' }));
  const watch = await watching(
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=s%3D1',
  );
  const events = await watch.until(2);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'BOOKMARK'],
  );
  assert.deepEqual(events[1]?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  assert.equal(events[1]?.object.kind, 'ConfigMap');
  await lab.client.create(CONFIG_MAPS, configMap('s2', {}, { s: '1' }));
  assert.equal((await watch.until(3))[2]?.object.metadata.name, 's2');
  watch.stop();
});

test('a watch ends by its timeout with a bookmark, cleanly', async () => {
  const watch = await watching(
    `resourceVersion=${lab.store.revision}&timeoutSeconds=1&allowWatchBookmarks=true&labelSelector=none`,
  );
  assert.equal(await watch.ended, 200);
  assert.deepEqual(
    watch.events.map(({ type }) => type),
    ['BOOKMARK'],
  );
});

test('a watch from a forgotten revision is told so in its stream', async () => {
  const small = await startLoopbackServer({ ringSize: 5 });
  const certificate = await issueClientCertificate(small.keys, { name: 'a', groups: ['system:masters'] }, Date.now());
  const client = new LoopbackClient(small.port, small.keys.ca.certificate, certificate);
  try {
    const answer = await client.request(`${PATH}?watch=1&resourceVersion=2`);
    assert.equal(answer.code, 200);
    const { type, object } = answer.json<Line>();
    assert.deepEqual([type, object.code, object['reason']], ['ERROR', 410, 'Expired']);
    const list = await client.request(`${PATH}?resourceVersion=2&resourceVersionMatch=Exact`);
    assert.equal(list.code, 410);
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 2, start: 'default/a' })).toString('base64url');
    const continued = (await client.request(`${PATH}?limit=1&continue=${token}`)).json<Status>();
    assert.equal(continued.code, 410);
    assert.equal((await client.request(`${PATH}?limit=1&continue=${continued.metadata.continue}`)).code, 200);
  } finally {
    client.close();
    await small.close();
  }
});

test('a list from a revision that does not come is given up', async () => {
  const waiting = admin.request(`${PATH}?resourceVersion=99999999`);
  setTimeout(() => {
    skippedMs += 60_000;
  }, 20);
  const future = await waiting;
  assert.equal(future.code, 504);
  assert.equal(future.json<Status>().details?.causes?.[0]?.reason, 'ResourceVersionTooLarge');
});

test('watches end with their clients', async () => {
  const open = lab.store.watchers;
  const left = await watching(`resourceVersion=${lab.store.revision}`);
  const { token } = await lab.requestToken({ namespace: 'default', name: 'watcher' }, {});
  const own = clientOf({ token });
  const idle = own.request(`${PATH}?watch=1&resourceVersion=${lab.store.revision}`).catch(() => undefined);
  await eventually(async () => lab.store.watchers === open + 2 || undefined);
  left.stop();
  own.close();
  await idle;
  await eventually(async () => lab.store.watchers === open || undefined);
});

test('the old form of watching by path still works', async () => {
  const revision = lab.store.revision;
  await lab.client.create(CONFIG_MAPS, configMap('legacy'));
  const answer = await admin.request(
    `/api/v1/watch/namespaces/default/configmaps/legacy?resourceVersion=${revision}&timeoutSeconds=1`,
  );
  assert.deepEqual([answer.json<Line>().type, answer.json<Line>().object.metadata.name], ['ADDED', 'legacy']);
});

test('tokens are reviewed for the audiences that a service asks for', async () => {
  const account = { namespace: 'default', name: 'reviewed' };
  await lab.client.create({ group: '', version: 'v1', resource: 'serviceaccounts' }, { metadata: account });
  const { token } = await lab.requestToken(account, { audiences: ['identity.l5d.io'] });
  const review = async (audiences: string[]) =>
    (
      await admin.request('/apis/authentication.k8s.io/v1/tokenreviews', {
        method: 'POST',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
      })
    ).json<{
      status: {
        authenticated?: boolean;
        error?: string;
        audiences?: string[];
        user: { username?: string; groups?: string[] };
      };
    }>().status;
  const hit = await review(['identity.l5d.io', 'other']);
  assert.deepEqual(
    [hit.authenticated, hit.audiences, hit.user.username],
    [true, ['identity.l5d.io'], 'system:serviceaccount:default:reviewed'],
  );
  const miss = await review([]);
  assert.equal(
    miss.error,
    '[invalid bearer token, token audiences ["identity.l5d.io"] is invalid for the target audiences ["https://kubernetes.default.svc.cluster.local"]]',
  );
  await lab.client.delete({ group: '', version: 'v1', resource: 'serviceaccounts' }, account);
  assert.match((await review(['identity.l5d.io'])).error ?? '', /serviceaccounts "reviewed" not found/);
  await lab.client.create({ group: '', version: 'v1', resource: 'serviceaccounts' }, { metadata: account });
  assert.match((await review(['identity.l5d.io'])).error ?? '', /service account UID \(.*\) does not match claim/);
});

test('a Secret for a service account is filled with a token that works, and goes with the account', async () => {
  const account = { namespace: 'default', name: 'linked' };
  const secrets = { group: '', version: 'v1', resource: 'secrets' };
  const accounts = { group: '', version: 'v1', resource: 'serviceaccounts' };
  const annotations = { 'kubernetes.io/service-account.name': 'linked' };
  const type = 'kubernetes.io/service-account-token';
  const secret: AnyObject = { metadata: { name: 'linked-token', namespace: 'default', annotations }, type };
  // The Secret may come before its account, as in a manifest that lists it first.
  await lab.client.create(secrets, secret);
  await lab.client.create(accounts, { metadata: account });
  const filled = await eventually(async () => {
    const { data } = await lab.client.get<AnyObject>(secrets, 'linked-token', 'default');
    return (data as Record<string, string> | undefined)?.['token'] ? (data as Record<string, string>) : undefined;
  });
  const text = (key: string) => Buffer.from(filled[key] ?? '', 'base64').toString();
  assert.equal(text('ca.crt'), lab.keys.ca.certificate);
  assert.equal(text('namespace'), 'default');
  const client = clientOf({ token: text('token') });
  const answer = (await client.request(PATH)).json<Status>();
  assert.match(answer.message ?? '', /User "system:serviceaccount:default:linked" cannot list/);
  await lab.client.delete(accounts, account);
  await eventually(async () => {
    const { items } = await lab.client.list(secrets, { fieldSelector: 'metadata.name=linked-token' });
    return items.length === 0 || undefined;
  });
  assert.equal((await client.request(PATH)).json<Status>().reason, 'Unauthorized');
});

test('a pod is evicted only as its disruption budget allows', async () => {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const budgets = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' };
  await lab.client.create(
    { group: '', version: 'v1', resource: 'serviceaccounts' },
    { metadata: { name: 'default', namespace: 'default' } },
  );
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  const pod = await lab.client.create<AnyObject>(pods, {
    metadata: { name: 'e', namespace: 'default', labels: { e: '1' } },
    spec,
  });
  const status = { ...(pod['status'] as object), phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  await lab.client.update<AnyObject>(pods, { ...pod, status }, 'status');
  const budget = await lab.client.create<AnyObject>(budgets, {
    metadata: { name: 'b', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { e: '1' } } },
  });
  const counted = {
    disruptionsAllowed: 0,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
    observedGeneration: 1,
  };
  await lab.client.update<AnyObject>(budgets, { ...budget, status: counted }, 'status');
  const evict = (query = '') =>
    admin.request(`/api/v1/namespaces/default/pods/e/eviction${query}`, {
      method: 'POST',
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e', namespace: 'default' } },
    });
  const refused = await evict();
  assert.equal(refused.code, 429);
  assert.equal(
    refused.json<Status>().details?.causes?.[0]?.message,
    'The disruption budget b needs 1 healthy pods and has 1 currently',
  );
  assert.equal((await evict('?dryRun=All')).code, 429);
  const change = (body: object, subresource?: string) =>
    lab.client.patch(
      budgets,
      { name: 'b', namespace: 'default' },
      { type: 'merge', body, ...(subresource && { subresource }) },
    );
  const unready = { conditions: [{ type: 'Ready', status: 'False' }] };
  const at = { name: 'e', namespace: 'default' };
  await lab.client.patch(pods, at, { type: 'merge', body: { status: unready }, subresource: 'status' });
  assert.equal((await evict('?dryRun=All')).code, 201, 'an unready pod may go while the others suffice');
  await change({ status: { currentHealthy: 0 } }, 'status');
  assert.equal((await evict('?dryRun=All')).code, 429, 'and must stay while they do not');
  await change({ spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
  assert.equal((await evict('?dryRun=All')).code, 201);
  await lab.client.patch(pods, at, {
    type: 'merge',
    body: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    subresource: 'status',
  });
  await change({ status: { disruptionsAllowed: 1, observedGeneration: 2 } }, 'status');
  assert.equal((await evict()).code, 201);
  assert.equal((await admin.request('/api/v1/namespaces/default/pods/e')).code, 404);
});

test('an object of one version is served in the other', async () => {
  const path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  const made = await admin.request(path, {
    method: 'POST',
    body: {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: { maxReplicas: 3, scaleTargetRef, targetCPUUtilizationPercentage: 70 },
    },
  });
  assert.equal(made.code, 201, made.text);
  const v2 = (await admin.request(`${path.replace('v1', 'v2')}/h`)).json<
    AnyObject & { spec: { metrics: unknown[] } }
  >();
  assert.deepEqual(v2.spec.metrics, [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
  ]);
  const v1 = (await admin.request(`${path}/h`)).json<AnyObject & { spec: Record<string, unknown> }>();
  assert.deepEqual(v1.spec, { maxReplicas: 3, minReplicas: 1, scaleTargetRef, targetCPUUtilizationPercentage: 70 });
});

test('the cluster tells its address and authority to those without credentials', async () => {
  const answer = await anonymous.request('/api/v1/namespaces/kube-public/configmaps/cluster-info');
  const { data } = answer.json<{ data: { kubeconfig: string } }>();
  const expected = kubeconfig([{ name: '', server: 'https://127.0.0.1:6443', ca: lab.keys.ca.certificate }]);
  assert.equal(data.kubeconfig, expected);
});

async function eventually<T>(probe: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come to pass');
}
