import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '#runtime/random';
import { type DestinationUpdate, defaultMeta, type HttpFilter, type OutboundPolicy } from './discover/index.ts';
import { LIMITS } from './limits.ts';
import {
  type ChaosApp,
  type ChaosClient,
  type Ended,
  Http1ChaosClient,
  Http2ChaosClient,
  randomScript,
  type Script,
  startApp,
} from './testing/chaos/index.ts';
import { eventually, openPolicy, PATIENT, profile, servicePolicy, TestCa, TestProxy } from './testing/index.ts';

/** How long, with which chance; the environment may ask for more. */
const RUN_MS = Number(process.env['WEFT_CHAOS_MS'] ?? 2_000);
const SEED = Number(process.env['WEFT_CHAOS_SEED'] ?? (Date.now() % 1_000_000) + 1);

const PATH = 'web.a.svc.cluster.local:80';
const COPIES = 'copies.a.svc.cluster.local:80';
const CLIENT = 'client.a.serviceaccount.identity.linkerd.cluster.local';
const SERVER = 'web.a.serviceaccount.identity.linkerd.cluster.local';

/**
 * A request is lost when nothing at all has ended for so long, or so many others have while it was under way: how many go through in a
 * second is the machine's affair (thousands, or three), but at most some 300 have ever passed one.
 */
const HANGS_MS = 60_000;
const OTHERS_MAX = 2_000;
/** Where so few requests went well, too little was looked at: the run goes on in peace, but not for ever. */
const WHOLE_MIN = 20;
const LONGER_MS = 20_000;
/** A request that its client gave up half-way ends at the server when its reset has come, and resets take turns. */
const SETTLES_MS = LIMITS.http2ResetsWaitingMax * LIMITS.http2ResetEveryMs + 5_000;

/** Two proxies, two applications behind the second, and whatever changes around them. */
class World {
  readonly random: Random;
  readonly client: TestProxy;
  readonly server: TestProxy;
  readonly apps: readonly ChaosApp[];
  /** Requests whose responses came whole. */
  whole = 0;
  /** Those that ended in any way. */
  over = 0;
  #id = 0;

  constructor(random: Random, client: TestProxy, server: TestProxy, apps: readonly ChaosApp[]) {
    this.random = random;
    this.client = client;
    this.server = server;
    this.apps = apps;
  }

  next(): Script {
    return randomScript(++this.#id, this.random);
  }

  get sent(): number {
    return this.#id;
  }

  settle(): void {
    for (const { port } of this.apps) this.server.mesh.port(port).set(openPolicy());
    this.client.mesh.profile('10.96.0.10:80').set(profile({ fqn: 'web.a' }));
    this.client.mesh.outbound('10.96.0.10:80').set(servicePolicy(PATH));
    this.client.mesh.destination(PATH).set(this.#endpoints(this.apps, false));
    this.client.mesh.destination(COPIES).set(this.#endpoints(this.apps.slice(1), true));
  }

  /** One thing that happens to a mesh. */
  disturb(): void {
    const { apps, client, random, server } = this;
    const kind = random();
    const one = apps[Math.floor(random() * apps.length)]!;
    if (kind < 0.35) {
      const some = apps.filter(() => random() < 0.7);
      client.mesh.destination(PATH).set(this.#endpoints(some.length > 0 ? some : [one], random() < 0.5));
    } else if (kind < 0.5) {
      // For a moment only: what is refused is over too soon.
      const policy = server.mesh.port(one.port);
      policy.set(openPolicy({ authorizations: [] }));
      setTimeout(() => policy.set(openPolicy()), 5);
    } else if (kind < 0.7) client.mesh.outbound('10.96.0.10:80').set(this.#policy());
    else one.breakOne(random);
  }

  #endpoints(apps: readonly ChaosApp[], h2: boolean): DestinationUpdate {
    return { kind: 'add', endpoints: apps.map(({ port }) => this.server.endpoint(port, { h2 })) };
  }

  /** With retries, bounds in time, copies, all or none of them. */
  #policy(): OutboundPolicy {
    const policy = servicePolicy(PATH);
    const [route] = policy.http1.routes;
    const rule = {
      ...route!.rules[0]!,
      ...(this.random() < 0.3 && { filters: [MIRROR] }),
      ...(this.random() < 0.5 && { timeouts: { requestMs: 300, responseMs: 200 } }),
      ...(this.random() < 0.5 && { retry: RETRY }),
    };
    const http = { ...policy.http1, routes: [{ ...route!, rules: [rule] }] };
    return { ...policy, http1: http, http2: http };
  }
}

const MIRROR: HttpFilter = {
  kind: 'mirror',
  backend: {
    meta: defaultMeta('copies'),
    target: { kind: 'balancer', path: COPIES, ewma: { defaultRttMs: 30, decayMs: 10_000 } },
  },
  ratio: 0.5,
};

const RETRY = {
  limit: 2,
  bytesMax: 65_536,
  perTryMs: 200,
  backoff: undefined,
  statuses: [{ from: 500, to: 599 }],
  grpcCodes: [],
};

/** Sends requests, some at once, until the time is over and enough went well; how they ended. */
async function load(world: World, client: ChaosClient, atOnce: number, untilMs: number): Promise<Ended[]> {
  const all: Ended[] = [];
  const one = async (): Promise<void> => {
    while (performance.now() < untilMs + (world.whole < WHOLE_MIN ? LONGER_MS : 0)) {
      const script = world.next();
      let timer: ReturnType<typeof setInterval> | undefined;
      const before = world.over;
      let lately = before;
      const hangs = new Promise<never>((_, reject) => {
        timer = setInterval(() => {
          const others = world.over - before;
          if (world.over === lately || others > OTHERS_MAX)
            reject(new Error(`hangs: ${JSON.stringify(script)}, ${others} others ended meanwhile`));
          lately = world.over;
        }, HANGS_MS);
      });
      const ended = await Promise.race([client.send(script), hangs]);
      clearInterval(timer);
      all.push(ended);
      world.over++;
      if (ended === 'whole') world.whole++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return all;
}

test(`whatever happens around requests, each ends once, with the right octets, and nothing is left of it (seed ${SEED})`, {
  timeout: RUN_MS + LONGER_MS + 3 * HANGS_MS,
}, async () => {
  const ca = new TestCa();
  const wrong: string[] = [];
  const client = await TestProxy.start({ name: CLIENT, ca, env: PATIENT });
  const server = await TestProxy.start({ name: SERVER, ca, env: PATIENT });
  const apps = await Promise.all([0, 1].map(() => startApp((what) => wrong.push(what))));
  const world = new World(seededRandom(SEED), client, server, apps);
  world.settle();
  const tell = (what: string): number => wrong.push(what);
  const port = client.outboundPort;
  const http1 = Array.from({ length: 8 }, () => new Http1ChaosClient(port, tell));
  const http2 = Array.from({ length: 3 }, () => new Http2ChaosClient(port, tell));
  const untilMs = performance.now() + RUN_MS;
  const disturbing = setInterval(() => {
    if (performance.now() < untilMs) {
      world.disturb();
      return;
    }
    // What goes on after the time goes on in peace, with nothing that ends slow requests.
    clearInterval(disturbing);
    world.settle();
  }, 25);
  try {
    const ended = await Promise.all([
      ...http1.map((one) => load(world, one, 1, untilMs)),
      ...http2.map((one) => load(world, one, 8, untilMs)),
    ]);
    clearInterval(disturbing);
    world.settle();
    const kinds = ended.flat();
    const count = (kind: Ended): number => kinds.filter((one) => one === kind).length;
    const told = `${count('whole')} whole, ${count('other')} other, ${count('broken')} broken`;
    assert.deepEqual(wrong, [], told);
    assert.ok(world.whole >= WHOLE_MIN, told);
    for (const one of [...http1, ...http2]) one.close();
    await leftNothing(world);
    world.settle();
    await drainUnderWay(world, tell);
    assert.deepEqual(wrong, []);
  } finally {
    clearInterval(disturbing);
    for (const one of [...http1, ...http2]) one.close();
    await Promise.all([client.stop(), server.stop()]);
    for (const app of apps) app.close();
  }
});

/** Gauges are at 0, and as many requests have ended as have begun. */
async function leftNothing({ apps, client, server }: World): Promise<void> {
  const gone = (proxy: TestProxy, name: string, labels = {}): Promise<void> =>
    eventually(
      () => proxy.metric(name, labels) === 0,
      () => `${proxy.name}: ${name} at 0, not ${proxy.metric(name, labels)}`,
      SETTLES_MS,
    );
  const balanced = (proxy: TestProxy): Promise<void> => {
    const counts = (): number[] => ['request_total', 'response_total'].map((name) => proxy.metric(name));
    const series = (): string => ['request_total', 'response_total'].flatMap((name) => proxy.series(name)).join('\n');
    return eventually(
      () => counts()[0] === counts()[1],
      () =>
        `${proxy.name}: as many responses as requests\n${series()}\n${apps.flatMap((app) => app.underWay()).join('\n')}`,
      SETTLES_MS,
    );
  };
  for (const proxy of [client, server]) {
    await balanced(proxy);
    await gone(proxy, 'outbound_http_balancer_queue_length');
    await gone(proxy, 'buffered_bytes');
  }
  await gone(client, 'accepted_connections');
  await gone(client, 'tcp_open_connections', { peer: 'src' });
  // Without endpoints no connection is kept between the proxies.
  client.mesh.destination(PATH).set({ kind: 'none', exists: true });
  client.mesh.destination(COPIES).set({ kind: 'none', exists: true });
  await gone(client, 'tcp_open_connections');
  await gone(server, 'accepted_connections');
  await gone(server, 'tcp_open_connections', { peer: 'src' });
}

/** Proxies that end finish what is under way, the client's first. */
async function drainUnderWay(world: World, wrong: (what: string) => void): Promise<void> {
  const { client, server } = world;
  const before = client.metric('request_total');
  const clients: ChaosClient[] = [];
  const ended: Promise<Ended>[] = [];
  for (let i = 0; i < 12; i++) {
    const made =
      i % 2 === 0 ? new Http1ChaosClient(client.outboundPort, wrong) : new Http2ChaosClient(client.outboundPort, wrong);
    clients.push(made);
    ended.push(made.send({ ...world.next(), upload: 300, answer: 400_000, app: 'slow', client: 'slow', waitMs: 30 }));
  }
  const counted = () => client.metric('request_total') - before;
  await eventually(
    () => counted() === ended.length,
    () => `all are under way, not ${counted()}`,
    SETTLES_MS,
  );
  const drained = client.bound.drain(HANGS_MS);
  assert.deepEqual(new Set(await Promise.all(ended)), new Set(['whole']));
  for (const one of clients) one.close();
  assert.equal(await drained, true, 'nothing had to be cut');
  assert.equal(await server.bound.drain(HANGS_MS), true, 'nothing had to be cut');
}
