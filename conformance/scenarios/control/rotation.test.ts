/** A new trust root and a new issuer below it, in a mesh at work: no request fails, and no pod is restarted. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually, type Lab, requireProgram, startLab, webContainer, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
/** Requests whose outcomes are kept in the client's file. */
const PAUSE_SECONDS = 0.05;

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('openssl', 'the Debian package openssl');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    await lab.ok('kubectl apply -f -', { input: APP });
    await lab.ok('kubectl -n shop wait --for=condition=Available --timeout=60s deploy --all', {
      timeoutMs: 2 * MINUTE_MS,
    });
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** Asks the service again and again, over a connection of its own each time, and counts the answers by status. */
const CLIENT = `while true; do curl -s -o /dev/null -w '%{http_code}\\n' -m 5 http://web.shop/ >> /tmp/answers; sleep ${PAUSE_SECONDS}; done`;
const APP = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {linkerd.io/inject: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
${workload('web', webContainer('hi'))}
${workload('client', `{name: app, image: curlimages/curl, command: [sh, -c, ${JSON.stringify(CLIENT)}]}`)}
`;

const inClient = (command: string) => lab.ok(`kubectl -n shop exec deploy/client -c app -- ${command}`);

/** How often each status was the answer, and how often there was none (000). */
async function answers(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const status of (await inClient('cat /tmp/answers')).trim().split('\n'))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** All pods of the mesh, with the times that their containers were started again. */
async function pods(): Promise<string> {
  const columns =
    '{range .items[*]}{.metadata.name} {.status.initContainerStatuses[*].restartCount} {.status.containerStatuses[*].restartCount}{"\\n"}{end}';
  const of = (namespace: string) => lab.ok(`kubectl -n ${namespace} get pods -o jsonpath='${columns}'`);
  return `${await of('shop')}${await of('linkerd')}`;
}

/** What the proxies of pods say of the roots that they trust, and when they got their certificates. */
async function proxies(): Promise<{ roots: string[]; certifiedAt: number[] }> {
  const addresses = '{range .items[*]}{.status.podIP} {end}';
  const of = (namespace: string) => lab.ok(`kubectl -n ${namespace} get pods -o jsonpath='${addresses}'`);
  const ips = `${await of('shop')} ${await of('linkerd')}`.trim().split(/\s+/);
  const pages = await Promise.all(
    ips.map((ip) => lab.ok(`weft lab shell --name ${lab.name} -- curl -s http://${ip}:4191/metrics`)),
  );
  const value = (page: string, pattern: RegExp) => pattern.exec(page)?.[1] ?? '';
  return {
    roots: pages.map((page) => value(page, /^control_identity_trust_roots_info\{sha256="(\w+)"\} 1$/m)),
    certifiedAt: pages.map((page) => Number(value(page, /^control_identity_cert_refresh_timestamp_seconds (\S+)$/m))),
  };
}

const sha256Of = (...pems: string[]) => {
  const hash = createHash('sha256');
  for (const pem of pems) hash.update(new X509Certificate(pem).raw);
  return hash.digest('hex');
};

/** Writes the bundle. */
async function trust(...pems: string[]): Promise<void> {
  const patch = JSON.stringify({ data: { 'ca-bundle.crt': pems.map((pem) => `${pem.trim()}\n`).join('') } });
  await lab.ok(`kubectl -n linkerd patch configmap linkerd-identity-trust-roots --type=merge -p '${patch}'`);
}

const allTrust = (what: string, sha256: string) =>
  eventually(`all proxies trust ${what}`, 3 * MINUTE_MS, async () => {
    const { roots } = await proxies();
    return roots.every((each) => each === sha256) ? true : undefined;
  });

describe('the rotation of the trust root', () => {
  test('takes three steps, each seen in all proxies, and costs no request', { timeout: 12 * MINUTE_MS }, async () => {
    await eventually('requests', MINUTE_MS, async () => (((await answers())['200'] ?? 0) > 20 ? true : undefined));
    const started = await pods();
    const old = await lab.ok(
      "kubectl -n linkerd get cm linkerd-identity-trust-roots -o jsonpath='{.data.ca-bundle\\.crt}'",
    );
    await allTrust('the first root', sha256Of(old));
    const { stdout } = await lab.sh('mktemp -d');
    const folder = stdout.trim();
    await lab.ok(`
      set -e; cd ${folder}
      openssl ecparam -name prime256v1 -genkey -noout -out root.key
      openssl req -x509 -new -key root.key -subj /CN=root.linkerd.cluster.local -days 365 -out root.crt \\
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign
      openssl ecparam -name prime256v1 -genkey -noout -out issuer.key
      openssl req -new -key issuer.key -subj /CN=identity.linkerd.cluster.local -out issuer.csr
      printf 'basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign,cRLSign\\n' > ext
      openssl x509 -req -in issuer.csr -CA root.crt -CAkey root.key -CAcreateserial -days 90 -extfile ext -out issuer.crt
    `);
    const next = await lab.ok(`cat ${folder}/root.crt`);

    await trust(old, next);
    await allTrust('both roots', sha256Of(old, next));

    const switchedAt = Date.now() / 1000;
    await lab.ok(
      `kubectl -n linkerd create secret generic linkerd-identity-issuer --from-file=crt.pem=${folder}/issuer.crt --from-file=key.pem=${folder}/issuer.key --dry-run=client -o yaml | kubectl apply -f -`,
    );
    await eventually('all proxies have certificates of the new issuer', 3 * MINUTE_MS, async () =>
      (await proxies()).certifiedAt.every((at) => at > switchedAt) ? true : undefined,
    );

    await trust(next);
    await allTrust('the new root alone', sha256Of(next));
    await lab.ok(`rm -r ${folder}`);
    assert.equal(await pods(), started, 'no pod was replaced, no container started again');
    const events = await lab.ok("kubectl -n linkerd get events -o jsonpath='{.items[*].reason}'");
    for (const reason of ['TrustRootsUpdated', 'IssuerUpdated']) assert.match(events, new RegExp(reason));
    await lab.ok('kubectl -n shop rollout restart deploy/web');
    await lab.ok('kubectl -n shop rollout status deploy/web --timeout=60s', { timeoutMs: 2 * MINUTE_MS });
    await allTrust('the new root alone, the new pods too', sha256Of(next));
    const before = (await answers())['200'] ?? 0;
    await eventually('more requests', MINUTE_MS, async () =>
      ((await answers())['200'] ?? 0) > before + 20 ? true : undefined,
    );
    assert.deepEqual(Object.keys(await answers()), ['200']);
  });
});
