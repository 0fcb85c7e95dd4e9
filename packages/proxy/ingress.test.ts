import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { endpoint, eventually, profile, serve, servicePolicy, TestCa, TestProxy, Wire } from './testing/index.ts';

const CLIENT = 'ingress.a.serviceaccount.identity.linkerd.cluster.local';
const WEB = 'web.a.svc.cluster.local:80';

let client: TestProxy;
let app: Awaited<ReturnType<typeof serve>>;
let direct: Awaited<ReturnType<typeof serve>>;
let seen = '';

/** An application that says its name. */
const named = (name: string) =>
  serve((socket) =>
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    }),
  );

before(async () => {
  client = await TestProxy.start({ name: CLIENT, ca: new TestCa(), env: { INGRESS_MODE: 'true' } });
  app = await named('web');
  direct = await named('direct');
  client.outboundDst = { ip: '10.96.0.10', port: 80 };
  client.mesh.profile('10.96.0.10:80').set({ code: 'INVALID_ARGUMENT' });
  client.mesh.outbound('10.96.0.10:80').set(
    servicePolicy('x', {
      opaqueRoute: servicePolicy('direct.a.svc.cluster.local:80').opaqueRoute,
      http1: servicePolicy('direct.a.svc.cluster.local:80').http1,
    }),
  );
  client.mesh.destination('direct.a.svc.cluster.local:80').set({ kind: 'add', endpoints: [endpoint(direct.port)] });
  client.mesh.profile(WEB).set(profile({ fqn: 'web.a.svc.cluster.local' }));
  client.mesh.outbound(WEB).set(servicePolicy(WEB));
  client.mesh.destination(WEB).set({ kind: 'add', endpoints: [endpoint(app.port)] });
});
after(async () => {
  app.close();
  direct.close();
  await client.stop();
});
beforeEach(() => {
  seen = '';
});

async function ask(wire: Wire, extra = ''): Promise<string> {
  wire.send(`GET / HTTP/1.1\r\nhost: shop\r\n${extra}\r\n`);
  const [head = ''] = await wire.expect(/HTTP\/1.1 \d+ [\s\S]*?\r\n\r\n/);
  const length = Number(/content-length: (\d+)/.exec(head)?.[1]);
  const [body = ''] = length > 0 ? await wire.expect(new RegExp(`^.{${length}}`)) : [''];
  return `${head.slice(9, 12)} ${body}`.trim();
}

test('each request of a connection goes where its header says, which it loses', async () => {
  const wire = await Wire.connect(client.outboundPort);
  assert.equal(await ask(wire, 'l5d-dst-override: Web.a.svc.cluster.local\r\n'), '200 web');
  assert.equal(await ask(wire), '200 direct');
  assert.equal(await ask(wire, 'l5d-dst-override: web.a.svc.cluster.local.:80\r\n'), '200 web');
  assert.doesNotMatch(seen, /override/);
  wire.socket.destroy();
});

test('bodies that arrive while discovery is under way are delivered', async () => {
  const name = 'late.a.svc.cluster.local:80';
  const wire = await Wire.connect(client.outboundPort);
  wire.send(`POST / HTTP/1.1\r\nhost: shop\r\nl5d-dst-override: ${name}\r\ncontent-length: 4\r\n\r\nbody`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  client.mesh.profile(name).set(profile({ fqn: 'late.a.svc.cluster.local' }));
  client.mesh.outbound(name).set({ code: 'NOT_FOUND' });
  client.mesh.destination(name).set({ kind: 'add', endpoints: [endpoint(app.port)] });
  await wire.expect(/200 OK[\s\S]*web/);
  await eventually(() => seen.includes('body'), 'the body');
  wire.socket.destroy();
});

test('a client that leaves while discovery is under way does no harm', async () => {
  const name = 'never.a.svc.cluster.local:80';
  const wire = await Wire.connect(client.outboundPort);
  wire.send(`GET / HTTP/1.1\r\nhost: shop\r\nl5d-dst-override: ${name}\r\n\r\n`);
  await eventually(() => client.mesh.profile(name).opened === 1, 'the lookup');
  wire.socket.destroy();
  client.mesh.profile(name).set(profile({ fqn: 'never.a.svc.cluster.local' }));
  client.mesh.outbound(name).set({ code: 'NOT_FOUND' });
  const other = await Wire.connect(client.outboundPort);
  assert.equal(await ask(other), '200 direct');
  other.socket.destroy();
  await eventually(() => client.metric('tcp_open_connections', { peer: 'src' }) === 0, 'the end of all of them');
});

test('a header that names no host, and a name that nobody knows, are answered', async () => {
  const wire = await Wire.connect(client.outboundPort);
  assert.equal(await ask(wire, 'l5d-dst-override: not a host\r\n'), '400');
  const name = 'nobody.example:80';
  client.mesh.outbound(name).set({ code: 'NOT_FOUND' });
  assert.equal(await ask(wire, `l5d-dst-override: ${name}\r\n`), '502');
  assert.equal(client.mesh.profile(name).opened, 0, 'only names under the suffixes have profiles');
  wire.socket.destroy();
});

test('what is no HTTP goes to the address that was dialled', async () => {
  await Wire.ask(client.outboundPort, '\x00\x01\x02 just bytes, more than enough of them', /direct/);
});

test('the application is not told why requests failed', async () => {
  const wire = await Wire.connect(client.outboundPort);
  wire.send('GET / HTTP/1.1\r\nhost: shop\r\nl5d-dst-override: no/host\r\n\r\n');
  const [head] = await wire.expect(/HTTP\/1.1 400 [\s\S]*?\r\n\r\n/);
  assert.doesNotMatch(head, /l5d-proxy-error/);
  wire.socket.destroy();
});
