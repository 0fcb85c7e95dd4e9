/**
 * Two linked clusters without gateways. What a proxy hears on its open stream when a cluster's credentials come and its pods come and go;
 * then the guide to StatefulSets: one name for all their pods, and for each a name of its own, by which it is reached with its identity.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeTcpAddress, destination } from '#api/mesh';
import { accessOf, parseKubeConfig, resolveContext } from '#kube/config';
import { openForward } from '#kube/port-forward';
import { createGrpcClient, type GrpcClient } from '#runtime/grpc';
import {
  eventually,
  guideBlocks,
  type Lab,
  requireProgram,
  shop,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east'] as const;
type Cluster = (typeof CLUSTERS)[number];

const FEDERATED = 'web-federated.shop.svc.cluster.local:80';
const GUIDE = guideBlocks('statefulsets.md');

let lab: Lab;
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });
/** Runs a block of the guide. */
const follow = (heading: string, at = 0): Promise<string> =>
  lab.ok(
    `set -e\nexport WEFT_LAB='${lab.name}'\n${GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`)}`,
    { timeoutMs: 3 * MINUTE_MS },
  );

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh']);
    await follow('Link the clusters');
    for (const cluster of CLUSTERS) {
      await kubectl(cluster, 'apply -f -', shop(workload('web', webContainer(`from-${cluster}`))));
      await kubectl(cluster, '-n shop label service web mirror.linkerd.io/federated=member');
    }
    const idle = '{name: app, image: debian, command: [sleep, infinity]}';
    await kubectl('west', 'apply -f -', workload('stranger', idle, { annotations: 'linkerd.io/inject: disabled' }));
    await follow('Run the sets');
    await follow('Ask one pod');
    for (const cluster of CLUSTERS) {
      await kubectl(cluster, '-n shop wait --for=condition=Available --timeout=100s deploy --all');
      await kubectl(cluster, '-n linkerd-multicluster wait --for=condition=Available --timeout=100s deploy --all');
    }
  },
  { timeout: 6 * MINUTE_MS },
);
after(
  async () => {
    destinations?.close();
    await lab?.down();
  },
  { timeout: MINUTE_MS },
);

let destinations: GrpcClient | undefined;
/** West's destination service, through its pod. */
async function destinationOfWest(): Promise<GrpcClient> {
  if (destinations) return destinations;
  const config = parseKubeConfig(await lab.ok('kubectl config view --raw -o json'), '/');
  const access = accessOf(resolveContext(config, 'west'));
  const pods = '-n linkerd get pods -l linkerd.io/control-plane-component=destination -o name';
  const pod = (await kubectl('west', pods)).trim().replace(/^pod\//, '');
  const connect = () => openForward(access, { namespace: 'linkerd', pod, port: 8086 });
  destinations = createGrpcClient({ authority: 'linkerd-dst.linkerd.svc:8086', connect });
  return destinations;
}

/** An open stream of a service's endpoints: what it has now, and each message as `+…` or `-…`. */
async function listen(path: string, nodeName = '') {
  const client = await destinationOfWest();
  const heard = { endpoints: new Map<string, destination.WeightedAddr>(), log: [] as string[], ended: false };
  const stop = client.serverStream(
    destination.Destination.method.get,
    { path, contextToken: JSON.stringify({ ns: 'shop', pod: 'client', nodeName }) },
    {
      message: ({ update: { case: kind, value } }) => {
        const addrs = value && 'addrs' in value ? value.addrs : [];
        const keys = addrs.map((each) => String(decodeTcpAddress('weight' in each ? each.addr : each)));
        heard.log.push(`${kind === 'add' ? '+' : '-'}${keys}`);
        for (const each of addrs)
          if ('weight' in each) heard.endpoints.set(String(decodeTcpAddress(each.addr)), each);
          else heard.endpoints.delete(String(decodeTcpAddress(each)));
      },
      ended: () => {
        heard.ended = true;
      },
    },
  );
  return { ...heard, hasEnded: () => heard.ended, stop };
}

interface FoundPod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { podIP?: string };
}
/** The pods of an application that are not on their way out, and their addresses. */
const pods = async (context: Cluster, app: string): Promise<Map<string, string>> => {
  const { items } = JSON.parse(await kubectl(context, `-n shop get pods -l app=${app} -o json`)) as {
    items: FoundPod[];
  };
  return new Map(
    items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, status }) => [metadata.name, status.podIP ?? '']),
  );
};
/** Runs a command in a pod of west. */
const inPod = (pod: Asker, command: string) =>
  lab.sh(`kubectl --context west -n shop exec ${pod} -c app -- ${command}`);
type Asker = 'client' | 'deploy/stranger';
const ask = (pod: Asker, host: string) => inPod(pod, `curl -s -m 5 -w ' %{http_code}' http://${host}.shop:8080`);
/** The addresses that a name of west has. */
async function resolved(name: string): Promise<string[]> {
  const program = `require("dns").promises.resolve4("${name}.shop.svc.cluster.local").then((all) => console.log(all.sort().join(" ")), (error) => console.log(error.code))`;
  return (await inPod('deploy/stranger', `node -e '${program}'`)).stdout.trim().split(' ');
}
const resolves = (name: string, addresses: () => Promise<readonly string[]>) =>
  eventually(`addresses of ${name}`, MINUTE_MS, async () => {
    const [found, wanted] = [await resolved(name), [...(await addresses())].sort()];
    if (found.join() === wanted.join()) return true;
    throw new Error(`${found} instead of ${wanted}`);
  });
/** Name and namespace, and what the Link's status says of a member. */
const said = async (name: string): Promise<string> => {
  const status = `{.status.federatedServices[?(@.remoteRef.name=="${name}")].conditions[?(@.type=="Mirrored")]`;
  const words = `-n linkerd-multicluster get link east -o jsonpath='${status}.reason} ${status}.message}'`;
  return (await kubectl('west', words)).trim();
};

describe('two clusters without gateways', () => {
  test("credentials that come after a proxy has asked bring their cluster's pods onto its open stream", {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const secret = await kubectl('west', '-n linkerd get secret cluster-credentials-east -o json');
    await kubectl('west', '-n linkerd delete secret cluster-credentials-east');
    await eventually('both members', MINUTE_MS, async () => {
      const found = await kubectl('west', '-n shop get service web-federated -o json --ignore-not-found');
      return /web@east/.test(found) && /local-discovery/.test(found) ? true : undefined;
    });
    const [mine = ''] = (await pods('west', 'web')).values();
    const [theirs = ''] = (await pods('east', 'web')).values();
    await eventually('the own pod alone', MINUTE_MS, async () => {
      const found = await lab.ok(`weft --context west diagnostics endpoints ${FEDERATED} -o json`);
      return (JSON.parse(found) as unknown[]).length === 1 ? true : undefined;
    });
    const heard = await listen(FEDERATED);
    await eventually('the own pod', MINUTE_MS, async () => (heard.log.length > 0 ? true : undefined));
    assert.deepEqual(heard.log, [`+${mine}:8080`]);
    const { metadata, ...rest } = JSON.parse(secret);
    const { name, namespace, labels, annotations } = metadata;
    await kubectl(
      'west',
      'apply -f -',
      JSON.stringify({ ...rest, metadata: { name, namespace, labels, annotations } }),
    );
    await eventually('the pod of east', MINUTE_MS, async () => (heard.log.length > 1 ? true : undefined));
    assert.deepEqual(heard.log, [`+${mine}:8080`, `+${theirs}:8080`]);
    const identity = heard.endpoints.get(`${theirs}:8080`)?.tlsIdentity?.serverName?.name;
    assert.equal(identity, 'web.shop.serviceaccount.identity.linkerd.cluster.local');

    heard.log.length = 0;
    await kubectl('east', '-n shop scale deploy/web --replicas=2');
    await eventually('one more', MINUTE_MS, async () => (heard.log.length > 0 ? true : undefined));
    await kubectl('east', '-n shop scale deploy/web --replicas=1');
    await eventually('one less', MINUTE_MS, async () => (heard.log.length > 1 ? true : undefined));
    const [added = '', removed = '', ...more] = heard.log;
    assert.match(added, /^\+[0-9.]+:8080$/);
    assert.match(removed, /^-[0-9.]+:8080$/);
    assert.deepEqual([more, heard.endpoints.size, heard.hasEnded()], [[], 2, false]);
    heard.stop();
  });

  test('identities are of the trust domain and control plane of the member; what filters pods filters those of the own cluster', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const local = `patch service web -p '{"spec": {"internalTrafficPolicy": "Local"}}'`;
    for (const cluster of CLUSTERS) await kubectl(cluster, `-n shop ${local}`);
    const [mine = ''] = (await pods('west', 'web')).values();
    const [theirs = ''] = (await pods('east', 'web')).values();
    const node = await kubectl('west', '-n shop get pods -l app=web -o jsonpath={.items[0].spec.nodeName}');
    const [here, elsewhere] = [await listen(FEDERATED, node), await listen(FEDERATED, 'elsewhere')];
    const has = (heard: typeof here, ...ips: string[]) =>
      eventually(`${ips} on the stream`, MINUTE_MS, async () =>
        [...heard.endpoints.keys()].sort().join() ===
        ips
          .map((ip) => `${ip}:8080`)
          .sort()
          .join()
          ? true
          : undefined,
      );
    await has(here, mine, theirs);
    await has(elsewhere, theirs);
    const identityOf = (ip: string) => here.endpoints.get(`${ip}:8080`)?.tlsIdentity?.serverName?.name;
    const becomes = (wanted: string | undefined) =>
      eventually(`identity ${wanted}`, MINUTE_MS, async () => (identityOf(theirs) === wanted ? true : undefined));
    const web = 'web.shop.serviceaccount.identity.linkerd';
    const trustDomain = (name: string) =>
      kubectl(
        'west',
        `-n linkerd annotate --overwrite secret cluster-credentials-east multicluster.linkerd.io/trust-domain=${name}`,
      );
    await trustDomain('other.test');
    await becomes(`${web}.other.test`);
    assert.equal(identityOf(mine), `${web}.cluster.local`);
    await trustDomain('cluster.local');
    await becomes(`${web}.cluster.local`);
    await kubectl('east', '-n shop label pods -l app=web --overwrite linkerd.io/control-plane-ns=other');
    await becomes(undefined);
    await has(here, mine, theirs);
    for (const heard of [here, elsewhere]) heard.stop();
  });

  test('a headless service is refused as a member, unless its pods are to have names', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const refusal = 'Headless service cannot join federated service';
    assert.equal(await said('db'), `InvalidService ${refusal}`);
    assert.match(await follow('Run the sets', 1), new RegExp(refusal));
    assert.equal(await said('web'), 'Mirrored');
    assert.equal(await kubectl('west', '-n shop get service db-federated --ignore-not-found'), '');
    const address = (name: string) => kubectl('west', `-n shop get service ${name} -o jsonpath={.spec.clusterIP}`);
    assert.match(await address('db-east'), /^10\./);
    await follow('Give the pods names');
    for (const name of ['db-east', 'db-federated'])
      await eventually(`${name} without address`, MINUTE_MS, async () =>
        (await address(name)) === 'None' ? true : undefined,
      );
    assert.equal(await said('db'), 'Mirrored');
  });

  test('one name covers the pods of both clusters, and each pod has a name of its own', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const there = async (name: string) => [(await pods('east', 'db')).get(name) ?? ''];
    await resolves('db-federated', async () => [
      ...(await pods('west', 'db')).values(),
      ...(await pods('east', 'db')).values(),
    ]);
    for (const pod of ['db-0', 'db-1']) {
      await resolves(`${pod}-west.db-federated`, async () => [(await pods('west', 'db')).get(pod) ?? '']);
      await resolves(`${pod}-east.db-federated`, () => there(pod));
      await resolves(`${pod}.db-east`, () => there(pod));
    }
    assert.deepEqual(await resolved('db-0.db-federated'), ['ENOTFOUND']);
  });

  test('by its name a pod is reached with its identity, as the pods of its cluster demand', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const hosts = {
      'db-0-west.db-federated': 'db-0 of west',
      'db-0-east.db-federated': 'db-0 of east',
      'db-1-east.db-federated': 'db-1 of east',
      'db-1.db-east': 'db-1 of east',
    };
    for (const [host, answer] of Object.entries(hosts))
      await eventually(host, MINUTE_MS, async () => {
        const { stdout } = await ask('client', host);
        if (stdout === `${answer} 200`) return true;
        throw new Error(stdout);
      });
    assert.equal(await follow('Ask one pod', 1), 'db-0 of east');
    assert.match(await follow('Ask one pod', 2), /default\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local/);
    const refused = await ask('deploy/stranger', 'db-0-east.db-federated');
    assert.doesNotMatch(refused.stdout, / 200$/);
    const metrics = (await inPod('client', 'curl -s http://localhost:4191/metrics')).stdout;
    const opened = metrics.split('\n').filter((line) => /^tcp_open_total.*dst_pod="db-1"/.test(line));
    assert.ok(opened.length > 0, 'no connection to db-1');
    const name = 'default\\.shop\\.serviceaccount\\.identity\\.linkerd\\.cluster\\.local';
    for (const line of opened)
      for (const label of ['dst_target_cluster="east"', 'tls="true"', `server_id="${name}"`])
        assert.match(line, new RegExp(`[{,]${label}`));
  });

  test('a name follows its pod to another address, and goes with the wish for names', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const before = (await pods('east', 'db')).get('db-0');
    await kubectl('east', '-n shop delete pod db-0');
    await kubectl('east', '-n shop rollout status statefulset/db --timeout=60s');
    const now = (await pods('east', 'db')).get('db-0') ?? '';
    assert.notEqual(now, before);
    await resolves('db-0-east.db-federated', async () => [now]);
    await eventually('an answer from there', MINUTE_MS, async () =>
      (await ask('client', 'db-0-east.db-federated')).stdout === 'db-0 of east 200' ? true : undefined,
    );
    await kubectl('east', '-n shop annotate service db multicluster.weft.dev/pod-names-');
    await resolves('db-federated', async () => [...(await pods('west', 'db')).values()]);
    await kubectl('west', '-n shop annotate service db multicluster.weft.dev/pod-names-');
    await eventually('no federated service', MINUTE_MS, async () =>
      (await kubectl('west', '-n shop get service db-federated --ignore-not-found')) === '' ? true : undefined,
    );
    await eventually('no slices', MINUTE_MS, async () =>
      (await kubectl('west', '-n shop get endpointslices -l multicluster.kubernetes.io/source-cluster -o name')) === ''
        ? true
        : undefined,
    );
  });
});
