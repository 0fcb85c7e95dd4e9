/** The control plane in a real cluster: who gets a proxy, who a certificate, who may talk to whom, and what is refused. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  deploy,
  eventually,
  type Lab,
  requireProgram,
  shop,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const ID = 'serviceaccount.identity.linkerd.cluster.local';

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('openssl', 'the Debian package openssl');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    await deploy(lab, APP);
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const SLEEP = '{name: app, image: curlimages/curl, command: [sh, -c, "sleep 100000"]}';
const APP = shop(`---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{name: sql, port: 3306}]}
${workload('web', webContainer('hi'))}
${workload('meshed', SLEEP)}
${workload('plain', SLEEP, { annotations: 'linkerd.io/inject: disabled' })}
`);

const EXTERNAL = `
apiVersion: v1
kind: Service
metadata: {name: vms}
spec: {selector: {app: vm}, ports: [{name: http, port: 80, targetPort: web}]}
---
apiVersion: workload.linkerd.io/v1beta1
kind: ExternalWorkload
metadata: {name: vm-1, labels: {app: vm}}
spec:
  meshTLS: {identity: spiffe://root.test/vm-1, serverName: vm-1.test}
  workloadIPs: [{ip: 192.0.2.1}]
  ports: [{name: web, port: 8080}]
`;
/** Who writes such slices; Kubernetes keeps one of its own for the Service's pods. */
const WRITER = 'linkerd-external-workloads-controller';
/** Of one slice: its port and its endpoint. */
const SLICE =
  '{.addressType} {.ports[0].port} {.endpoints[0].targetRef.kind}/{.endpoints[0].targetRef.name}={.endpoints[0].addresses[0]}:{.endpoints[0].conditions.ready}';

/** The status of a request to the web service from a pod of the Deployment. */
async function request(from: 'meshed' | 'plain'): Promise<string> {
  const curl = "curl -s -o /dev/null -w '%{http_code}' -m 5 http://web.shop/";
  const { stdout } = await lab.sh(`kubectl -n shop exec deploy/${from} -c app -- ${curl}`);
  return stdout.trim();
}
const answers = (from: 'meshed' | 'plain', status: string) =>
  eventually(`${from} is answered ${status}`, 10_000, async () =>
    (await request(from)) === status ? true : undefined,
  );

describe('the control plane', () => {
  test('gives pods a native sidecar, leaves others alone, and says so', { timeout: MINUTE_MS }, async () => {
    const columns = '{range .items[*]}{.spec.serviceAccountName}={.spec.initContainers[*].name}{"\\n"}{end}';
    const pods = (await lab.ok(`kubectl -n shop get pods -o jsonpath='${columns}'`)).trim().split('\n').sort();
    assert.deepEqual(pods, ['meshed=linkerd-init linkerd-proxy', 'plain=', 'web=linkerd-init linkerd-proxy']);
    const events = await lab.ok("kubectl -n shop get events -o jsonpath='{.items[*].reason}'");
    assert.match(events, /\bInjected\b/);
    assert.match(events, /\bInjectionSkipped\b/);
    const opaque = await lab.ok(
      "kubectl -n shop get svc db -o jsonpath='{.metadata.annotations.config\\.linkerd\\.io/opaque-ports}'",
    );
    assert.equal(opaque, '3306');
  });

  test('admits whom policies admit, at once and again not when they go', { timeout: 2 * MINUTE_MS }, async () => {
    await answers('meshed', '200');
    await answers('plain', '200');
    const server = `---\n{apiVersion: policy.linkerd.io/v1beta3, kind: Server, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}, port: http, proxyProtocol: HTTP/1}}`;
    await lab.ok('kubectl apply -f -', { input: server });
    await answers('meshed', '403');
    await answers('plain', '403');
    await lab.ok('kubectl apply -f -', {
      input: `
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: {name: clients, namespace: shop}
spec: {identityRefs: [{kind: ServiceAccount, name: meshed}]}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  targetRef: {group: policy.linkerd.io, kind: Server, name: web}
  requiredAuthenticationRefs: [{group: policy.linkerd.io, kind: MeshTLSAuthentication, name: clients}]
`,
    });
    await answers('meshed', '200');
    assert.equal(await request('plain'), '403');
    await lab.ok('kubectl -n shop delete meshtlsauthentication clients');
    await answers('meshed', '403');
    await lab.ok('kubectl -n shop delete server web');
    await answers('plain', '200');
  });

  test('refuses objects that nobody could follow, with what was expected', { timeout: MINUTE_MS }, async () => {
    const cases: [manifest: string, message: RegExp][] = [
      [
        '{apiVersion: policy.linkerd.io/v1alpha1, kind: NetworkAuthentication, metadata: {name: x}, spec: {networks: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}]}}',
        /cidr '10\.0\.0\.0\/8' does not include exception '11\.0\.0\.0\/8'/,
      ],
      [
        '{apiVersion: policy.linkerd.io/v1alpha1, kind: MeshTLSAuthentication, metadata: {name: x}, spec: {identities: ["spiffe://root/a/../b"]}}',
        /expected .* SPIFFE URI, got "spiffe:\/\/root\/a\/\.\.\/b"/,
      ],
      [
        '{apiVersion: linkerd.io/v1alpha2, kind: ServiceProfile, metadata: {name: web.shop.svc.cluster.local}, spec: {routes: [{name: r, condition: {method: GET}, timeout: soon}]}}',
        /routes\[0\]\.timeout: expected a duration such as 300ms or 1m30s, got "soon"/,
      ],
    ];
    for (const [manifest, message] of cases) {
      const { code, stderr } = await lab.sh('kubectl -n shop apply -f -', { input: `---\n${manifest}` });
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });

  test('certifies whom the API server vouches for, and nobody else', { timeout: MINUTE_MS }, async () => {
    const web = `web.shop.${ID}`;
    const meshed = `meshed.shop.${ID}`;
    const token = (await lab.ok('kubectl -n shop create token web --audience identity.l5d.io')).trim();
    const foreign = (await lab.ok('kubectl -n shop create token web --audience somewhere.else')).trim();
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.alloc(256, 7).toString('base64url')}`;
    const [own, other, forgedToken, foreignToken, otherCsr] = await certify([
      { identity: web, asked: web, token },
      { identity: meshed, asked: meshed, token },
      { identity: web, asked: web, token: forged },
      { identity: web, asked: web, token: foreign },
      { identity: web, asked: meshed, token },
    ]);
    assert.deepEqual(own, { names: `DNS:${web}`, issuer: own?.['issuer'], hours: 24 });
    for (const [answer, message] of [
      [other, new RegExp(`the token is of "${web}"`)],
      [forgedToken, /review failed|not authentic/],
      [foreignToken, /review failed|not authentic/],
      [otherCsr, /invalid (CN|DNS name)/],
    ] as const) {
      assert.match(String(answer?.['code']), /FAILED_PRECONDITION|INVALID_ARGUMENT/);
      assert.match(String(answer?.['message']), message);
    }
    const log = await lab.ok('kubectl -n linkerd logs deploy/linkerd-identity -c identity');
    assert.equal(log.match(/refused a certificate/g)?.length, 4);
    const metrics = await inLab(`curl -s http://${await identityAddress()}:9990/metrics`);
    assert.match(metrics, /certify_refused_total\{reason="FAILED_PRECONDITION"\} \d/);
  });

  test('gives a Service the workloads outside the cluster that it selects, and only while they match', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await lab.ok('kubectl -n shop apply -f -', { input: EXTERNAL });
    const slices = async () =>
      lab.ok(
        `kubectl -n shop get endpointslices -l kubernetes.io/service-name=vms,endpointslice.kubernetes.io/managed-by=${WRITER} -o jsonpath='{range .items[*]}${SLICE}{"\\n"}{end}'`,
      );
    const become = (what: string, want: string) =>
      eventually(what, 20_000, async () => ((await slices()).trim() === want ? true : undefined));
    await become('a slice', 'IPv4 8080 ExternalWorkload/vm-1=192.0.2.1:false');
    const ready = '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}';
    await lab.ok(`kubectl -n shop patch externalworkload vm-1 --subresource=status --type=merge -p '${ready}'`);
    await become('a ready one', 'IPv4 8080 ExternalWorkload/vm-1=192.0.2.1:true');
    const holder = await lab.ok(
      "kubectl -n linkerd get lease linkerd-destination-endpoint-write -o jsonpath='{.spec.holderIdentity}'",
    );
    assert.match(holder, /^linkerd-destination-/);
    await lab.ok('kubectl -n shop label externalworkload vm-1 app=other --overwrite');
    await become('none', '');
  });

  test('signs with a new issuer as soon as its Secret holds one', { timeout: 3 * MINUTE_MS }, async () => {
    const secret = 'kubectl -n linkerd get secret linkerd-identity-issuer';
    await lab.ok(`
      set -e; cd "$(mktemp -d)"
      ${secret} -o jsonpath='{.data.crt\\.pem}' | base64 -d > old.crt; ${secret} -o jsonpath='{.data.key\\.pem}' | base64 -d > old.key
      openssl ecparam -name prime256v1 -genkey -noout -out new.key
      openssl req -new -key new.key -subj /CN=second.linkerd.cluster.local -out new.csr
      printf 'basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign,cRLSign\\n' > ext
      openssl x509 -req -in new.csr -CA old.crt -CAkey old.key -CAcreateserial -days 30 -extfile ext -out new.crt
      cat old.crt >> new.crt
      kubectl -n linkerd create secret generic linkerd-identity-issuer --from-file=crt.pem=new.crt --from-file=key.pem=new.key --dry-run=client -o yaml | kubectl apply -f -
      rm -r "$PWD"
    `);
    const web = `web.shop.${ID}`;
    const token = (await lab.ok('kubectl -n shop create token web --audience identity.l5d.io')).trim();
    await eventually('a leaf of the new issuer', 2 * MINUTE_MS, async () => {
      const [answer] = await certify([{ identity: web, asked: web, token }]);
      return answer?.['issuer'] === 'CN=second.linkerd.cluster.local' ? true : undefined;
    });
    assert.match(await lab.ok("kubectl -n linkerd get events -o jsonpath='{.items[*].reason}'"), /IssuerUpdated/);
    await answers('meshed', '200');
  });
});

const inLab = (command: string, input?: string) =>
  lab.ok(`weft lab shell --name ${lab.name} -- ${command}`, input === undefined ? {} : { input });

const identityAddress = () =>
  lab.ok(
    "kubectl -n linkerd get pods -l linkerd.io/control-plane-component=identity -o jsonpath='{.items[0].status.podIP}'",
  );

/** Asks the identity service from within the lab's network, one request after the other. */
async function certify(
  requests: readonly { identity: string; asked: string; token: string }[],
): Promise<Record<string, unknown>[]> {
  const anchors = await lab.ok(
    "kubectl -n linkerd get cm linkerd-identity-trust-roots -o jsonpath='{.data.ca-bundle\\.crt}'",
  );
  const address = await identityAddress();
  const lines = requests.map((each) => JSON.stringify({ ...each, address, anchors }));
  const output = await inLab(`${process.execPath} ${join(import.meta.dirname, 'certify.ts')}`, `${lines.join('\n')}\n`);
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
