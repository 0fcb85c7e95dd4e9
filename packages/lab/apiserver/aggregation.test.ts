import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { AnyObject, Status } from '#api/kube';
import { createAuthority, issueClientCertificate, issueLeaf } from '#lab/auth';
import { LoopbackClient } from './http/loopback-client.fake.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback.fake.ts';

const APISERVICES = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
const core = (resource: string) => ({ group: '', version: 'v1', resource });

let lab: LoopbackServer;
let client: LoopbackClient;
let aggregated: Server;
const plain = createHttpServer((request, reply) => {
  reply.setHeader('x-seen', request.headers['authorization'] ?? 'none');
  reply.end(`${request.method} ${request.url}`);
});

before(async () => {
  lab = await startLoopbackServer();
  const admin = await issueClientCertificate(lab.keys, { name: 'root', groups: ['system:masters'] }, Date.now());
  client = new LoopbackClient(lab.port, lab.keys.ca.certificate, admin);
  const authority = await createAuthority('tap', Date.now());
  const names = ['tap.default.svc'];
  const leaf = await issueLeaf(authority, { commonName: 'tap', usage: 'server', names }, Date.now());
  aggregated = createServer(
    {
      key: leaf.key,
      cert: leaf.certificate,
      ca: lab.keys.frontProxyCa.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (request, reply) => {
      if (request.url === '/apis/tap.example.com/v1') {
        const resources = [{ name: 'taps', singularName: '', namespaced: true, kind: 'Tap', verbs: ['watch'] }];
        reply.end(JSON.stringify({ kind: 'APIResourceList', groupVersion: 'tap.example.com/v1', resources }));
        return;
      }
      reply.write(`${request.method} ${request.url}\n`);
      reply.end(`${request.headers['x-remote-user']} ${request.headers['x-remote-group']}`);
    },
  );
  await new Promise<void>((resolve) => aggregated.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  await serve('tap', 443, (aggregated.address() as AddressInfo).port);
  await serve('web', 80, (plain.address() as AddressInfo).port);
  await lab.client.create(APISERVICES, {
    metadata: { name: 'v1.tap.example.com' },
    spec: {
      group: 'tap.example.com',
      version: 'v1',
      groupPriorityMinimum: 1000,
      versionPriority: 100,
      service: { namespace: 'default', name: 'tap' },
      caBundle: Buffer.from(authority.certificate).toString('base64'),
    },
  } as AnyObject);
});

after(async () => {
  client.close();
  aggregated.close();
  plain.close();
  await lab.close();
});

async function serve(name: string, port: number, target: number): Promise<void> {
  const ports = [{ port, name: 'p' }];
  await lab.client.create(core('services'), { metadata: { name, namespace: 'default' }, spec: { ports } } as AnyObject);
  await lab.client.create({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' }, {
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'p', port: target, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  } as AnyObject);
}

async function condition(name: string, wanted: string): Promise<void> {
  let seen: unknown;
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const service = await lab.client.get<AnyObject>(APISERVICES, name);
    const [first] = (service['status'] as { conditions?: { reason: string }[] }).conditions ?? [];
    seen = first?.reason;
    if (seen === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`Available has reason ${seen}, not ${wanted}`);
}

test('an aggregated server is available once it answers, and its resources are discovered', async () => {
  await condition('v1.tap.example.com', 'Passed');
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const list = (await client.request('/apis', { headers: { accept } })).json<{
    items: { metadata: { name: string }; versions: { resources: { resource: string }[] }[] }[];
  }>();
  const group = list.items.find(({ metadata }) => metadata.name === 'tap.example.com');
  assert.deepEqual(
    group?.versions[0]?.resources.map(({ resource }) => resource),
    ['taps'],
  );
});

test('requests are handed over with the user in headers that a client cannot forge', async () => {
  const path = '/apis/tap.example.com/v1/watch/namespaces/default/pods/p/tap';
  const answer = await client.request(path, { method: 'POST', body: '{}', headers: { 'x-remote-user': 'forged' } });
  assert.equal(answer.code, 200, answer.text);
  assert.equal(answer.text, `POST ${path}\nroot system:masters, system:authenticated`);
});

test('a server that is not there says so in its condition and answers 503', async () => {
  const spec = { group: 'gone.example.com', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 };
  await lab.client.create(APISERVICES, {
    metadata: { name: 'v1.gone.example.com' },
    spec: { ...spec, service: { namespace: 'default', name: 'gone' } },
  } as AnyObject);
  await condition('v1.gone.example.com', 'ServiceNotFound');
  assert.equal((await client.request('/apis/gone.example.com/v1/things')).code, 503);
});

test('a Service is reached through the proxy subresource, without the credentials of its caller', async () => {
  const base = '/api/v1/namespaces/default/services';
  const answer = await client.request(`${base}/web:80/proxy/a/b?c=d`, { headers: { authorization: 'Bearer secret' } });
  assert.deepEqual([answer.code, answer.text, answer.headers['x-seen']], [200, 'GET /a/b?c=d', 'none']);
  assert.equal((await client.request(`${base}/web:p/proxy`)).text, 'GET /');
  assert.equal((await client.request(`${base}/http:web:p/proxy/x`, { method: 'DELETE' })).text, 'DELETE /x');
  const missing = await client.request(`${base}/web:nothing/proxy/`);
  assert.deepEqual(
    [missing.code, missing.json<Status>().message],
    [503, 'no service port "nothing" found for service "web"'],
  );
});
