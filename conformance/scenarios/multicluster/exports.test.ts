/**
 * The Multi-Cluster Services API in two clusters that are linked to each other, by the commands of its guide: what an export brings about in
 * both, what clients inside and outside the mesh reach, which names there are, what is said of exports that are invalid or differ, and that all of it goes again.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  eventually,
  guideBlocks,
  type Lab,
  requireProgram,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const CLUSTERS = ['west', 'east'] as const;
type Cluster = (typeof CLUSTERS)[number];
const GUIDE = guideBlocks('service-exports.md');

let lab: Lab;
/** Runs a block of the guide. */
const follow = (heading: string, at = 0): Promise<string> =>
  lab.ok(`set -e\n${GUIDE.get(heading)?.[at] ?? assert.fail(`no block ${at} under ${heading}`)}`, {
    timeoutMs: 4 * MINUTE_MS,
  });
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

/** A Service before the pods of `app`, `spec` and the pods' ports in YAML flow style. */
const service = (name: string, spec: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, labels: {own: label}}
spec: {selector: {app: ${name}}, ${spec}}
`;
const exported = (name: string, spec = '{}') => `
apiVersion: multicluster.x-k8s.io/v1beta1
kind: ServiceExport
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`;
const SET = `
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}, annotations: {linkerd.io/inject: disabled}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [${webContainer('db')}]
`;

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', CLUSTERS.join(), '--nodes', '1', '--mesh']);
    await follow('Link the clusters both ways');
    await follow('Run the service');
    const client = '{name: app, image: debian, command: [sleep, infinity]}';
    const stranger = workload('stranger', client, { annotations: 'linkerd.io/inject: disabled' });
    for (const cluster of CLUSTERS) await kubectl(cluster, 'apply -f -', workload('client', client) + stranger);
    for (const cluster of CLUSTERS) {
      await kubectl(cluster, '-n shop wait --for=condition=Available --timeout=100s deploy --all');
      await kubectl(cluster, '-n linkerd-multicluster wait --for=condition=Available --timeout=100s deploy --all');
    }
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

interface Found {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
  status?: {
    clusters?: { cluster: string }[];
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
}
interface Slice extends Found {
  endpoints: { addresses: string[]; hostname?: string }[];
  ports: { name: string; port: number }[];
}

async function find<T extends Found>(context: Cluster, what: string): Promise<T | undefined> {
  const text = await kubectl(context, `-n shop get ${what} --ignore-not-found -o json`);
  return text === '' ? undefined : (JSON.parse(text) as T);
}
const there = <T extends Found>(context: Cluster, what: string, suits: (object: T) => boolean = () => true) =>
  eventually(`${what} in ${context}`, 30_000, async () => {
    const found = await find<T>(context, what);
    if (found && suits(found)) return found;
    throw new Error(JSON.stringify(found));
  });
const gone = (context: Cluster, what: string) =>
  eventually(`no ${what} in ${context}`, 30_000, async () => ((await find(context, what)) ? undefined : true));
/** Waits until a condition of an export is as said: `Valid=False/NoService`. */
const says = (context: Cluster, name: string, wanted: string) =>
  there<Found>(context, `serviceexport/${name}`, ({ status }) =>
    (status?.conditions ?? []).some(({ type, status, reason }) => `${type}=${status}/${reason}` === wanted),
  );
const slicesOf = async (context: Cluster, name: string): Promise<Slice[]> => {
  const words = `-n shop get endpointslices -l multicluster.kubernetes.io/service-name=${name} -o json`;
  return (JSON.parse(await kubectl(context, words)) as { items: Slice[] }).items;
};
const sourceOf = ({ metadata }: Slice) => metadata.labels?.['multicluster.kubernetes.io/source-cluster'] ?? '';

/** Waits until these clusters, and no others, answer a client. */
async function answering(context: Cluster, pod: string, clusters: readonly Cluster[]): Promise<void> {
  const url = 'http://web.shop.svc.clusterset.local';
  const loop = `for i in $(seq 16); do curl -s -m 5 ${url}; echo; done`;
  await eventually(`${clusters.join(' and ')} answer ${pod} of ${context}`, MINUTE_MS, async () => {
    const { stdout } = await lab.sh(
      `kubectl --context ${context} -n shop exec deploy/${pod} -c app -- sh -c '${loop}'`,
    );
    const heard = [...new Set(Array.from(stdout.matchAll(/from-(\w+)/g), ([, cluster]) => cluster))].sort();
    if (heard.join() === [...clusters].sort().join()) return true;
    throw new Error(stdout);
  });
}

/** What a pod's resolver has for a name: sorted lines of addresses, or of `target:port`. */
async function resolved(context: Cluster, name: string, type: 'A' | 'SRV'): Promise<string> {
  const program = `require("dns").promises.resolve("${name}.shop.svc.clusterset.local", "${type}").then((all) => console.log(all.map((each) => each.name ? each.name + ":" + each.port : each).sort().join("\\n")), (error) => console.log(error.code))`;
  return (await kubectl(context, `-n shop exec deploy/stranger -c app -- node -e '${program}'`)).trim();
}

describe('the Multi-Cluster Services API', () => {
  test('an export is valid and ready, and the service is imported in every cluster', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await follow('Export it');
    await says('east', 'web', 'Valid=True/Valid');
    await says('east', 'web', 'Ready=True/Ready');
    await says('east', 'web', 'Conflict=False/NoConflicts');
    for (const cluster of CLUSTERS) {
      const { metadata, spec, status } = await there<Found>(
        cluster,
        'serviceimport/web',
        (found) => found.status?.clusters !== undefined,
      );
      const address = (await find(cluster, 'service/web-federated'))?.spec?.['clusterIP'];
      assert.deepEqual(spec, {
        type: 'ClusterSetIP',
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
        ips: [address],
        ipFamilies: ['IPv4'],
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
      });
      assert.deepEqual(status?.clusters, [{ cluster: 'east' }]);
      assert.deepEqual([metadata.labels?.['tier'], metadata.labels?.['own']], ['front', undefined]);
      assert.deepEqual(metadata.annotations, { note: 'a' });
      assert.equal(await resolved(cluster, 'web', 'A'), address);
      assert.equal(await resolved(cluster, 'web', 'SRV'), 'web.shop.svc.clusterset.local:80');
    }
    const table = await follow('Export it', 1);
    assert.match(table, /^NAME +TYPE +IP +AGE\nweb +ClusterSetIP +\["10\./m);
  });

  test('clients outside and inside the mesh reach the cluster that exports, not the one that does not', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    for (const cluster of CLUSTERS) for (const pod of ['stranger', 'client']) await answering(cluster, pod, ['east']);
    const slices = await slicesOf('west', 'web');
    assert.deepEqual(slices.map(sourceOf), ['east']);
    assert.equal(slices[0]?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'service-mirror.weft.dev');
  });

  test('a second export joins; ports are united, and both exports say so', { timeout: 3 * MINUTE_MS }, async () => {
    await follow('Export it in a second cluster');
    for (const cluster of CLUSTERS) {
      await says(cluster, 'web', 'Conflict=True/PortConflict');
      const { spec } = await there<Found>(
        cluster,
        'serviceimport/web',
        (found) => found.status?.clusters?.length === 2,
      );
      assert.deepEqual(
        ((spec?.['ports'] ?? []) as { port: number }[]).map(({ port }) => port),
        [80, 81],
      );
    }
    for (const cluster of CLUSTERS) for (const pod of ['stranger', 'client']) await answering(cluster, pod, CLUSTERS);
    const check = await follow('Export it in a second cluster', 1);
    assert.match(check, /‼ service exports are valid and agree\n.*\n.*web\.shop: Conflict: PortConflict: /);
  });

  test('the oldest export decides where exports differ', { timeout: 2 * MINUTE_MS }, async () => {
    const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
    const same = JSON.stringify({ spec: { ports, sessionAffinity: 'ClientIP' } });
    await kubectl('west', `-n shop patch svc web --type=merge -p '${same}'`);
    for (const cluster of CLUSTERS)
      await says(cluster, 'web', 'Conflict=True/SessionAffinityConflict,SessionAffinityConfigConflict');
    assert.equal((await find('west', 'serviceimport/web'))?.spec?.['sessionAffinity'], 'None');
    await kubectl('east', `-n shop patch svc web --type=merge -p '${same}'`);
    for (const cluster of CLUSTERS) {
      await says(cluster, 'web', 'Conflict=False/NoConflicts');
      await there<Found>(cluster, 'serviceimport/web', ({ spec }) => spec?.['sessionAffinity'] === 'ClientIP');
      const federated = await find(cluster, 'service/web-federated');
      assert.equal(federated?.spec?.['sessionAffinity'], 'ClientIP');
    }
  });

  test('the pods of a headless service have names of their own, by cluster', { timeout: 3 * MINUTE_MS }, async () => {
    const headless = 'clusterIP: None, ports: [{name: http, port: 8080}]';
    await kubectl('east', 'apply -f -', service('db', headless) + SET);
    await kubectl('east', '-n shop rollout status statefulset/db --timeout=90s');
    await kubectl('east', 'apply -f -', exported('db'));
    for (const cluster of CLUSTERS) {
      const { spec } = await there<Found>(cluster, 'serviceimport/db');
      assert.deepEqual([spec?.['type'], spec?.['ips'], spec?.['ipFamilies']], ['Headless', undefined, ['IPv4']]);
      const endpoints = await eventually('both pods', 30_000, async () => {
        const all = (await slicesOf(cluster, 'db')).flatMap((slice) => slice.endpoints);
        return all.length === 2 ? all : undefined;
      });
      const addresses = endpoints.flatMap((endpoint) => endpoint.addresses).sort();
      await eventually('their names', 20_000, async () =>
        (await resolved(cluster, 'db', 'A')) === addresses.join('\n') ? true : undefined,
      );
      for (const { hostname, addresses: own } of endpoints)
        assert.equal(await resolved(cluster, `${hostname}.east.db`, 'A'), own[0]);
      const host = (at: number) => `db-${at}.east.db.shop.svc.clusterset.local:8080`;
      assert.equal(await resolved(cluster, 'db', 'SRV'), `${host(0)}\n${host(1)}`);
    }
  });

  test('an export of no service, and of one that is a name of something else, is not valid', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await kubectl('east', 'apply -f -', exported('nothing'));
    await says('east', 'nothing', 'Valid=False/NoService');
    await kubectl('east', 'apply -f -', service('alias', 'type: ExternalName, externalName: example.com'));
    await kubectl('east', 'apply -f -', exported('alias'));
    await says('east', 'alias', 'Valid=False/InvalidServiceType');
    for (const name of ['nothing', 'alias']) assert.equal(await find('west', `serviceimport/${name}`), undefined);
    assert.equal(await resolved('west', 'alias', 'A'), 'ENOTFOUND');
  });

  test('an import stays until the last export goes, and then everything of it goes', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await kubectl('east', '-n shop delete serviceexport web db');
    for (const cluster of CLUSTERS) {
      await gone(cluster, 'serviceimport/db');
      await gone(cluster, 'service/db-federated');
      await there<Found>(
        cluster,
        'serviceimport/web',
        ({ status }) => status?.clusters?.map((each) => each.cluster).join() === 'west',
      );
      await answering(cluster, 'stranger', ['west']);
    }
    await follow('Take it back');
    for (const cluster of CLUSTERS) {
      await gone(cluster, 'serviceimport/web');
      await gone(cluster, 'service/web-federated');
      await eventually('no slices', 20_000, async () =>
        (await Promise.all(['web', 'db'].map((name) => slicesOf(cluster, name)))).flat().length === 0
          ? true
          : undefined,
      );
      assert.equal(await resolved(cluster, 'web', 'A'), 'ENOTFOUND');
    }
  });
});
