/**
 * Links whose other end is wrong in every way that we know: each fault has its name in the Link's conditions and in `weft multicluster check`,
 * while requests over a good Link of the same clusters do not fail and nothing restarts.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createCertificate } from '#cli/certificates';
import { eventually, type Lab, requireProgram, shop, startLab, webContainer, workload } from '../../harness/index.ts';
import { BAD_API } from './bad-api.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;
const HOST = 'bad-api.faults.svc.cluster.local';

/** Ten requests a second over the good Link; a line a second of what came back. */
const ASKING = `
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true });
let counts = {};
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
setInterval(() => {
  const request = http.get("http://web-east.shop/", { agent, timeout: 10000 }, (answer) => {
    answer.resume();
    answer.on("end", () => count(answer.statusCode));
  });
  request.on("timeout", () => request.destroy(new Error("timeout")));
  request.on("error", (error) => count(error.code ?? error.message));
}, 100);
setInterval(() => { console.log(JSON.stringify({ at: Date.now(), counts })); counts = {}; }, 1000);
`;

let lab: Lab;
let certificate = '';
const west = (words: string, input?: string) =>
  lab.ok(`kubectl --context west ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

const base64 = (text: string) => Buffer.from(text).toString('base64');
const kubeconfig = (mode: string, { port = 8443, ca = certificate } = {}) => `
current-context: bad
contexts: [{name: bad, context: {cluster: bad, user: bad}}]
clusters: [{name: bad, cluster: {server: "https://${HOST}:${port}/${mode}", certificate-authority-data: ${base64(ca)}}}]
users: [{name: bad, user: {token: none}}]
`;
const secret = (cluster: string, data: string, label = cluster) => `
apiVersion: v1
kind: Secret
type: mirror.linkerd.io/remote-kubeconfig
metadata:
  name: cluster-credentials-${cluster}
  namespace: linkerd-multicluster
  labels: {multicluster.linkerd.io/cluster-name: ${label}}
data: {${data}}
`;
/** The destination service has the same credentials, and meets the same faults. */
const secrets = (cluster: string, text: string) => `${secret(cluster, `kubeconfig: ${base64(text)}`)}---
apiVersion: v1
kind: Secret
type: mirror.linkerd.io/remote-kubeconfig
metadata:
  name: cluster-credentials-${cluster}
  namespace: linkerd
  labels: {multicluster.linkerd.io/cluster-name: ${cluster}}
  annotations: {multicluster.linkerd.io/trust-domain: cluster.local, multicluster.linkerd.io/cluster-domain: cluster.local}
data: {kubeconfig: ${base64(text)}}
`;
const link = (name: string, cluster = name) => `
apiVersion: multicluster.linkerd.io/v1alpha3
kind: Link
metadata: {name: ${name}, namespace: linkerd-multicluster}
spec:
  targetClusterName: ${cluster}
  targetClusterDomain: cluster.local
  targetClusterLinkerdNamespace: linkerd
  clusterCredentialsSecret: cluster-credentials-${cluster}
  remoteDiscoverySelector: {matchLabels: {mirror.linkerd.io/exported: remote-discovery}}
`;

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}
interface Link {
  status?: { conditions?: Condition[]; mirrorServices?: { remoteRef: { name: string }; conditions: Condition[] }[] };
}
const linkOf = async (name: string) =>
  JSON.parse(await west(`-n linkerd-multicluster get link ${name} -o json`)) as Link;

/** Waits until a condition of a Link has this reason. */
const says = (name: string, reason: string, type = 'RemoteReachable', withinMs = MINUTE_MS) =>
  eventually(`${type} of ${name}: ${reason}`, withinMs, async () => {
    const { conditions = [] } = (await linkOf(name)).status ?? {};
    const found = conditions.find((each) => each.type === type);
    if (found?.reason === reason) return found;
    throw new Error(JSON.stringify(conditions));
  });

/** Lines of `multicluster check` about a cluster. */
async function checked(cluster: string): Promise<string> {
  const { stdout, stderr } = await lab.sh('weft --context west multicluster check --wait 0s --timeout 300ms', {
    timeoutMs: MINUTE_MS,
  });
  const lines = stdout.split('\n').filter((line) => line.includes(`* ${cluster}: `));
  return lines.length > 0 ? lines.join('\n') : `${stdout}\n${stderr}`;
}

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    const dnsNames = [HOST, 'bad-api.faults.svc'];
    const good = await createCertificate({ commonName: 'bad-api', dnsNames, isCa: true, days: 1 });
    const old = { commonName: 'bad-api', dnsNames, days: 1, issuer: good, now: new Date(Date.now() - YEAR_MS) };
    const expired = await createCertificate(old);
    certificate = good.certificate;
    lab = await startLab(['--clusters', 'west,east', '--nodes', '1', '--mesh']);
    const controllers = ['east', 'bad', 'mute'].map((name, at) => `--set 'controllers[${at}].link.ref.name=${name}'`);
    await Promise.all([
      lab.ok(
        `weft --context west multicluster install --gateway=false ${controllers.join(' ')} | kubectl --context west apply -f -`,
      ),
      lab.ok('weft --context east multicluster install --gateway=false | kubectl --context east apply -f -'),
    ]);
    await lab.ok(
      'weft --context east multicluster link-gen --cluster-name east --gateway=false | kubectl --context west apply -f -',
    );
    const env = {
      CERTIFICATE: good.certificate,
      KEY: good.key,
      OLD_CERTIFICATE: expired.certificate,
      OLD_KEY: expired.key,
    };
    const api = JSON.stringify({
      name: 'app',
      image: 'debian',
      command: ['node', '-e', BAD_API],
      env: Object.entries(env).map(([name, value]) => ({ name, value })),
    });
    await west(
      'apply -f -',
      `apiVersion: v1
kind: Namespace
metadata: {name: faults}
---
apiVersion: v1
kind: Service
metadata: {name: bad-api, namespace: faults}
spec: {selector: {app: bad-api}, ports: [{name: one, port: 8443}, {name: two, port: 8444}]}
${workload('bad-api', api).replaceAll('namespace: shop', 'namespace: faults')}
---${link('bad')}---${link('mute')}---${secrets('mute', kubeconfig('mute'))}`,
    );
    const web = shop(workload('web', webContainer('from-east')));
    await lab.ok('kubectl --context east apply -f -', { input: web });
    await lab.ok('kubectl --context east -n shop label service web mirror.linkerd.io/exported=remote-discovery');
    const asking = `{name: app, image: debian, command: [node, -e, ${JSON.stringify(ASKING)}]}`;
    await west('apply -f -', shop(workload('asking', asking)));
    for (const [context, namespace] of [
      ['east', 'shop'],
      ['west', 'shop'],
      ['west', 'faults'],
      ['west', 'linkerd-multicluster'],
    ])
      await lab.ok(
        `kubectl --context ${context} -n ${namespace} wait --for=condition=Available --timeout=100s deploy --all`,
        { timeoutMs: 2 * MINUTE_MS },
      );
    await eventually('answers over the good Link', MINUTE_MS, async () => {
      const counts = await answered(Date.now() - 4_000);
      return Object.keys(counts).join() === '200' ? true : undefined;
    });
    startedMs = Date.now();
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

let startedMs = 0;
async function answered(sinceMs: number): Promise<Record<string, number>> {
  const log = await west('-n shop logs deploy/asking -c app --tail=600');
  const counts: Record<string, number> = {};
  for (const line of log.split('\n').filter(Boolean)) {
    const entry = JSON.parse(line) as { at: number; counts: Record<string, number> };
    if (entry.at - 1000 < sinceMs) continue;
    for (const [what, count] of Object.entries(entry.counts)) counts[what] = (counts[what] ?? 0) + count;
  }
  return counts;
}

describe('bad Links', () => {
  test('Secrets that are missing, no kubeconfig, not YAML, or of another cluster', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await says('bad', 'CredentialsMissing');
    assert.match(
      await checked('bad'),
      /\* bad: CredentialsMissing: Expected .*; saw: no Secret .*cluster-credentials-bad/,
    );
    const bad: [manifest: string, reason: string][] = [
      [secret('bad', `other: ${base64('x')}`), 'CredentialsInvalid'],
      [secret('bad', `kubeconfig: ${base64('a: [b')}`), 'CredentialsInvalid'],
      [secret('bad', `kubeconfig: ${base64(kubeconfig('honest'))}`, 'north'), 'CredentialsOfOther'],
    ];
    for (const [manifest, reason] of bad) {
      await west('apply -f -', manifest);
      await says('bad', reason);
      assert.match(await checked('bad'), new RegExp(`\\* bad: ${reason}: Expected`));
    }
  });

  test('an API server that misbehaves', { timeout: 5 * MINUTE_MS }, async () => {
    // No two of one name follow each other.
    const modes: [mode: string, reason: string, options?: Parameters<typeof kubeconfig>[1]][] = [
      ['refused', 'CredentialsRefused'],
      ['denied', 'AccessDenied'],
      ['fails', 'ServerError'],
      ['text', 'InvalidAnswer'],
      ['huge', 'ObjectTooLarge'],
      ['kind', 'InvalidAnswer'],
      ['many', 'TooManyObjects'],
      ['nameless', 'InvalidAnswer'],
      ['endless', 'TooManyEvents'],
      ['backwards', 'InvalidAnswer'],
      ['honest', 'CertificateExpired', { port: 8444 }],
      [
        'honest',
        'CertificateUntrusted',
        { ca: (await createCertificate({ commonName: 'other', days: 1 })).certificate },
      ],
    ];
    for (const [mode, reason, options] of modes) {
      await west('apply -f -', secrets('bad', kubeconfig(mode, options)));
      const { message } = await says('bad', reason);
      assert.match(message, /^Expected .*; saw: .*\. [A-Z].*\.$/s);
      assert.match(await checked('bad'), new RegExp(`bad: .*${reason}: Expected`), mode);
    }
    await says('mute', 'NoAnswer');
    assert.match(await checked('mute'), /mute: .*NoAnswer: Expected/);
  });

  test('what it serves that cannot be used: addresses, names, namespaces, mirrors, trust', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    await west('apply -f -', secrets('bad', kubeconfig('loopback')));
    const { message } = await says('bad', 'AddressesRefused', 'ContentAccepted');
    assert.match(
      message,
      /shop\/trap-1: 127\.0\.0\.1 is a loopback address, 169\.254\.169\.254 is a link-local address/,
    );
    assert.match(await checked('bad'), /bad: .*AddressesRefused: Expected/);
    await west('apply -f -', secrets('bad', kubeconfig('names')));
    await says('bad', 'Connected');
    const outcomes = await eventually('all three services are judged', MINUTE_MS, async () => {
      const services = (await linkOf('bad')).status?.mirrorServices ?? [];
      const said = new Map(services.map(({ remoteRef, conditions }) => [remoteRef.name, conditions[0]]));
      return said.has('lost') && said.size === 3 ? said : undefined;
    });
    assert.match(outcomes.get('w'.repeat(62))?.message ?? '', /would have 66 characters, and 63 is the most/);
    assert.equal(outcomes.get('lost')?.reason, 'MissingNamespace');
    assert.match(
      outcomes.get('web-west')?.message ?? '',
      /a mirror of a service of cluster west, which is not mirrored on/,
    );
    const lines = await checked('bad');
    for (const name of ['w'.repeat(62), 'lost', 'web-west']) assert.ok(lines.includes(`* bad: ${name}.`), lines);
    await west('apply -f -', secrets('bad', kubeconfig('foreign')));
    const foreign = await says('bad', 'ForeignTrustRoot', 'TrustShared');
    assert.ok(foreign.message.includes(`SHA-256 ${new X509Certificate(certificate).fingerprint256} in bad, `));
  });

  test('credentials of the own cluster, and two Links for one cluster', { timeout: 2 * MINUTE_MS }, async () => {
    await lab.ok(
      `weft --context west multicluster link-gen --cluster-name bad --gateway=false | kubectl --context west apply -f -`,
    );
    await says('bad', 'OwnCluster');
    assert.match(await checked('bad'), /bad: .*OwnCluster: Expected/);
    await west('apply -f -', link('worse', 'bad'));
    assert.match(
      await checked('bad'),
      /\* bad: Links linkerd-multicluster\/bad, linkerd-multicluster\/worse name the same/,
    );
  });

  test('what a webhook and a person add to a mirror stays, and nobody fights about it', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await west(
      'apply -f -',
      `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: checked}
webhooks:
- name: checked.faults.test
  admissionReviewVersions: [v1]
  sideEffects: None
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services]}]
  clientConfig:
    caBundle: ${base64(certificate)}
    service: {name: bad-api, namespace: faults, port: 8443, path: /webhook}
`,
    );
    await west('-n shop annotate service web-east note=mine');
    await lab.ok('kubectl --context east -n shop label service web tier=front');
    interface Mirror {
      metadata: { resourceVersion: string; labels: Record<string, string>; annotations: Record<string, string> };
    }
    const mirror = async () => JSON.parse(await west('-n shop get service web-east -o json')) as Mirror;
    const { metadata } = await eventually('the new label on the mirror', MINUTE_MS, async () => {
      const found = await mirror();
      return found.metadata.labels['tier'] === 'front' ? found : undefined;
    });
    assert.deepEqual([metadata.annotations['checked'], metadata.annotations['note']], ['yes', 'mine']);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal((await mirror()).metadata.resourceVersion, metadata.resourceVersion);
  });

  test('no request over the good Link failed, and nothing restarted', { timeout: MINUTE_MS }, async () => {
    const counts = await answered(startedMs);
    assert.deepEqual(Object.keys(counts), ['200'], JSON.stringify(counts));
    assert.ok((counts['200'] ?? 0) > 100, JSON.stringify(counts));
    for (const namespace of ['linkerd', 'linkerd-multicluster']) {
      const path = '{range .items[*]}{.metadata.name}{" "}{.status.containerStatuses[*].restartCount}{"\\n"}{end}';
      const pods = await west(`-n ${namespace} get pods -o jsonpath='${path}'`);
      for (const line of pods.trim().split('\n')) assert.match(line, /^\S+( 0)+$/, pods);
    }
  });
});
