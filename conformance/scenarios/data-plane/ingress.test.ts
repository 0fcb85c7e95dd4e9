/** A proxy beside an ingress controller, which says for each request which service it is for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servicePolicy, usePods } from '../../harness/pods/index.ts';
import { type Answer, ask, call, connectHttp2, get, serveHttp1, serveHttp2 } from './http.ts';

const SHOP = 'shop.a.svc.cluster.local';
const BANK = 'bank.a.svc.cluster.local';

const { world, ingress, shop, bank } = usePods(
  { ingress: { env: { INGRESS_MODE: 'true' } }, shop: {}, bank: {} },
  () => {
    for (const pod of [shop, bank])
      serveHttp1(pod, 8080, (request, response) => {
        const { host, 'l5d-dst-override': override = 'none', 'l5d-client-id': clientId } = request.headers;
        response.end(`${pod.name} ${host} ${override} ${clientId}`);
      });
    for (const [host, port, pod] of [
      [SHOP, 80, shop],
      [BANK, 9000, bank],
    ] as const) {
      const target = `${host}:${port}`;
      world.service(target, target, [pod.endpoint(8080)]);
      world.profile(target, { fullyQualifiedName: host });
    }
  },
);

/** As an ingress controller, which connects to a pod that it chose itself. */
const send = (override: string | undefined, host = 'shop.example'): Promise<Answer> =>
  ask(ingress, shop.ip, 8080, { host, lines: override === undefined ? [] : [`l5d-dst-override: ${override}`] });

test('each request goes to the service that it names, over mutual TLS, and the header goes no further', async () => {
  assert.equal((await send(SHOP)).body, `shop shop.example none ${ingress.identity}`);
  assert.equal((await send(`${BANK}:9000`)).body, `bank shop.example none ${ingress.identity}`);
});

test('requests of one HTTP/2 connection go to different services', async () => {
  serveHttp2(bank, 9090, (stream, headers) => {
    stream.respond({ ':status': 200, 'x-seen': String(headers['l5d-dst-override'] ?? 'none') });
    stream.end('bank');
  });
  const target = `${BANK}:9001`;
  world.endpoints(target, [bank.endpoint(9090)]);
  world.policy(target, servicePolicy(target));
  world.profile(target, { fullyQualifiedName: BANK });
  const session = await connectHttp2(ingress, shop.ip, 8080);
  const to = (override: string) => call(session, { ':path': '/', 'l5d-dst-override': override });
  const [first, second] = await Promise.all([to(target), to('nobody.a.svc.cluster.local')]);
  session.destroy();
  assert.deepEqual([first.status, first.body, first.headers['x-seen']], [200, 'bank', 'none']);
  assert.ok(second.status >= 500, `${second.status} for a service that there is not`);
});

test('a request that names nothing goes where its connection leads', async () => {
  assert.match((await send(undefined)).body, /^shop shop.example none /);
});

test('a name that makes no sense is refused, and so is one that nobody knows', async () => {
  const { status, headers } = await send('not a name');
  assert.equal(status, 400);
  assert.equal(headers['l5d-proxy-error'], undefined, 'what the proxy has to say is not for the world outside');
  assert.equal((await send('nobody.a.svc.cluster.local')).status, 502);
});

test('elsewhere the header means nothing and passes on', async () => {
  const { body } = await get(shop, bank.ip, 8080, '/', [`l5d-dst-override: ${SHOP}`]);
  assert.match(body, new RegExp(`^bank web.a ${SHOP} `));
});
