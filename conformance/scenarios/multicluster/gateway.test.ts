/**
 * Services of a cluster whose pods nobody else can reach, taken over through its gateway: what is mirrored, what follows, what happens
 * when the gateway dies, and that requests and bytes arrive.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, type Lab, requireProgram, shop, startLab, webContainer, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const MC = 'linkerd-multicluster';
const EXPORTED = 'mirror.linkerd.io/exported';
type Cluster = 'west' | 'east';

/** Says something before it is asked, and then repeats what it hears. */
const ECHO = `require("node:net").createServer((socket) => { socket.write("hello from east\\n"); socket.pipe(socket); }).listen(9000)`;
const ECHO_SERVICE = `
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: shop, labels: {${EXPORTED}: "true"}, annotations: {config.linkerd.io/opaque-ports: "9000"}}
spec: {selector: {app: echo}, ports: [{name: tcp, port: 9000, targetPort: 9000}]}`;
/** Tells its host name to whoever asks. */
const WHO = `require("node:http").createServer((_request, response) => response.end(require("node:os").hostname())).listen(8080)`;
const LISTEN = `const socket = require("node:net").connect(9000, "echo-east"); let text = ""; socket.on("data", (part) => { text += part; if (text.endsWith("ping")) { console.log(text); socket.end(); } }); setTimeout(() => process.exit(1), 5000).unref(); socket.write("ping")`;

let lab: Lab;
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });
const install = (more: string) =>
  lab.ok(`weft --context west multicluster install --gateway=false ${more} | kubectl --context west apply -f -`);
const node = (program: string) => `[node, -e, ${JSON.stringify(program)}]`;

const CONTROLLERS =
  "--set 'controllers[0].link.ref.name=east' --set 'controllers[1].link.ref.name=bare' --set 'controllers[1].gateway.enabled=false'";

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west,east', '--nodes', '1', '--isolated', '--mesh']);
    await lab.ok(
      'weft --context east multicluster install --gateway-probe-seconds 1 | kubectl --context east apply -f -',
    );
    await install(CONTROLLERS);
    await eventually(
      'the gateway has an address',
      MINUTE_MS,
      async () =>
        (await kubectl(
          'east',
          `-n ${MC} get svc linkerd-gateway -o jsonpath='{.status.loadBalancer.ingress[0].ip}'`,
        )) || undefined,
    );
    await lab.ok('weft --context east multicluster link-gen --cluster-name=east | kubectl --context west apply -f -');
    await lab.ok(
      'weft --context east multicluster link-gen --cluster-name=bare --gateway=false | kubectl --context west apply -f -',
    );
    const echo = `{name: app, image: debian, command: ${node(ECHO)}}`;
    await kubectl(
      'east',
      'apply -f -',
      shop(workload('web', webContainer('from-east')) + ECHO_SERVICE + workload('echo', echo)),
    );
    await kubectl('east', `-n shop label svc/web ${EXPORTED}=true`);
    const client = '{name: app, image: debian, command: [sleep, infinity]}';
    const stranger = workload('stranger', client, { annotations: 'linkerd.io/inject: disabled' });
    await kubectl('west', 'apply -f -', shop(workload('client', client) + stranger));
    for (const context of ['east', 'west'] as const) {
      await kubectl(context, '-n shop wait --for=condition=Available --timeout=100s deploy --all');
      await kubectl(context, `-n ${MC} wait --for=condition=Available --timeout=100s deploy --all`);
    }
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** An object, or undefined where there is none. */
async function find<T>(context: Cluster, what: string, namespace = 'shop'): Promise<T | undefined> {
  const text = await kubectl(context, `-n ${namespace} get ${what} --ignore-not-found -o json`);
  return text === '' ? undefined : (JSON.parse(text) as T);
}

interface Service {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string>; resourceVersion: string };
  spec: { clusterIP: string; ports: { name: string; port: number }[] };
}
interface Endpoints {
  metadata: { annotations?: Record<string, string> };
  subsets?: {
    addresses?: { ip: string }[];
    notReadyAddresses?: { ip: string }[];
    ports: { name: string; port: number }[];
  }[];
}
interface Link {
  spec: { gatewayAddress: string; gatewayIdentity: string };
  status?: {
    conditions?: { type: string; status: string; reason: string }[];
    mirrorServices?: { remoteRef: { name: string; namespace: string }; conditions: { reason: string }[] }[];
  };
}

const gone = (what: string, name: string) =>
  eventually(what, 20_000, async () => ((await find('west', name)) === undefined ? true : undefined));
const there = <T>(what: string, name: string, suits: (object: T) => boolean = () => true) =>
  eventually(what, 30_000, async () => {
    const found = await find<T>('west', name);
    if (found && suits(found)) return found;
    throw new Error(JSON.stringify(found));
  });
const reasonOf = async (service: string, namespace = 'shop'): Promise<string | undefined> => {
  const link = await find<Link>('west', 'link/east', MC);
  const entry = link?.status?.mirrorServices?.find(
    ({ remoteRef }) => remoteRef.name === service && remoteRef.namespace === namespace,
  );
  return entry?.conditions[0]?.reason;
};
const ready = ({ subsets }: Endpoints) => (subsets?.[0]?.addresses?.length ?? 0) > 0;

/** What a pod of the west gets, and how its command ended. */
const ask = (pod: string, url: string) =>
  lab.sh(`kubectl --context west -n shop exec deploy/${pod} -c app -- curl -s -m 10 -w '%{http_code}' ${url}`);

describe('a cluster behind a gateway', () => {
  test('an exported service has a Service and Endpoints that are the gateway', { timeout: 2 * MINUTE_MS }, async () => {
    const mirror = await there<Service>('the mirror', 'svc/web-east');
    assert.equal(mirror.metadata.labels?.['mirror.linkerd.io/cluster-name'], 'east');
    const original = await find<Service>('east', 'svc/web');
    assert.deepEqual(mirror.metadata.annotations, {
      'mirror.linkerd.io/remote-resource-version': original?.metadata.resourceVersion,
      'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.cluster.local',
    });
    const endpoints = await there<Endpoints>('its endpoints', 'endpoints/web-east', ready);
    const link = await find<Link>('west', 'link/east', MC);
    assert.deepEqual(endpoints.subsets, [
      { addresses: [{ ip: link?.spec.gatewayAddress }], ports: [{ name: 'http', port: 4143, protocol: 'TCP' }] },
    ]);
    assert.equal(
      endpoints.metadata.annotations?.['mirror.linkerd.io/remote-gateway-identity'],
      link?.spec.gatewayIdentity,
    );
  });

  test('the gateway answers probes, and the command line shows it', { timeout: 2 * MINUTE_MS }, async () => {
    const table = await eventually('the gateway is alive', MINUTE_MS, async () => {
      const text = await lab.ok('weft --context west multicluster gateways');
      if (/^east +True +\d+ +\d+ms$/m.test(text)) return text;
      throw new Error(text);
    });
    assert.match(table, /^CLUSTER {2}ALIVE {4}NUM_SVC {6}LATENCY\n/);
    const check = await lab.ok('weft --context west multicluster check --wait=30s', { timeoutMs: MINUTE_MS });
    assert.match(check, /√ probe services able to communicate with all gateway mirrors\n\t\* east\n/);
  });

  test('requests of meshed pods arrive, those of others do not', { timeout: 2 * MINUTE_MS }, async () => {
    await eventually('an answer from the east', 30_000, async () => {
      const { stdout, stderr } = await ask('client', 'http://web-east/');
      if (stdout.includes('from-east') && stdout.endsWith('200')) return true;
      throw new Error(stdout + stderr);
    });
    // The admin port of a meshed pod, too, is asked over HTTP/2 by the client's proxy.
    const ip = await kubectl('west', `-n ${MC} get pod -l component=controller -o jsonpath='{.items[0].status.podIP}'`);
    assert.equal((await ask('client', `http://${ip}:4191/ready`)).stdout, 'ready\n200');
    const { code, stdout } = await ask('stranger', 'http://web-east/');
    assert.ok(code !== 0 && !stdout.includes('from-east'), `${code} ${stdout}`);
  });

  test('bytes of a protocol where the server speaks first arrive, too', { timeout: 2 * MINUTE_MS }, async () => {
    await there('its endpoints', 'endpoints/echo-east', ready);
    const heard = await eventually('an echo', 30_000, async () =>
      kubectl('west', `-n shop exec deploy/client -c app -- node -e '${LISTEN}'`),
    );
    assert.equal(heard, 'hello from east\nping\n');
  });

  test('ports of the original are followed', { timeout: MINUTE_MS }, async () => {
    const ports = JSON.stringify({ spec: { ports: [{ name: 'web', port: 81, targetPort: 8080 }] } });
    const before = await find<Service>('west', 'svc/web-east');
    await kubectl('east', `-n shop patch svc/web --type=merge -p '${ports}'`);
    const changed = await there<Service>('the new port', 'svc/web-east', ({ spec }) => spec.ports[0]?.port === 81);
    const version = 'mirror.linkerd.io/remote-resource-version';
    assert.notEqual(changed.metadata.annotations?.[version], before?.metadata.annotations?.[version]);
    await there<Endpoints>(
      'of endpoints',
      'endpoints/web-east',
      ({ subsets }) => subsets?.[0]?.ports[0]?.name === 'web',
    );
    const back = JSON.stringify({ spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] } });
    await kubectl('east', `-n shop patch svc/web --type=merge -p '${back}'`);
    await there<Service>('the old port', 'svc/web-east', ({ spec }) => spec.ports[0]?.port === 80);
  });

  test('without a ready endpoint there it has none here', { timeout: 2 * MINUTE_MS }, async () => {
    await kubectl('east', '-n shop scale deploy/echo --replicas=0');
    await there<Endpoints>('no subsets', 'endpoints/echo-east', ({ subsets }) => (subsets ?? []).length === 0);
    await kubectl('east', '-n shop scale deploy/echo --replicas=1');
    await there<Endpoints>('subsets', 'endpoints/echo-east', ready);
  });

  test('a label switched to remote-discovery makes the mirror flat, and back', { timeout: 2 * MINUTE_MS }, async () => {
    await kubectl('east', `-n shop label --overwrite svc/echo ${EXPORTED}=remote-discovery`);
    const flat = await there<Service>('a flat mirror', 'svc/echo-east', ({ metadata }) =>
      Boolean(metadata.labels?.['multicluster.linkerd.io/remote-discovery']),
    );
    assert.equal(flat.metadata.labels?.['multicluster.linkerd.io/remote-service'], 'echo');
    await gone('without endpoints', 'endpoints/echo-east');
    // The Link without gateway takes what is exported flat, and nothing else.
    await there('the mirror of the Link without gateway', 'svc/echo-bare');
    assert.equal(await find('west', 'svc/web-bare'), undefined);
    assert.equal(await find('west', 'svc/probe-bare', MC), undefined);
    await kubectl('east', `-n shop label --overwrite svc/echo ${EXPORTED}=true`);
    await there<Endpoints>('endpoints again', 'endpoints/echo-east', ready);
    await gone('without label', 'svc/echo-bare');
  });

  test('while the gateway is dead its addresses are not ready', { timeout: 4 * MINUTE_MS }, async () => {
    await kubectl('east', `-n ${MC} scale deploy/linkerd-gateway --replicas=0`);
    const dead = await eventually('addresses that are not ready', 2 * MINUTE_MS, async () => {
      const found = await find<Endpoints>('west', 'endpoints/web-east');
      return found?.subsets?.[0]?.notReadyAddresses ? found : undefined;
    });
    assert.equal(dead.subsets?.[0]?.addresses, undefined);
    assert.match(await lab.ok('weft --context west multicluster gateways'), /^east +False +\d+ +-$/m);
    const { code, stdout } = await lab.sh('weft --context west multicluster check --wait=1s', { timeoutMs: MINUTE_MS });
    assert.equal(code, 1);
    assert.match(stdout, /\* liveness checks failed for east: ProbesFailed: 3 probes in a row failed: /);
    await kubectl('west', `-n ${MC} get events --field-selector reason=GatewayNotAlive`);
    await kubectl('east', `-n ${MC} scale deploy/linkerd-gateway --replicas=1`);
    await eventually('ready ones again', MINUTE_MS, async () => {
      const found = await find<Endpoints>('west', 'endpoints/web-east');
      return found && ready(found) ? true : undefined;
    });
    await eventually('an answer from the east', 30_000, async () =>
      (await ask('client', 'http://web-east/')).stdout.includes('from-east') ? true : undefined,
    );
  });

  test('a missing namespace is told of in both clusters, and its service comes with it', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const bare = (namespace: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---
apiVersion: v1
kind: Service
metadata: {name: lone, namespace: ${namespace}, labels: {${EXPORTED}: "true"}}
spec: {ports: [{port: 80}]}`;
    await kubectl('east', 'apply -f -', bare('later'));
    await eventually('the status says why', 20_000, async () =>
      (await reasonOf('lone', 'later')) === 'MissingNamespace' ? true : undefined,
    );
    for (const [context, namespace] of [
      ['west', MC],
      ['east', 'later'],
    ] as const)
      await eventually(
        `an event in the ${context}`,
        10_000,
        async () =>
          (await kubectl(
            context,
            `-n ${namespace} get events -o name --field-selector reason=ServiceMirroringSkipped`,
          )) || undefined,
      );
    await kubectl('west', 'create namespace later');
    await eventually('the mirror', 20_000, () => find('west', 'svc/lone-east', 'later'));

    await install(`${CONTROLLERS} --set enableNamespaceCreation=true`);
    await kubectl('west', `-n ${MC} rollout status deploy/controller-east --timeout=60s`);
    await kubectl('east', 'apply -f -', bare('made'));
    const made = await eventually('a namespace', MINUTE_MS, () => find<Service>('west', 'namespace/made'));
    assert.equal(made.metadata.labels?.['mirror.linkerd.io/mirrored-service'], 'true');
    assert.equal(made.metadata.labels?.['mirror.linkerd.io/cluster-name'], 'east');
    await eventually('its mirror', 20_000, () => find('west', 'svc/lone-east', 'made'));
  });

  test('an edited Link is followed: entries without address are left out, a gateway dead from the start is not used', {
    timeout: 4 * MINUTE_MS,
  }, async () => {
    const gateway = (await find<Link>('west', 'link/east', MC))?.spec.gatewayAddress ?? '';
    const goTo = (gatewayAddress: string) =>
      kubectl('west', `-n ${MC} patch link east --type=merge -p '${JSON.stringify({ spec: { gatewayAddress } })}'`);
    const ips = ({ subsets }: Endpoints, which: 'addresses' | 'notReadyAddresses') =>
      subsets?.[0]?.[which]?.map(({ ip }) => ip).join();
    await goTo(`${gateway},nowhere.invalid,10.255.0.1`);
    await there<Endpoints>('both addresses', 'endpoints/web-east', (found) =>
      (ips(found, 'addresses') ?? '').includes('10.255.0.1'),
    );
    await goTo('10.255.0.1');
    await eventually('an address that is not ready', 2 * MINUTE_MS, async () => {
      const found = await find<Endpoints>('west', 'endpoints/web-east');
      return found && ips(found, 'notReadyAddresses') === '10.255.0.1' ? true : undefined;
    });
    await goTo(gateway);
    await eventually('the gateway again', MINUTE_MS, async () => {
      const found = await find<Endpoints>('west', 'endpoints/web-east');
      return found && ips(found, 'addresses') === gateway ? true : undefined;
    });
  });

  test('pods of a StatefulSet have services of their own, which follow them', { timeout: 4 * MINUTE_MS }, async () => {
    const pods = `
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop, labels: {${EXPORTED}: "true"}}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: app, image: debian, command: ${node(WHO)}, ports: [{containerPort: 8080}]}`;
    await kubectl('east', 'apply -f -', pods);
    const plain = await there<Service>('an ordinary mirror', 'svc/db-east');
    assert.notEqual(plain.spec.clusterIP, 'None');
    await install(
      `${CONTROLLERS} --set enableNamespaceCreation=true --set controllerDefaults.enableHeadlessServices=true`,
    );
    await kubectl('west', `-n ${MC} rollout status deploy/controller-east --timeout=60s`);
    await there<Service>('a headless mirror', 'svc/db-east', ({ spec }) => spec.clusterIP === 'None');
    const hosts = (count: number) =>
      eventually(`${count} hosts`, MINUTE_MS, async () => {
        const names = await kubectl(
          'west',
          '-n shop get svc -o name -l mirror.linkerd.io/headless-mirror-svc-name=db-east',
        );
        const wanted = Array.from({ length: count }, (_, at) => `service/db-${at}-east\n`).join('');
        return names === wanted ? true : undefined;
      });
    await hosts(2);
    await eventually('an answer of the second pod', MINUTE_MS, async () => {
      const { stdout, stderr } = await ask('client', 'http://db-1.db-east.shop:8080/');
      if (stdout === 'db-1200') return true;
      throw new Error(stdout + stderr);
    });
    await kubectl('east', '-n shop scale statefulset/db --replicas=3');
    await hosts(3);
    await kubectl('east', '-n shop scale statefulset/db --replicas=1');
    await hosts(1);
  });

  test('what went while no controller ran is cleared away, and nothing else', { timeout: 3 * MINUTE_MS }, async () => {
    await kubectl('west', `-n ${MC} scale deploy/controller-east --replicas=0`);
    await kubectl(
      'west',
      `-n ${MC} wait --for=delete pod -l component=controller,mirror.linkerd.io/cluster-name=east --timeout=60s`,
    );
    await kubectl('east', '-n shop delete svc echo');
    await kubectl('west', '-n shop delete endpoints web-east');
    await kubectl('west', `-n ${MC} scale deploy/controller-east --replicas=1`);
    await gone('the orphan', 'svc/echo-east');
    await there<Endpoints>('what was missing', 'endpoints/web-east', ready);
    for (const name of ['svc/web-east', 'svc/db-east', 'svc/db-0-east']) assert.ok(await find('west', name), name);
  });

  test('what is no longer exported goes, from the status, too', { timeout: MINUTE_MS }, async () => {
    await kubectl('east', `-n shop label svc/web ${EXPORTED}-`);
    await gone('without label', 'svc/web-east');
    await gone('and without endpoints', 'endpoints/web-east');
    await eventually('the status', 10_000, async () => ((await reasonOf('web')) === undefined ? true : undefined));
  });
});
