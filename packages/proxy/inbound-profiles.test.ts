import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Pattern } from '#model/regex';
import { eventually, openPolicy, profile, serve, TestCa, TestProxy, Wire } from './testing/index.ts';

let proxy: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;

before(async () => {
  const name = 'web.a.serviceaccount.identity.linkerd.cluster.local';
  const env = { DESTINATION_PROFILE_INITIAL_TIMEOUT: '20s' };
  proxy = await TestProxy.start({ name, ca: new TestCa(), env });
  app = await serve((socket) => socket.on('data', () => socket.write('HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n')));
  proxy.inboundDst = { ip: '127.0.0.1', port: app.port };
  proxy.mesh.port(app.port).set(openPolicy());
});
after(async () => {
  app.close();
  await proxy.stop();
});

let count = 0;
/** A service that no other test asked for. */
let name: string;
beforeEach(() => {
  name = `web${++count}.a.svc.cluster.local`;
});

async function ask(host: string, extra = ''): Promise<void> {
  await Wire.ask(
    proxy.inboundPort,
    `GET /items/1?x HTTP/1.1\r\nhost: ${host}\r\n${extra}\r\n`,
    /HTTP\/1.1 404[\s\S]*?\r\n\r\n/,
  );
}

function routed(): ReturnType<typeof profile> {
  const route = {
    condition: { kind: 'path', regex: new Pattern('/items/\\d+') },
    classes: [{ condition: { kind: 'status', from: 404, to: 404 }, isFailure: true }],
    labels: { route: 'item' },
    isRetryable: true,
    timeoutMs: 1,
  } as const;
  return profile({ fqn: name, routes: [route] });
}

const responses = (labels: Record<string, string> = {}): number =>
  proxy.metric('route_response_total', { direction: 'inbound', dst: `${name}:80`, ...labels });

test('requests are counted and judged by the routes of the service that they name, and that is all', async () => {
  proxy.mesh.profile(`${name}:80`).set(routed());
  await ask(name);
  await ask(`${name.toUpperCase()}.`);
  await ask('something.else', `l5d-dst-canonical: ${name}:80\r\n`);
  await eventually(() => responses({ rt_route: 'item', classification: 'failure' }) === 3, 'three failures');
  await eventually(
    () => proxy.metric('response_total', { direction: 'inbound', classification: 'failure' }) >= 2,
    'the class in the metrics of the endpoint',
  );
  assert.equal(proxy.mesh.profile(`${name}:80`).opened, 1);
});

test('requests do not wait for the profile, and are counted when it comes', async () => {
  await ask(name);
  await ask(name);
  assert.equal(responses(), 0);
  proxy.mesh.profile(`${name}:80`).set(routed());
  await eventually(() => responses({ rt_route: 'item' }) === 2, 'both requests');
});

test("names outside the cluster, addresses and refused names are nobody's", async () => {
  proxy.mesh.profile(`${name}:80`).set({ code: 'INVALID_ARGUMENT' });
  await ask(name);
  await ask('example.com');
  await ask('10.0.0.1');
  assert.equal(responses(), 0);
  assert.equal(proxy.mesh.profile('example.com:80').opened, 0);
});

test('an unauthorized request looks nothing up', async () => {
  proxy.mesh.port(app.port).set(openPolicy({ authorizations: [] }));
  await Wire.ask(proxy.inboundPort, `GET / HTTP/1.1\r\nhost: ${name}\r\n\r\n`, /HTTP\/1.1 403/);
  assert.equal(proxy.mesh.profile(`${name}:80`).opened, 0);
  proxy.mesh.port(app.port).set(openPolicy());
});
