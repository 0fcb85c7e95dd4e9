import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '#runtime/random';
import { type BytesApp, randomBytesScript, runBytes, startBytesApp } from './testing/chaos/index.ts';
import { eventually, openPolicy, PATIENT, profile, servicePolicy, TestCa, TestProxy } from './testing/index.ts';

/** How long each, with which chance; the environment may ask for more. */
const RUN_MS = Number(process.env['WEFT_CHAOS_MS'] ?? 2_000) / 2;
const SEED = Number(process.env['WEFT_CHAOS_SEED'] ?? (Date.now() % 1_000_000) + 1);
const PATH = 'web.a.svc.cluster.local:80';

let client: TestProxy;
let server: TestProxy;
let app: BytesApp;

before(async () => {
  const ca = new TestCa();
  client = await TestProxy.start({ name: 'client.a.serviceaccount.identity.linkerd.cluster.local', ca, env: PATIENT });
  server = await TestProxy.start({ name: 'web.a.serviceaccount.identity.linkerd.cluster.local', ca, env: PATIENT });
  app = await startBytesApp();
  server.mesh.port(app.port).set(openPolicy());
  client.mesh.destination(PATH).set({ kind: 'add', endpoints: [server.endpoint(app.port)] });
});
after(async () => {
  app.close();
  await client.stop();
  await server.stop();
});

const HANGS_MS = 60_000;
/** Where so few came whole, too little was looked at: the run goes on, but not for ever. */
const WHOLE_MIN = 6;
const LONGER_MS = 20_000;

async function run(upgrades: boolean): Promise<void> {
  const random = seededRandom(SEED);
  const untilMs = performance.now() + RUN_MS;
  const wrong: string[] = [];
  let id = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < untilMs + (app.whole.size < WHOLE_MIN ? LONGER_MS : 0)) {
      const script = randomBytesScript(++id, random);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const hangs = new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`hangs: ${JSON.stringify(script)}`), HANGS_MS);
      });
      const what = await Promise.race([runBytes(client.outboundPort, script, upgrades), hangs]);
      clearTimeout(timer);
      if (what !== '') wrong.push(what);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  assert.deepEqual([...wrong, ...app.wrong.splice(0)], []);
  assert.ok(app.whole.size >= WHOLE_MIN, `${app.whole.size} of ${id} came whole`);
  app.whole.clear();
  for (const proxy of [client, server]) {
    const left = (name: string) => `${proxy.name}: ${name} at 0, not ${proxy.metric(name)}`;
    for (const name of ['accepted_connections', 'tcp_open_connections', 'buffered_bytes'])
      await eventually(() => proxy.metric(name) === 0, left(name));
  }
}

test(`bytes go through whole both ways, each end for itself, and nothing is left (seed ${SEED})`, {
  timeout: RUN_MS + LONGER_MS + 2 * HANGS_MS,
}, async () => {
  client.outboundDst = { ip: '10.96.0.11', port: 80 };
  client.mesh.profile('10.96.0.11:80').set(profile({ fqn: 'web.a', opaque: true }));
  client.mesh.outbound('10.96.0.11:80').set(servicePolicy(PATH, { protocol: 'opaque' }));
  await run(false);
});

test(`so they do when requests switch to another protocol (seed ${SEED})`, {
  timeout: RUN_MS + LONGER_MS + 2 * HANGS_MS,
}, async () => {
  client.outboundDst = { ip: '10.96.0.10', port: 80 };
  client.mesh.profile('10.96.0.10:80').set(profile({ fqn: 'web.a' }));
  client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
  await run(true);
});
