/**
 * Three guides on one lab, by their own commands: flat mirrors; failover between three clusters, one of which is cut off, of a federated
 * service and of a route over mirrors; and who decides what about a request to a federated service.
 * Runs alone: it bounds the time in which a cut-off cluster is left and joined.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, guideBlocks, type Lab, requireProgram, startLab, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east', 'north'] as const;
type Cluster = (typeof CLUSTERS)[number];
/** The names that are asked: the route's, and the federated service's. */
const NAMES = ['web', 'web-federated'] as const;
type Name = (typeof NAMES)[number];

/**
 * Ten requests a second for each name; each second a line of how many answers of each kind came to each: the text, a status, or an
 * error's code.
 */
const ASKING = `
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
let counts = {};
const ask = (name) => {
  const own = (counts[name] ??= {});
  const count = (what) => { own[what] = (own[what] ?? 0) + 1; };
  const request = http.get("http://" + name + ".shop/", { agent, timeout: 10000 }, (answer) => {
    let text = "";
    answer.on("data", (part) => { text += part; });
    answer.on("end", () => count(answer.statusCode === 200 ? (/from-\\w+/.exec(text)?.[0] ?? "200") : String(answer.statusCode)));
  });
  request.on("timeout", () => request.destroy(new Error("timeout")));
  request.on("error", (error) => count(error.code ?? error.message));
};
setInterval(() => { for (const name of ${JSON.stringify(NAMES)}) ask(name); }, 100);
setInterval(() => { console.log(JSON.stringify({ at: Date.now(), counts })); counts = {}; }, 1000);
`;

let lab: Lab;
/** Runs a block of a guide. */
const follow = (guide: string, heading: string, at = 0): Promise<string> =>
  lab.ok(
    `set -e\nexport WEFT_LAB='${lab.name}'\n${guideBlocks(guide).get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading} of ${guide}`)}`,
    { timeoutMs: 4 * MINUTE_MS },
  );
const flat = (heading: string, at = 0) => follow('flat-mirrors.md', heading, at);
const failover = (heading: string, at = 0) => follow('failover.md', heading, at);
const deciding = (at: number) => follow('federated-services.md', 'Who decides what', at);
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh']);
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** Head and body that the client of the guide to flat mirrors gets. */
const call = (name: string) =>
  lab.ok(`kubectl --context west -n shop exec deploy/client -c app -- curl -s -i -m 10 http://${name}/`);
/** Waits for an answer that suits. */
const answer = (name: string, pattern: RegExp) =>
  eventually(`${pattern} from ${name}`, 30_000, async () => {
    const text = await call(name);
    if (pattern.test(text)) return text;
    throw new Error(text);
  });

describe('the guide to flat mirrors', () => {
  test('the mirror has no endpoints, its client finds the pod', { timeout: 4 * MINUTE_MS }, async () => {
    await flat('Link without a gateway');
    await flat('Export a service');
    const shown = await eventually('the mirror', MINUTE_MS, async () => {
      const text = await flat('Export a service', 1);
      return /shop +\d+\.\d+\.\d+\.\d+ +8080 +web-/.test(text) ? text : undefined;
    });
    assert.match(shown, /multicluster\.linkerd\.io\/remote-discovery=east/);
    assert.match(shown, /multicluster\.linkerd\.io\/remote-service=web/);
    assert.equal(await kubectl('west', '-n shop get endpoints web-east --ignore-not-found -o name'), '');
    await answer('web-east', /^HTTP\/1.1 200 [\s\S]*from-east/);
    assert.match(await flat('Export a service', 2), /from-east/);
  });

  test('the called cluster decides who may call, the calling one how', { timeout: 3 * MINUTE_MS }, async () => {
    await flat('Say who may call, where the call arrives');
    await answer('web-east', /^HTTP\/1.1 403 /);
    await flat('Say who may call, where the call arrives', 1);
    await answer('web-east', /^HTTP\/1.1 200 /);
    await flat('Say how it is called, where the call is made');
    await answer('web-east', /^HTTP\/1.1 200 [\s\S]*\nx-routed-in: west\r\n/);
  });

  test('pods, ports and the label of the original are followed', { timeout: 3 * MINUTE_MS }, async () => {
    await flat('Change the original');
    await eventually('three endpoints', 30_000, async () => {
      const rows = await lab.ok('weft --context west diagnostics endpoints web-east.shop.svc.cluster.local:80');
      return rows.trim().split('\n').length === 4 ? true : undefined;
    });
    await flat('Change the original', 1);
    await answer('web-east:81', /^HTTP\/1.1 200 /);
    await flat('Change the original', 2);
    await eventually('no mirror', 30_000, async () =>
      (await kubectl('west', '-n shop get svc -o name')).includes('web-east') ? undefined : true,
    );
    // What the next guide does not know of.
    await kubectl('east', '-n shop delete server,authorizationpolicy,meshtlsauthentication --all');
    await kubectl('west', '-n shop delete httproute web-east');
  });
});

type Counts = Record<string, number>;

/** What was answered in one second, and when that ended. */
interface Second {
  at: number;
  counts: Partial<Record<Name, Counts>>;
}

/** The whole seconds from a moment on. */
async function secondsSince(sinceMs: number): Promise<Second[]> {
  const log = await kubectl('west', '-n shop logs deploy/asking -c app --tail=200');
  const all = log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Second);
  return all.filter(({ at }) => at - 1000 >= sinceMs);
}

/** What was answered from a moment on, for whole seconds. */
async function answered(sinceMs: number): Promise<{ seconds: number; counts: Record<Name, Counts> }> {
  const counts: Record<Name, Counts> = { web: {}, 'web-federated': {} };
  const seconds = await secondsSince(sinceMs);
  for (const second of seconds)
    for (const name of NAMES)
      for (const [what, count] of Object.entries(second.counts[name] ?? {}))
        counts[name][what] = (counts[name][what] ?? 0) + count;
  return { seconds: seconds.length, counts };
}

/** Waits until for two seconds one cluster alone answers, under both names. */
async function onlyFrom(cluster: Cluster, withinMs: number): Promise<void> {
  await eventually(`answers from ${cluster} alone`, withinMs, async () => {
    const { seconds, counts } = await answered(Date.now() - 3500);
    const heard = NAMES.map((name) => Object.keys(counts[name]).join());
    if (seconds >= 2 && heard.every((each) => each === `from-${cluster}`)) return true;
    throw new Error(JSON.stringify(counts));
  });
}

/** What was no answer of a cluster, by name. */
const failures = (counts: Record<Name, Counts>) =>
  NAMES.flatMap((name) =>
    Object.keys(counts[name])
      .filter((what) => !what.startsWith('from-'))
      .map((what) => `${name}: ${what}`),
  );

describe('the guide to failover', () => {
  before(
    async () => {
      await failover('Link the clusters');
      await failover('Run the service three times');
      await kubectl(
        'west',
        'apply -f -',
        workload('asking', `{name: app, image: debian, command: [node, -e, ${JSON.stringify(ASKING)}]}`),
      );
      await kubectl('west', '-n shop rollout status deploy/asking --timeout=90s');
      await eventually('both mirrors and all members', MINUTE_MS, async () => {
        const text = await kubectl('west', '-n shop get svc web-east web-north web-federated -o yaml');
        return text.includes('web@east') && text.includes('web@north') ? true : undefined;
      });
    },
    { timeout: 6 * MINUTE_MS },
  );

  test('the first cluster answers alone', { timeout: 2 * MINUTE_MS }, async () => {
    await failover('Say the order');
    await failover('Say the order', 1);
    await onlyFrom('west', MINUTE_MS);
  });

  test('without its pods the second one does, and no request fails', { timeout: 2 * MINUTE_MS }, async () => {
    const sinceMs = Date.now();
    await failover("Take the first cluster's pods away");
    await onlyFrom('east', MINUTE_MS);
    assert.deepEqual(failures((await answered(sinceMs)).counts), []);
  });

  test('when that is cut off the third one does, within 15 seconds, and it is back within 10 of its return', {
    timeout: 5 * MINUTE_MS,
  }, async () => {
    await failover('Cut the second cluster off');
    const cutMs = Date.now();
    await onlyFrom('north', MINUTE_MS);
    const late = await eventually('15 seconds and five more', MINUTE_MS, async () =>
      Date.now() - cutMs > 21_000 ? answered(cutMs + 15_000) : undefined,
    );
    assert.deepEqual(failures(late.counts), [], JSON.stringify((await answered(cutMs)).counts));
    await eventually('a Link that says so', MINUTE_MS, async () =>
      (await failover('Cut the second cluster off', 1)).includes('"status":"False"') ? true : undefined,
    );
    await failover('Heal');
    const healedMs = Date.now();
    await onlyFrom('east', MINUTE_MS);
    const others = (await secondsSince(healedMs)).filter(({ counts }) =>
      NAMES.some((name) => Object.keys(counts[name] ?? {}).join() !== 'from-east'),
    );
    const backMs = Math.max(0, ...others.map(({ at }) => at - healedMs));
    // To the end of the last second in which another one answered.
    assert.ok(backMs < 11_000, `back within 10 s: ${backMs} ms`);
  });

  test('and the first one is first again, without a failed request', { timeout: 2 * MINUTE_MS }, async () => {
    const sinceMs = Date.now();
    await failover('Heal', 1);
    await onlyFrom('west', MINUTE_MS);
    assert.deepEqual(failures((await answered(sinceMs)).counts), []);
  });
});

describe('a request to a federated service', () => {
  /** What curl gets, of so many requests: status, cluster, and who routed. */
  async function asked(requests: number): Promise<{ status: string; cluster: string; routed: string }[]> {
    const loop = `for i in $(seq ${requests}); do curl -s -i -m 10 http://web-federated/; echo; echo ==; done`;
    const text = await lab.ok(`kubectl --context west -n shop exec deploy/client -c app -- sh -c '${loop}'`, {
      timeoutMs: 2 * MINUTE_MS,
    });
    return text
      .split('==\n')
      .filter((each) => each.includes('HTTP/1.1'))
      .map((each) => ({
        status: /^HTTP\/1.1 (\d+)/.exec(each)?.[1] ?? '',
        cluster: /from-(\w+)/.exec(each)?.[1] ?? '',
        routed: /\nx-routed-in: (\w+)/.exec(each)?.[1] ?? '',
      }));
  }
  const all = (values: readonly string[]) => [...new Set(values)].sort();

  test('goes as the client’s cluster says, whoever answers', { timeout: 3 * MINUTE_MS }, async () => {
    // All clusters are equals.
    await kubectl('west', '-n shop annotate svc/web-federated balancer.weft.dev/cluster-order-');
    await deciding(0);
    await eventually('answers of all, marked in the west', MINUTE_MS, async () => {
      const answers = await asked(20);
      const seen = [all(answers.map(({ cluster }) => cluster)).join(), all(answers.map(({ routed }) => routed)).join()];
      if (seen.join(' ') === 'east,north,west west') return true;
      throw new Error(seen.join(' '));
    });
    // East would wait ten seconds for its slow pods; west waits one.
    const slow =
      '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--sleep-in-millis=2000"}]';
    await kubectl('east', `-n shop patch deploy/web --type=json -p '${slow}'`);
    await kubectl('east', '-n shop rollout status deploy/web --timeout=90s');
    await eventually('an answer that came too late', MINUTE_MS, async () =>
      (await asked(10)).some(({ status }) => status === '504') ? true : undefined,
    );
    assert.deepEqual(
      (await asked(10)).filter(({ cluster }) => cluster === 'east'),
      [],
    );
  });

  test('is refused where it arrives, and that is seen there', { timeout: 3 * MINUTE_MS }, async () => {
    await deciding(1);
    const answers = await eventually('refusals and answers', MINUTE_MS, async () => {
      const heard = await asked(20);
      const statuses = all(heard.map(({ status }) => status)).join();
      if (statuses === '200,403' && !heard.some(({ cluster }) => cluster === 'east')) return heard;
      throw new Error(JSON.stringify(heard));
    });
    assert.deepEqual(all(answers.filter(({ status }) => status === '403').map(({ routed }) => routed)), ['west']);
    const seen = await deciding(2);
    assert.match(
      seen,
      /inbound_http_authz_deny_total\{[^}]*client_id="client\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local"[^}]*\} [1-9]/,
    );
    assert.match(seen, /client\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local/);
    for (const cluster of ['west', 'north'] as const) {
      const metrics = await lab.ok(`weft --context ${cluster} diagnostics proxy-metrics -n shop deploy/web`);
      assert.ok(!/^inbound_http_authz_deny_total\{.* [1-9]/m.test(metrics), cluster);
    }
  });
});
