/**
 * What the control plane must outlive: an API server that is away, by silence and by refusal; watches that cannot be resumed; proxies
 * that do not read; the sudden death of a replica, and the end of one in good order. Meanwhile a client asks a server of the mesh
 * again and again, over a connection of its own each time, and no request may fail.
 * Runs alone: it bounds the time of what comes back.
 *
 * `WEFT_AWAY_MS` says how long the API server is away, e.g. 300000; without it long enough to be noticed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyObject, Gvr } from '#api/kube';
import { createKubeClient, type KubeClient } from '#kube/client';
import { loadAccess } from '#kube/config';
import { EVENT_RING_SIZE } from '#lab/store';
import {
  deploy,
  eventually,
  type Lab,
  pssMB,
  repository,
  requireProgram,
  shop,
  startLab,
  sumOf,
  webContainer,
  workload,
} from '../../harness/index.ts';
import { KINDS, type Kind, type Order, type Report } from './subscribers.ts';

const MINUTE_MS = 60_000;
const ASKED_MS = process.env['WEFT_AWAY_MS'] === undefined ? undefined : Number(process.env['WEFT_AWAY_MS']);
/** Longer than it takes to notice that nothing comes any more: a ping every 5 s, given up after 10 s. */
const SILENT_MS = ASKED_MS ?? 18_000;
/** Noticed at once. */
const REFUSING_MS = ASKED_MS ?? 8_000;
/** What was changed after the return, and what was missed before, is known within this. */
const CAUGHT_UP_MS = 10_000;

let lab: Lab;
let kube: KubeClient;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    kube = createKubeClient(await loadAccess({}, { KUBECONFIG: await lab.ok('printf %s "$KUBECONFIG"') }));
    await kubectl('-n linkerd scale deploy --all --replicas=2');
    await deploy(lab, APP);
    await rolledOut();
  },
  { timeout: 5 * MINUTE_MS },
);
after(
  async () => {
    kube?.close();
    await lab?.down();
  },
  { timeout: MINUTE_MS },
);

const LOAD = `{name: app, image: curlimages/curl, command: [curl], args: ${JSON.stringify([
  ...['-s', '--rate', '10/s', '--max-time', '10', '--no-buffer', '-H', 'connection: close'],
  ...['--write-out', '\t%{http_code} %{time_total} %{errormsg}\n', 'http://web/?[1-1000000]'],
])}}`;
/** `web` is asked all the time; `guarded` gets policies, and `other`, the same pods, is asked by nobody until the API server is away. */
const APP = shop(`---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: guarded, namespace: shop}
spec: {selector: {app: guarded}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: gone, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
${workload('web', webContainer('hi'), { replicas: 2 })}
${workload('guarded', webContainer('hi'))}
${workload('load', LOAD)}
${workload('client', '{name: app, image: curlimages/curl, command: [sh, -c, "sleep 100000"]}')}
`);

const gvr = (group: string, version: string, resource: string): Gvr => ({ group, version, resource });
const CONFIG_MAPS = gvr('', 'v1', 'configmaps');
const PODS = gvr('', 'v1', 'pods');
const SERVICES = gvr('', 'v1', 'services');
const SERVERS = gvr('policy.linkerd.io', 'v1beta3', 'servers');
const LEASES = gvr('coordination.k8s.io', 'v1', 'leases');
const KIND_OF: Readonly<Record<string, string>> = {
  configmaps: 'ConfigMap',
  endpointslices: 'EndpointSlice',
  httproutes: 'HTTPRoute',
  pods: 'Pod',
  servers: 'Server',
  serviceprofiles: 'ServiceProfile',
  services: 'Service',
};
/** Creates an object in `shop`. */
const create = (
  gvr: Gvr,
  name: string,
  body: object,
  options: { labels?: Record<string, string>; dryRun?: boolean } = {},
) =>
  kube.create<AnyObject>(
    gvr,
    {
      apiVersion: gvr.group ? `${gvr.group}/${gvr.version}` : gvr.version,
      kind: KIND_OF[gvr.resource],
      metadata: { namespace: 'shop', name, ...(options.labels && { labels: options.labels }) },
      ...body,
    } as AnyObject,
    options.dryRun ? { dryRun: true } : {},
  );

const kubectl = async (words: string): Promise<string> =>
  (await lab.ok(`kubectl ${words}`, { timeoutMs: 3 * MINUTE_MS })).trim();
const rolledOut = async (): Promise<void> => {
  for (const name of ['identity', 'destination', 'proxy-injector'])
    await kubectl(`-n linkerd rollout status deploy/linkerd-${name} --timeout=120s`);
};
const inLab = (command: string, input?: string): Promise<string> =>
  lab.ok(`weft lab shell --name ${lab.name} -- ${command}`, input === undefined ? {} : { input });

interface Replica {
  name: string;
  address: string;
}
async function replicas(component: 'destination' | 'identity'): Promise<Replica[]> {
  const columns = '{range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}';
  const text = await kubectl(
    `-n linkerd get pods -l linkerd.io/control-plane-component=${component} -o jsonpath='${columns}'`,
  );
  return text.split('\n').map((line) => {
    const [name = '', address = ''] = line.split(' ');
    return { name, address };
  });
}

/** Where controllers tell their metrics. */
const ADMIN_PORTS = { destination: 9996, policy: 9990 } as const;
type Controller = keyof typeof ADMIN_PORTS;
interface Page {
  controller: Controller;
  text: string;
}
/** The metrics of both controllers in replicas; by default in all of them. */
async function pages(of?: Replica): Promise<Page[]> {
  const wanted = (of ? [of] : await replicas('destination')).flatMap(({ address }) =>
    (Object.keys(ADMIN_PORTS) as Controller[]).map((controller) => ({ address, controller })),
  );
  const urls = wanted.map(({ address, controller }) => `http://${address}:${ADMIN_PORTS[controller]}/metrics`);
  // Each ends in this line.
  const texts = (await inLab(`curl -s -m 5 ${urls.join(' ')}`)).split('# EOF\n');
  assert.equal(texts.length, wanted.length + 1, 'all answer');
  return wanted.map(({ controller }, at) => ({ controller, text: texts[at] ?? '' }));
}
/** A metric of them all, one value each. */
const each = async (family: string, labels: Readonly<Record<string, string>> = {}): Promise<number[]> =>
  (await pages()).map(({ text }) => sumOf(text, family, labels));

/** All answers that the load got so far; none may be a failure. */
async function loadIsFine(): Promise<number> {
  const answers = [...(await lab.ok('kubectl -n shop logs deploy/load -c app')).matchAll(/\t(\d{3}) (.*)$/gm)];
  assert.deepEqual(
    answers.filter(([, status]) => status !== '200').map(([line]) => line),
    [],
  );
  return answers.length;
}

/** Whether all pods of the control plane are ready, and how often containers were started again. */
async function controlPlane(): Promise<string> {
  const columns =
    '{range .items[*]}{.metadata.name} {.status.containerStatuses[*].ready} {.status.containerStatuses[*].restartCount} {.status.initContainerStatuses[*].restartCount}{"\\n"}{end}';
  return kubectl(`-n linkerd get pods -o jsonpath='${columns}'`);
}

/** The status of a request from the client's pod. */
const ask = async (host: string): Promise<string> =>
  (
    await lab.sh(
      `kubectl -n shop exec deploy/client -c app -- curl -s -o /dev/null -w '%{http_code}' -m 5 http://${host}/`,
    )
  ).stdout.trim();

/**
 * What pods send to the API server, and what it answers, meets `verdict` while `body` runs. kubectl comes another way and is not
 * concerned, nor are nodes.
 */
async function cutOff(verdict: 'drop' | 'reject with tcp reset', body: () => Promise<void>): Promise<void> {
  // A refusal is itself an answer.
  const sent = verdict === 'drop' ? '' : 'tcp flags & rst == 0';
  const rules = `table inet away {
    chain in { type filter hook input priority -10; iifname != "lo" tcp dport 6443 ${verdict}; }
    chain out { type filter hook output priority -10; oifname != "lo" tcp sport 6443 ${sent} ${verdict}; }
  }\n`;
  // The first node has the API server.
  const [node] = (await inLab('ip netns list')).match(/^\S*1(?= |$)/m) ?? assert.fail('no nodes');
  const nft = `ip netns exec ${node} nft`;
  await inLab(`${nft} -f -`, rules);
  try {
    await body();
  } finally {
    await inLab(`${nft} delete table inet away`);
  }
}

/** Writes that nobody cares for, so many that no watch can be resumed from before them. */
async function writeMuch(): Promise<void> {
  await create(CONFIG_MAPS, 'written', {});
  let left = EVENT_RING_SIZE + 500;
  const writer = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await kube.patch(
        CONFIG_MAPS,
        { namespace: 'shop', name: 'written' },
        { type: 'merge', body: { data: { left: `${left}` } } },
      );
    }
  };
  await Promise.all(Array.from({ length: 16 }, writer));
}

/** A Server for the pods `guarded`. */
const createServer = (accessPolicy: 'deny' | 'all-unauthenticated') =>
  create(SERVERS, 'guarded', {
    spec: { podSelector: { matchLabels: { app: 'guarded' } }, port: 'http', accessPolicy },
  });

/** Waits until all watches of all replicas go on. */
const allWatch = (sinceMs: number): Promise<number> =>
  eventually('all watches go on', CAUGHT_UP_MS, async () =>
    (await each('kube_watch_lost_seconds')).every((seconds) => seconds === 0) ? Date.now() - sinceMs : undefined,
  );

/** Waits until both controllers of all replicas know what the cluster has, no more and no less. */
async function cachesAreRight(): Promise<void> {
  const [pods, services] = await Promise.all([kube.list(PODS), kube.list(SERVICES)]);
  await eventually('caches are right', CAUGHT_UP_MS, async () => {
    for (const { controller, text } of await pages()) {
      if (controller !== 'destination') continue;
      assert.equal(sumOf(text, 'pod_cache_size', { cluster: 'local' }), pods.items.length);
      assert.equal(sumOf(text, 'service_cache_size', { cluster: 'local' }), services.items.length);
    }
    return true;
  });
}

/** Waits until the leases are renewed, by one replica each. */
const leasesAreRenewed = (sinceMs: number): Promise<true> =>
  eventually('the leases are renewed', CAUGHT_UP_MS, async () => {
    for (const name of WRITE_LEASES) {
      const { renewTime } = await lease(name);
      assert.ok(Date.parse(renewTime) > sinceMs, `${name}: ${renewTime}`);
    }
    return true as const;
  });
const WRITE_LEASES = ['policy-controller-write', 'linkerd-destination-endpoint-write'] as const;
async function lease(
  name: string,
): Promise<{ holderIdentity: string; renewTime: string; leaseDurationSeconds: number }> {
  const { spec } = await kube.get<AnyObject>(LEASES, name, 'linkerd');
  return spec as Awaited<ReturnType<typeof lease>>;
}

describe('an API server that is away', () => {
  test('in silence, and for so many changes that no watch can be resumed: nobody notices, and caches come right after it', {
    timeout: SILENT_MS + 3 * MINUTE_MS,
  }, async (context) => {
    const before = { plane: await controlPlane(), lists: await each('kube_watch_lists_total') };
    let awayMs = 0;
    const startMs = Date.now();
    await cutOff('drop', async () => {
      await kube.delete(SERVICES, { namespace: 'shop', name: 'gone' });
      const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
      await create(SERVICES, 'came', { spec: { selector: { app: 'web' }, ports } });
      await writeMuch();
      assert.equal(await ask('other'), '200', 'a service that no proxy has asked about yet');
      await eventually('metrics say that the watches are lost', 30_000, async () => {
        for (const { text } of await pages())
          for (const family of ['kube_watch_lost_seconds', 'kube_watch_failures_total'])
            assert.ok(sumOf(text, family) > 0, family);
        return true;
      });
      await sleep(Math.max(0, startMs + SILENT_MS - Date.now()));
      assert.equal(await controlPlane(), before.plane, 'all were ready, and none was started again');
      awayMs = Date.now() - startMs;
    });
    const backMs = Date.now();
    await createServer('deny');
    const denied = eventually('the new policy counts', CAUGHT_UP_MS, async () =>
      (await ask('guarded')) === '403' ? Date.now() - backMs : undefined,
    );
    const [deniedMs, watchedMs] = await Promise.all([denied, allWatch(backMs), leasesAreRenewed(backMs)]);
    await cachesAreRight();
    const { stderr } = await lab.sh('linkerd diagnostics endpoints gone.shop.svc.cluster.local:80');
    assert.match(stderr, /No endpoints found/);
    assert.match(
      await lab.ok('linkerd diagnostics endpoints came.shop.svc.cluster.local:80'),
      /\sweb-\S+\s+came\.shop/,
    );
    const lists = await each('kube_watch_lists_total');
    for (const [at, count] of lists.entries()) assert.ok(count > (before.lists[at] ?? 0), 'began anew');
    assert.equal(await controlPlane(), before.plane);
    const requests = await loadIsFine();
    context.diagnostic(
      `away for ${awayMs} ms; watched again after ${watchedMs} ms, the policy counted after ${deniedMs} ms; ${requests} requests`,
    );
  });

  test('by refusal: metrics say since when, certificates are refused with UNAVAILABLE, and watches go on where they were', {
    timeout: REFUSING_MS + 2 * MINUTE_MS,
  }, async (context) => {
    const plane = await controlPlane();
    // Those who write watch Services and slices anew each time that they lead.
    const lists = () => each('kube_watch_lists_total', { resource: 'servers' });
    const listed = await lists();
    const startMs = Date.now();
    await cutOff('reject with tcp reset', async () => {
      await eventually('metrics say that the watches are lost', 15_000, async () => {
        for (const seconds of await each('kube_watch_lost_seconds')) assert.ok(seconds > 0);
        return true;
      });
      assert.equal((await certify()).code, 'UNAVAILABLE');
      await sleep(Math.max(0, startMs + REFUSING_MS - Date.now()));
      const lost = await each('kube_watch_lost_seconds', { resource: 'servers' });
      for (const seconds of lost) assert.ok(seconds > 0 && seconds <= (Date.now() - startMs) / 1000, `${lost}`);
      for (const depth of await each('endpoints_controller_workqueue_depth')) assert.equal(depth, 0);
      assert.equal(await controlPlane(), plane, 'all were ready, and none was started again');
      await kube.delete(SERVERS, { namespace: 'shop', name: 'guarded' });
    });
    const backMs = Date.now();
    const admitted = eventually('the policy that went counts no more', CAUGHT_UP_MS, async () =>
      (await ask('guarded')) === '200' ? Date.now() - backMs : undefined,
    );
    const [admittedMs, watchedMs] = await Promise.all([admitted, allWatch(backMs), leasesAreRenewed(backMs)]);
    await cachesAreRight();
    if (ASKED_MS === undefined) assert.deepEqual(await lists(), listed, 'resumed');
    assert.equal((await certify()).code, undefined);
    const requests = await loadIsFine();
    context.diagnostic(
      `watched again after ${watchedMs} ms, the policy went after ${admittedMs} ms; ${requests} requests`,
    );
  });
});

/** Asks the identity service for the certificate of `web`. */
async function certify(): Promise<{ code?: string; message?: string }> {
  const [replica] = await replicas('identity');
  const identity = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
  const request = {
    identity,
    asked: identity,
    address: replica?.address,
    token: await kubectl('-n shop create token web --audience identity.l5d.io'),
    anchors: await kubectl("-n linkerd get cm linkerd-identity-trust-roots -o jsonpath='{.data.ca-bundle\\.crt}'"),
  };
  const program = `${process.execPath} ${join(import.meta.dirname, 'certify.ts')}`;
  return JSON.parse(await inLab(program, `${JSON.stringify(request)}\n`));
}

/** How often each of the objects is changed. */
const CHANGES = 200;
const ENDPOINTS = 200;
/** Of each kind; all but one stop reading. */
const STREAMS = 41;
/** What a change may take to those who read. */
const PROMPT_MS = 2_000;
/**
 * What a controller may grow by: garbage, collected when it likes. Were everything kept for those who do not read, it would be some
 * 200 MB: 200 changes to 40 streams of two kinds at 10 kB and more.
 */
const GROWTH_MB_MAX = 100;

/** Objects of which version `n` says so; all are some 10 kB on the wire. */
const long = (n: number, i: number) => `/v${n}/${i}/${'x'.repeat(80)}`;
const rules = (n: number) =>
  Array.from({ length: 16 }, (_, rule) => ({
    matches: Array.from({ length: 8 }, (_, i) => ({ path: { type: 'Exact', value: long(n, rule * 8 + i) } })),
  }));
const endpointOf = (n: number, i: number) => `10.${n}.7.${i + 1}`;
const CHANGED: Record<Kind, { gvr: Gvr; name: string; labels?: Record<string, string>; body(n: number): object }> = {
  get: {
    gvr: gvr('discovery.k8s.io', 'v1', 'endpointslices'),
    name: 'many-1',
    labels: { 'kubernetes.io/service-name': 'many' },
    body: (n) => ({
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      endpoints: Array.from({ length: ENDPOINTS }, (_, i) => ({
        addresses: [endpointOf(n, i)],
        conditions: { ready: true },
      })),
    }),
  },
  profile: {
    gvr: gvr('linkerd.io', 'v1alpha2', 'serviceprofiles'),
    name: 'many.shop.svc.cluster.local',
    body: (n) => ({
      spec: {
        routes: Array.from({ length: 60 }, (_, i) => ({ name: long(n, i), condition: { pathRegex: long(n, i) } })),
      },
    }),
  },
  inbound: {
    gvr: gvr('policy.linkerd.io', 'v1beta3', 'httproutes'),
    name: 'in',
    body: (n) => ({
      spec: { parentRefs: [{ group: 'policy.linkerd.io', kind: 'Server', name: 'guarded' }], rules: rules(n) },
    }),
  },
  outbound: {
    gvr: gvr('policy.linkerd.io', 'v1beta3', 'httproutes'),
    name: 'out',
    body: (n) => ({
      spec: { parentRefs: [{ group: 'core', kind: 'Service', name: 'many', port: 80 }], rules: rules(n) },
    }),
  },
};

/** The program `subscribers.ts` in the lab's network. */
class Subscribers {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(order: Order) {
    const program = [process.execPath, join(import.meta.dirname, 'subscribers.ts')];
    const words = [join(repository, 'bin', 'weft.mjs'), 'lab', 'shell', '--name', lab.name, '--', ...program];
    this.#child = spawn('node', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async tell(command: 'slow' | 'read' | 'report'): Promise<Report> {
    this.#child.stdin?.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the subscribers have ended');
    return JSON.parse(value) as Report;
  }

  /** Waits until `isSo` of all streams, or of the first of each kind. */
  async become(what: string, which: 'all' | 'first', isSo: (stream: Report[Kind][number], kind: Kind) => boolean) {
    return eventually(what, 2 * CAUGHT_UP_MS, async () => {
      const report = await this.tell('report');
      for (const kind of KINDS)
        for (const [at, stream] of report[kind].entries())
          if ((which === 'all' || at === 0) && !isSo(stream, kind))
            throw new Error(`${kind} ${at}: ${JSON.stringify(stream)}; the first: ${JSON.stringify(report[kind][0])}`);
      return report;
    });
  }

  async end(): Promise<void> {
    this.#reader.close();
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once('close', resolve));
  }
}

/** The processes of a pod that play these roles: all are in its network. */
function pidsOf(pod: string): Record<Controller, number> {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return ''; // It ended while it was looked at.
    }
  };
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const roleOf = (pid: string) =>
    (Object.keys(ADMIN_PORTS) as Controller[]).find((role) => read(`/proc/${pid}/cmdline`).split('\0').includes(role));
  const one = all.find((pid) => roleOf(pid) && read(`/proc/${pid}/environ`).split('\0').includes(`HOSTNAME=${pod}`));
  const network = readlinkSync(`/proc/${one}/ns/net`);
  const found: Partial<Record<Controller, number>> = {};
  for (const pid of all) {
    const role = roleOf(pid);
    if (role && readlinkSync(`/proc/${pid}/ns/net`) === network) found[role] = Number(pid);
  }
  return { destination: found.destination ?? assert.fail(pod), policy: found.policy ?? assert.fail(pod) };
}

describe('a replica that dies', () => {
  /** When another has its lease, once it is killed. */
  let moved: Promise<number> | undefined;

  test('without a word, under many changes and beside proxies that do not read: memory does not grow, and all get the last state', {
    timeout: 4 * MINUTE_MS,
  }, async (context) => {
    await createServer('all-unauthenticated');
    const { spec } = await create(SERVICES, 'many', { spec: { ports: [{ name: 'http', port: 80 }] } });
    for (const kind of KINDS) {
      const { gvr, name, labels, body } = CHANGED[kind];
      await create(gvr, name, body(0), labels && { labels });
    }
    const [guarded] = (await kube.list<AnyObject>(PODS, { namespace: 'shop', labelSelector: 'app=guarded' })).items;

    await cachesAreRight();
    const { holderIdentity: victim } = await lease('policy-controller-write');
    const other = (await replicas('destination')).find(({ name }) => name !== victim) ?? assert.fail('one replica');
    const subscribers = new Subscribers({
      address: other.address,
      service: { name: 'many.shop.svc.cluster.local', ip: (spec as { clusterIP: string }).clusterIP, port: 80 },
      workload: { token: JSON.stringify({ ns: 'shop', pod: guarded?.metadata.name }), port: 8080 },
      streams: STREAMS,
    });
    try {
      await subscribers.become('all have the first state', 'all', ({ version }) => version === 0);
      await subscribers.tell('slow');
      const pids = pidsOf(other.name);
      const sizes = () => ({ destination: pssMB(pids.destination), policy: pssMB(pids.policy) });
      const sizeBefore = sizes();

      const killedMs = Date.now();
      const [identity] = await replicas('identity');
      await kubectl(`-n linkerd delete pod ${victim} ${identity?.name} --force --grace-period=0`);
      moved = leaseMoves(victim, killedMs);
      moved.catch(() => {}); // Looked at in the end.

      const writtenMs = await changeAll();
      const quick = await subscribers.become(
        'those who read have the last state',
        'first',
        ({ version }) => version === CHANGES,
      );
      for (const kind of KINDS) {
        const { lastMs } = quick[kind][0]!;
        assert.ok(lastMs - writtenMs[kind] < PROMPT_MS, `${kind}: ${lastMs - writtenMs[kind]} ms`);
        for (const slow of quick[kind].slice(1)) assert.ok(slow.version < CHANGES, `${kind}: it reads`);
      }
      const addresses = Array.from({ length: ENDPOINTS }, (_, i) => `${endpointOf(CHANGES, i)}:80`).sort();
      assert.equal(quick.get[0]?.state, digest(`${addresses} v${CHANGES}`));
      const sizeAfter = await eventually('memory has not grown', CAUGHT_UP_MS, async () => {
        const now = sizes();
        for (const role of ['destination', 'policy'] as const)
          assert.ok(now[role] - sizeBefore[role] < GROWTH_MB_MAX, `${role}: ${sizeBefore[role]} to ${now[role]} MB`);
        return now;
      });
      const metrics = (await pages(other)).map(({ text }) => text).join('');
      for (const stream of KINDS) assert.ok(sumOf(metrics, 'stream_updates_coalesced', { stream }) > STREAMS, stream);

      await subscribers.tell('read');
      const last = await subscribers.become(
        'all have the last state',
        'all',
        ({ state, ended }, kind) => state === quick[kind][0]?.state && ended === undefined,
      );
      for (const kind of KINDS)
        for (const slow of last[kind].slice(1))
          assert.ok(slow.messages < last[kind][0]!.messages / 2, `${kind}: ${slow.messages} messages, none merged`);
      const requests = await loadIsFine();
      const lagMs = KINDS.map((kind) => `${kind} ${quick[kind][0]!.lastMs - writtenMs[kind]}`);
      const grown = (role: Controller) => `${sizeBefore[role].toFixed(0)} to ${sizeAfter[role].toFixed(0)} MB`;
      context.diagnostic(
        `last change to readers in ms: ${lagMs}; destination ${grown('destination')}, policy ${grown('policy')}; messages ${KINDS.map((kind) => `${kind} ${last[kind][0]?.messages}/${last[kind][1]?.messages}`)}; ${requests} requests`,
      );
    } finally {
      await subscribers.end();
    }
  });

  test('in good order, the injector’s: no pod is admitted without its proxy meanwhile', {
    timeout: 3 * MINUTE_MS,
  }, async (context) => {
    let ends = false;
    let admitted = 0;
    const admit = async (): Promise<void> => {
      while (!ends) {
        const containers = [{ name: 'app', image: 'debian', command: ['sleep', '1'] }];
        const { spec } = await create(PODS, 'tried', { spec: { containers } }, { dryRun: true });
        const names = (spec as { initContainers?: { name: string }[] }).initContainers?.map(({ name }) => name);
        assert.deepEqual(names, ['linkerd-init', 'linkerd-proxy'], `after ${admitted} pods`);
        admitted += 1;
      }
    };
    const admissions = Promise.all(Array.from({ length: 6 }, admit));
    try {
      await kubectl('-n linkerd rollout restart deploy/linkerd-proxy-injector');
      await Promise.race([rolledOut(), admissions]);
      await sleep(1_000);
    } finally {
      ends = true;
      await admissions;
    }
    assert.ok(admitted > 50, `${admitted} pods`);
    await loadIsFine();
    context.diagnostic(`${admitted} pods admitted`);
  });

  test('loses its lease to another when it ends, and not before', { timeout: MINUTE_MS }, async (context) => {
    context.diagnostic(`after ${await moved} ms`);
    await rolledOut();
    await loadIsFine();
  });
});

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Waits until another replica holds the lease that the killed one held: no sooner than it may, no later than it must. */
async function leaseMoves(victim: string, killedMs: number): Promise<number> {
  const { leaseDurationSeconds, renewTime } = await lease('policy-controller-write');
  const earliestMs = Date.parse(renewTime) + leaseDurationSeconds * 1000;
  const ms = await eventually('the lease has moved', leaseDurationSeconds * 1000 + 10_000, async () =>
    (await lease('policy-controller-write')).holderIdentity === victim ? undefined : Date.now(),
  );
  assert.ok(ms >= earliestMs, `${earliestMs - ms} ms before it ended`);
  // Two seconds between two looks of the others, and some for a busy machine.
  assert.ok(ms <= earliestMs + 6_000, `${ms - earliestMs} ms after it ended`);
  return ms - killedMs;
}

/** Changes the four objects side by side; gives when each was changed last. */
async function changeAll(): Promise<Record<Kind, number>> {
  const times = await Promise.all(
    KINDS.map(async (kind) => {
      const { gvr, name, body } = CHANGED[kind];
      for (let n = 1; n <= CHANGES; n += 1)
        await kube.patch(gvr, { namespace: 'shop', name }, { type: 'merge', body: body(n) });
      return [kind, Date.now()] as const;
    }),
  );
  return Object.fromEntries(times) as Record<Kind, number>;
}
